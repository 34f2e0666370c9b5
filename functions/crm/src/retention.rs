//! How long an org keeps what it knows of its customers (crm §13).
//!
//! The policy in force is one record; each version of it is kept besides, for ever, written in the same transaction.

use contract::{
    error::{Error, Result, Tag},
    input::Patch,
    revision::Counter,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{
    Answer, Class, Ctx, MayName, OrgFrom, Resource, Route, Written, post, read_if_named, write_if_named,
};
use store::{Entity, Indexes, Key, Org, Stored, classes};

use crate::{
    access::{PRIVACY, READ},
    keys,
};

mod rules;

use rules::GivenRules;
pub use rules::{CustomerAction, Days, Rules, TimeOfDay};

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/retention/policy/get"),
        summary: "Get the retention policy: the current one, a version, or the one in force at a time",
        class: Class::C,
        org: OrgFrom::Header,
        access: READ,
        errors: &[],
        handler: &read_if_named(get),
    },
    Route {
        call: post("/retention/policy/set"),
        summary: "Set the retention policy",
        class: Class::A,
        org: OrgFrom::Header,
        access: PRIVACY,
        errors: &[Tag::Conflict, Tag::ExpectedRevisionRequired],
        handler: &write_if_named(set),
    },
];

/// How long an org keeps what it knows of its customers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RetentionPolicy {
    /// The number of the version, from 1; 0 where none was ever set.
    pub version: u64,
    /// From when it is in force.
    pub effective_from: Time,
    /// Whether the daily sweep acts on it.
    pub enforce: bool,
    /// When the daily sweep runs, in the time zone of the org's customers.
    pub time_of_day: TimeOfDay,
    /// What is kept for how long.
    pub rules: Rules,
}

classes!(RetentionPolicy {
    version: Plain,
    effective_from: Plain,
    enforce: Plain,
    time_of_day: Plain,
    rules: Plain,
});

impl Entity for RetentionPolicy {
    const SERVICE: &'static str = "crm";
    const TYPE: &'static str = "retention-policy";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::retention::current(org)
    }

    fn id(&self) -> String {
        // The org has one.
        "current".to_owned()
    }
}

/// A version of the policy, as it was set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct PolicyVersion {
    /// The policy.
    pub policy: RetentionPolicy,
}

classes!(PolicyVersion { policy: Plain });

impl Entity for PolicyVersion {
    const SERVICE: &'static str = "crm";
    const TYPE: &'static str = "retention-policy-version";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::retention::version(org, self.policy.version)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        keys::retention::lists(org, self)
    }

    fn id(&self) -> String {
        self.policy.version.to_string()
    }
}

/// A policy as it is answered.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "RetentionPolicy")]
pub struct PolicyView {
    /// The number of the version; 0 where none was set.
    version: u64,
    /// The revision, to be sent as `expected_revision` with the next change; 0 where none was set.
    revision: u64,
    /// From when it is in force; absent where none was set.
    #[serde(skip_serializing_if = "Option::is_none")]
    effective_from: Option<Time>,
    /// Whether the daily sweep acts on it.
    enforce: bool,
    /// When the daily sweep runs.
    time_of_day: TimeOfDay,
    /// What is kept for how long.
    rules: Rules,
}

impl PolicyView {
    /// Each set raises version and revision by one.
    fn of(policy: &RetentionPolicy) -> Self {
        Self {
            version: policy.version,
            revision: policy.version,
            effective_from: (policy.version > 0).then_some(policy.effective_from),
            enforce: policy.enforce,
            time_of_day: policy.time_of_day.clone(),
            rules: policy.rules,
        }
    }
}

impl Resource for RetentionPolicy {
    type View = PolicyView;

    fn view(stored: &Stored<Self>, _: &Ctx) -> PolicyView {
        PolicyView::of(&stored.record)
    }
}

impl Default for RetentionPolicy {
    /// What holds where none was set: everything is kept.
    fn default() -> Self {
        Self {
            version: 0,
            effective_from: Time::EPOCH,
            enforce: false,
            time_of_day: TimeOfDay::default(),
            rules: Rules::default(),
        }
    }
}

/// A policy and its revision.
#[derive(Serialize, JsonSchema)]
struct InForce {
    /// The policy.
    policy: PolicyView,
    /// Its revision; 0 where none was set.
    revision: u64,
    /// That nothing was written.
    #[serde(skip_serializing_if = "Option::is_none")]
    dry_run: Option<bool>,
}

