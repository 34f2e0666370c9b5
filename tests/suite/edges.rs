//! How a request is read, on every route: nothing that is sent is dropped in silence, and nothing that is sent makes a
//! function fail (contract §2, §4).

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};
use service::{Access, Route, Style};
use testkit::{Caller, Reply, World, journal};

use crate::{
    event::{self, Event},
    request::{Sample, act_text, target},
    samples::sample,
    services,
    walk::{http_routes, refused_unread},
};

/// The headers that say in which context a request comes.
const OURS: &[&str] = &[
    "idempotency-key",
    "x-cccode",
    "x-channel-code",
    "x-g3n-surface",
    "x-logical-guid",
    "x-orgcode",
    "x-request-id",
];

/// Headers of the network: a client or a proxy may have written anything into them.
const NETWORK: &[(&str, &[&str])] = &[
    ("host", &["", "[::1", "%", "a:99999999", "xn--", "@", "a b", "caf\u{e9}", "evil.example"]),
    ("x-forwarded-proto", &["https,https", "", "1", "a b", "%", "file", "ht^tp", "\u{e9}"]),
    ("x-forwarded-host", &["[::1", "a b", "evil.example"]),
    ("x-forwarded-port", &["", "99999999", "-1", "http"]),
    ("x-forwarded-for", &["", "garbage", "1.2.3.4, 5.6.7.8", "[::1"]),
    ("forwarded", &["for=;;;", "host=evil.example;proto=ftp"]),
    ("x-original-url", &["/ofm/stat", "http://[::1"]),
];

#[tokio::test]
async fn a_header_of_ours_that_cannot_be_read_is_named_and_never_taken_for_absent() {
    let world = World::new().await;
    for (service, route) in http_routes() {
        let Sample { caller, fields } = sample(&world, service, route).await;
        let event = Event::of(service, route, &caller, &fields);
        for header in OURS {
            for value in ["Bestellung-M\u{fc}ller-7", "a\u{0}b", "", "a\tb", &"A".repeat(129)] {
                let reply = event.clone().header(header, value).send(&world, service).await;
                refused_unread(&world, &reply, "invalid-input", route);
                assert!(reply.refused_fields().contains(header), "{header}: {}", reply.text);
            }
        }
    }
}

#[tokio::test]
async fn a_malformed_credential_is_refused_as_one_and_beats_the_other_kind() {
    let world = World::new().await;
    let key = world.key(&["owner"]).await;
    for (service, route) in http_routes().filter(|(_, route)| route.access != Access::Public) {
        let Sample { mut fields, .. } = sample(&world, service, route).await;
        fields.retain(|name, _| !["session_guid", "api_key"].contains(&name.as_str()));
        let (header, tag) = match route.access {
            Access::Key => ("x-api-key", "api-key-invalid"),
            _ => ("x-session-guid", "session-invalid"),
        };
        let event = Event::of(service, route, &key, &fields);
        let long = format!("s1_{}", "A".repeat(100_000));
        for wrong in ["s1_\u{e9}", "k1_\u{e9}", "", "s1_a\u{0}b", "\u{1f980}", &long] {
            let reply = event.clone().header(header, wrong).send(&world, service).await;
            refused_unread(&world, &reply, tag, route);
        }
        if service.style == Style::Enveloped && !route.call.takes_query() && route.access != Access::Key {
            fields.insert("session_guid".to_owned(), json!("s1_\u{e9}"));
            let reply = Event::of(service, route, &key, &fields).send(&world, service).await;
            refused_unread(&world, &reply, tag, route);
        }
    }
}

