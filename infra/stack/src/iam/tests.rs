//! The evaluator on policies of its own, and on those of the template.

use std::sync::LazyLock;

use proptest::{prelude::*, sample::select};
use serde_json::json;

use super::*;

const TABLE: &str = "g3n-local";

static SHAPE: LazyLock<Shape> =
    LazyLock::new(|| Shape::of(&Template::local().unwrap().table().unwrap(), TABLE));
static ROLES: LazyLock<BTreeMap<String, Role>> =
    LazyLock::new(|| roles(&Template::local().unwrap(), TABLE).unwrap());

fn policy(statements: &Value) -> Policy {
    try_policy(statements).unwrap()
}

fn try_policy(statements: &Value) -> Result<Policy> {
    let arn = |written: &Value| Ok(written.as_str().unwrap().to_owned());
    Policy::read(statements.as_array().unwrap(), &arn)
}

fn asked(operation: &str, body: &Value) -> Vec<Access> {
    access::asked(&SHAPE, operation, body).unwrap()
}

/// A statement on keys that begin with one of these.
fn on_keys(effect: &str, action: &str, keys: &[&str]) -> Value {
    json!({
        "Sid": format!("{effect} {action} {keys:?}"), "Effect": effect, "Action": action, "Resource": "*",
        "Condition": { "ForAllValues:StringLike": { "dynamodb:LeadingKeys": keys }, "Null": { "dynamodb:LeadingKeys": "false" } },
    })
}

fn get(key: &str) -> Value {
    json!({ "TableName": TABLE, "Key": { "pk": { "S": key }, "sk": { "S": "x" } } })
}

fn get_all(keys: &[String]) -> Value {
    let keys: Vec<_> = keys.iter().map(|key| json!({ "pk": { "S": key }, "sk": { "S": "x" } })).collect();
    json!({ "RequestItems": { TABLE: { "ConsistentRead": true, "Keys": keys } } })
}

fn put(key: &str) -> Value {
    json!({ "TableName": TABLE, "Item": { "pk": { "S": key }, "sk": { "S": "x" }, "data": { "M": {} } } })
}

fn update(key: &str, expression: &str) -> Value {
    json!({
        "TableName": TABLE, "Key": { "pk": { "S": key }, "sk": { "S": "x" } }, "UpdateExpression": expression,
        "ExpressionAttributeNames": { "#data": "data", "#seen": "last_seen_at", "#type": "type" },
        "ExpressionAttributeValues": { ":seen": { "S": "now" } },
    })
}

fn query(index: Option<&str>, key: &str) -> Value {
    let mut body = json!({
        "TableName": TABLE, "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :from AND :to",
        "ExpressionAttributeNames": { "#pk": "pk", "#sk": "sk" },
        "ExpressionAttributeValues": { ":pk": { "S": key }, ":from": { "S": " " }, ":to": { "S": "~" } },
    });
    if let Some(index) = index {
        body["IndexName"] = index.into();
        body["ExpressionAttributeNames"] =
            json!({ "#pk": format!("{index}pk"), "#sk": format!("{index}sk") });
    }
    body
}

/// Every kind of request about an item or partition, with the action that the least of it needs.
fn requests(key: &str) -> Vec<(&'static str, Value)> {
    let transaction = |kind: &str, part: Value| json!({ "TransactItems": [{ kind: part }] });
    vec![
        ("GetItem", get(key)),
        ("BatchGetItem", get_all(&[key.to_owned()])),
        ("TransactGetItems", transaction("Get", get(key))),
        ("Query", query(None, key)),
        ("Query", query(Some("gsi1"), key)),
        ("Query", query(Some("gsi2"), key)),
        ("PutItem", put(key)),
        ("UpdateItem", update(key, "SET #data.#seen = :seen")),
        ("DeleteItem", get(key)),
        ("BatchWriteItem", json!({ "RequestItems": { TABLE: [{ "PutRequest": put(key) }] } })),
        ("BatchWriteItem", json!({ "RequestItems": { TABLE: [{ "DeleteRequest": get(key) }] } })),
        ("TransactWriteItems", transaction("Put", put(key))),
        ("TransactWriteItems", transaction("Update", update(key, "SET #data.#seen = :seen"))),
        ("TransactWriteItems", transaction("Delete", get(key))),
        ("TransactWriteItems", transaction("ConditionCheck", get(key))),
    ]
}