impl InForce {
    fn answer(policy: &RetentionPolicy) -> Answer<Self> {
        let data = Self { policy: PolicyView::of(policy), revision: policy.version, dry_run: None };
        Answer { data, revision: Some(json!(policy.version)) }
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// This version.
    version: Option<Counter>,
    /// The version that was in force then.
    as_of: Option<Time>,
}

impl MayName for Get {
    type Record = RetentionPolicy;

    fn key(&self, org: &Org) -> Option<Key<RetentionPolicy>> {
        let is_current = self.version.is_none() && self.as_of.is_none();
        is_current.then(|| keys::retention::current(org))
    }
}

async fn get(ctx: Ctx, input: Get, current: Option<Stored<RetentionPolicy>>) -> Result<Answer<InForce>> {
    let org = ctx.org()?;
    let policy = match (input.version, input.as_of) {
        (Some(_), Some(_)) => return Err(Error::field("as_of", "must not be given together with version")),
        (Some(Counter(version)), None) => {
            let found = ctx.get(&keys::retention::version(org, version)).await?;
            Some(found.ok_or(Tag::NotFound)?.record.policy)
        }
        (None, Some(as_of)) => {
            let until_then = keys::retention::versions_by_time(org).between(None, Some(&as_of));
            ctx.some(&until_then, 1).await?.pop().map(|version| version.record.policy)
        }
        (None, None) => current.map(|current| current.record),
    };
    Ok(InForce::answer(&policy.unwrap_or_default()))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Set {
    /// What is to change.
    policy: GivenPolicy,
    /// The revision that the caller saw; 0 or absent where none was set.
    expected_revision: Option<Counter>,
    /// Only checks.
    dry_run: Option<bool>,
}

/// A policy as it is sent: what is left out stays.
#[derive(Clone, Deserialize, JsonSchema)]
struct GivenPolicy {
    /// Whether the daily sweep acts on it.
    enforce: Option<bool>,
    /// When the daily sweep runs, `HH:MM`.
    time_of_day: Option<TimeOfDay>,
    /// What is kept for how long; rules that are left out stay, null keeps for ever.
    rules: Patch<GivenRules>,
}

impl MayName for Set {
    type Record = RetentionPolicy;

    fn key(&self, org: &Org) -> Option<Key<RetentionPolicy>> {
        Some(keys::retention::current(org))
    }
}

async fn set(ctx: Ctx, input: Set, before: Option<Stored<RetentionPolicy>>) -> Result<Written<InForce>> {
    let org = ctx.org()?;
    check_revision(&ctx, input.expected_revision, before.as_ref())?;
    let current = before.as_ref().map(|stored| stored.record.clone()).unwrap_or_default();
    let merged = merge(&current, input.policy);
    let is_changed = merged != current || before.is_none();
    let policy = if is_changed {
        RetentionPolicy { version: current.version + 1, effective_from: ctx.now(), ..merged }
    } else {
        current
    };
    let answer = InForce::answer(&policy);
    if input.dry_run == Some(true) {
        return Ok(Written::nothing(answer.map(|data| InForce { dry_run: Some(true), ..data })));
    }
    let mut change = ctx.change();
    if is_changed {
        if let Some(before) = &before {
            change.update(org, before, policy.clone(), "retention-policy-set")?;
        } else {
            let taken = |_| Error::moved("a first policy was set meanwhile");
            change.create_unless(org, policy.clone(), "retention-policy-set", taken)?;
        }
        change.keep(org, None, PolicyVersion { policy })?;
    }
    Ok(change.answer(answer))
}

/// 428 without a revision once there is a policy, 409 for another than the policy's (crm §1).
fn check_revision(
    ctx: &Ctx,
    expected: Option<Counter>,
    before: Option<&Stored<RetentionPolicy>>,
) -> Result<()> {
    match (expected, before) {
        (None | Some(Counter(0)), None) => Ok(()),
        (None, Some(_)) => Err(Tag::ExpectedRevisionRequired.into()),
        (Some(expected), Some(before)) if expected == before.revision => Ok(()),
        (Some(_), Some(before)) => Err(ctx.conflict(before)?),
        (Some(_), None) => Err(Error::from(Tag::Conflict)
            .detail("current", json!(PolicyView::of(&RetentionPolicy::default())))
            .at_revision(0)),
    }
}

fn merge(current: &RetentionPolicy, given: GivenPolicy) -> RetentionPolicy {
    let rules = match given.rules {
        Patch::Keep => current.rules,
        Patch::Clear => Rules::default(),
        Patch::Set(rules) => rules.merged_into(current.rules),
    };
    RetentionPolicy {
        enforce: given.enforce.unwrap_or(current.enforce),
        time_of_day: given.time_of_day.unwrap_or_else(|| current.time_of_day.clone()),
        rules,
        ..current.clone()
    }
}