#[tokio::test]
async fn host_and_forwarding_headers_change_no_answer() {
    let world = World::new().await;
    let bare = |reply: &Reply| (reply.status, reply.without_stats(), reply.text.is_empty());
    for (service, route) in http_routes() {
        let Sample { caller, mut fields } = sample(&world, service, route).await;
        // What is only read is answered alike each time; without a credential and fields, so is what is changed.
        let event = if route.call.takes_query() {
            Event::of(service, route, &caller, &fields)
        } else {
            fields.retain(|name, _| route.call.parameters().any(|parameter| parameter == name));
            Event::of(service, route, &Caller::anonymous(), &fields)
        };
        let expected = event.send(&world, service).await;
        assert_ne!(expected.tag(), Some("route-not-found"));
        for (header, values) in NETWORK {
            for value in *values {
                let reply = event.clone().header(header, value).send(&world, service).await;
                assert_eq!(bare(&reply), bare(&expected), "{} {header}: {value}", route.call);
            }
        }
        let reply = event.clone().without("host").send(&world, service).await;
        assert_eq!(bare(&reply), bare(&expected), "{} without a host", route.call);
        let reply = event.header("user-agent", "caf\u{e9}\u{0}").send(&world, service).await;
        assert_eq!(bare(&reply), bare(&expected), "{} by a program with an odd name", route.call);
    }
}

#[tokio::test]
async fn query_parameters_that_are_unknown_or_given_twice_are_refused() {
    let world = World::new().await;
    for (service, route) in http_routes() {
        let Sample { caller, fields } = sample(&world, service, route).await;
        let event = Event::of(service, route, &caller, &fields);
        let given = event.0["rawQueryString"].as_str().expect("a query").to_owned();
        let refused = async |query: &str, name: &str| {
            let reply = event.clone().query(query).send(&world, service).await;
            refused_unread(&world, &reply, "invalid-input", route);
            assert!(reply.refused_fields().contains(&name), "{query}: {}", reply.text);
        };
        for (more, name) in [("no_such=1", "no_such"), ("no%5Fsuch=1&no_such=2", "no_such"), ("=1", "query")]
        {
            refused(&format!("{given}&{more}"), name).await;
        }
        for pair in given.split('&').filter(|pair| !pair.is_empty()) {
            let name = pair.split('=').next().unwrap_or_default();
            refused(&format!("{given}&{pair}"), name).await;
        }
        for (name, value) in [("limit", "1"), ("org_guid", "1"), ("page", "1")] {
            if route.call.takes_query() {
                refused(&format!("{name}={value}&{name}={value}"), name).await;
            } else {
                refused(&format!("{name}={value}"), name).await;
            }
        }
        for query in ["a=b c", "a=\"", "a=\u{1}", "a=%ff", "a=caf\u{e9}"] {
            refused(query, "query").await;
        }
    }
}

/// The JSON of a value, in which the object at a place of the walk has its first member twice: with the path of it, where
/// there are so many objects that have members. The second is written otherwise and holds something else.
fn doubled(value: &Value, at: usize) -> Option<(String, String)> {
    fn put(value: &Value, path: &str, left: &mut usize, found: &mut Option<String>) -> String {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let here = *left == 0;
                *left = left.wrapping_sub(1);
                let mut members = Vec::new();
                for (n, (name, value)) in fields.iter().enumerate() {
                    let inside = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    members.push(format!("{}:{}", json!(name), put(value, &inside, left, found)));
                    if here && n == 0 {
                        let first = name.chars().next().map_or(0, u32::from);
                        let rest: String = name.chars().skip(1).collect();
                        members.push(format!("\"\\u{first:04x}{rest}\":[\"another\"]"));
                        *found = Some(inside);
                    }
                }
                format!("{{{}}}", members.join(","))
            }
            Value::Array(items) => {
                let items = items.iter().enumerate();
                let items: Vec<_> =
                    items.map(|(n, item)| put(item, &format!("{path}[{n}]"), left, found)).collect();
                format!("[{}]", items.join(","))
            }
            _ => value.to_string(),
        }
    }
    let mut found = None;
    let text = put(value, "", &mut { at }, &mut found);
    found.map(|path| (text, path))
}

