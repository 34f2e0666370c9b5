//! The demo tenant: a verified person who owns a verified org, a key for its till, a few customers and referral codes.
//!
//! Made through the same calls as a real tenant (usm §5, first run). Each step looks first whether it was done, so
//! that a stack whose data stayed is seeded as well as an empty one.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::api::{Api, text};

/// The demo tenant's orgcode.
pub const ORGCODE: &str = "DEMO";
/// By which the demo person logs in.
pub const EMAIL: &str = "demo@example.com";
/// The demo person's passcode, known to everybody.
pub const PASSCODE: &str = "Demo-passcode-1";
/// The referral code of the referral page's examples.
pub const REFERRAL_CODE: &str = "JAN-VERV-8F3A";
/// The mentor of the referral page's examples.
pub const MENTOR: &str = "usr_4491";
/// Who asks the operator for all this, as the journal has it.
const ACTOR: &str = "local stack";
const REASON: &str = "Demo tenant";
const KEY_CAPTION: &str = "Demo till";

/// What is needed to act as the demo tenant.
#[derive(Clone, Debug)]
pub struct Demo {
    /// The demo org.
    pub org_guid: String,
    /// The demo person.
    pub user_guid: String,
    /// A fresh session of the demo person.
    pub session_guid: String,
    /// A fresh key of the demo org.
    pub api_key: String,
    /// The code of an open invitation, by which the demo person can make one more org.
    pub invitation_code: String,
}

/// Sees to it that the demo tenant is there, and logs in.
pub async fn seed(api: &Api) -> Result<Demo> {
    let user_guid = user(api).await.context("the demo person")?;
    let session_guid = log_in(api).await.context("the demo person's session")?;
    let person = api.with("x-session-guid", &session_guid);
    let org_guid = org(&person, &user_guid).await.context("the demo org")?;
    let api_key = key(&person, &org_guid).await.context("the demo org's key")?;
    customers(&person).await.context("the demo customers")?;
    referral_codes(api).await.context("the demo referral codes")?;
    let invitation = json!({ "user_guid": user_guid, "caption": "An org to try things out" });
    let invitation = operate(api, "invitation-create", invitation).await?;
    let invitation_code = text(&invitation, "/code")?.to_owned();
    Ok(Demo { org_guid, user_guid, session_guid, api_key, invitation_code })
}

async fn operate(api: &Api, action: &str, mut request: Value) -> Result<Value> {
    request["action"] = action.into();
    request["actor"] = ACTOR.into();
    request["reason"] = REASON.into();
    api.operate(request).await?.done().with_context(|| action.to_owned())
}

async fn user(api: &Api) -> Result<String> {
    let known =
        api.operate(json!({ "action": "user-get", "actor": ACTOR, "email": EMAIL })).await?.found()?;
    let person = json!({ "email": EMAIL, "display_name": "Demo Owner", "passcode": PASSCODE });
    let mut user = match known {
        Some(user) => user,
        None => operate(api, "user-create", person).await?,
    };
    let user_guid = text(&user, "/user_guid")?.to_owned();
    if user["email_confirmed"] != true {
        user = operate(api, "email-confirm", json!({ "user_guid": user_guid, "email": EMAIL })).await?;
    }
    if user["status"] == "unverified" {
        let verified =
            json!({ "user_guid": user_guid, "status": "verified", "expected_revision": user["revision"] });
        operate(api, "user-status-set", verified).await?;
    }
    Ok(user_guid)
}

async fn log_in(api: &Api) -> Result<String> {
    let credentials =
        json!({ "email": EMAIL, "passcode": PASSCODE, "caption": "Local stack", "replace_oldest": true });
    let session = api.post("/usm/session/create", credentials).await?.done()?;
    Ok(text(&session, "/session_guid")?.to_owned())
}

