//! For every tag, a request that is refused with it.

use contract::{checksum::Checksum, error::Tag, time::Time};
use e2e::{Client, Deployment, Person, Tenant, upload};
use serde_json::{Value, json};
use testkit::{
    Reply,
    proxy::{Fault, Operation, When},
};

use crate::{referral_page, tills};

/// A tag, and the answer that should carry it.
pub(crate) type Refusal = (Tag, Reply);

/// All of them. The clock is moved last.
pub(crate) async fn all(deployment: &Deployment) -> Vec<Refusal> {
    let tenant = deployment.tenant().await;
    let mut refusals = shapes(&tenant).await;
    refusals.extend(callers(deployment, &tenant).await);
    refusals.extend(orgs(deployment, &tenant).await);
    refusals.extend(cost_centres(&tenant).await);
    refusals.extend(facilities(&tenant).await);
    refusals.extend(configurations(&tenant).await);
    refusals.extend(customers(&tenant).await);
    refusals.extend(keys(&tenant).await);
    refusals.extend(users(deployment, &tenant).await);
    refusals.extend(people(deployment).await);
    refusals.extend(work(deployment).await);
    refusals.extend(log_ins(deployment).await);
    refusals.extend(invitations(deployment).await);
    refusals.extend(referrals(deployment).await);
    refusals.extend(dependencies(deployment, &tenant).await);
    refusals.extend(tills::refusals(deployment).await);
    refusals.extend(ends(deployment).await);
    refusals
}

/// Requests that are wrong whoever sends them.
async fn shapes(tenant: &Tenant) -> Vec<Refusal> {
    let client = &tenant.client;
    let list = "/crm/customer/list";
    let send = async |kind: &str, body: &str| client.send("POST", list, kind, body.to_owned()).await;
    let large = json!({ "next_token": "x".repeat(300 * 1024) }).to_string();
    vec![
        (Tag::RouteNotFound, client.post("/crm/no/such/route", json!({})).await),
        (Tag::MethodNotAllowed, client.send("GET", list, "application/json", String::new()).await),
        (Tag::InvalidJson, send("application/json", "[").await),
        (Tag::UnsupportedMediaType, send("text/plain", "{}").await),
        (Tag::PayloadTooLarge, send("application/json", &large).await),
        (Tag::InvalidInput, client.post(list, json!({ "limt": 8 })).await),
        (Tag::InvalidToken, client.post(list, json!({ "next_token": "made-up" })).await),
        (Tag::ContextMismatch, client.post(list, json!({ "orgcode": "OTHER" })).await),
    ]
}

/// Callers who are nobody, or may not.
async fn callers(deployment: &Deployment, tenant: &Tenant) -> Vec<Refusal> {
    let anyone = deployment.anyone().with("x-orgcode", &tenant.orgcode);
    let list = async |client: Client| client.post("/crm/customer/list", json!({})).await;
    let viewer = tenant.key("VIEWER", &["crm_view"]).await;
    let create = json!({ "customer": {}, "reason": "Walked in" });
    let centre = json!({ "org_guid": tenant.org_guid, "caption": "Mine" });
    let stranger = deployment.person().await;
    vec![
        (Tag::AuthRequired, list(anyone.clone()).await),
        (Tag::SessionInvalid, list(anyone.with("x-session-guid", "s1_made-up")).await),
        (Tag::ApiKeyInvalid, list(anyone.with("x-api-key", "k1_made-up")).await),
        (Tag::Forbidden, viewer.post("/crm/customer/create", create).await),
        (Tag::NotOwner, viewer.post("/ofm/cost-centre/create", centre).await),
        (Tag::NotFound, list(stranger.client.with("x-orgcode", &tenant.orgcode)).await),
    ]
}

/// Orgs of which the status does not allow it.
async fn orgs(deployment: &Deployment, tenant: &Tenant) -> Vec<Refusal> {
    let other = deployment.tenant().await;
    let get = json!({ "org_guid": other.org_guid });
    let org = other.client.post("/ofm/org/get", get).await.data().clone();
    let set = async |status: &str, revision: &Value| {
        let set = json!({ "org_guid": other.org_guid, "status": status, "expected_revision": revision });
        other.client.post("/ofm/org/status/set", set).await
    };
    let parked = set("parked", &org["revision"]).await;
    let create = json!({ "org_guid": other.org_guid, "caption": "Not now" });
    let taken = json!({ "user_guid": tenant.owner.user_guid, "orgcode": tenant.orgcode });
    vec![
        (Tag::Cooldown, set("verified", &parked.data()["revision"]).await),
        (Tag::OrgWriteBlocked, other.client.post("/ofm/cost-centre/create", create).await),
        (Tag::DuplicateCode, deployment.anyone().operate("invitation-create", taken).await),
    ]
}

