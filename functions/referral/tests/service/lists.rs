//! Lists by page (referral §3).

use serde_json::{Value, json};

use crate::people::{code, confirm, counted, delete, get, world};

fn ids(list: &Value) -> Vec<String> {
    list["data"]
        .as_array()
        .expect("data")
        .iter()
        .map(|record| record["id"].as_str().expect("an id").to_owned())
        .collect()
}

#[tokio::test]
async fn pages_follow_one_another_newest_first() {
    let world = world().await;
    let (one, two) = (code(&world, "usr_1").await, code(&world, "usr_2").await);
    let mut made = Vec::new();
    for n in 0..7 {
        // Some in the same millisecond.
        if n % 3 == 0 {
            world.advance_seconds(1);
        }
        made.push(counted(&world, if n < 5 { &one } else { &two }, n).await);
    }
    let mut newest = made.clone();
    newest.sort_by(|a, b| b.cmp(a));
    let mut paged = Vec::new();
    for page in 1..=4 {
        let reply = get(&world, &format!("/?page={page}&limit=2")).await;
        assert_eq!(reply.data()["pagination"], json!({"page": page, "limit": 2, "total": 7}));
        paged.extend(ids(reply.data()));
    }
    assert_eq!(paged, newest);
    let beyond = get(&world, "/?page=5&limit=2").await;
    assert_eq!(beyond.text, "{\"data\":[],\"pagination\":{\"page\":5,\"limit\":2,\"total\":7}}");
    let far = get(&world, "/?page=100&limit=100").await;
    assert_eq!((ids(far.data()), &far.data()["pagination"]["total"]), (Vec::new(), &json!(7)));

    let of_one = get(&world, "/mentor/usr_1?limit=3").await;
    let expected: Vec<_> = newest.iter().filter(|id| made[..5].contains(id)).cloned().collect();
    assert_eq!(ids(of_one.data()), expected[..3]);
    assert_eq!(of_one.data()["pagination"], json!({"page": 1, "limit": 3, "total": 5}));
    let rest = get(&world, "/mentor/usr_1?limit=3&page=2").await;
    assert_eq!(ids(rest.data()), expected[3..]);

    // A deleted one is missing and not counted.
    delete(&world, &newest[0]).await.data();
    let reply = get(&world, "/").await;
    assert_eq!(ids(reply.data()), newest[1..]);
    assert_eq!(reply.data()["pagination"], json!({"page": 1, "limit": 20, "total": 6}));
}

#[tokio::test]
async fn a_mentors_list_is_answered_as_the_page_shows_it() {
    let world = world().await;
    let code = code(&world, "usr_4491").await;
    let first = counted(&world, &code, 1).await;
    world.advance_seconds(60);
    let second = counted(&world, &code, 2).await;
    confirm(&world, &first, &code, "usr_5892").await.data();
    let expected = format!(
        "{{\"data\":[{{\"id\":\"{second}\",\"code\":\"{code}\",\"mentor_id\":\"usr_4491\",\"type\":\"click\",\
         \"status\":\"pending\",\"new_member_id\":null,\"occurred_at\":\"2026-03-20T20:01:00Z\"}},\
         {{\"id\":\"{first}\",\"code\":\"{code}\",\"mentor_id\":\"usr_4491\",\"type\":\"conversion\",\
         \"status\":\"confirmed\",\"new_member_id\":\"usr_5892\",\"occurred_at\":\"2026-03-20T20:01:00Z\"}}],\
         \"pagination\":{{\"page\":1,\"limit\":20,\"total\":2}}}}"
    );
    assert_eq!(get(&world, "/mentor/usr_4491").await.text, expected);
}

#[tokio::test]
async fn pages_are_whole_numbers_and_not_too_deep() {
    let world = world().await;
    for path in ["/", "/mentor/usr_1"] {
        for bad in ["page=0", "page=-1", "page=1.5", "page=x", "page=", "limit=0", "limit=x", "limit=1e2"] {
            let reply = get(&world, &format!("{path}?{bad}")).await;
            assert_eq!(reply.refused_fields(), [bad.split('=').next().expect("a name")], "{bad}");
        }
        let both = get(&world, &format!("{path}?page=a&limit=b&offset=3")).await;
        let mut fields = both.refused_fields();
        fields.sort_unstable();
        assert_eq!(fields, ["limit", "offset", "page"]);
        for (query, limit) in [
            ("limit=101", 100),
            ("limit=99999999999999999999", 100),
            ("limit=100&page=100", 100),
            ("limit=1&page=10000", 1),
        ] {
            let reply = get(&world, &format!("{path}?{query}")).await;
            assert_eq!(reply.data()["pagination"]["limit"], limit, "{query}");
        }
        for deep in ["page=501", "limit=100&page=101", "limit=1000&page=101", "limit=1&page=10001"] {
            get(&world, &format!("{path}?{deep}")).await.refused("page-too-deep");
        }
    }
}