async fn org(person: &Api, user_guid: &str) -> Result<String> {
    let orgs = person.post("/ofm/org/list", json!({ "limit": 256 })).await?.done()?;
    let org = match list(&orgs, "orgs").find(|org| org["orgcode"] == ORGCODE) {
        Some(org) => org.clone(),
        None => create_org(person, user_guid).await?,
    };
    let org_guid = text(&org, "/org_guid")?.to_owned();
    if org["status"] == "unverified" {
        let verified =
            json!({ "org_guid": org_guid, "status": "verified", "expected_revision": org["revision"] });
        operate(person, "org-status-set", verified).await?;
    }
    Ok(org_guid)
}

async fn create_org(person: &Api, user_guid: &str) -> Result<Value> {
    let invitation = json!({ "user_guid": user_guid, "orgcode": ORGCODE, "caption": "Demo org" });
    let invitation = operate(person, "invitation-create", invitation).await?;
    let request = json!({
        "orgcode": ORGCODE, "caption": "Demo Store", "invitation_code": invitation["code"],
        "timezone": "America/New_York", "default_currency": "USD", "reason": REASON,
    });
    person.post("/ofm/org/create", request).await?.done()
}

/// A key is told once only, so every start makes a new one and revokes that of the start before.
async fn key(person: &Api, org_guid: &str) -> Result<String> {
    let request = json!({ "org_guid": org_guid, "limit": 256 });
    let accounts = person.post("/usm/service_account/list", request).await?.done()?;
    let account = match list(&accounts, "service_accounts").find(|account| account["code"] == "TILL") {
        Some(account) => account.clone(),
        None => create_service_account(person, org_guid).await?,
    };
    let account = text(&account, "/service_account_guid")?;
    let request = json!({ "org_guid": org_guid, "service_account_guid": account, "limit": 256 });
    let keys = person.post("/usm/api_key/list", request).await?.done()?;
    for old in list(&keys, "api_keys").filter(|key| key["caption"] == KEY_CAPTION) {
        let revoked = json!({ "org_guid": org_guid, "key_id": old["key_id"], "reason": REASON });
        person.post("/usm/api_key/revoke", revoked).await?.done()?;
    }
    let request = json!({ "org_guid": org_guid, "service_account_guid": account, "caption": KEY_CAPTION, "reason": REASON });
    let key = person.post("/usm/api_key/create", request).await?.done()?;
    Ok(text(&key, "/api_key")?.to_owned())
}

async fn create_service_account(person: &Api, org_guid: &str) -> Result<Value> {
    let request = json!({
        "org_guid": org_guid, "code": "TILL", "caption": KEY_CAPTION, "reason": REASON,
        "roles": ["ofm_view", "crm_view", "crm_edit"],
    });
    person.post("/usm/service_account/create", request).await?.done()
}

/// The codes of two mentors, the first as the referral page has it. Making one again answers the first one.
async fn referral_codes(api: &Api) -> Result<()> {
    for (code, mentor_id) in [(REFERRAL_CODE, MENTOR), ("MIA-LOWE-2K7P", "usr_4502")] {
        let code = json!({ "orgcode": ORGCODE, "mentor_id": mentor_id, "code": code });
        operate(api, "referral-code-create", code).await?;
    }
    Ok(())
}

async fn customers(person: &Api) -> Result<()> {
    let crm = person.with("x-orgcode", ORGCODE);
    let known = crm.post("/crm/customer/list", json!({ "limit": 1 })).await?.done()?;
    if list(&known, "customers").next().is_some() {
        return Ok(());
    }
    let people = [
        ("Ada", "Moreno", "ada.moreno@example.com", "+12025550101"),
        ("Ben", "Okafor", "ben.okafor@example.com", "+12025550102"),
        ("Chloe", "Lindqvist", "chloe.lindqvist@example.com", "+12025550103"),
    ];
    for (given_name, family_name, email, phone) in people {
        let customer = json!({
            "given_name": given_name, "family_name": family_name,
            "emails": [{ "email": email, "primary": true }], "phones": [{ "phone": phone, "primary": true }],
        });
        crm.post("/crm/customer/create", json!({ "customer": customer, "reason": REASON })).await?.done()?;
    }
    Ok(())
}

fn list<'v>(answer: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    answer[name].as_array().into_iter().flatten()
}
