//! Every route that a grant at a facility opens (ofm §1): that grant opens it, and no other.

use contract::grants::{GivenGrants, Grant, Grants};
use serde_json::json;
use service::Access;
use testkit::{Caller, World};

use crate::{request::send, samples::sample, services};

/// A member who has these grants at every facility of the org.
async fn member_with(world: &World, grants: &[Grant]) -> Caller {
    let member = world.member(&[]).await;
    let post = async |path: &str, fields| world.post(&ofm::SERVICE, &world.owner, path, fields).await;
    if !grants.is_empty() {
        let listed = post("/facility/logical/list", json!({"limit": 256})).await;
        for facility in listed.data()["facilities"].as_array().expect("a list") {
            let logical = &facility["logical_guid"];
            let fields = json!({"user_guid": member.user_guid, "logical_guid": logical, "grants": grants});
            post("/member/assign-logical", fields).await.data();
        }
    }
    member
}

fn implies(grant: Grant, needed: Grant) -> bool {
    Grants::from(&GivenGrants::try_from(vec![grant]).expect("a grant")).contains(needed)
}

#[tokio::test]
async fn a_grant_opens_what_the_table_says_and_no_other_does() {
    let first = World::new().await;
    for (service, route) in services::routes() {
        let Access::Granted(needed, _) = route.access else { continue };
        let world = first.another().await;
        let mut request = sample(&world, service, route).await;
        let others: Vec<_> = Grant::ALL.iter().copied().filter(|grant| !implies(*grant, needed)).collect();
        for (grants, opens) in [(&[][..], false), (&others, false), (&[needed], true)] {
            request.caller = member_with(&world, grants).await;
            let reply = send(&world, service, route, &request, None).await;
            let refused = reply.tag() == Some("facility-grant-required");
            let (path, text) = (route.call.path, &reply.text);
            assert_eq!(refused, !opens, "{}{path} with {grants:?}: {text}", service.name);
        }
    }
}
