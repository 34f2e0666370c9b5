//! A world of one test: a fresh org with its people, and the services that it calls, in process.

use std::{
    net::Ipv6Addr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use contract::{
    codes::{Code, OrgCode},
    context::RequestContext,
    ids::{CcGuid, KeyId, OrgGuid, ServiceAccountGuid, SessionId, UserGuid},
    paging::CursorKey,
    reason::SourceRefs,
    secret::{CodeKeys, KeyMaterial, LookupKey},
    time::Time,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use identity::{
    api_key::{ApiKey, KeyStatus},
    member::{Member, MemberState, OwnerCopy},
    org::{OrgCodeClaim, OrgRecord, OrgStatus},
    owned_orgs::OwnedOrgs,
    owner::{Owner, OwnerState},
    service_account::{AccountStatus, ServiceAccount},
    session::{CAP_HOURS, SLIDING_HOURS, Session, SessionStatus},
    token::{ApiKeyToken, SessionToken},
    user::{User, UserStatus},
};
use serde_json::{Map, Value, json};
use service::{App, Clock, Figure, LogSink, OrgFrom, REPORT_PATIENCE, Request, Service, Settings};
use store::{Chance, Change, Deadline, Entity, Key, Meter, Org, SeededChance, Stamp, Store, Stored, System};

use crate::{
    bounds::bounded, caller::Caller, database, deployment::Deployment, proxy::Proxy, reply::Reply, s3,
};

/// Where tests begin: 4 March 2026, 08:00 UTC.
const START_MILLIS: i64 = 1_772_611_200_000;

/// A fresh org, and what is needed to call services about it.
#[derive(Clone)]
pub struct World {
    /// The org.
    pub org: Org,
    /// Its code.
    pub orgcode: String,
    /// The guid of its master cost centre; the record itself is only there where a test makes it.
    pub cost_centre: CcGuid,
    /// Its primary owner.
    pub owner: Caller,
    inner: Arc<Inner>,
}

struct Inner {
    endpoint: String,
    /// Whether functions give up on the database as soon as deployed ones do.
    hurried: bool,
    store: Store,
    chance: Arc<SeededChance>,
    clock: Arc<AtomicI64>,
    log: Arc<Mutex<Vec<String>>>,
    test_clock: bool,
    rate_percent: u32,
    /// Whether the endpoint says what a function may ask for.
    enforced: bool,
    deployment: Mutex<Deployment>,
    apps: Mutex<Vec<&'static App>>,
}

impl World {
    /// A verified org with one owner.
    pub async fn new() -> Self {
        Self::at(database::endpoint()).await
    }

    /// The same, with functions whose time the operator can shift. The shift is one item of the table: all worlds of a
    /// process that are made so share it.
    pub async fn with_test_clock() -> Self {
        Self::found(Arc::new(Inner { test_clock: true, ..Inner::new(database::endpoint()) })).await
    }

    /// The same, with every call to the database going to this endpoint: a proxy's. Functions wait for its answers.
    pub async fn at(endpoint: &str) -> Self {
        Self::found(Arc::new(Inner::new(endpoint))).await
    }

    /// The same, with functions that let no more requests through than so many percent of what the contract says.
    /// Those of all other worlds do not count requests: a test's time stands still, and so no bucket runs empty.
    pub async fn with_rates(percent: u32) -> Self {
        Self::found(Arc::new(Inner { rate_percent: percent, ..Inner::new(database::endpoint()) })).await
    }

    /// The same, with functions that may ask for anything: a proxy that enforces their policies stands at this endpoint.
    pub async fn behind(proxy: &Proxy) -> Self {
        Self::found(Arc::new(Inner { enforced: true, ..Inner::new(proxy.endpoint()) })).await
    }

    /// Another org beside this one, in the same database and at the same time.
    pub async fn another(&self) -> Self {
        Self::found(self.inner.clone()).await
    }

    /// The same world, at the same time, with functions that reach the database at this endpoint: a proxy's, where they
    /// wait no longer than functions do. They remember nothing of what others do, like another sandbox of each.
    #[must_use]
    pub fn through(&self, endpoint: &str) -> Self {
        let Inner { store, chance, clock, log, test_clock, rate_percent, enforced, deployment, .. } =
            &*self.inner;
        let inner = Inner {
            endpoint: endpoint.to_owned(),
            // Only at a proxy is slowness meant.
            hurried: endpoint != database::endpoint(),
            store: store.clone(),
            chance: chance.clone(),
            clock: clock.clone(),
            log: log.clone(),
            test_clock: *test_clock,
            rate_percent: *rate_percent,
            enforced: *enforced,
            deployment: Mutex::new(lock(deployment).clone()),
            apps: Mutex::default(),
        };
        Self { inner: Arc::new(inner), ..self.clone() }
    }

    /// The same org, with the functions of another world.
    #[must_use]
    pub fn with_functions_of(&self, other: &Self) -> Self {
        Self { inner: other.inner.clone(), ..self.clone() }
    }

    /// Opens the deployment to the public, as that of this org alone. Functions learn it when they start, so this is said
    /// before the first call.
    #[must_use]
    pub fn open_to_the_public(self) -> Self {
        lock(&self.inner.deployment).public_org = Some(self.orgcode.parse().expect("an orgcode"));
        self
    }

    /// Sets a figure of the deployment, before the first call.
    #[must_use]
    pub fn with_figure(self, figure: &'static Figure, value: u32) -> Self {
        lock(&self.inner.deployment).figures.insert(figure.variable, value);
        self
    }

    /// Gives each request so much time, and each of its calls as much as it takes, before the first call.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        lock(&self.inner.deployment).patience = Some(patience);
        self
    }

    /// The same world, with functions that have other keys for short codes: as after a change of keys.
    #[must_use]
    pub fn with_code_keys(&self, list: &str) -> Self {
        let world = self.through(&self.inner.endpoint);
        list.clone_into(&mut lock(&world.inner.deployment).code_keys);
        world
    }

    async fn found(inner: Arc<Inner>) -> Self {
        let now = inner.now();
        let mut change = inner.change();
        let org = Org::checked(OrgGuid::from_uuid(change.uuid()));
        let mut random = [0; 6];
        inner.chance.fill(&mut random);
        let orgcode: OrgCode = format!("T{}", contract::secret::hex(&random)).parse().expect("an orgcode");
        let cost_centre = CcGuid::from_uuid(change.uuid());
        let user_guid = UserGuid::from_uuid(change.uuid());
        let record = OrgRecord {
            org_guid: org.guid(),
            orgcode: orgcode.clone(),
            caption: "Test org".parse().expect("a caption"),
            status: OrgStatus::Verified,
            timezone: "Europe/Berlin".parse().expect("a zone"),
            fiscal_calendar: contract::fiscal::FiscalCalendar::default(),
            default_currency: None,
            default_locale: None,
            cost_centre_guid: cost_centre,
            primary_owner_user_guid: user_guid,
            verified_at: Some(now),
            park_changed_at: None,
            park_allowed_at: None,
        };
        change.create(&org, record, "org-created", |_| panic!("org")).expect("an org");
        let claim = OrgCodeClaim { orgcode: orgcode.clone(), org_guid: org.guid() };
        change.claim(&System, claim, |_| panic!("the orgcode is taken")).expect("a claim");
        let anonymous = Caller::anonymous();
        let world = Self { org, orgcode: orgcode.to_string(), cost_centre, owner: anonymous, inner };
        let owner = world.own(&mut change, user_guid, "Olive Owner", true);
        world.commit(change).await;
        Self { owner, ..world }
    }

    /// A verified person with a session, who belongs to no org.
    pub async fn stranger(&self) -> Caller {
        let mut change = self.change();
        let user_guid = UserGuid::from_uuid(change.uuid());
        let caller = self.born(&mut change, user_guid, "Sam Stranger");
        self.commit(change).await;
        caller
    }

    /// An active member with these roles.
    pub async fn member(&self, roles: &[&str]) -> Caller {
        let mut change = self.change();
        let user_guid = UserGuid::from_uuid(change.uuid());
        let caller = self.born(&mut change, user_guid, "Mia Member");
        self.enrol(&mut change, user_guid, "Mia Member", roles, None);
        self.commit(change).await;
        caller
    }

    /// An active owner who is not the primary one.
    pub async fn second_owner(&self) -> Caller {
        let mut change = self.change();
        let user_guid = UserGuid::from_uuid(change.uuid());
        let caller = self.own(&mut change, user_guid, "Otto Owner", false);
        self.commit(change).await;
        caller
    }

    /// A key of an active service account with these roles.
    pub async fn key(&self, roles: &[&str]) -> Caller {
        let mut change = self.inner.change();
        let account = ServiceAccountGuid::from_uuid(change.uuid());
        let record = ServiceAccount {
            org_guid: self.org.guid(),
            service_account_guid: account,
            code: format!("SA{}", &account.to_string()[24..]).parse::<Code>().expect("a code"),
            caption: "Test account".parse().expect("a caption"),
            roles: serde_json::from_value(json!(roles)).expect("roles"),
            status: AccountStatus::Active,
            keys_valid_from: None,
            created_by: None,
        };
        change
            .create(&self.org, record, "service-account-created", |_| panic!("account"))
            .expect("an account");
        let token = ApiKeyToken::mint(self.org.guid(), account, &*self.inner.chance);
        let key = ApiKey {
            org_guid: self.org.guid(),
            key_id: KeyId::from_uuid(change.uuid()),
            api_key_fingerprint: token.fingerprint(),
            token_hash: token.secret.hash().hex(),
            service_account_guid: account,
            caption: None,
            status: KeyStatus::Active,
            expires_at: None,
            last_used_at: None,
            keys_valid_from: None,
            org_keys_valid_from: None,
            created_by: None,
        };
        change.create(&self.org, key, "api-key-created", |_| panic!("key")).expect("a key");
        self.inner.commit(change).await;
        let headers =
            vec![("x-api-key", token.secret.reveal().to_owned()), ("x-orgcode", self.orgcode.clone())];
        Caller { service_account_guid: account, headers, ..Caller::anonymous() }
    }

    fn born(&self, change: &mut Change, user_guid: UserGuid, name: &str) -> Caller {
        let now = self.now();
        let user = User {
            user_guid,
            email: Some(format!("{user_guid}@people.example").parse().expect("an address")),
            email_confirmed: true,
            display_name: named(name),
            locale: None,
            passcode_hash: None,
            status: UserStatus::Verified,
            sessions_valid_from: None,
        };
        change.create(&System, user, "user-created", |_| panic!("user")).expect("a user");
        let token = SessionToken::mint(user_guid, &*self.inner.chance);
        let session = Session {
            session_id: SessionId::from_uuid(change.uuid()),
            session_fingerprint: token.fingerprint(),
            token_hash: token.secret.hash().hex(),
            user_guid,
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
        let headers =
            vec![("x-session-guid", token.secret.reveal().to_owned()), ("x-orgcode", self.orgcode.clone())];
        Caller { user_guid, headers, ..Caller::anonymous() }
    }

    /// A person who is an active owner and, as every owner, a member.
    fn own(&self, change: &mut Change, user_guid: UserGuid, name: &str, primary: bool) -> Caller {
        let owner = Owner {
            org_guid: self.org.guid(),
            user_guid,
            display_name: named(name),
            create_owner: primary,
            primary_owner: primary,
            secondary_owner: !primary,
            state: OwnerState::Active,
            since: self.now(),
        };
        change.create(&self.org, owner, "owner-created", |_| panic!("owner")).expect("an owner");
        let owns = OwnedOrgs::of(user_guid, None).with(self.org.guid());
        change.keep(&System, None, owns).expect("an owner's orgs");
        let copy = OwnerCopy { state: OwnerState::Active, primary };
        self.enrol(change, user_guid, name, &[], Some(copy));
        self.born(change, user_guid, name)
    }

    fn enrol(
        &self,
        change: &mut Change,
        user_guid: UserGuid,
        name: &str,
        roles: &[&str],
        owner: Option<OwnerCopy>,
    ) {
        let member = Member {
            org_guid: self.org.guid(),
            orgcode: self.orgcode.parse().expect("an orgcode"),
            user_guid,
            display_name: named(name),
            email: Some(format!("{user_guid}@people.example").parse().expect("an address")),
            state: MemberState::Active,
            role_profile_id: None,
            roles: serde_json::from_value(json!(roles)).expect("roles"),
            valid_from: None,
            valid_until: None,
            employee_code: None,
            title: None,
            epoch: 1,
            lapses: 0,
            owner,
        };
        change.create(&self.org, member, "member-added", |_| panic!("member")).expect("a member");
    }

    /// Puts the org into another status.
    pub async fn set_org_status(&self, status: OrgStatus) {
        let key = identity::keys::org(&self.org);
        let before = self.stored(&key).await.expect("the org");
        let record = OrgRecord { status, ..before.record.clone() };
        let mut change = self.inner.change();
        change.adjust(&self.org, &before, record, "org-status-set").expect("a change");
        self.inner.commit(change).await;
    }

    /// Changes a record behind the services' back.
    pub async fn meddle<E: Entity>(&self, scope: &E::Scope, key: &Key<E>, meddle: impl FnOnce(&mut E)) {
        let before = self.stored(key).await.expect("the record");
        let mut record = before.record.clone();
        meddle(&mut record);
        let mut change = self.inner.change();
        change.keep(scope, Some(&before), record).expect("a change");
        self.inner.commit(change).await;
    }

    /// A record as it is stored.
    pub async fn stored<E: Entity>(&self, key: &Key<E>) -> Option<Stored<E>> {
        self.inner.store.get(key).await.expect("the table answers")
    }

    /// The table, past any proxy.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// A change to be written by [`World::commit`], as a service would write it.
    pub fn change(&self) -> Change {
        self.inner.change()
    }

    /// Writes a change.
    pub async fn commit(&self, change: Change) {
        self.inner.commit(change).await;
    }

    /// The time.
    pub fn now(&self) -> Time {
        self.inner.now()
    }

    /// Moves the time on.
    pub fn advance_seconds(&self, seconds: i64) {
        self.advance_millis(seconds * 1000);
    }

    /// Moves the time on by less.
    pub fn advance_millis(&self, millis: i64) {
        self.inner.clock.fetch_add(millis, Ordering::Relaxed);
    }

    /// Every log line so far.
    pub fn log(&self) -> Vec<String> {
        lock(&self.inner.log).clone()
    }

    /// Forgets the log lines so far, where there will be very many.
    pub fn forget_log(&self) {
        lock(&self.inner.log).clear();
    }

    /// The last request's log line.
    pub fn last_log(&self) -> Value {
        serde_json::from_str(lock(&self.inner.log).last().expect("a line")).expect("JSON")
    }

    /// The function that serves a service.
    pub fn app(&self, service: &'static Service) -> &'static App {
        self.inner.app(service)
    }

    /// Calls a route: `POST` with these fields, and the org where the route takes it from the body.
    pub async fn post(&self, service: &'static Service, caller: &Caller, path: &str, fields: Value) -> Reply {
        let mut fields = fields;
        let route = service.routes().find(|route| route.call.path == path);
        if let (Some(route), Value::Object(map)) = (route, &mut fields) {
            self.add_org(route.org, map);
        }
        self.send(service, caller, "POST", path, fields.to_string()).await
    }

    fn add_org(&self, from: OrgFrom, fields: &mut Map<String, Value>) {
        let named = fields.contains_key("org_guid") || fields.contains_key("orgcode");
        match from {
            OrgFrom::Body | OrgFrom::BodyGuid if !named => {
                fields.insert("org_guid".to_owned(), json!(self.org.guid()));
            }
            OrgFrom::BodyCode if !named => {
                fields.insert("orgcode".to_owned(), json!(self.orgcode));
            }
            _ => {}
        }
    }

    /// Calls a route with just this.
    pub async fn send(
        &self,
        service: &'static Service,
        caller: &Caller,
        method: &str,
        path: &str,
        body: String,
    ) -> Reply {
        let mut headers = HeaderMap::new();
        if method != "GET" && !body.is_empty() {
            headers.insert("content-type", HeaderValue::from_static("application/json"));
        }
        for (name, value) in &caller.headers {
            headers.insert(HeaderName::from_static(name), HeaderValue::from_str(value).expect("a header"));
        }
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = query.split('&').filter_map(|pair| pair.split_once('='));
        let request = Request {
            method: method.to_owned(),
            path: format!("{}{path}", service.base()),
            query: query.map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            headers,
            body: body.into_bytes(),
            source_ip: Some(caller.source_ip.clone().unwrap_or_else(|| self.source_ip())),
            ..Request::default()
        };
        // On the heap, so that the futures of tests stay small.
        Box::pin(service::handle(self.app(service), request)).await.into()
    }

    /// Sends an upload that a service presigned, now: tells the status and S3's code where S3 refuses it.
    pub fn upload(&self, presign: &Value, content: &[u8]) -> Result<(), (u16, &'static str)> {
        s3::send(&s3::presigned(presign), content, self.now())
    }

    /// The address that requests come from: another network for each org, because failed log-ins are counted by it. What
    /// is random in the org's id stands in front: it is the first half of an address that tells networks apart.
    pub fn source_ip(&self) -> String {
        Ipv6Addr::from(self.org.guid().uuid().as_u128().rotate_left(64)).to_string()
    }

    /// Invokes an action of a service that is not behind HTTP, as the operator `op@example`.
    pub async fn act(&self, service: &'static Service, action: &str, fields: Value) -> Reply {
        let mut payload = json!({"action": action, "actor": "op@example", "reason": "test"});
        if let (Value::Object(payload), Value::Object(fields)) = (&mut payload, fields) {
            payload.extend(fields);
        }
        let (payload, id) = (payload.to_string(), self.inner.change().uuid().to_string());
        let body = Box::pin(service::direct::handle(self.app(service), &payload, &id, None)).await;
        let status = body["error"]["http_status"]
            .as_u64()
            .and_then(|status| u16::try_from(status).ok())
            .unwrap_or(200);
        Reply { status, headers: Vec::new(), text: body.to_string(), body }
    }
}

impl Inner {
    fn new(endpoint: &str) -> Self {
        static WORLDS: AtomicU64 = AtomicU64::new(0);
        let seed = u64::from(std::process::id()) << 32 | WORLDS.fetch_add(1, Ordering::Relaxed);
        Self {
            endpoint: endpoint.to_owned(),
            hurried: false,
            store: Store::new(database::patient(database::endpoint()), database::table()),
            chance: Arc::new(SeededChance::new(seed)),
            clock: Arc::new(AtomicI64::new(START_MILLIS)),
            log: Arc::default(),
            test_clock: false,
            rate_percent: 0,
            enforced: false,
            deployment: Mutex::default(),
            apps: Mutex::default(),
        }
    }

    fn now(&self) -> Time {
        Time::from_millis(self.clock.load(Ordering::Relaxed)).expect("a time")
    }

    fn change(&self) -> Change {
        let stamp = Stamp {
            now: self.now(),
            context: RequestContext { actor: Some("test".to_owned()), ..RequestContext::default() },
            as_owner: false,
            surface: None,
            build: json!({}),
            request_id: "test".to_owned(),
            gateway_request_id: None,
            reason: None,
            reason_code: None,
            source_refs: SourceRefs::default(),
        };
        Change::new(Arc::new(stamp), self.chance.clone())
    }

    async fn commit(&self, change: Change) {
        self.store.metered(Meter::default()).commit(&change, None).await.expect("the change is written");
    }

    fn app(&self, service: &'static Service) -> &'static App {
        let mut apps = self.apps.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(app) = apps.iter().find(|app| app.service.name == service.name) {
            return app;
        }
        let key = |digit: &str| KeyMaterial::from_hex(&digit.repeat(64)).expect("a key");
        let deployment = lock(&self.deployment).clone();
        let calls_wait = !self.hurried || deployment.patience.is_some();
        let usual = if self.hurried { Deadline::USUAL } else { Duration::from_mins(1) };
        let settings = Settings {
            stage: "test".to_owned(),
            cursor_key: CursorKey(key("1")),
            lookup_key: LookupKey(key("2")),
            code_keys: CodeKeys::from_hex(&deployment.code_keys),
            cors_origins: vec!["https://shop.example".to_owned()],
            public_org: deployment.public_org,
            figures: deployment.figures,
            test_clock: self.test_clock,
            rate_percent: self.rate_percent,
            report_patience: if self.hurried { REPORT_PATIENCE } else { Duration::from_mins(1) },
            patience: deployment.patience.unwrap_or(usual),
        };
        let client = if self.enforced {
            database::client_as(service.name, &self.endpoint)
        } else if calls_wait {
            database::guarded(service.name, &database::patient(&self.endpoint))
        } else {
            database::guarded(service.name, &database::client(&self.endpoint))
        };
        let store = Store::new(bounded(&client), database::table());
        let clock = Clock::Manual(self.clock.clone());
        let log = LogSink::Memory(self.log.clone());
        let app = App::new(service, store, self.chance.clone(), clock, settings, log)
            .with_objects(s3::of(service.name));
        // As in a function, which holds it to its end.
        let app: &'static App = Box::leak(Box::new(app));
        apps.push(app);
        app
    }
}

fn lock<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

fn named(name: &str) -> contract::personal::DisplayName {
    contract::personal::Personal(name.parse().expect("a name"))
}