#[tokio::test]
async fn members_given_twice_are_refused_at_every_depth_before_any_read() {
    let world = World::new().await;
    for (service, route) in services::routes() {
        let Sample { caller, fields } = sample(&world, service, route).await;
        if route.access == Access::Operator {
            let mut fields = fields;
            fields.insert("action".to_owned(), json!(route.call.path));
            fields.insert("actor".to_owned(), json!("op"));
            fields.insert("reason".to_owned(), json!("test"));
            for at in 0.. {
                let Some((text, place)) = doubled(&Value::from(fields.clone()), at) else { break };
                let reply = act_text(&world, service, &text).await;
                assert!(reply.refused_fields().contains(&place.as_str()), "{place}: {}", reply.text);
                assert_eq!((&world.last_log()["reads"], &world.last_log()["writes"]), (&json!(0), &json!(0)));
            }
            continue;
        }
        let Some(mut body) = target(route, &fields).body else { continue };
        body["no_such_field"] = json!(1);
        let event = Event::of(service, route, &caller, &fields);
        for at in 0.. {
            let Some((text, place)) = doubled(&body, at) else { break };
            let reply = event.clone().body(&text).send(&world, service).await;
            refused_unread(&world, &reply, "invalid-input", route);
            // Together with what else is wrong.
            for field in [&*place, "no_such_field"] {
                assert!(reply.refused_fields().contains(&field), "{field}: {}", reply.text);
            }
        }
    }
}

#[tokio::test]
async fn bodies_that_are_no_text_or_coded_are_refused_before_any_read() {
    let world = World::new().await;
    for (service, route) in http_routes().filter(|(_, route)| !route.call.takes_query()) {
        let Sample { caller, fields } = sample(&world, service, route).await;
        let event = Event::of(service, route, &caller, &fields);
        let utf_16: Vec<u8> = "{\"reason\": \"x\"}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [b"{\"reason\": \"caf\xe9\"}".to_vec(), utf_16, vec![0x1f, 0x8b, 0x08, 0x00]] {
            let reply = event.clone().bytes(&bytes).send(&world, service).await;
            refused_unread(&world, &reply, "invalid-json", route);
        }
        for coding in ["gzip", "br", "GZIP", "identity, gzip", "\u{e9}"] {
            let reply =
                event.clone().body("{}").header("content-encoding", coding).send(&world, service).await;
            refused_unread(&world, &reply, "unsupported-media-type", route);
        }
        for kind in
            ["text/json", "application/json; charset=utf-16", "application/json;Charset = \"iso-8859-1\""]
        {
            let reply = event.clone().body("{}").header("content-type", kind).send(&world, service).await;
            refused_unread(&world, &reply, "unsupported-media-type", route);
        }
        for kind in ["Application/JSON ; charset=\"UTF-8\"", "application/json; odata=verbose"] {
            let reply = event.clone().body("[]").header("content-type", kind).send(&world, service).await;
            refused_unread(&world, &reply, "invalid-json", route);
        }
        let plain =
            event.clone().body("[]").header("content-encoding", "Identity").send(&world, service).await;
        refused_unread(&world, &plain, "invalid-json", route);
        let mut none = event.body("{}");
        none.0["isBase64Encoded"] = json!(true);
        let reply = none.send(&world, service).await;
        refused_unread(&world, &reply, "invalid-input", route);
        assert_eq!(reply.refused_fields(), ["body"]);
    }
}

#[tokio::test]
async fn head_is_get_without_a_body() {
    let world = World::new().await;
    let mut walked = 0;
    for (service, route) in http_routes().filter(|(_, route)| route.call.takes_query()) {
        let Sample { caller, fields } = sample(&world, service, route).await;
        let good = Event::of(service, route, &caller, &fields);
        let anonymous = good.clone().without("x-session-guid").without("x-api-key");
        for event in [good.clone(), anonymous, good.query("no_such=1")] {
            let get = event.send(&world, service).await;
            let head = event.method("HEAD").send(&world, service).await;
            assert_eq!(head.status, get.status, "{}", route.call);
            assert_eq!(head.headers, get.headers, "{}", route.call);
            assert!(head.text.is_empty() && !get.text.is_empty(), "{}", route.call);
        }
        walked += 1;
    }
    assert!(walked >= 6, "{walked} routes take a GET");
}