/// Changes of a record that are not to be.
async fn cost_centres(tenant: &Tenant) -> Vec<Refusal> {
    let client = &tenant.client;
    let create = |caption: &str| json!({ "org_guid": tenant.org_guid, "caption": caption });
    let keyed = client.with("idempotency-key", "centre");
    let first = keyed.post("/ofm/cost-centre/create", create("One")).await.data().clone();
    let get = json!({ "org_guid": tenant.org_guid });
    let org = client.post("/ofm/org/get", get).await.data().clone();
    let master = json!({ "org_guid": tenant.org_guid, "cc_guid": org["cost_centre_guid"] });
    let master = client.post("/ofm/cost-centre/get", master).await.data().clone();
    let set = async |centre: &Value, status: &str, revision: &Value| {
        let set = json!({
            "org_guid": tenant.org_guid, "cc_guid": centre["cc_guid"], "status": status,
            "expected_revision": revision,
        });
        client.post("/ofm/cost-centre/status/set", set).await
    };
    let doomed = set(&first, "doomed", &first["revision"]).await.data().clone();
    vec![
        (Tag::IdempotencyMismatch, keyed.post("/ofm/cost-centre/create", create("Two")).await),
        (Tag::ExpectedRevisionRequired, set(&master, "doomed", &Value::Null).await),
        (Tag::Conflict, set(&master, "doomed", &first["revision"]).await),
        (Tag::InUse, set(&master, "doomed", &master["revision"]).await),
        (Tag::InvalidTransition, set(&first, "active", &doomed["revision"]).await),
    ]
}

/// Calls a route about a tenant's org.
pub(crate) async fn post(tenant: &Tenant, path: &str, mut fields: Value) -> Reply {
    fields["org_guid"] = json!(tenant.org_guid);
    tenant.client.post(path, fields).await
}

/// A logical facility with this code, at a place and of a trader of its own.
pub(crate) async fn facility(tenant: &Tenant, code: &str) -> Value {
    let create = async |path: &str, fields: Value| post(tenant, path, fields).await.data().clone();
    let address = json!({ "line1": "Main Street 1", "city": "Berlin", "country": "DE" });
    let place = json!({ "code": code, "caption": "Shop", "address": address, "timezone": "Europe/Berlin" });
    let place = create("/ofm/facility/physical/create", place).await;
    let trader =
        json!({ "code": code, "caption": "Trader", "legal_name": "Trader GmbH", "address": address });
    let trader = create("/ofm/facility/legal/create", trader).await;
    let facility = json!({
        "code": code, "caption": "Store", "pf_guid": place["pf_guid"], "legal_guid": trader["legal_guid"],
    });
    create("/ofm/facility/logical/create", facility).await
}

/// The draft of a sales channel, at a facility of its own.
pub(crate) async fn sales_channel(tenant: &Tenant) -> Value {
    let facility = facility(tenant, "CHANNEL").await;
    draft_at(tenant, &facility).await
}

async fn draft_at(tenant: &Tenant, facility: &Value) -> Value {
    let channel = json!({
        "logical_guid": facility["logical_guid"], "channel_code": "shopify", "caption": "Shop",
        "locale_codes": ["de"], "external_ids": [{ "kind": "shop_id", "id": "1" }],
    });
    post(tenant, "/ofm/sales-channel/create", channel).await.data().clone()
}

