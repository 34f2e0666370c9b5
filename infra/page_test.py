"""Opens the reference page in Chromium, looks at every service, and sends requests from it as a user would.

Fails where the page or the browser's console has an error, where anything is asked of another server, and where an
answer is not the right one. Leaves a screenshot, reference.png, in G3N_LOCAL.
"""

import json
import os
import sys
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import expect, sync_playwright

URL = os.environ["G3N_REFERENCE_URL"]
ORG_GUID = os.environ["G3N_ORG_GUID"]
DIRECTORY = Path(os.environ["G3N_LOCAL"])
DOCUMENTS = sorted(Path("docs/openapi").glob("*.json"))
# A first look at a page of a hundred routes takes its time on a busy machine.
PATIENCE = 60_000


def send(page, tag, operation, body=None):
    """Tries a route out, with the body that the page suggests or another one; its status and answer."""
    block = page.locator(f"#operations-{tag}-{operation}")
    block.locator(".opblock-summary-control").click()
    block.locator(".try-out__btn").click()
    if body is not None:
        block.locator(".body-param__text").fill(json.dumps(body))
    block.locator(".execute").click()
    live = block.locator(".live-responses-table tbody")
    status = int(live.locator(".response-col_status").first.inner_text().split()[0])
    return status, json.loads(live.locator(".response-col_description .highlight-code code").first.inner_text())


def choose(page, service):
    """Shows one service and waits until each of its routes is there."""
    page.locator(".topbar select").select_option(label=service)
    document = json.loads(Path(f"docs/openapi/{service}.json").read_text())
    expect(page.locator(".info .title")).to_contain_text(document["info"]["title"])
    routes = sum(len(operations) for operations in document["paths"].values())
    expect(page.locator(".opblock")).to_have_count(routes)
    print(f"{service}: {routes} routes")


def check(page):
    page.goto(URL)
    services = page.locator(".topbar select option")
    expect(services).to_have_text([document.stem for document in DOCUMENTS])
    for document in DOCUMENTS:
        choose(page, document.stem)

    choose(page, "ofm")
    status, made = send(page, "cost-centre", "ofm_cost_centre_create")
    assert status == 200, made
    assert made["data"]["caption"] == "Example" and made["data"]["org_guid"] == ORG_GUID, made
    status, listed = send(page, "cost-centre", "ofm_cost_centre_list")
    assert status == 200, listed
    assert made["data"]["cc_guid"] in [centre["cc_guid"] for centre in listed["data"]["cost_centres"]], listed

    choose(page, "crm")
    status, listed = send(page, "customer", "crm_customer_list")
    assert status == 200 and len(listed["data"]["customers"]) == 3, listed
    page.locator("#operations-customer-crm_customer_list").scroll_into_view_if_needed()
    page.screenshot(path=DIRECTORY / "reference.png", full_page=True)


def main():
    errors = []
    with sync_playwright() as playwright:
        # As root, which a container often is, Chromium has no sandbox.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=sys.argv[1], args=arguments)
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        page.on("console", lambda message: message.type in ("error", "warning") and errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("requestfailed", lambda request: errors.append(f"{request.url}: {request.failure}"))
        page.on("request", lambda request: here(request.url) or errors.append(f"elsewhere: {request.url}"))
        check(page)
        browser.close()
    if errors:
        sys.exit("the page has errors:\n" + "\n".join(errors))
    print(f"no error; see {DIRECTORY / 'reference.png'}")


def here(url):
    """Whether an address is the page's own, or inside the page."""
    return url.startswith(("data:", "blob:")) or urlsplit(url).netloc == urlsplit(URL).netloc


main()
