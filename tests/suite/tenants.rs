//! Nothing of an org is seen or changed by whoever does not belong to it: every route, with a foreign credential and
//! this org's ids, answers the same bytes as for ids that do not exist (contract §4, *Association*).

use serde_json::{Map, Value, json};
use service::{Access, OrgFrom, Route, Service};
use testkit::{Caller, Reply, World};

use crate::{
    elsewhere::{self, another},
    request::{Sample, send},
    samples::samples,
    services,
};

/// Routes that do the same for anybody who knows the secret in the request.
const JUDGED_BY_SECRET: &[&str] = &["/session/create"];

/// Routes that take in any user by id: users belong to no org, and whoever knows their id may name them.
const NAMES_ANY_USER: &[&str] = &["/member/add"];

struct Case {
    service: &'static Service,
    route: &'static Route,
    /// The owner's own request.
    sample: Sample,
}

async fn cases(world: &World) -> Vec<Case> {
    let mut cases = Vec::new();
    // Anybody may call what is public, and whose it is follows from the request.
    let routes = services::routes()
        .filter(|(_, route)| route.access != Access::Operator)
        .filter(|(_, route)| route.access != Access::Public || route.org != OrgFrom::Holder);
    for (service, route) in routes.filter(|(_, route)| !JUDGED_BY_SECRET.contains(&route.call.path)) {
        let samples = samples(world, service, route).await;
        cases.extend(samples.into_iter().map(|sample| Case { service, route, sample }));
    }
    cases
}

/// The credential of one caller in the context of another org.
fn in_context(caller: &Caller, orgcode: &str) -> Caller {
    caller.clone().with("x-orgcode", orgcode)
}

#[track_caller]
fn same(case: &Case, what: &str, of_ours: &Reply, of_none: &Reply, ours: &World) {
    let place = format!("{}{}, {what}", case.service.name, case.route.call.path);
    if (of_ours.status, of_none.status) == (200, 200) {
        // Each answers about the caller's own, with ids of its own.
        let guid = ours.org.guid().to_string();
        assert!(
            !of_ours.text.contains(&guid) && !of_ours.text.contains(&ours.orgcode),
            "{place}: {}",
            of_ours.text
        );
        return;
    }
    assert_eq!(of_ours.status, of_none.status, "{place}: {} {}", of_ours.text, of_none.text);
    assert_eq!(of_ours.without_stats(), of_none.without_stats(), "{place}");
    assert_eq!(of_ours.headers.len(), of_none.headers.len(), "{place}");
}

#[tokio::test]
async fn a_foreign_caller_meets_our_org_like_none() {
    let ours = World::new().await;
    let theirs = ours.another().await;
    let cases = cases(&ours).await;
    let before = ours.items().await;
    let foreigners = [
        theirs.owner.clone(),
        theirs.key(&["owner"]).await,
        theirs.member(&["ofm_view", "crm_manage"]).await,
        ours.stranger().await,
    ];
    for case in cases.iter().filter(|case| case.route.org != OrgFrom::Nowhere) {
        let mut nowhere = case.sample.fields.clone();
        elsewhere::names_no_org(&mut nowhere);
        for foreigner in &foreigners {
            let ask = async |orgcode: &str, fields: &Map<String, Value>| {
                let request = Sample { caller: in_context(foreigner, orgcode), fields: fields.clone() };
                send(&ours, case.service, case.route, &request, None).await
            };
            let of_ours = ask(&ours.orgcode, &case.sample.fields).await;
            let of_none = ask(&another(&ours.orgcode), &nowhere).await;
            of_ours.refused("not-found");
            same(case, "our org", &of_ours, &of_none, &ours);
            if case.route.org == OrgFrom::Body {
                let by_code = |fields: &Map<String, Value>, orgcode: &str| {
                    let mut fields = fields.clone();
                    fields.remove("org_guid");
                    fields.insert("orgcode".to_owned(), json!(orgcode));
                    fields
                };
                let of_ours = ask(&ours.orgcode, &by_code(&case.sample.fields, &ours.orgcode)).await;
                let none = another(&ours.orgcode);
                let of_none = ask(&none, &by_code(&nowhere, &none)).await;
                of_ours.refused("not-found");
                same(case, "our orgcode", &of_ours, &of_none, &ours);
            }
        }
    }
    assert_eq!(ours.items().await, before);
}

#[tokio::test]
async fn our_ids_name_nothing_in_another_org() {
    let ours = World::new().await;
    // Each caller in an org of their own, where the others have made nothing.
    let (first, second) = (ours.another().await, ours.another().await);
    let callers = [(&first, first.owner.clone()), (&second, second.key(&["owner"]).await)];
    let cases = cases(&ours).await;
    let before = ours.items().await;
    for (theirs, caller) in &callers {
        for case in cases.iter().filter(|case| !NAMES_ANY_USER.contains(&case.route.call.path)) {
            let mut fields = case.sample.fields.clone();
            if let Some(org) = fields.get_mut("org_guid") {
                *org = json!(theirs.org.guid());
            }
            if let Some(org) = fields.get_mut("orgcode") {
                *org = json!(theirs.orgcode);
            }
            let mut nowhere = fields.clone();
            elsewhere::names_nothing(&mut nowhere, theirs);
            let ask = async |fields: &Map<String, Value>| {
                let request = Sample { caller: caller.clone(), fields: fields.clone() };
                send(&ours, case.service, case.route, &request, None).await
            };
            let of_ours = ask(&fields).await;
            // A request that names nothing is about the caller's own org alone.
            let names_something = fields != nowhere;
            let of_none = if names_something { &ask(&nowhere).await } else { &of_ours };
            same(case, "our ids", &of_ours, of_none, &ours);
        }
    }
    assert_eq!(ours.items().await, before);
}

#[tokio::test]
async fn a_cursor_of_ours_leads_nowhere_in_another_org() {
    let ours = World::new().await;
    let theirs = ours.another().await;
    for case in cases(&ours).await.iter().filter(|case| case.route.handler.traits().pages) {
        let place = format!("{}{}", case.service.name, case.route.call.path);
        let ask = async |caller: &Caller, org: &World, token: Option<&str>| {
            let mut fields = case.sample.fields.clone();
            fields.insert("limit".to_owned(), json!(1));
            if fields.contains_key("org_guid") {
                fields.insert("org_guid".to_owned(), json!(org.org.guid()));
            }
            if let Some(token) = token {
                fields.insert("next_token".to_owned(), json!(token));
            }
            let request = Sample { caller: caller.clone(), fields };
            send(&ours, case.service, case.route, &request, None).await
        };
        let first = ask(&case.sample.caller, &ours, None).await;
        let token = first.data()["next_token"]
            .as_str()
            .unwrap_or_else(|| panic!("{place}: one page: {}", first.text));
        ask(&case.sample.caller, &ours, Some(token)).await.data();
        let foreign = ask(&theirs.owner, &theirs, Some(token)).await;
        let nonsense = ask(&theirs.owner, &theirs, Some("nonsense")).await;
        // Where the list hangs on a record, that is not there before the cursor is looked at.
        let tag = foreign.tag();
        assert!(matches!(tag, Some("invalid-token" | "not-found")), "{place}: {}", foreign.text);
        same(case, "our cursor", &foreign, &nonsense, &ours);
    }
}