/// Configurations of sales channels that are not taken over.
async fn configurations(tenant: &Tenant) -> Vec<Refusal> {
    let channel = sales_channel(tenant).await;
    let mut revision = channel["revision"].clone();
    let mut refused = Vec::new();
    let mut first = Value::Null;
    for content in [&b"[]"[..], b"{}", b"{} "] {
        let announce = json!({
            "channel_guid": channel["channel_guid"], "expected_revision": revision,
            "checksum_sha256": Checksum::of(content).as_str(), "size_bytes": content.len(),
        });
        let announced = post(tenant, "/ofm/sales-channel/config/presign", announce).await.data().clone();
        let mut take_over = json!({
            "channel_guid": channel["channel_guid"], "expected_revision": revision,
            "config_s3_key": announced["config_s3_key"],
        });
        let path = "/ofm/sales-channel/config/complete";
        if content == b"[]" {
            refused.push((Tag::ConfigMissing, post(tenant, path, take_over.clone()).await));
        }
        assert_eq!(upload(&announced["presign"], content).await, 200);
        let done = post(tenant, path, take_over.clone()).await;
        if content == b"[]" {
            refused.push((Tag::ConfigInvalid, done));
            take_over["config_s3_bucket"] = json!("another");
            refused.push((Tag::ConfigMismatch, post(tenant, path, take_over).await));
        } else {
            revision = done.data()["revision"].clone();
            if first.is_null() {
                first = take_over;
            } else {
                refused.push((Tag::ConfigSuperseded, post(tenant, path, first.clone()).await));
            }
        }
    }
    refused
}

/// What is not to be done at a facility.
async fn facilities(tenant: &Tenant) -> Vec<Refusal> {
    let create = async |path: &str, fields: Value| post(tenant, path, fields).await;
    let facility = facility(tenant, "A").await;
    let zone = |depth: usize, above: &Value| {
        let (logical, parent) = (&facility["logical_guid"], &above["zone_guid"]);
        json!({ "logical_guid": logical, "code": format!("Z{depth}"), "parent_zone_guid": parent })
    };
    let mut above = Value::Null;
    for depth in 1..=8 {
        above = create("/ofm/zone/create", zone(depth, &above)).await.data().clone();
    }
    let list = json!({ "org_guid": tenant.org_guid, "logical_guid": facility["logical_guid"] });
    let viewer = tenant.key("NO_GRANT", &["ofm_view"]).await;
    let mut activated = Vec::new();
    for _ in 0..2 {
        let channel = draft_at(tenant, &facility).await;
        let (guid, revision) = (&channel["channel_guid"], &channel["revision"]);
        let activate = json!({ "channel_guid": guid, "expected_revision": revision, "status": "active" });
        activated.push(create("/ofm/sales-channel/status", activate).await);
    }
    activated[0].data();
    vec![
        (Tag::ZoneDepthExceeded, create("/ofm/zone/create", zone(9, &above)).await),
        (Tag::DuplicateExternalId, activated.remove(1)),
        (Tag::FacilityGrantRequired, viewer.post("/ofm/zone/list", list).await),
    ]
}

/// Customers who are there already, or twice.
async fn customers(tenant: &Tenant) -> Vec<Refusal> {
    let customer = json!({
        "emails": [{ "email": "twice@example.com" }],
        "phones": [{ "phone": "+12025550199" }],
        "external_refs": [{ "system": "pos", "id": "1" }],
    });
    let with = async |field: &str| {
        let customer = json!({ field: customer[field] });
        let create = json!({ "customer": customer, "reason": "Walked in" });
        tenant.client.post("/crm/customer/create", create).await
    };
    for field in ["emails", "phones", "phones", "external_refs"] {
        with(field).await.data();
    }
    let get = json!({ "phone": "+12025550199" });
    vec![
        (Tag::DuplicateEmail, with("emails").await),
        (Tag::DuplicateExternalRef, with("external_refs").await),
        (Tag::Ambiguous, tenant.client.post("/crm/customer/get", get).await),
    ]
}

/// More keys than there may be.
async fn keys(tenant: &Tenant) -> Vec<Refusal> {
    let account =
        json!({ "org_guid": tenant.org_guid, "code": "MANY", "caption": "Many", "roles": ["crm_view"] });
    let account = tenant.client.post("/usm/service_account/create", account).await.data().clone();
    let create = json!({
        "org_guid": tenant.org_guid, "service_account_guid": account["service_account_guid"],
    });
    let create = async || tenant.client.post("/usm/api_key/create", create.clone()).await;
    for _ in 0..10 {
        create().await.data();
    }
    vec![(Tag::LimitExceeded, create().await)]
}

