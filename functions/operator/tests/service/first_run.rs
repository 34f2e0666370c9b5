//! The first run (usm §5), as far as it is the operator's.

use contract::ids::InvitationId;
use identity::{keys, org::OrgStatus};
use serde_json::json;
use testkit::World;

use crate::people::{PASSCODE, act, act_in_org, email, guid, put_org, status_set};

#[tokio::test]
async fn a_person_is_made_ready_to_found_an_org_and_the_org_is_verified() {
    let world = World::new().await;
    let ada = json!({"email": email(&world, "ada"), "display_name": "Ada", "passcode": PASSCODE});
    let user = act(&world, "user-create", ada).await.data().clone();
    let confirm = json!({"user_guid": user["user_guid"], "email": user["email"]});
    let user = act(&world, "email-confirm", confirm).await.data().clone();
    let user = status_set(&world, &user, "verified").await.data().clone();
    let invite = json!({"user_guid": user["user_guid"], "orgcode": "ACME"});
    let invitation = act(&world, "invitation-create", invite).await.data().clone();

    // What the person needs to log in and to found the org is there.
    let record = world.stored(&keys::user(guid(&user))).await.unwrap().record;
    assert!(record.may_act());
    let passcode = contract::secret::Secret::new(PASSCODE);
    assert!(record.passcode_hash.unwrap().verify(&passcode).unwrap());
    let id: InvitationId = invitation["invitation_id"].as_str().unwrap().parse().unwrap();
    let stored = world.stored(&keys::invitation(id)).await.unwrap().record;
    assert!(stored.is_for(guid(&user), None));

    let revision = put_org(&world, OrgStatus::Unverified).await;
    let verify = json!({"status": "verified", "expected_revision": revision});
    assert_eq!(act_in_org(&world, "org-status-set", verify).await.data()["status"], "verified");
}