fn writes(operation: &str, body: &Value) -> bool {
    let check = body.pointer("/TransactItems/0/ConditionCheck").is_some();
    !check && (operation.contains("Write") || ["PutItem", "UpdateItem", "DeleteItem"].contains(&operation))
}

#[test]
fn a_request_asks_for_its_action_on_its_keys() {
    let access = &asked("Query", &query(Some("gsi1"), "crm|a"))[0];
    assert_eq!(access.action, "dynamodb:Query");
    assert_eq!(access.resource, "arn:aws:dynamodb:us-east-1:123456789012:table/g3n-local/index/gsi1");
    assert_eq!(access.values("dynamodb:LeadingKeys"), ["crm|a"]);
    assert_eq!(access.values("dynamodb:Attributes"), ["gsi1pk", "gsi1sk"]);
    assert_eq!(access.values("dynamodb:Select"), ["ALL_PROJECTED_ATTRIBUTES"], "it reads whatever there is");

    let access = &asked("UpdateItem", &update("usm|a", "SET #data.#seen = :seen"))[0];
    assert_eq!(access.action, "dynamodb:UpdateItem");
    assert_eq!(access.values("dynamodb:Attributes"), ["data", "pk", "sk"]);
    assert!(access.values("dynamodb:Select").is_empty(), "a write selects nothing");

    let access = &asked("BatchGetItem", &get_all(&["a".to_owned(), "b".to_owned()]))[0];
    assert_eq!(access.action, "dynamodb:BatchGetItem");
    assert_eq!(access.values("dynamodb:LeadingKeys"), ["a", "b"]);

    let scan = &asked("Scan", &json!({ "TableName": TABLE }))[0];
    assert!(scan.values("dynamodb:LeadingKeys").is_empty());
    assert_eq!(scan.values("dynamodb:Select"), ["ALL_ATTRIBUTES"]);
}

#[test]
fn a_read_selects_what_it_names_or_all() {
    let of = |operation: &str, body: &Value| {
        let access = &asked(operation, body)[0];
        let texts = |key| access.values(key).into_iter().cloned().collect::<Vec<_>>();
        (texts("dynamodb:Select").concat(), texts("dynamodb:Attributes"))
    };
    let all = ("ALL_ATTRIBUTES".to_owned(), vec!["pk".to_owned(), "sk".to_owned()]);
    assert_eq!(of("GetItem", &get("a")), all);
    assert_eq!(of("BatchGetItem", &get_all(&["a".to_owned()])), all);
    assert_eq!(of("Query", &query(None, "a")), all);
    let transaction = |part: Value| json!({ "TransactItems": [{ "Get": part }] });
    assert_eq!(of("TransactGetItems", &transaction(get("a"))), all);
    let mut some = get("a");
    some["ProjectionExpression"] = "chain".into();
    let named: Vec<_> = ["chain", "pk", "sk"].map(str::to_owned).to_vec();
    assert_eq!(of("GetItem", &some), ("SPECIFIC_ATTRIBUTES".to_owned(), named.clone()));
    assert_eq!(of("TransactGetItems", &transaction(some)), ("SPECIFIC_ATTRIBUTES".to_owned(), named));
    let mut counted = query(None, "a");
    counted["Select"] = "COUNT".into();
    assert_eq!(of("Query", &counted).0, "COUNT");
}

#[test]
fn a_transaction_asks_for_each_part_and_for_all_of_an_action_together() {
    let parts = json!({ "TransactItems": [
        { "Put": put("a") }, { "Put": put("b") }, { "ConditionCheck": get("c") }, { "Delete": get("d") },
    ]});
    let asked = asked("TransactWriteItems", &parts);
    let of = |action: &str| {
        let of = asked.iter().filter(|access| access.action == action);
        of.map(|access| access.values("dynamodb:LeadingKeys")).collect::<Vec<_>>()
    };
    assert_eq!(of("dynamodb:PutItem"), [vec!["a"], vec!["b"], vec!["a", "b"]]);
    assert_eq!(of("dynamodb:ConditionCheckItem"), [["c"], ["c"]]);
    assert_eq!(of("dynamodb:DeleteItem"), [["d"], ["d"]]);
}