/// What the operator refuses.
async fn users(deployment: &Deployment, tenant: &Tenant) -> Vec<Refusal> {
    let operator = deployment.anyone();
    let email = format!("{}@people.example", deployment.unique("unready"));
    let user = json!({ "email": email, "display_name": "Una Unready" });
    let user = operator.operate("user-create", user).await.data().clone();
    let verify = json!({
        "user_guid": user["user_guid"], "status": "verified", "expected_revision": user["revision"],
    });
    let owners = json!({ "org_guid": tenant.org_guid });
    let owners = tenant.client.post("/ofm/owner/list", owners).await.data().clone();
    let suspend = json!({
        "org_guid": tenant.org_guid, "user_guid": tenant.owner.user_guid, "state": "suspended",
        "expected_revision": owners["owners"][0]["revision"],
    });
    vec![
        (Tag::InvalidState, operator.operate("user-status-set", verify).await),
        (Tag::LastOwner, operator.operate("owner-state-set", suspend).await),
    ]
}

/// People who are members or owners already.
async fn people(deployment: &Deployment) -> Vec<Refusal> {
    let tenant = deployment.tenant().await;
    let person = deployment.person().await;
    let member = json!({ "org_guid": tenant.org_guid, "user_guid": person.user_guid });
    let call = async |client: &Client, path: &str, fields: &Value| client.post(path, fields.clone()).await;
    call(&tenant.client, "/ofm/member/add", &member).await.data();
    let member_again = call(&tenant.client, "/ofm/member/add", &member).await;
    let owner = call(&tenant.client, "/ofm/owner/secondary/add", &member).await.data().clone();
    let other = deployment.person().await;
    let invite = json!({ "org_guid": tenant.org_guid, "user_guid": other.user_guid });
    let made = call(&tenant.client, "/ofm/member/invite/create", &invite).await.data().clone();
    let invite_again = call(&tenant.client, "/ofm/member/invite/create", &invite).await;
    let revoke = json!({
        "org_guid": tenant.org_guid, "invite_guid": made["invite_guid"], "expected_revision": made["revision"],
    });
    call(&tenant.client, "/ofm/member/invite/revoke", &revoke).await.data();
    let accept = json!({ "code": made["code"] });
    let mut again = member.clone();
    again["expected_revision"] = owner["revision"].clone();
    vec![
        (Tag::DuplicateMember, member_again),
        (Tag::DuplicateInvite, invite_again),
        (Tag::InvitationRevoked, call(&other.client, "/ofm/member/invite/accept", &accept).await),
        (Tag::DuplicateOwner, call(&tenant.client, "/ofm/owner/secondary/add", &again).await),
        (Tag::NotPrimaryOwner, call(&person.client, "/ofm/owner/secondary/add", &member).await),
    ]
}

/// A shop of a tenant.
async fn shop(tenant: &Tenant) -> Value {
    let create = async |kind: &str, fields: Value| {
        let mut facility = json!({ "org_guid": tenant.org_guid, "code": "MAIN", "caption": "Shop" });
        facility.as_object_mut().expect("fields").extend(fields.as_object().cloned().unwrap_or_default());
        tenant.client.post(&format!("/ofm/facility/{kind}/create"), facility).await.data().clone()
    };
    let address = json!({ "line1": "Main Street 1", "city": "Berlin", "country": "DE" });
    let place = create("physical", json!({ "address": address, "timezone": "Europe/Berlin" })).await;
    let trader = create("legal", json!({ "address": address, "legal_name": "Shop GmbH" })).await;
    let both = json!({ "pf_guid": place["pf_guid"], "legal_guid": trader["legal_guid"] });
    create("logical", both).await["logical_guid"].clone()
}