#[tokio::test]
async fn a_credential_in_a_name_is_not_shown() {
    let world = World::new().await;
    let token = world.owner.credential();
    let shown = |reply: &Reply| reply.text.contains(token) || format!("{:?}", reply.headers).contains(token);
    for (service, route) in http_routes() {
        let Sample { caller, fields } = sample(&world, service, route).await;
        let event = Event::of(service, route, &caller, &fields);
        let mut whole = fields.clone();
        whole.insert(format!("my {token}"), json!(1));
        let mut events = vec![
            Event::of(service, route, &caller, &whole),
            event.clone().query(&format!("{token}=1&{token}=2")),
            event.clone().header("x-request-id", token),
            event.clone().method(token),
        ];
        if let Some(mut body) = target(route, &fields).body {
            let inside = |value: Option<&mut Value>| {
                value.and_then(Value::as_object_mut).map(|fields| fields.insert(token.to_owned(), json!(1)))
            };
            if body
                .as_object_mut()
                .is_some_and(|fields| fields.values_mut().any(|v| inside(Some(v)).is_some()))
            {
                events.push(event.clone().body(&body.to_string()));
            }
            events.push(event.body(&format!("{{\"{token}\":1,\"{token}\":2}}")));
        }
        for event in events {
            let reply = event.send(&world, service).await;
            assert!(!reply.is_success(), "{}", route.call);
            assert!(!shown(&reply), "{}: {}", route.call, reply.text);
        }
    }
    let attributes = json!({"customer": {"given_name": "A", "attributes": {token: "x"}}, "reason": "x"});
    let reply = world.post(&crm::SERVICE, &world.owner, "/customer/create", attributes).await;
    assert_eq!(reply.refused_fields()[0], "customer.attributes.***");
    assert!(!shown(&reply));
}

#[tokio::test]
async fn names_as_long_as_a_body_do_not_make_the_answer_long() {
    let world = World::new().await;
    let name = "n".repeat(120_000);
    let members: Vec<String> = (0..100).map(|n| format!("\"{n}\":0,\"{n}\":0")).collect();
    let body = format!("{{\"{name}\":{{{}}},\"\u{1f980}{name}\":1}}", members.join(","));
    for service in services::http() {
        let route = service.routes().find(|route| route.call.method == "POST").expect("a route");
        let event = Event::of(service, route, &world.owner, &Map::new()).body(&body);
        let reply = event.send(&world, service).await;
        refused_unread(&world, &reply, "invalid-input", route);
        assert!(reply.text.len() < 40_000, "{} bytes", reply.text.len());
        assert!(reply.refused_fields().iter().all(|field| field.chars().count() <= 201));
    }
}

#[tokio::test]
async fn what_is_no_request_is_answered_too() {
    let world = World::new().await;
    for service in services::http() {
        let good = Event::new(service, "GET", "/stat");
        for (pointer, value, field) in [
            ("/rawPath", json!(format!("/{}", "a".repeat(70_000))), "path"),
            ("/rawPath", json!("/a\nb"), "path"),
            ("/rawQueryString", json!("a b"), "query"),
            ("/requestContext", json!({}), "event"),
            ("/headers", json!([]), "event"),
        ] {
            let mut event = good.clone();
            *event.0.pointer_mut(pointer).expect("a place") = value;
            assert_eq!(event.send(&world, service).await.refused_fields(), [field], "{pointer}");
        }
        for text in ["{}", "[]", "null", "\"x\"", "7"] {
            assert_eq!(event::invoke(&world, service, text).await.refused_fields(), ["event"], "{text}");
        }
    }
}

#[tokio::test]
async fn the_journal_holds_the_surface_and_both_names_of_a_request() {
    let world = World::new().await;
    let made = async |headers: &[(&str, &str)]| {
        let fields = json!({"org_guid": world.org.guid(), "caption": "Front", "reason": "x"});
        let route =
            ofm::SERVICE.routes().find(|route| route.call.path == "/cost-centre/create").expect("a route");
        let mut event = Event::of(&ofm::SERVICE, route, &world.owner, fields.as_object().expect("fields"));
        for (name, value) in headers {
            event = event.header(name, value);
        }
        let reply = event.send(&world, &ofm::SERVICE).await;
        let centre = reply.data()["cc_guid"].as_str().expect("an id").to_owned();
        let entries = world.journal("ofm", "cost-centre", &centre).await;
        journal::verify(&entries);
        (reply, entries.into_iter().next().expect("an entry").entry)
    };
    for surface in ["cli", "mcp", "page", "import"] {
        let headers = [("x-g3n-surface", surface), ("x-request-id", "order 7/a=")];
        let (reply, entry) = made(&headers).await;
        assert_eq!(reply.header("x-request-id"), Some("order 7/a="));
        assert_eq!((&*entry.correlation_id, entry.surface.as_deref()), ("order 7/a=", Some(surface)));
        assert_eq!(entry.gateway_request_id.as_deref(), Some("JKJaXmPLvHcESHA="));
    }
    let (reply, entry) = made(&[]).await;
    assert_eq!(reply.header("x-request-id"), Some("JKJaXmPLvHcESHA="));
    assert_eq!((&*entry.correlation_id, entry.gateway_request_id), ("JKJaXmPLvHcESHA=", None));
}

