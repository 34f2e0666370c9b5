//! The referral service as its page has it: open to the public, called without a credential (referral §5, §9).

use e2e::Deployment;
use serde_json::{Value, json};
use testkit::Reply;

pub(crate) const BASE: &str = "/api/v1/referral-attributions";
const JSON: &str = "application/json";

/// A code of the public org that no other story has.
pub(crate) async fn code(deployment: &Deployment, mentor: &str) -> String {
    let orgcode = &deployment.public_tenant().await.orgcode;
    let create = json!({ "orgcode": orgcode, "mentor_id": mentor });
    let made = deployment.anyone().operate("referral-code-create", create).await;
    made.data()["referral_code"]["code"].as_str().expect("a code").to_owned()
}

/// The id of a click from an address, on the day of the page's.
pub(crate) async fn click(deployment: &Deployment, code: &str, address: &str) -> String {
    let click = json!({ "code": code, "ip_address": address, "occurred_at": "2026-03-20T14:22:00Z" });
    let reply = deployment.anyone().post(BASE, click).await;
    assert_eq!(reply.status, 201, "{}", reply.text);
    reply.data()["id"].as_str().expect("an id").to_owned()
}

pub(crate) async fn confirm(deployment: &Deployment, id: &str, code: &str, member: &str, at: &str) -> Reply {
    let body = json!({ "code": code, "new_member_id": member, "confirmed_at": at });
    deployment.anyone().send("PUT", &format!("{BASE}/{id}"), JSON, body.to_string()).await
}

async fn total(deployment: &Deployment, mentor: &str) -> Value {
    let reply = deployment.anyone().get(&format!("{BASE}/mentor/{mentor}/total")).await;
    let total = reply.data();
    json!([total["total_clicks"], total["total_conversions"], total["conversion_rate"]])
}

pub(crate) async fn the_worked_example_call_by_call(deployment: &Deployment) {
    let anyone = deployment.anyone();
    let orgcode = &deployment.public_tenant().await.orgcode;
    let (code, mentor) = ("JAN-VERV-8F3A", "usr_4491");
    let create = json!({ "orgcode": orgcode, "mentor_id": mentor, "code": code });
    anyone.operate("referral-code-create", create).await.data();

    let page = json!({
        "code": code, "ip_address": "185.12.34.56", "user_agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0)",
        "referrer_url": "https://instagram.com", "occurred_at": "2026-03-20T14:22:00Z",
    });
    let first = anyone.post(BASE, page.clone()).await;
    assert_eq!((first.status, &first.data()["status"]), (201, &json!("pending")), "{}", first.text);
    let id = first.data()["id"].as_str().expect("an id").to_owned();
    assert_eq!(first.header("location"), Some(&*format!("{BASE}/{id}")));
    for (name, value) in page.as_object().expect("fields") {
        assert_eq!(&first.data()[name], value);
    }
    let mut later = page.clone();
    later["occurred_at"] = json!("2026-03-20T14:32:00Z");
    let again = anyone.post(BASE, later).await;
    assert_eq!((again.status, again.header("x-deduplicated")), (200, Some("true")));
    assert_eq!(again.data()["id"], id);

    let mut from_v6 = page.clone();
    from_v6["ip_address"] = json!("2001:0DB8::1");
    let second = anyone.post(BASE, from_v6).await;
    assert_eq!((second.status, &second.data()["ip_address"]), (201, &json!("2001:db8::1")));
    let second = second.data()["id"].as_str().expect("an id").to_owned();

    let at = "2026-03-25T10:00:00Z";
    confirm(deployment, &id, "JAN-VERV-0000", "usr_5892", at).await.refused("code-mismatch");
    let confirmed = confirm(deployment, &id, code, "usr_5892", at).await;
    let told = confirmed.data();
    assert_eq!((&told["type"], &told["status"]), (&json!("conversion"), &json!("confirmed")));
    assert_eq!((&told["new_member_id"], &told["confirmed_at"]), (&json!("usr_5892"), &json!(at)));
    assert_eq!(confirm(deployment, &id, code, "usr_5892", at).await.text, confirmed.text);
    confirm(deployment, &second, code, "usr_5892", at).await.refused("member-already-confirmed");
    assert_eq!(total(deployment, mentor).await, json!([2, 1, 0.5]));

    let delete = async || anyone.send("DELETE", &format!("{BASE}/{id}"), JSON, String::new()).await;
    let deleted = delete().await;
    assert_eq!((&deleted.data()["id"], &deleted.data()["deleted"]), (&json!(id), &json!(true)));
    assert_eq!(delete().await.text, deleted.text);
    assert_eq!(total(deployment, mentor).await, json!([1, 0, 0]));
    anyone.get(&format!("{BASE}/{id}")).await.refused("not-found");
    let list = anyone.get(&format!("{BASE}/mentor/{mentor}")).await;
    assert_eq!(list.data()["pagination"], json!({ "page": 1, "limit": 20, "total": 1 }));

    let is_told = |event: &Value| {
        event["detail-type"] == "recruitment-confirmed" && event["detail"]["aggregate_id"] == id.as_str()
    };
    let event = deployment.events().until(is_told).await;
    assert_eq!((&event["source"], &event["detail"]["orgcode"]), (&json!("g3n.referral"), &json!(orgcode)));
    let data = &event["detail"]["data"];
    assert_eq!((&data["mentor_id"], &data["total_clicks"]), (&json!(mentor), &json!(2)));
    assert_eq!(data["total_conversions"], 1);
    for event in deployment.events().seen().await {
        for personal in ["185.12.34.56", "iPhone", "instagram", "usr_5892"] {
            assert!(!event.to_string().contains(personal), "{event}");
        }
    }
}

