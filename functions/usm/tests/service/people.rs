//! People who can log in, and programs with keys.

use contract::{
    ids::{SessionId, UserGuid},
    personal::Personal,
    secret::Secret,
};
use identity::{
    passcode::PasscodeHash,
    session::{CAP_HOURS, SLIDING_HOURS, Session, SessionStatus},
    token::SessionToken,
    user::{EmailClaim, User, UserStatus},
};
use serde_json::{Value, json};
use store::{Deadline, SeededChance, System, SystemChance};
use testkit::{Caller, Reply, World};
use usm::SERVICE;

/// Everybody's.
pub(crate) const PASSCODE: &str = "Correct-h0rse";

/// A verified user with an e-mail and a passcode.
pub(crate) struct Person {
    pub(crate) user_guid: UserGuid,
    pub(crate) email: String,
}

impl Person {
    pub(crate) async fn new(world: &World) -> Self {
        Self::at(world, "example.org").await
    }

    /// The same, with an e-mail of this domain.
    pub(crate) async fn at(world: &World, domain: &str) -> Self {
        Self::made(world, domain, hashed(PASSCODE).await).await
    }

    /// The same, with this hash of [`PASSCODE`].
    pub(crate) async fn with(world: &World, passcode_hash: PasscodeHash) -> Self {
        Self::made(world, "example.org", passcode_hash).await
    }

    async fn made(world: &World, domain: &str, passcode_hash: PasscodeHash) -> Self {
        let mut change = world.change();
        let user_guid = UserGuid::from_uuid(change.uuid());
        let email = format!("ada.{user_guid}@{domain}");
        let address = email.parse().expect("an address");
        let email_hash = EmailClaim::hash(&address, &world.app(&SERVICE).settings.lookup_key);
        change
            .claim(&System, EmailClaim { email_hash, user_guid }, |_| panic!("the e-mail is taken"))
            .expect("a claim");
        let user = User {
            user_guid,
            email: Some(address),
            email_confirmed: true,
            display_name: Personal("Ada Canary".parse().expect("a name")),
            locale: None,
            passcode_hash: Some(passcode_hash),
            status: UserStatus::Verified,
            sessions_valid_from: None,
        };
        change.create(&System, user, "user-created", |_| panic!("user")).expect("a user");
        world.commit(change).await;
        Self { user_guid, email }
    }

    pub(crate) fn credentials(&self) -> Value {
        json!({"email": self.email, "passcode": PASSCODE})
    }

    pub(crate) async fn log_in(&self, world: &World) -> Reply {
        create(world, self.credentials()).await
    }

    /// A caller with a new session.
    pub(crate) async fn session(&self, world: &World) -> Caller {
        holder(&self.log_in(world).await)
    }

    /// Changes the user behind the service's back.
    pub(crate) async fn meddle(&self, world: &World, meddle: impl FnOnce(&mut User)) {
        world.meddle(&System, &identity::keys::user(self.user_guid), meddle).await;
    }
}

/// What is stored of a passcode.
pub(crate) async fn hashed(passcode: &str) -> PasscodeHash {
    let until = Deadline::after(Deadline::USUAL);
    PasscodeHash::of(&Secret::new(passcode), &SeededChance::new(7), until).await.expect("a hash")
}

pub(crate) async fn create(world: &World, fields: Value) -> Reply {
    world.post(&SERVICE, &Caller::anonymous(), "/session/create", fields).await
}

/// Who holds the session that was just created.
#[track_caller]
pub(crate) fn holder(created: &Reply) -> Caller {
    Caller::anonymous().with("x-session-guid", created.data()["session_guid"].as_str().expect("a secret"))
}

/// Who holds the key that was just made.
#[track_caller]
pub(crate) fn key_holder(created: &Reply) -> Caller {
    Caller::anonymous().with("x-api-key", created.data()["api_key"].as_str().expect("a secret"))
}

pub(crate) async fn call(world: &World, caller: &Caller, path: &str, fields: Value) -> Reply {
    world.post(&SERVICE, caller, path, fields).await
}

/// What `session/validate` says.
pub(crate) async fn validate(world: &World, caller: &Caller) -> Reply {
    call(world, caller, "/session/validate", json!({})).await
}

/// What `api_key/validate` says.
pub(crate) async fn validate_key(world: &World, caller: &Caller) -> Reply {
    call(world, caller, "/api_key/validate", json!({})).await
}

/// The owner with a new session, where time has passed.
pub(crate) async fn owner_again(world: &World) -> Caller {
    let token = SessionToken::mint(world.owner.user_guid, &SystemChance);
    let now = world.now();
    let mut change = world.change();
    let session = Session {
        session_id: SessionId::from_uuid(change.uuid()),
        session_fingerprint: token.fingerprint(),
        token_hash: token.secret.hash().hex(),
        user_guid: token.user_guid,
        caption: None,
        session_label: None,
        status: SessionStatus::Active,
        doomed_reason: None,
        last_seen_at: now,
        expires_at_utc: now.plus_hours(SLIDING_HOURS),
        absolute_expires_at_utc: now.plus_hours(CAP_HOURS),
        ttl_refresh_enabled: true,
        user_agent: None,
        sessions_valid_from: None,
    };
    change.create(&System, session, "session-created", |_| panic!("session")).expect("a session");
    world.commit(change).await;
    world.owner.clone().with("x-session-guid", token.secret.reveal())
}

/// A service account.
pub(crate) async fn account(world: &World, code: &str) -> Value {
    let fields = json!({"code": code, "caption": "Till", "roles": ["crm_view"]});
    call(world, &world.owner, "/service_account/create", fields).await.data().clone()
}

/// A new key of an account.
pub(crate) async fn key(world: &World, account: &Value) -> Reply {
    let fields = json!({"service_account_guid": account["service_account_guid"]});
    call(world, &world.owner, "/api_key/create", fields).await
}

/// Sequential round trips of the last request: reads, writes.
pub(crate) fn trips(world: &World) -> (Option<u64>, Option<u64>) {
    let line = world.last_log();
    (line["reads"].as_u64(), line["writes"].as_u64())
}
