//! Every route with requests that are not right in form, or come from the wrong caller.

use serde_json::{Map, Value, json};
use service::{Access, Route, Service, Style};
use testkit::{Caller, Reply, World};

use crate::{
    request::{Sample, act, raw, send},
    samples::sample,
    services,
};

pub(crate) fn http_routes() -> impl Iterator<Item = (&'static Service, &'static Route)> {
    services::routes().filter(|(_, route)| route.access != Access::Operator)
}

fn json_headers(caller: &Caller) -> Vec<(&'static str, String)> {
    [caller.headers.clone(), vec![("content-type", "application/json".to_owned())]].concat()
}

/// The refusal came before anything was asked of the database.
#[track_caller]
pub(crate) fn refused_unread(world: &World, reply: &Reply, tag: &str, route: &Route) {
    let place = format!("{} {}", route.call.method, route.call.path);
    assert_eq!(reply.tag(), Some(tag), "{place}: {}", reply.text);
    let log = world.last_log();
    assert_eq!((&log["reads"], &log["writes"], &log["tag"]), (&json!(0), &json!(0), &json!(tag)), "{place}");
}

#[tokio::test]
async fn requests_of_the_wrong_form_are_refused_before_any_read() {
    let world = World::new().await;
    let large = format!("{{\"reason\": \"{}\"}}", "x".repeat(256 * 1024));
    for (service, route) in http_routes() {
        let path = route.call.path;
        let headers = json_headers(&world.owner);
        let methods: Vec<_> = service.routes().filter(|other| other.call.path == path).collect();
        let methods: Vec<_> =
            methods.into_iter().flat_map(|route| route.call.answers_to()).copied().collect();
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"] {
            if !methods.contains(&method) {
                let reply = raw(&world, service, method, path, &headers, b"{}".to_vec()).await;
                if method == "HEAD" {
                    assert_eq!((reply.status, &*reply.text), (405, ""), "{path}");
                } else {
                    refused_unread(&world, &reply, "method-not-allowed", route);
                }
                assert_eq!(reply.header("allow"), Some(&*methods.join(", ")));
            }
        }
        if route.call.takes_query() {
            continue;
        }
        let method = route.call.method;
        for body in ["{", "[]", "[{}]", "null", "7", "\"{}\"", "{\"a\": NaN}", "\u{feff}{}"] {
            let reply = raw(&world, service, method, path, &headers, body.into()).await;
            refused_unread(&world, &reply, "invalid-json", route);
        }
        let not_utf8 = b"{\"reason\": \"\xff\"}".to_vec();
        refused_unread(
            &world,
            &raw(&world, service, method, path, &headers, not_utf8).await,
            "invalid-json",
            route,
        );
        let reply = raw(&world, service, method, path, &headers, large.clone().into()).await;
        refused_unread(&world, &reply, "payload-too-large", route);
        for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
            let headers =
                [world.owner.headers.clone(), vec![("content-type", content_type.to_owned())]].concat();
            let reply = raw(&world, service, method, path, &headers, b"{}".to_vec()).await;
            refused_unread(&world, &reply, "unsupported-media-type", route);
        }
    }
}

#[tokio::test]
async fn unknown_paths_are_refused_before_any_read() {
    let world = World::new().await;
    for service in services::http() {
        let paths: &[&str] = match service.style {
            Style::Enveloped => &["/", "/nothing", "/stat/", "/Stat", "/../stat", "/%73tat"],
            Style::Rest { .. } => &["//", "/no/such/path", "/mentor/x/y", "/mentor/x/total/", "/x/"],
        };
        for path in paths {
            let reply = raw(&world, service, "POST", path, &json_headers(&world.owner), b"{}".to_vec()).await;
            reply.refused("route-not-found");
            assert_eq!(world.last_log()["reads"], 0);
        }
    }
}

/// The fields with one more in the object at `depth` of the walk; none where there are not so many objects.
fn with_stranger(fields: &Map<String, Value>, at: usize) -> Option<(Map<String, Value>, String)> {
    fn put(value: &mut Value, path: &str, left: &mut usize) -> Option<String> {
        match value {
            Value::Object(fields) => {
                let inside =
                    |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                if *left == 0 {
                    fields.insert("no_such_field".to_owned(), json!(1));
                    return Some(inside("no_such_field"));
                }
                *left -= 1;
                fields.iter_mut().find_map(|(name, value)| put(value, &inside(name), left))
            }
            Value::Array(items) => {
                items.iter_mut().enumerate().find_map(|(n, item)| put(item, &format!("{path}[{n}]"), left))
            }
            _ => None,
        }
    }
    let mut whole = Value::Object(fields.clone());
    let place = put(&mut whole, "", &mut { at })?;
    whole.as_object().map(|fields| (fields.clone(), place))
}

