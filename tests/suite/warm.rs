//! A function that has just seen who calls: what a call costs there is what it costs from the second one on.

use serde_json::json;
use service::{Access, Route, Service, Style};
use testkit::World;

use crate::request::{Sample, deliver};

/// Makes the function know the caller of a sample, and the org's code, by a request that changes nothing.
pub(crate) async fn be_seen(
    world: &World,
    service: &'static Service,
    route: &'static Route,
    sample: &Sample,
) {
    if matches!(route.access, Access::Public | Access::Operator) {
        return;
    }
    if service.style != Style::Enveloped {
        world.send(service, &sample.caller, "GET", "/", String::new()).await.data();
    } else if route.call.takes_query() {
        deliver(world, service, route, sample, None).await.data();
    } else {
        // The context is compared once the caller has passed, and before anything else.
        let mut fields = sample.fields.clone();
        fields.insert("request_context".to_owned(), json!({"actor": "somebody else"}));
        let request = Sample { caller: sample.caller.clone(), fields };
        deliver(world, service, route, &request, None).await.refused("context-mismatch");
    }
}
