//! What a request names beside its record, on every route (contract §4, *References*, and §8): a person who may not be
//! named is not there, and neither is what a list is narrowed to by a malformed, an unknown or a foreign id.

use std::collections::BTreeSet;

use contract::ids::UserGuid;
use identity::{
    keys,
    user::{User, UserStatus},
};
use serde_json::{Map, Value, json};
use service::{Access, Route, Service};
use store::System;
use testkit::{Reply, World};

use crate::{
    request::{Sample, send},
    samples::sample,
    services,
    values::{Field, Step, fields},
};

/// A well-formed id that no record has.
const UNKNOWN: &str = "0190163d-8694-739b-aea5-966c26f8ad91";

const READS: &str = "a read: old records of a person are found, whatever became of the user";
const TAKES_AWAY: &str = "takes away, which stays allowed";
const CHANGES: &str = "changes a record that the person has already";

/// Fields that may name a suspended user, and why.
const MAY_BE_SUSPENDED: &[(&str, &str)] = &[
    ("ofm/member/assignments user_guid", READS),
    ("ofm/member/detach-logical user_guid", TAKES_AWAY),
    ("ofm/member/invite/list user_guid", READS),
    ("ofm/member/names user_guids[0]", READS),
    ("ofm/member/resolve user_guid", READS),
    ("ofm/member/state/set user_guid", CHANGES),
    ("ofm/override-code/list issued_by", READS),
    ("ofm/owner/secondary/remove user_guid", TAKES_AWAY),
    ("ofm/owner/state/set user_guid", CHANGES),
    ("ofm/profile/resolve user_guid", READS),
    ("ofm/profile/unassign user_guid", TAKES_AWAY),
    ("ofm/shift/list user_guid", READS),
    ("ofm/team/by-member user_guid", READS),
    ("ofm/team/member/remove user_guid", TAKES_AWAY),
    ("ofm/timesheet/list user_guid", READS),
];

/// Fields that name nobody but the caller, whose user has passed the checks.
const NAMES_THE_CALLER: &[&str] = &["ofm/org/create user_guid"];

/// Actions of the operator about the user's own record, or a record that the person has already.
const OF_THE_USER: &[&str] = &[
    "email-confirm",
    "erasure-finish",
    "member-state-set",
    "owner-state-set",
    "user-get",
    "user-passcode-set",
    "user-status-set",
];

/// One of two fields that do not stand beside each other.
const ALTERNATIVES: &[(&str, [&str; 2])] = &[
    ("/member/invite/create", ["email", "user_guid"]),
    ("/shift/list", ["logical_guid", "user_guid"]),
    ("/team/list", ["logical_guid", "org_wide"]),
    ("/timesheet/list", ["logical_guid", "user_guid"]),
];

/// Puts a value into a request, in place of what excludes it.
fn put(route: &Route, request: &mut Map<String, Value>, steps: &[Step], value: Value) {
    fn at<'v>(value: &'v mut Value, steps: &[Step]) -> &'v mut Value {
        match steps.split_first() {
            None => value,
            Some((Step::Into(name), rest)) => {
                if !value.is_object() {
                    *value = json!({});
                }
                at(&mut value[name.as_str()], rest)
            }
            Some((Step::First, rest)) => {
                if value.as_array().is_none_or(Vec::is_empty) {
                    *value = json!([null]);
                }
                at(&mut value[0], rest)
            }
        }
    }
    let Some(Step::Into(first)) = steps.first() else { panic!("a request is an object") };
    for (_, pair) in ALTERNATIVES.iter().filter(|(path, _)| *path == route.call.path) {
        if pair.contains(&first.as_str()) {
            request.retain(|name, _| !pair.contains(&name.as_str()));
        }
    }
    let mut whole = Value::Object(std::mem::take(request));
    *at(&mut whole, steps) = value;
    *request = whole.as_object().cloned().unwrap_or_default();
}

