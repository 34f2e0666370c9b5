//! Totals over HTTP (referral §7).

use serde_json::json;

use crate::people::{code, confirm, counted, get, total, world};

#[tokio::test]
async fn a_total_is_answered_as_the_page_shows_it() {
    let world = world().await;
    let code = code(&world, "usr_4491").await;
    for n in 0..3 {
        let id = counted(&world, &code, n).await;
        if n == 0 {
            confirm(&world, &id, &code, "usr_5892").await.data();
        }
    }
    let reply = get(&world, "/mentor/usr_4491/total").await;
    assert_eq!(
        reply.text,
        "{\"mentor_id\":\"usr_4491\",\"total_clicks\":3,\"total_conversions\":1,\"conversion_rate\":0.333,\
         \"period\":\"all_time\"}"
    );
    let reply = get(&world, "/mentor/usr_4491/total?period=2026-03").await;
    assert_eq!((&reply.data()["total_clicks"], &reply.data()["period"]), (&json!(3), &json!("2026-03")));
    let log = world.last_log();
    assert_eq!(
        (&log["reads"], &log["writes"], &log["call"]),
        (&json!(2), &json!(0), &json!("GET /mentor/{mentorId}/total"))
    );
    for bad in ["2026-13", "all", "", "2026-3"] {
        let reply = get(&world, &format!("/mentor/usr_4491/total?period={bad}")).await;
        assert_eq!(reply.refused_fields(), ["period"]);
    }
    assert_eq!(get(&world, "/mentor/usr_4491/total?page=1").await.refused_fields(), ["page"]);
}

#[tokio::test]
async fn months_are_counted_apart_and_a_rate_may_pass_one() {
    let world = world().await;
    let code = code(&world, "usr_1").await;
    for n in 0..2 {
        let body = json!({
            "code": code, "ip_address": format!("192.0.2.{n}"), "occurred_at": "2026-02-28T23:59:59.999Z",
        });
        let id = crate::people::id(&crate::people::click(&world, body).await);
        confirm(&world, &id, &code, &format!("m{n}")).await.data();
    }
    counted(&world, &code, 1).await;
    assert_eq!(total(&world, "usr_1", "2026-02").await, json!([2, 0, 0]));
    assert_eq!(total(&world, "usr_1", "2026-03").await, json!([1, 2, 2]));
    assert_eq!(total(&world, "usr_1", "2026-04").await, json!([0, 0, 0]));
    assert_eq!(total(&world, "usr_1", "all_time").await, json!([3, 2, 0.667]));
}

#[tokio::test]
async fn a_mentor_without_codes_is_not_told_apart() {
    let world = world().await;
    code(&world, "usr_1").await;
    assert_eq!(total(&world, "usr_1", "all_time").await, json!([0, 0, 0]));
    assert_eq!(total(&world, "nobody", "all_time").await, json!([0, 0, 0]));
    for mentor in ["usr_1", "nobody"] {
        let list = get(&world, &format!("/mentor/{mentor}")).await;
        assert_eq!(list.text, "{\"data\":[],\"pagination\":{\"page\":1,\"limit\":20,\"total\":0}}");
    }
    get(&world, "/mentor/no%7Cbody").await.refused("not-found");
    get(&world, "/mentor/no%7Cbody/total").await.refused("not-found");
    get(&world, "/mentor").await.refused("not-found");
}