#[test]
fn what_is_not_known_is_an_error() {
    for (operation, body) in [
        ("ExecuteStatement", json!({ "Statement": "SELECT * FROM \"g3n-local\"" })),
        ("GetItem", json!({ "TableName": "another", "Key": { "pk": { "S": "a" } } })),
        ("GetItem", json!({ "TableName": TABLE, "Key": { "sk": { "S": "a" } } })),
        ("GetItem", json!({ "TableName": TABLE, "Key": { "pk": { "S": "a" } }, "AttributesToGet": ["x"] })),
        ("Query", json!({ "TableName": TABLE, "KeyConditions": {} })),
        ("Query", query(Some("gsi9"), "a")),
        ("TransactWriteItems", json!({ "TransactItems": [{ "Merge": {} }] })),
    ] {
        access::asked(&SHAPE, operation, &body).expect_err(&format!("{operation} {body}"));
    }
    let condition = |operator: &str, key: &str| json!([{ "Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": "*", "Condition": { operator: { key: "x" } } }]);
    for (operator, key, told) in [
        ("StringNotLike", "dynamodb:ReturnValues", "this operator is not known here"),
        ("ForAnyValue:StringEquals", "dynamodb:LeadingKeys", "ForAnyValue is not known here"),
        ("ForAllValues:NumericEquals", "dynamodb:LeadingKeys", "this operator is not known here"),
        ("StringEquals", "aws:SourceIp", "this condition key is not known here"),
        ("StringEquals", "dynamodb:LeadingKeys", "must be ForAllValues:StringEquals"),
        ("Null", "dynamodb:LeadingKeys", "neither true nor false"),
    ] {
        let error = format!("{:#}", try_policy(&condition(operator, key)).unwrap_err());
        assert!(error.contains(told) && error.contains(operator), "{error}");
    }
    let variable = on_keys("Allow", "dynamodb:GetItem", &["${aws:userid}|*"]);
    assert!(format!("{:#}", try_policy(&json!([variable])).unwrap_err()).contains("policy variables"));
    for unknown in ["NotAction", "NotResource", "Principal"] {
        try_policy(&json!([{ "Effect": "Allow", "Action": "dynamodb:*", "Resource": "*", unknown: "x" }]))
            .expect_err(unknown);
    }
}

#[test]
fn other_services_are_passed_over() {
    let statements = json!([
        { "Effect": "Allow", "Action": ["sqs:*", "events:PutEvents"], "Resource": "*", "Condition": { "Any": { "aws:x": 1 } } },
    ]);
    let nothing = policy(&statements);
    assert_eq!(nothing.judge(&asked("GetItem", &get("a"))[0]), Judgement::NotAllowed);
    let everything = policy(&json!([{ "Effect": "Allow", "Action": "*", "Resource": "*" }]));
    assert_eq!(everything.judge(&asked("GetItem", &get("a"))[0]), Judgement::Allowed);
}

#[test]
fn actions_are_read_without_case_and_resources_with_it() {
    let read = |action: &str, resource: &str| {
        let statement = json!([{ "Effect": "Allow", "Action": action, "Resource": resource }]);
        policy(&statement).judge(&asked("GetItem", &get("a"))[0])
    };
    assert_eq!(read("DynamoDB:getitem", "*"), Judgement::Allowed);
    assert_eq!(read("dynamodb:Get*", "arn:aws:dynamodb:*:*:table/g3n-*"), Judgement::Allowed);
    assert_eq!(read("dynamodb:GetItem", "arn:aws:dynamodb:*:*:table/G3N-*"), Judgement::NotAllowed);
    assert_eq!(read("dynamodb:BatchGetItem", "*"), Judgement::NotAllowed);
}