/// What a request holds in a field.
fn held<'v>(request: &'v Map<String, Value>, steps: &[Step]) -> Option<&'v Value> {
    let Some((Step::Into(first), rest)) = steps.split_first() else { return None };
    rest.iter().try_fold(request.get(first)?, |value, step| match step {
        Step::Into(name) => value.get(name),
        Step::First => value.get(0),
    })
}

/// The fields of a route that hold ids of records, each once, but for those of the context and the org.
fn ids(service: &Service, route: &Route) -> Vec<Field> {
    let mut seen = BTreeSet::new();
    let mut ids = fields(service, route);
    ids.retain(|field| {
        let name = field.name();
        let is_of_context = name.starts_with("request_context") || name == "org_guid";
        field.schema["format"] == "uuid" && !is_of_context && seen.insert(name)
    });
    ids
}

/// The fields of a route that name a person.
fn people(service: &Service, route: &Route) -> Vec<Field> {
    let names_a_person = |name: &str| name.contains("user_guid") || name.ends_with("_by");
    ids(service, route).into_iter().filter(|field| names_a_person(field.own_name())).collect()
}

/// Sends the sample of a route with a person in a field whose user has this status.
async fn naming(
    world: &World,
    (service, route): (&'static Service, &'static Route),
    steps: &[Step],
    status: UserStatus,
) -> Reply {
    // An org of its own: some samples end what others need.
    let world = &world.another().await;
    let Sample { caller, mut fields } = sample(world, service, route).await;
    let named = held(&fields, steps).and_then(|named| named.as_str()?.parse::<UserGuid>().ok());
    // Whoever is not verified calls nothing.
    let user = match named.filter(|named| *named != caller.user_guid) {
        Some(named) => named,
        None => world.member(&[]).await.user_guid,
    };
    put(route, &mut fields, steps, json!(user));
    world.meddle(&System, &keys::user(user), |user: &mut User| user.status = status).await;
    send(world, service, route, &Sample { caller, fields }, None).await
}

/// The problem where a person may be named who may not.
async fn problem_of_naming(
    world: &World,
    route: (&'static Service, &'static Route),
    steps: &[Step],
    name: &str,
) -> Option<String> {
    for status in [UserStatus::Unverified, UserStatus::Suspended, UserStatus::Doomed] {
        let reply = Box::pin(naming(world, route, steps, status)).await;
        if reply.tag() != Some("not-found") || reply.body["error"]["details"]["field"] != name {
            return Some(format!("{status:?}: {}", reply.text));
        }
    }
    let reply = Box::pin(naming(world, route, steps, UserStatus::Verified)).await;
    (reply.tag() == Some("not-found")).then(|| format!("verified: {}", reply.text))
}