#[tokio::test]
async fn codes_of_cost_centres_are_trimmed_and_raised_before_they_are_judged() {
    let world = World::new().await;
    for service in services::http().filter(|service| service.style == Style::Enveloped) {
        let Some(route) = service.routes().find(|route| route.call.path == "/stat") else { continue };
        let event = Event::of(service, route, &world.owner, &Map::new());
        let reply = event.header("x-cccode", " ab1c-2def-gh34\t").send(&world, service).await;
        assert_eq!(reply.body["stats"]["cccode"], "AB1C-2DEF-GH34", "{}", reply.text);
    }
}

#[tokio::test]
async fn minus_zero_is_zero_wherever_a_page_is_asked_for() {
    let world = World::new().await;
    let mut walked = 0;
    for (service, route) in http_routes().filter(|(_, route)| route.handler.traits().pages) {
        let Sample { caller, fields } = sample(&world, service, route).await;
        let event = Event::of(service, route, &caller, &fields);
        let limited = |limit: &str| match target(route, &fields).body {
            Some(body) => {
                let text = body.to_string();
                let comma = if body == json!({}) { "" } else { "," };
                event.clone().body(&format!("{{\"limit\":{limit}{comma}{}", &text[1..]))
            }
            None => event.clone().query(&format!("limit={limit}")),
        };
        let [minus, zero, fraction] = ["-0", "0", "-0.0"].map(limited);
        let zero = zero.send(&world, service).await;
        assert!(zero.is_success(), "{}: {}", route.call, zero.text);
        assert_eq!(minus.send(&world, service).await.without_stats(), zero.without_stats(), "{}", route.call);
        assert_eq!(fraction.send(&world, service).await.refused_fields(), ["limit"], "{}", route.call);
        walked += 1;
    }
    assert!(walked > 20, "{walked} routes have pages");
}

/// Who sets a passcode keeps no bare hash of it: the payload of a request is remembered under a key.
#[test]
fn a_passcode_is_payload_and_remembered_under_a_key() {
    let generator = || {
        let inlined = |settings: &mut SchemaSettings| settings.inline_subschemas = true;
        SchemaSettings::draft2020_12().with(inlined).into_generator()
    };
    let holds = |route: &Route| {
        let (request, _) = route.handler.schemas(&mut generator(), &mut generator());
        request.pointer("/properties/passcode").is_some()
    };
    let mut found = Vec::new();
    for (service, route) in services::routes().filter(|(_, route)| holds(route)) {
        let traits = route.handler.traits();
        assert!(traits.ignores_idempotency || traits.holds_secret, "{} {}", service.name, route.call);
        found.push(route.call.path);
    }
    assert_eq!(found, ["/session/create", "user-create", "user-passcode-set"]);
}

#[test]
fn a_member_is_doubled_where_it_is_asked_for() {
    let value = json!({"a": {"b": 1}, "c": [{"d": {}}]});
    let at = |n| doubled(&value, n);
    assert_eq!(at(0).map(|(_, path)| path).as_deref(), Some("a"));
    assert_eq!(
        at(1).map(|(text, _)| text).as_deref(),
        Some(r#"{"a":{"b":1,"\u0062":["another"]},"c":[{"d":{}}]}"#)
    );
    assert_eq!(at(2).map(|(_, path)| path).as_deref(), Some("c[0].d"));
    assert!(at(3).is_none() && doubled(&json!({}), 0).is_none());
}