/// Work that somebody cannot have done, or be planned for.
async fn work(deployment: &Deployment) -> Vec<Refusal> {
    let tenant = deployment.tenant().await;
    let (person, shop) = (deployment.person().await, shop(&tenant).await);
    let named = json!({ "org_guid": tenant.org_guid, "user_guid": person.user_guid, "logical_guid": shop });
    let call = async |path: &str, more: Value| {
        let mut fields = named.clone();
        fields.as_object_mut().expect("fields").extend(more.as_object().cloned().unwrap_or_default());
        tenant.client.post(path, fields).await
    };
    let member = json!({ "org_guid": tenant.org_guid, "user_guid": person.user_guid });
    tenant.client.post("/ofm/member/add", member).await.data();
    call("/ofm/member/assign-logical", json!({ "grants": ["facility:read"] })).await.data();
    let shift = json!({
        "shift_date": "2030-03-04", "start_time": "09:00", "end_time": "17:00", "role_label": "Till",
    });
    call("/ofm/shift/create", shift.clone()).await.data();
    let stat = tenant.client.send("GET", "/ofm/stat", "application/json", String::new()).await;
    let now: Time = stat.data()["time_utc"].as_str().expect("a time").parse().expect("a time");
    let past = json!({ "clock_in": now.plus_hours(-25) });
    let entry = call("/ofm/timesheet/clock-in", past.clone()).await.data().clone();
    let out = json!({
        "org_guid": tenant.org_guid, "entry_guid": entry["entry_guid"], "expected_revision": entry["revision"],
    });
    let within = json!({ "clock_in": now.plus_hours(-24), "clock_out": now.plus_hours(-23) });
    vec![
        (Tag::ShiftOverlap, call("/ofm/shift/create", shift).await),
        (Tag::TimesheetOpen, call("/ofm/timesheet/clock-in", past).await),
        (Tag::TimesheetOverlap, call("/ofm/timesheet/clock-in", within).await),
        (Tag::ClockOutTimeRequired, tenant.client.post("/ofm/timesheet/clock-out", out).await),
    ]
}

/// Log-ins that fail.
async fn log_ins(deployment: &Deployment) -> Vec<Refusal> {
    let anyone = deployment.anyone();
    let Person { email, passcode, .. } = deployment.person().await;
    let log_in = async |email: &str, passcode: &str| {
        anyone.post("/usm/session/create", json!({ "email": email, "passcode": passcode })).await
    };
    for _ in 1..10 {
        log_in(&email, passcode).await.data();
    }
    let too_many = log_in(&email, passcode).await;

    let new = format!("{}@people.example", deployment.unique("new"));
    let user = json!({ "email": new, "display_name": "Nora New", "passcode": passcode });
    let user = anyone.operate("user-create", user).await.data().clone();
    let unconfirmed = log_in(&new, passcode).await;
    let confirm = json!({ "user_guid": user["user_guid"], "email": new });
    anyone.operate("email-confirm", confirm).await.data();
    let unverified = log_in(&new, passcode).await;

    let nobody = format!("{}@people.example", deployment.unique("nobody"));
    let wrong = log_in(&nobody, "Wrong-passcode-1").await;
    for _ in 1..10 {
        log_in(&nobody, "Wrong-passcode-1").await.refused("invalid-passcode");
    }
    vec![
        (Tag::TooManySessions, too_many),
        (Tag::EmailNotVerified, unconfirmed),
        (Tag::UserNotVerified, unverified),
        (Tag::InvalidPasscode, wrong),
        (Tag::RateLimited, log_in(&nobody, "Wrong-passcode-1").await),
    ]
}

/// Invitations that cannot be used any more, or not for this.
async fn invitations(deployment: &Deployment) -> Vec<Refusal> {
    let operator = deployment.anyone();
    let person = deployment.person().await;
    let invite = async |fields: Value| {
        let mut invitation = json!({ "user_guid": person.user_guid });
        invitation.as_object_mut().expect("fields").extend(fields.as_object().cloned().unwrap_or_default());
        operator.operate("invitation-create", invitation).await.data().clone()
    };
    let found = async |invitation: &Value| {
        let orgcode = deployment.unique("LATE");
        let found = json!({ "orgcode": orgcode, "caption": "Late", "invitation_code": invitation["code"] });
        person.client.post("/ofm/org/create", found).await
    };
    let end = async |action: &str| {
        let invitation = invite(json!({})).await;
        let end = json!({
            "invitation_id": invitation["invitation_id"], "expected_revision": invitation["revision"],
        });
        operator.operate(action, end).await.data();
        found(&invitation).await
    };
    let used = invite(json!({})).await;
    found(&used).await.data();
    let other = invite(json!({ "orgcode": deployment.unique("OTHER") })).await;
    vec![
        (Tag::InvitationRejected, end("invitation-reject").await),
        (Tag::InvitationDoomed, end("invitation-doom").await),
        (Tag::InvitationAccepted, found(&used).await),
        (Tag::InvitationMismatch, found(&other).await),
    ]
}