#[tokio::test]
async fn a_person_whose_user_is_not_verified_is_named_for_nothing_new() {
    let world = World::new().await;
    let (mut wrong, mut refused, mut exempt) = (Vec::new(), 0, BTreeSet::new());
    for (service, route) in services::routes().filter(|(_, route)| route.access != Access::Operator) {
        for field in people(service, route) {
            let place = format!("{}{} {}", service.name, route.call.path, field.name());
            if NAMES_THE_CALLER.contains(&&*place) {
                continue;
            }
            let problem = if MAY_BE_SUSPENDED.iter().any(|(of, _)| *of == place) {
                exempt.insert(place.clone());
                let at = (service, route);
                let reply = Box::pin(naming(&world, at, &field.steps, UserStatus::Suspended)).await;
                (!reply.is_success()).then(|| reply.text.clone())
            } else {
                refused += 1;
                Box::pin(problem_of_naming(&world, (service, route), &field.steps, &field.name())).await
            };
            wrong.extend(problem.map(|problem| format!("{place}: {problem}")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused >= 11, "{refused} fields name a person for something new");
    assert_eq!(exempt.len(), MAY_BE_SUSPENDED.len(), "exemptions that are none: {exempt:?}");
}

#[tokio::test]
async fn the_operator_names_no_user_who_is_not_verified_for_something_new() {
    let world = World::new().await;
    let (mut wrong, mut refused) = (Vec::new(), 0);
    for (service, route) in services::routes().filter(|(_, route)| route.access == Access::Operator) {
        if OF_THE_USER.contains(&route.call.path) {
            continue;
        }
        let fields = sample(&world, service, route).await.fields;
        for name in fields.keys().filter(|name| name.contains("user_guid")) {
            let steps = [Step::Into(name.clone())];
            let problem = Box::pin(problem_of_naming(&world, (service, route), &steps, name)).await;
            wrong.extend(problem.map(|problem| format!("{} {name}: {problem}", route.call.path)));
            refused += 1;
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(refused >= 2, "{refused} actions name a user for something new");
}

/// Lists of what hangs on the record that this field names: refused without the name of the field.
const HANG_ON: &[&str] = &["ofm/team/members team_guid"];

/// Fields that name several people at once: only those who are or were members have a name there.
const SEVERAL: &[&str] = &["ofm/member/names user_guids[0]"];

/// Fields that name users of any org, because users belong to none.
const ANY_USER: &[&str] = &["ofm/member/invite/list user_guid"];

/// The id of a record of this org that a field of this name could name.
async fn id_for(world: &World, name: &str) -> Value {
    let (path, field) = match name {
        "user_guid" | "issued_by" => return json!(world.owner.user_guid),
        "service_account_guid" => return json!(world.key(&["ofm_view"]).await.service_account_guid),
        "legal_guid" => ("/facility/legal/get", name),
        "pf_guid" => ("/facility/physical/get", name),
        "logical_guid" | "home_logical_guid" => ("/facility/logical/get", "logical_guid"),
        "channel_guid" => ("/sales-channel/get", name),
        "station_guid" => ("/station/get", name),
        "shift_guid" => ("/shift/get", name),
        "team_guid" => ("/team/get", name),
        "parent_zone_guid" => ("/zone/get", "zone_guid"),
        _ => panic!("what does {name} name?"),
    };
    let mut routes = services::routes();
    let (service, route) = routes.find(|(_, route)| route.call.path == path).expect("a route");
    sample(world, service, route).await.fields[field].clone()
}

#[tokio::test]
async fn a_list_is_narrowed_by_no_id_that_names_nothing() {
    let world = World::new().await;
    let theirs = world.another().await;
    let (mut wrong, mut asked) = (Vec::new(), BTreeSet::new());
    let lists = services::routes()
        .filter(|(_, route)| route.handler.traits().pages && route.access != Access::Operator);
    for (service, route) in lists {
        let request = Box::pin(sample(&world, service, route)).await;
        for field in ids(service, route) {
            let place = format!("{}{} {}", service.name, route.call.path, field.name());
            if SEVERAL.contains(&&*place) {
                continue;
            }
            asked.insert(field.name());
            let foreign = Box::pin(id_for(&theirs, field.own_name())).await;
            let mut named = vec![json!("no-uuid"), json!(""), json!(UserGuid::NOWHERE), json!(UNKNOWN)];
            named.extend((!ANY_USER.contains(&&*place)).then_some(foreign));
            for id in named {
                let mut fields = request.fields.clone();
                put(route, &mut fields, &field.steps, id.clone());
                let request = Sample { caller: request.caller.clone(), fields };
                let reply = send(&world, service, route, &request, None).await;
                let told = &reply.body["error"]["details"]["field"];
                let is_told = *told == field.name() || HANG_ON.contains(&&*place);
                if reply.tag() != Some("not-found") || !is_told {
                    wrong.push(format!("{place} {id}: {}", reply.text));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for name in ["home_logical_guid", "issued_by", "shift_guid", "station_guid", "channel_guid"] {
        assert!(asked.contains(name), "no list is narrowed by {name}: {asked:?}");
    }
}