#[test]
fn without_a_value_only_what_need_not_be_there_holds() {
    let holds = |operator: &str, key: &str, value: &str| {
        let statement = json!([{ "Effect": "Allow", "Action": "*", "Resource": "*", "Condition": { operator: { key: value } } }]);
        policy(&statement).judge(&asked("Scan", &json!({ "TableName": TABLE }))[0]) == Judgement::Allowed
    };
    // As AWS warns: none of no values fails.
    assert!(holds("ForAllValues:StringLike", "dynamodb:LeadingKeys", "a"));
    assert!(!holds("Null", "dynamodb:LeadingKeys", "false"));
    assert!(holds("Null", "dynamodb:LeadingKeys", "true"));
    assert!(holds("StringEqualsIfExists", "dynamodb:ReturnValues", "NONE"));
    assert!(!holds("StringEquals", "dynamodb:ReturnValues", "NONE"));
}

fn keys() -> impl Strategy<Value = String> {
    let service = select(vec!["crm", "ofm", "usm", "operator", "sys", "relay", "crmx", ""]);
    let tenant = select(vec!["-", "0197d7a4-5b80-7000-8000-000000000001", "", "*"]);
    let rest = select(vec![
        "customer|1",
        "org",
        "user|1",
        "member|1",
        "service-account|1",
        "key-policy",
        "clock",
        "journal|org|1",
        "journal|service-account|1",
        "journal|api-key|1",
        "key-ring|1",
        "made-keys|1",
        "journal|user|1",
        "user|1|session",
        "invitation|1",
        "",
    ]);
    (service, tenant, rest).prop_map(|(service, tenant, rest)| [service, tenant, rest].join("|"))
}

fn statements() -> impl Strategy<Value = Value> {
    let patterns = select(vec!["crm|*", "ofm|*", "*", "usm|-|user|*", "crm|?|*"]);
    let actions = select(vec!["dynamodb:GetItem", "dynamodb:*", "dynamodb:PutItem", "dynamodb:BatchGetItem"]);
    (select(vec!["Allow", "Deny"]), actions, prop::collection::vec(patterns, 1..3))
        .prop_map(|(effect, action, patterns)| on_keys(effect, action, &patterns))
}

fn allowed(policy: &Policy, operation: &str, body: &Value) -> bool {
    asked(operation, body).iter().all(|access| policy.judge(access) == Judgement::Allowed)
}

proptest! {
    #[test]
    fn permissions_add_and_denials_take_away(
        mut all in prop::collection::vec(statements(), 0..5), more in statements(), key in keys(),
    ) {
        let before = policy(&json!(all));
        let adds = more["Effect"] == "Allow";
        all.push(more);
        let after = policy(&json!(all));
        for (operation, body) in requests(&key) {
            let (before, after) = (allowed(&before, operation, &body), allowed(&after, operation, &body));
            let (less, more) = if adds { (before, after) } else { (after, before) };
            prop_assert!(more || !less);
        }
    }

    #[test]
    fn the_order_of_statements_does_not_count(all in prop::collection::vec(statements(), 0..5), key in keys()) {
        let mut turned = all.clone();
        turned.reverse();
        let (all, turned) = (policy(&json!(all)), policy(&json!(turned)));
        for (operation, body) in requests(&key) {
            prop_assert_eq!(allowed(&all, operation, &body), allowed(&turned, operation, &body));
        }
    }

    #[test]
    fn a_batch_is_allowed_where_one_statement_allows_all_of_it(
        all in prop::collection::vec(statements(), 0..4), keys in prop::collection::vec(keys(), 1..5),
    ) {
        let allows: Vec<_> = all.into_iter().filter(|statement| statement["Effect"] == "Allow").collect();
        let one = allows.iter().any(|statement| {
            let policy = policy(&json!([statement]));
            keys.iter().all(|key| allowed(&policy, "BatchGetItem", &get_all(std::slice::from_ref(key))))
        });
        prop_assert_eq!(allowed(&policy(&json!(allows)), "BatchGetItem", &get_all(&keys)), one);
    }
}

fn role(function: &str) -> &Role {
    &ROLES[function]
}

/// The functions behind HTTP: each is a service.
const SERVICES: &[&str] = &["crm", "ofm", "usm"];

