// Shows the documents, with the demo tenant's credentials filled in.
async function show() {
  const settings = await (await fetch("/reference/settings.json")).json();
  document.getElementById("orgcode").textContent = settings.orgcode;
  const viewer = SwaggerUIBundle({
    dom_id: "#viewer",
    urls: settings.documents,
    layout: "StandaloneLayout",
    presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
    deepLinking: true,
    displayRequestDuration: true,
    docExpansion: "list",
    defaultModelsExpandDepth: -1,
    // It would send the document to a server elsewhere.
    validatorUrl: null,
    // Called for each document, as it is chosen.
    onComplete() {
      for (const [name, value] of Object.entries(settings.credentials)) {
        viewer.preauthorizeApiKey(name, value);
      }
    },
  });
}
show();
