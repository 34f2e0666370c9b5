//! The first run (usm §5): from nothing to a verified org.

use serde_json::{Value, json};
use testkit::{Caller, World};

use crate::people::{PASSCODE, act, email, guid, status_set};

/// A person who has logged in.
pub(crate) async fn logged_in(world: &World, user: &Value) -> Caller {
    let log_in = json!({"email": user["email"], "passcode": PASSCODE});
    let session = world.post(&usm::SERVICE, &Caller::anonymous(), "/session/create", log_in).await;
    let token = session.data()["session_guid"].as_str().unwrap().to_owned();
    Caller { user_guid: guid(user), headers: vec![("x-session-guid", token)], ..Caller::anonymous() }
}

/// What founds an org: an orgcode that nobody has, and an invitation for it.
pub(crate) async fn founding(world: &World, user: &Value) -> Value {
    let orgcode = format!("N{}", &world.orgcode[1..]);
    let invite = json!({"user_guid": user["user_guid"], "orgcode": orgcode});
    let invitation = act(world, "invitation-create", invite).await;
    json!({"orgcode": orgcode, "invitation_code": invitation.data()["code"], "caption": "Acme"})
}

#[tokio::test]
async fn a_person_is_made_ready_founds_an_org_and_the_org_is_verified() {
    let world = World::new().await;
    let ada = json!({"email": email(&world, "ada"), "display_name": "Ada", "passcode": PASSCODE});
    let user = act(&world, "user-create", ada).await.data().clone();
    let confirm = json!({"user_guid": user["user_guid"], "email": user["email"]});
    let user = act(&world, "email-confirm", confirm).await.data().clone();
    let user = status_set(&world, &user, "verified").await.data().clone();
    let founding = founding(&world, &user).await;
    let ada = logged_in(&world, &user).await;
    let org = world.post(&ofm::SERVICE, &ada, "/org/create", founding).await.data().clone();

    let open = act(&world, "invitation-list", json!({"user_guid": user["user_guid"]})).await;
    assert_eq!(open.data()["invitations"], json!([]));
    let used = json!({"user_guid": user["user_guid"], "status": "accepted"});
    let used = act(&world, "invitation-list", used).await;
    assert_eq!(used.data()["invitations"][0]["org_guid"], org["org_guid"]);

    let centre = json!({"org_guid": org["org_guid"], "caption": "Shop"});
    let early = world.post(&ofm::SERVICE, &ada, "/cost-centre/create", centre.clone()).await;
    early.refused("org-write-blocked");
    let verify =
        json!({"org_guid": org["org_guid"], "status": "verified", "expected_revision": org["revision"]});
    let verified = act(&world, "org-status-set", verify).await;
    assert_eq!(verified.data()["verified_at"], json!(world.now()));
    world.post(&ofm::SERVICE, &ada, "/cost-centre/create", centre).await.data();

    let got = act(&world, "user-get", json!({"user_guid": user["user_guid"]})).await;
    assert_eq!(got.data()["memberships"][0]["primary_owner"], true);
    status_set(&world, &user, "doomed").await.refused("in-use");
}
