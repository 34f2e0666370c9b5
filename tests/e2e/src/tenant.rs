//! People and orgs, made as real ones are: usm §5, *First run*.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use stack::seed::ORGCODE;

use crate::{Client, Deployment};

/// A passcode that satisfies usm §1.
const PASSCODE: &str = "Correct-horse-7";

/// A verified person.
#[derive(Clone, Debug)]
pub struct Person {
    /// Whoever they are.
    pub user_guid: String,
    /// By which they log in.
    pub email: String,
    /// By which they prove to be who they say.
    pub passcode: &'static str,
    /// What they call with: the session of their last log-in.
    pub client: Client,
}

/// A verified org with its owner.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its id.
    pub org_guid: String,
    /// Its code.
    pub orgcode: String,
    /// Who owns it.
    pub owner: Person,
    /// What the owner calls with where the org is told by a header.
    pub client: Client,
}

impl Deployment {
    /// A name that no other story has.
    pub fn unique(&self, prefix: &str) -> String {
        static NAMES: AtomicU32 = AtomicU32::new(1);
        format!("{prefix}{}", NAMES.fetch_add(1, Ordering::Relaxed))
    }

    /// A verified person with a session.
    pub async fn person(&self) -> Person {
        let operator = self.anyone();
        let email = format!("{}@people.example", self.unique("person"));
        let user = json!({ "email": email, "display_name": "Paula Person", "passcode": PASSCODE });
        let user = operator.operate("user-create", user).await.data().clone();
        let user_guid = text(&user["user_guid"]);
        let confirm = json!({ "user_guid": user_guid, "email": email });
        let user = operator.operate("email-confirm", confirm).await.data().clone();
        let verify =
            json!({ "user_guid": user_guid, "status": "verified", "expected_revision": user["revision"] });
        operator.operate("user-status-set", verify).await.data();
        let person = Person { user_guid, email, passcode: PASSCODE, client: operator };
        person.log_in().await
    }

    /// A verified org with one owner, and nothing in it.
    pub async fn tenant(&self) -> Tenant {
        let owner = self.person().await;
        self.tenant_of(owner).await
    }

    /// A verified org of this person.
    pub async fn tenant_of(&self, owner: Person) -> Tenant {
        let orgcode = self.unique("SHOP");
        self.tenant_named(owner, orgcode).await
    }

    /// The org for which the referral service is open to the public; made with the first call.
    pub async fn public_tenant(&self) -> &Tenant {
        let make = async || {
            let owner = self.person().await;
            self.tenant_named(owner, ORGCODE.to_owned()).await
        };
        self.public.get_or_init(make).await
    }

    async fn tenant_named(&self, owner: Person, orgcode: String) -> Tenant {
        let invitation = json!({ "user_guid": owner.user_guid });
        let invitation = self.anyone().operate("invitation-create", invitation).await.data().clone();
        let found = json!({ "orgcode": orgcode, "caption": "A shop", "invitation_code": invitation["code"] });
        let org = owner.client.post("/ofm/org/create", found).await.data().clone();
        let org_guid = text(&org["org_guid"]);
        let verify =
            json!({ "org_guid": org_guid, "status": "verified", "expected_revision": org["revision"] });
        self.anyone().operate("org-status-set", verify).await.data();
        let client = owner.client.with("x-orgcode", &orgcode);
        Tenant { org_guid, orgcode, owner, client }
    }

    /// Moves the time on, for every function and everybody.
    pub async fn advance_hours(&self, hours: i64) {
        let advance = json!({ "advance_seconds": hours * 3600 });
        self.anyone().operate("clock-set", advance).await.data();
    }
}

impl Person {
    /// The same person with a fresh session.
    #[must_use]
    pub async fn log_in(&self) -> Self {
        let anyone = self.client.without("x-session-guid");
        let credentials = json!({ "email": self.email, "passcode": self.passcode, "replace_oldest": true });
        let session = anyone.post("/usm/session/create", credentials).await.data().clone();
        Self { client: anyone.with("x-session-guid", &text(&session["session_guid"])), ..self.clone() }
    }
}

impl Tenant {
    /// The same with a fresh session of the owner.
    #[must_use]
    pub async fn log_in(&self) -> Self {
        let owner = self.owner.log_in().await;
        let client = owner.client.with("x-orgcode", &self.orgcode);
        Self { owner, client, ..self.clone() }
    }

    /// A key with these roles.
    pub async fn key(&self, code: &str, roles: &[&str]) -> Client {
        let account = json!({
            "org_guid": self.org_guid, "code": code, "caption": "A program", "roles": roles,
        });
        let account = self.client.post("/usm/service_account/create", account).await.data().clone();
        let key = json!({
            "org_guid": self.org_guid, "service_account_guid": account["service_account_guid"],
        });
        let key = self.client.post("/usm/api_key/create", key).await.data().clone();
        self.client.without("x-session-guid").with("x-api-key", &text(&key["api_key"]))
    }
}

/// A field of an answer that is a string.
#[track_caller]
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}")).to_owned()
}