const ORG: &str = "0197d7a4-5b80-7000-8000-000000000001";

#[test]
fn a_service_reads_its_caller_and_its_own_in_one_batch() {
    for service in SERVICES {
        let batch = [
            "usm|-|user|1".to_owned(),
            format!("usm|{ORG}|service-account|1"),
            format!("usm|{ORG}|key-policy"),
            format!("ofm|{ORG}|org"),
            format!("ofm|{ORG}|member|1"),
            "sys|-|clock".to_owned(),
            [service, ORG, "idempotency|1"].join("|"),
            [service, ORG, "thing|1"].join("|"),
        ];
        role(service).may("BatchGetItem", &get_all(&batch)).unwrap();
        role(service).may("GetItem", &get("sys|-|warm-up")).unwrap();
        role(service).may("GetItem", &get("ofm|-|orgcode|DEMO")).unwrap();
    }
}

#[test]
fn a_touch_reaches_times_and_nothing_else() {
    for service in SERVICES.iter().filter(|service| **service != "usm") {
        let role = role(service);
        let touch = |key: &str, expression: &str| role.may("UpdateItem", &update(key, expression));
        let account = format!("usm|{ORG}|service-account|1");
        for key in ["usm|-|user|1", &account] {
            touch(key, "SET #data.#seen = :seen").unwrap();
            let mut others = vec!["SET #type = :seen", "REMOVE ttl", "SET #data.#seen = hash"];
            others.push("SET created_at = :seen");
            // `ofm` revokes the keys that a removed owner made.
            if service != &"ofm" || key != account {
                others.push("SET gsi1pk = :seen");
            }
            for other in others {
                touch(key, other).expect_err(other);
            }
            let mut returning = update(key, "SET #data.#seen = :seen");
            returning["ReturnValues"] = "ALL_OLD".into();
            role.may("UpdateItem", &returning).expect_err("what was there comes back");
        }
        for key in ["usm|-|email|1", &format!("usm|{ORG}|journal|service-account|1"), "usm|-|journal|user|1"]
        {
            touch(key, "SET #data.#seen = :seen").expect_err(key);
        }
    }
}

#[test]
fn of_records_that_are_not_its_own_the_operator_reads_the_end_of_the_chain_and_nothing_else() {
    let role = role("operator");
    let with = |expression: &str| {
        let mut body = get("crm|0197d7a4-5b80-7000-8000-000000000001|customer|1");
        body["ProjectionExpression"] = expression.into();
        body["ExpressionAttributeNames"] = json!({ "#sequence": "sequence", "#data": "data" });
        body
    };
    role.may("GetItem", &with("#sequence, chain")).unwrap();
    for more in ["#sequence, #data", "#data.email", "gsi1pk"] {
        role.may("GetItem", &with(more)).expect_err(more);
    }
    // It names no attribute but the key's, and would give all of them.
    let whole = get("crm|0197d7a4-5b80-7000-8000-000000000001|customer|1");
    role.may("GetItem", &whole).expect_err("the whole item");
    role.may("TransactGetItems", &json!({ "TransactItems": [{ "Get": whole }] })).expect_err("the same");
    role.may("BatchGetItem", &get_all(&["crm|-|customer|1".to_owned()])).expect_err("in a batch");
}

#[test]
fn nobody_scans() {
    for (function, role) in &*ROLES {
        role.may("Scan", &json!({ "TableName": TABLE })).expect_err(function);
        let mut index = json!({ "TableName": TABLE });
        index["IndexName"] = "gsi1".into();
        role.may("Scan", &index).expect_err(function);
    }
}

/// What every service may read by its key because a caller is checked against it.
fn is_checked_against(key: &str) -> bool {
    let parts: Vec<_> = key.split('|').collect();
    let of_org = parts.get(1) == Some(&ORG);
    match parts[..] {
        ["ofm", _, "org"] | ["ofm", _, "member", ..] => of_org,
        ["usm", _, "service-account", ..] | ["usm", _, "key-policy"] => of_org,
        ["ofm", "-", "orgcode", ..] | ["usm", "-", "user", ..] => true,
        ["sys", ..] => true,
        _ => false,
    }
}

