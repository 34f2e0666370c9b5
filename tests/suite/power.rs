//! Nobody hands out more than they hold (ofm §1): every route that gives power and is open to others than owners is
//! found by what its document says that it takes, and refuses whoever gives what they lack.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use service::{Access, Route};
use testkit::{Caller, World};

use crate::{
    conform,
    request::{Sample, deliver},
    samples::sample,
    services,
};

/// The fields by which somebody is given roles, grants or a till profile.
const POWERS: &[&str] = &["role_profile_id", "roles", "grants", "assignments", "profile_id"];

/// What somebody gives too much of: the fields, and what is missing.
type Excess = fn(&Given) -> (Value, Value);

/// Each such route, who is let in by their role alone, and what they give too much of: the fields, and what is missing.
const GIVING: &[(&str, &str, Excess)] = &[
    ("/member/assign-logical", "ofm_member_admin", |_| {
        (json!({"grants": ["schedule:write"]}), json!(["schedule:write"]))
    }),
    ("/member/invite/create", "ofm_member_admin", |given| {
        let to = json!([{"logical_guid": given.logical, "grants": ["channel:write"]}]);
        (json!({"roles": [], "assignments": to}), json!(["channel:write"]))
    }),
    ("/member/invite/create", "ofm_member_admin", |_| {
        (json!({"roles": ["crm_edit"], "assignments": []}), json!(["crm_edit"]))
    }),
    ("/member/invite/create", "ofm_member_admin", |_| {
        let fields = json!({"roles": [], "role_profile_id": "privacy_officer"});
        (fields, json!(["crm_privacy_admin", "crm_view"]))
    }),
    ("/member/state/set", "ofm_member_admin", |_| {
        (json!({"roles": ["crm_edit"], "role_profile_id": null}), json!(["crm_edit"]))
    }),
    ("/member/state/set", "ofm_member_admin", |_| {
        let fields = json!({"roles": [], "role_profile_id": "privacy_officer"});
        (fields, json!(["crm_privacy_admin", "crm_view"]))
    }),
    ("/profile/assign", "ofm_member_admin", |given| {
        let (logical, user) = (&given.logical, given.member.user_guid);
        let slot = json!({"level": "member", "user_guid": user, "logical_guid": logical, "profile_id": given.profile});
        (slot, json!(["cash.z_report_allowed"]))
    }),
    ("/service-account/assign-logical", "service_account_admin", |_| {
        (json!({"grants": ["timesheet:write"]}), json!(["timesheet:write"]))
    }),
];

/// What requests name.
struct Given {
    logical: Value,
    profile: Value,
    member: Caller,
}

impl Given {
    async fn new(world: &World) -> Self {
        let post = async |path: &str, fields: Value| {
            world.post(&ofm::SERVICE, &world.owner, path, fields).await.data().clone()
        };
        let address = json!({"line1": "Main Street 1", "city": "Berlin", "country": "DE"});
        let place = json!({"code": "POWER", "caption": "Shop", "timezone": "UTC", "address": address});
        let place = post("/facility/physical/create", place).await["pf_guid"].clone();
        let trader =
            json!({"code": "POWER", "caption": "Shop", "legal_name": "Shop GmbH", "address": address});
        let trader = post("/facility/legal/create", trader).await["legal_guid"].clone();
        let shop = json!({"code": "POWER", "caption": "Shop", "pf_guid": place, "legal_guid": trader});
        let logical = post("/facility/logical/create", shop).await["logical_guid"].clone();
        let controls = json!({"cash.z_report_allowed": true});
        let own = json!({"code": "OWN", "caption": "Own", "currency": "EUR"});
        let own = post("/profile/create", own).await["profile_id"].clone();
        post("/profile/assign", json!({"level": "facility", "logical_guid": logical, "profile_id": own}))
            .await;
        let wide = json!({"code": "WIDE", "caption": "Wide", "currency": "EUR", "controls": controls});
        let profile = post("/profile/create", wide).await["profile_id"].clone();
        Self { logical, profile, member: world.member(&[]).await }
    }
}

/// Whether a route lets in others than owners.
fn is_open_to_others(route: &Route) -> bool {
    !matches!(route.access, Access::Owner | Access::OwnerInPerson | Access::PrimaryOwner | Access::Operator)
}

#[tokio::test]
async fn every_route_that_gives_power_refuses_to_give_what_its_caller_lacks() {
    let mut found = BTreeSet::new();
    for (service, route) in services::routes() {
        if !route.handler.traits().writes || !is_open_to_others(route) {
            continue;
        }
        let document = conform::document(service);
        let Some(schema) = document.pointer(&conform::request_schema(service, route)) else { continue };
        let schema = match schema["$ref"].as_str() {
            Some(path) => document.pointer(&path[1..]).expect("a schema"),
            None => schema,
        };
        let fields = schema["properties"].as_object().cloned().unwrap_or_default();
        if POWERS.iter().any(|power| fields.contains_key(*power)) {
            found.insert(format!("{}{}", service.name, route.call.path));
        }
    }
    let judged: BTreeSet<_> = GIVING.iter().map(|(path, ..)| format!("ofm{path}")).collect();
    assert_eq!(found, judged);

    let world = World::new().await;
    let given = Given::new(&world).await;
    for (path, role, too_much) in GIVING {
        let mut routes = ofm::SERVICE.routes();
        let route = routes.find(|route| route.call.path == *path).expect("a route");
        let (fields, missing) = too_much(&given);
        for giver in [world.member(&[role]).await, world.key(&[role]).await] {
            let mut request: Map<String, Value> = sample(&world, &ofm::SERVICE, route).await.fields;
            if path.starts_with("/profile") {
                request.retain(|name, _| name.starts_with("org"));
            }
            request.extend(fields.as_object().cloned().unwrap_or_default());
            let request = Sample { caller: giver, fields: request };
            let refused = deliver(&world, &ofm::SERVICE, route, &request, None).await;
            assert_eq!(refused.refused("forbidden")["details"]["missing"], missing, "{path}");
            assert_eq!(world.last_log()["writes"], 0, "{path}");
        }
    }
}