/// Referrals that are not to be confirmed, or not to be recorded.
async fn referrals(deployment: &Deployment) -> Vec<Refusal> {
    let anyone = deployment.anyone();
    let code = referral_page::code(deployment, "usr_provoker").await;
    let first = referral_page::click(deployment, &code, "192.0.2.1").await;
    let second = referral_page::click(deployment, &code, "192.0.2.2").await;
    let third = referral_page::click(deployment, &code, "192.0.2.3").await;
    let confirm = async |id: &str, code: &str, member: &str, at: &str| {
        referral_page::confirm(deployment, id, code, member, at).await
    };
    let (at, late) = ("2026-03-25T10:00:00Z", "2026-04-25T10:00:00Z");
    let member = deployment.unique("member_");
    confirm(&first, &code, &member, at).await.data();
    let unknown = json!({ "code": "NO-SUCH-CODE", "ip_address": "192.0.2.1" });
    let disable = json!({ "code": code, "status": "disabled", "expected_revision": 1 });
    let refusals = vec![
        (Tag::CodeMismatch, confirm(&second, "OTHER-CODE", "usr_1", at).await),
        (Tag::AlreadyConfirmed, confirm(&first, &code, "usr_1", at).await),
        (Tag::MemberAlreadyConfirmed, confirm(&second, &code, &member, at).await),
        (Tag::SelfReferral, confirm(&third, &code, "usr_provoker", at).await),
        (Tag::WindowExpired, confirm(&third, &code, "usr_2", late).await),
        (Tag::CodeNotFound, anyone.post(referral_page::BASE, unknown).await),
        (Tag::PageTooDeep, anyone.get(&format!("{}?page=501", referral_page::BASE)).await),
    ];
    anyone.operate("referral-code-status-set", disable).await.data();
    let inactive = anyone.post(referral_page::BASE, json!({ "code": code, "ip_address": "192.0.2.4" })).await;
    refusals.into_iter().chain([(Tag::CodeInactive, inactive)]).collect()
}

/// A database that conflicts, that is not there, and that holds what no function wrote.
async fn dependencies(deployment: &Deployment, tenant: &Tenant) -> Vec<Refusal> {
    let create =
        json!({ "org_guid": tenant.org_guid, "caption": "Busy", "idempotency_key": "a-busy-centre" });
    let create = async || tenant.client.post("/ofm/cost-centre/create", create.clone()).await;
    let proxy = deployment.proxy();
    // The record of the idempotency key is the first item of the transaction.
    proxy.inject(Fault::TransactionConflict { item: 0 }, When::always().of(Operation::TransactWriteItems));
    let in_progress = create().await;
    proxy.clear();
    proxy.inject(Fault::ServerError, When::always());
    let unavailable = create().await;
    proxy.clear();
    let centre = create().await.data().clone();

    deployment.damage("cost-centre", &centre["cc_guid"]).await;
    let get = json!({ "org_guid": tenant.org_guid, "cc_guid": centre["cc_guid"] });
    let internal = tenant.client.post("/ofm/cost-centre/get", get).await;
    vec![
        (Tag::IdempotencyInProgress, in_progress),
        (Tag::Unavailable, unavailable),
        (Tag::Internal, internal),
    ]
}

/// What time ends.
async fn ends(deployment: &Deployment) -> Vec<Refusal> {
    let tenant = deployment.tenant().await;
    let key = tenant.key("AGING", &["crm_view"]).await;
    let invitation = json!({ "user_guid": tenant.owner.user_guid });
    let invitation = deployment.anyone().operate("invitation-create", invitation).await.data().clone();
    let policy = json!({ "org_guid": tenant.org_guid, "max_age_days": 1 });
    tenant.client.post("/usm/api_key/policy_set", policy).await.data();
    deployment.advance_hours(20 * 24).await;

    let list = async |client: &Client| client.post("/crm/customer/list", json!({})).await;
    let orgcode = deployment.unique("LATE");
    let found = json!({ "orgcode": orgcode, "caption": "Late", "invitation_code": invitation["code"] });
    let owner = tenant.owner.log_in().await.client;
    vec![
        (Tag::SessionExpired, list(&tenant.client).await),
        (Tag::ApiKeyExpired, list(&key).await),
        (Tag::InvitationExpired, owner.post("/ofm/org/create", found).await),
    ]
}