/// What `ofm` may do beside that: find and revoke the keys that a removed owner made (ofm §8).
fn is_of_removal(key: &str, operation: &str, body: &Value) -> bool {
    let parts: Vec<_> = key.split('|').collect();
    let is = |kind: &str| body.pointer(&format!("/TransactItems/0/{kind}")).is_some();
    let checks = ["GetItem", "BatchGetItem", "TransactGetItems"].contains(&operation) || is("ConditionCheck");
    match parts[..] {
        ["usm", ORG, "key-ring", ..] => checks || operation == "UpdateItem" || is("Update"),
        ["usm", ORG, "made-keys", ..] => checks || operation == "Query" && body["IndexName"].is_null(),
        ["usm", ORG, "journal", "api-key", ..] => operation == "PutItem" || is("Put"),
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_service_reaches_its_own_and_of_others_what_its_callers_are_checked_against(
        service in select(SERVICES.to_vec()), key in keys(),
    ) {
        let role = role(service);
        let is_own = key.starts_with(&format!("{service}|"));
        for (operation, body) in requests(&key) {
            let may = role.may(operation, &body).is_ok();
            let batch_write = operation == "BatchWriteItem";
            let is_touch = ["UpdateItem", "TransactWriteItems"].contains(&operation)
                && (operation == "UpdateItem" || body.pointer("/TransactItems/0/Update").is_some())
                && (key.starts_with("usm|-|user|") || key.starts_with(&format!("usm|{ORG}|service-account|")));
            let is_check = ["GetItem", "BatchGetItem", "TransactGetItems"].contains(&operation)
                || body.pointer("/TransactItems/0/ConditionCheck").is_some();
            let is_removal = service == "ofm" && is_of_removal(&key, operation, &body);
            let expected = is_own && !batch_write
                || is_check && is_checked_against(&key)
                || is_touch
                || is_removal;
            prop_assert_eq!(may, expected, "{} {} {}", service, operation, key);
            if !is_own && !is_touch && !is_removal && writes(operation, &body) {
                prop_assert!(!may);
            }
        }
    }
}

#[test]
fn ofm_and_operator_reach_configurations_of_sales_channels_and_nobody_else_any_object() {
    const KEY: &str = "sales-channel-config/orgcode=ACME/channel_guid=1/config/1-2.json";
    for (function, role) in &*ROLES {
        let is_ofm = function == "ofm";
        for action in ["GetObject", "PutObject"] {
            assert_eq!(role.may_object(action, KEY).is_ok(), is_ofm, "{function} {action}");
            role.may_object(action, "another/1.json").expect_err(function);
            role.may_object(action, &KEY[1..]).expect_err(function);
        }
        for action in ["GetObjectVersion", "DeleteObject", "PutObjectAcl", "ListBucket"] {
            role.may_object(action, KEY).expect_err(function);
        }
        assert_eq!(role.may_list_objects().is_ok(), is_ofm, "{function}");
        // What nobody names any more is deleted by the operator, who can neither read nor put there.
        let is_operator = function == "operator";
        assert_eq!(role.may_object("DeleteObjectVersion", KEY).is_ok(), is_operator, "{function}");
        role.may_object("DeleteObjectVersion", "another/1.json").expect_err(function);
        assert_eq!(role.may_list_versions(KEY).is_ok(), is_operator, "{function}");
        for prefix in ["", "sales-channel-config", "another/1.json"] {
            role.may_list_versions(prefix).expect_err(function);
        }
    }
    let told = role("crm").may_object("GetObject", KEY).unwrap_err().to_string();
    assert!(told.contains("crm may not s3:GetObject") && told.contains(KEY), "{told}");
}

#[test]
fn a_refusal_names_function_action_key_and_place() {
    let told =
        role("crm").may("Query", &query(Some("gsi1"), "ofm|x|members|active")).unwrap_err().to_string();
    for part in [
        "crm may not dynamodb:Query",
        "index/gsi1",
        "ofm|x|members|active",
        "no statement allows it",
        "template.yaml",
    ] {
        assert!(told.contains(part), "{told}");
    }
}