pub(crate) async fn every_row_of_the_confirm_table(deployment: &Deployment) {
    let code = code(deployment, "usr_table").await;
    let (first, second) =
        (click(deployment, &code, "192.0.2.1").await, click(deployment, &code, "192.0.2.2").await);
    let put =
        async |id: &str, code: &str, member: &str, at: &str| confirm(deployment, id, code, member, at).await;
    let (member, other) = (deployment.unique("row_"), deployment.unique("row_"));
    let at = "2026-03-25T10:00:00Z";
    put("attr_000000", &code, &member, at).await.refused("not-found");
    put("nonsense", &code, &member, at).await.refused("not-found");
    put(&first, "OTHER-CODE", &member, at).await.refused("code-mismatch");
    put(&first, &code, "usr_table", at).await.refused("self-referral");
    assert_eq!(put(&first, &code, &member, "2026-03-20T14:21:59Z").await.refused_fields(), ["confirmed_at"]);
    assert_eq!(put(&first, &code, &member, "2999-01-01T00:00:00Z").await.refused_fields(), ["confirmed_at"]);
    put(&first, &code, &member, "2026-04-19T14:22:01Z").await.refused("window-expired");
    assert_eq!(put(&first, &code, "", at).await.refused_fields(), ["new_member_id"]);
    let end = put(&first, &code, &member, "2026-04-19T14:22:00Z").await;
    assert_eq!(end.data()["confirmed_at"], "2026-04-19T14:22:00Z");
    assert_eq!(put(&first, &code, &member, at).await.text, end.text);
    put(&first, &code, &other, at).await.refused("already-confirmed");
    put(&second, &code, &member, at).await.refused("member-already-confirmed");
    let disable = json!({ "code": code, "status": "disabled", "expected_revision": 1 });
    deployment.anyone().operate("referral-code-status-set", disable).await.data();
    put(&second, &code, &other, at).await.data();
    let delete = format!("{BASE}/{second}");
    deployment.anyone().send("DELETE", &delete, JSON, String::new()).await.data();
    put(&second, &code, &other, at).await.refused("not-found");
}