/// Fields of an object whose names the caller chooses: nothing in it is unknown.
const OPEN_OBJECTS: &[&str] = &["attributes"];

#[tokio::test]
async fn unknown_fields_are_refused_at_every_depth_before_any_read() {
    let world = World::new().await;
    for (service, route) in services::routes() {
        let Sample { caller, fields } = sample(&world, service, route).await;
        for at in 0.. {
            let Some((fields, place)) = with_stranger(&fields, at) else { break };
            if OPEN_OBJECTS.iter().any(|open| place.contains(&format!("{open}.no_such_field"))) {
                continue;
            }
            let request = Sample { caller: caller.clone(), fields };
            let reply = send(&world, service, route, &request, None).await;
            refused_unread(&world, &reply, "invalid-input", route);
            assert!(reply.refused_fields().contains(&place.as_str()), "{place}: {}", reply.text);
        }
    }
}

#[tokio::test]
async fn credentials_are_asked_for_before_any_read() {
    let world = World::new().await;
    for (service, route) in http_routes().filter(|(_, route)| route.access != Access::Public) {
        let Sample { caller, mut fields } = sample(&world, service, route).await;
        // Some routes take their credential as a field of their own.
        fields.retain(|name, _| !["session_guid", "api_key"].contains(&name.as_str()));
        let mut anonymous = caller.clone();
        anonymous.headers.retain(|(name, _)| !["x-session-guid", "x-api-key"].contains(name));
        let request = |caller: Caller| Sample { caller, fields: fields.clone() };
        let reply = send(&world, service, route, &request(anonymous.clone()), None).await;
        refused_unread(&world, &reply, "auth-required", route);
        let wrong: &[(&'static str, &str)] = match route.access {
            Access::Key => &[("x-api-key", "api-key-invalid")],
            _ => &[("x-session-guid", "session-invalid"), ("x-api-key", "api-key-invalid")],
        };
        for (header, tag) in wrong {
            for credential in ["nonsense", "s1_", "k1_AAAA", "00000000-0000-7000-8000-000000000000"] {
                let reply =
                    send(&world, service, route, &request(anonymous.clone().with(header, credential)), None)
                        .await;
                refused_unread(&world, &reply, tag, route);
            }
        }
    }
}

#[tokio::test]
async fn credentials_in_the_query_are_refused() {
    let world = World::new().await;
    for (service, route) in http_routes() {
        for name in ["session_guid", "api_key", "x-session-guid", "X-API-Key"] {
            let path = format!("{}?{name}=x", route.call.path);
            let reply = world.send(service, &world.owner, route.call.method, &path, String::new()).await;
            refused_unread(&world, &reply, "invalid-input", route);
        }
    }
}

#[tokio::test]
async fn invocations_of_the_wrong_form_are_refused_before_any_read() {
    let world = World::new().await;
    for service in services::ALL.iter().copied().filter(|service| services::is_direct(service)) {
        let refused = async |payload: Value, tag: &str, field: Option<&str>| {
            let reply = act(&world, service, payload).await;
            let error = reply.refused(tag);
            assert_eq!(error["details"]["fields"][0]["field"].as_str(), field, "{}", reply.text);
            assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(0), &json!(0)));
        };
        for payload in [json!([]), json!("user-get"), json!(null), json!(7)] {
            refused(payload, "invalid-json", None).await;
        }
        refused(json!({}), "invalid-input", Some("action")).await;
        refused(json!({"action": 7}), "invalid-input", Some("action")).await;
        refused(json!({"action": "no-such-action", "actor": "op"}), "route-not-found", None).await;
        for route in service.routes() {
            let mut payload = sample(&world, service, route).await.fields;
            payload.insert("action".to_owned(), json!(route.call.path));
            if route.handler.traits().writes {
                payload.insert("actor".to_owned(), json!("op"));
                refused(Value::from(payload.clone()), "invalid-input", Some("reason")).await;
                payload.insert("reason".to_owned(), json!("test"));
            }
            payload.remove("actor");
            refused(Value::from(payload), "invalid-input", Some("actor")).await;
        }
    }
}
