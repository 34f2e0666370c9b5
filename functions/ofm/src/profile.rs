//! Till profiles: what operators may do at the till (contract ofm §13). The till counts and enforces; here they are
//! kept, handed out and resolved.

pub(crate) mod control;
pub(crate) mod controls;
pub mod effective;
pub mod slot;

use contract::{
    codes::Code,
    error::{Error, FieldProblem, Result, Tag},
    ids::{OrgGuid, ProfileId},
    input::Patch,
    money::Currency,
    revision,
    states::{Filter, visible},
    text::{Caption, Prose},
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{
    Access, Answer, Class, Ctx, OrgFrom, Resource, Route, Written, allow, change, list, names, post,
    read_record, revised, write,
};
use store::{Entity, Indexes, Key, Listing, Org, Shown, Stored, classes};

use self::{
    controls::{ControlChanges, ControlName, Controls, Power},
    slot::in_no_slot,
};
use crate::{
    access::ASSOCIATED,
    keys,
    lifecycle::{ARCS, Living, Status, not_doomed},
};

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/profile/create"),
        summary: "Create a till profile",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::DuplicateCode],
        handler: &write(create),
    },
    Route {
        call: post("/profile/get"),
        summary: "Get a till profile",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &read_record(get),
    },
    Route {
        call: post("/profile/list"),
        summary: "List the till profiles of an org, by code",
        class: Class::B,
        org: OrgFrom::Body,
        access: ASSOCIATED,
        errors: &[],
        handler: &list(list_by_code).ahead(|input, org| Some(wanted(input, org).of_anything())),
    },
    Route {
        call: post("/profile/status"),
        summary: "Set the status of a till profile",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::InvalidTransition, Tag::InUse],
        handler: &change(set_status),
    },
    Route {
        call: post("/profile/update"),
        summary: "Change a till profile",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::InvalidState],
        handler: &change(update),
    },
];

/// A till profile.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct OperatorProfile {
    /// The org.
    pub org_guid: OrgGuid,
    /// Its id.
    pub profile_id: ProfileId,
    /// Its code, unique in the org; never changes.
    pub code: Code,
    /// What it is called.
    pub caption: Caption,
    /// Whom it is for.
    pub description: Option<Prose<1000>>,
    /// What its amounts are counted in, in minor units; never changes.
    pub currency: Currency,
    /// What an operator with this profile may do: every control.
    pub controls: Controls,
    /// How often the controls were changed, and 1.
    pub policy_version: u64,
    /// How it stands.
    pub status: Status,
}

classes!(OperatorProfile {
    org_guid: Plain,
    profile_id: Plain,
    code: Plain,
    caption: Plain,
    description: Plain,
    currency: Plain,
    controls: Plain,
    policy_version: Plain,
    status: Plain,
});

impl Entity for OperatorProfile {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "profile";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::profile::by_id(org, self.profile_id)
    }

    fn indexes(&self, org: &Org, _: Time) -> Indexes {
        keys::profile::lists(org, self)
    }

    fn id(&self) -> String {
        self.profile_id.to_string()
    }
}

impl OperatorProfile {
    /// What it allows.
    pub(crate) fn power(&self) -> Power<'_> {
        Power { controls: &self.controls, currency: Some(self.currency) }
    }
}

impl Living for OperatorProfile {
    fn status(&self) -> Status {
        self.status
    }
}

impl Resource for OperatorProfile {
    type View = Shown<Self>;

    fn view(stored: &Stored<Self>, _: &Ctx) -> Shown<Self> {
        stored.shown()
    }
}

/// Who holds a code: written with the profile, never released.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ProfileCodeClaim {
    /// The code.
    pub code: Code,
    /// The profile.
    pub profile_id: ProfileId,
}

classes!(ProfileCodeClaim { code: Plain, profile_id: Plain });

impl Entity for ProfileCodeClaim {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "profile-code";
    type Scope = Org;
    type Revision = revision::Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::profile::by_code(org, &self.code)
    }

    fn id(&self) -> String {
        self.code.to_string()
    }
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Create {
    /// Its code, unique in the org.
    code: Code,
    /// What it is called.
    caption: Caption,
    /// What its amounts are counted in.
    currency: Currency,
    /// Controls that are to be other than their defaults.
    controls: Option<ControlChanges>,
    /// Whom it is for.
    description: Option<Prose<1000>>,
}

async fn create(ctx: Ctx, input: Create) -> Result<Written<Shown<OperatorProfile>>> {
    let org = ctx.org()?;
    let mut change = ctx.change();
    let mut controls = Controls::default();
    controls.apply(input.controls.unwrap_or_default());
    let profile = OperatorProfile {
        org_guid: org.guid(),
        profile_id: ProfileId::from_uuid(change.uuid()),
        code: input.code,
        caption: input.caption,
        description: input.description,
        currency: input.currency,
        controls,
        policy_version: 1,
        status: Status::Active,
    };
    let claim = ProfileCodeClaim { code: profile.code.clone(), profile_id: profile.profile_id };
    change.claim(org, claim, |_| Error::from(Tag::DuplicateCode).detail("field", "code"))?;
    let created = change.create(org, profile, "profile-created")?;
    change.show(&created)
}

names!([Get, SetStatus, Update] OperatorProfile = keys::profile::by_id[profile_id]);
revised!(SetStatus, Update);

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {
    /// The profile.
    profile_id: ProfileId,
}

async fn get(ctx: Ctx, _: Get, profile: Stored<OperatorProfile>) -> Result<Answer<Shown<OperatorProfile>>> {
    ctx.show(&profile)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct List {
    /// Only those of this status, or `all`; those not doomed unless said otherwise.
    status: Option<Filter<Status>>,
    /// Whether doomed ones are shown too.
    include_doomed: Option<bool>,
}

/// A page of till profiles.
#[derive(Serialize, JsonSchema)]
struct Profiles {
    /// The profiles.
    profiles: Vec<Shown<OperatorProfile>>,
    /// Where to go on; absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_token: Option<String>,
}

fn wanted(input: &List, org: &Org) -> Listing<OperatorProfile> {
    keys::profile::by_status(org, &visible(input.status, input.include_doomed))
}

async fn list_by_code(ctx: Ctx, input: List) -> Result<Answer<Profiles>> {
    let page = ctx.list(&wanted(&input, ctx.org()?)).await?;
    Ok(Answer::new(Profiles { profiles: page.show(&ctx), next_token: page.next_token }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The profile.
    profile_id: ProfileId,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// How it is to stand.
    status: Status,
}

async fn set_status(
    ctx: Ctx,
    input: SetStatus,
    before: Stored<OperatorProfile>,
) -> Result<Written<Shown<OperatorProfile>>> {
    allow(ARCS, before.record.status, input.status)?;
    let mut change = ctx.change();
    if input.status != Status::Active {
        in_no_slot(&ctx, &mut change, input.profile_id).await?;
    }
    let profile = OperatorProfile { status: input.status, ..before.record.clone() };
    let after = change.update(ctx.org()?, &before, profile, "profile-status-set")?;
    change.show(&after)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Update {
    /// The profile.
    profile_id: ProfileId,
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// What it is to be called.
    caption: Option<Caption>,
    /// Whom it is for; null clears.
    description: Patch<Prose<1000>>,
    /// Controls that are to be other than they are.
    controls: Option<ControlChanges>,
    /// Controls that are to have their defaults again.
    reset: Option<Vec<ControlName>>,
}

/// A till profile after a change.
#[derive(Serialize, JsonSchema)]
struct Updated {
    /// The profile.
    #[serde(flatten)]
    profile: Shown<OperatorProfile>,
    /// What is other than before: `caption`, `description`, and the names of controls.
    changed: Vec<&'static str>,
}

async fn update(ctx: Ctx, input: Update, before: Stored<OperatorProfile>) -> Result<Written<Updated>> {
    input.check()?;
    not_doomed(&before.record)?;
    let profile = input.apply(&before.record);
    let changed = changed(&before.record, &profile);
    let mut change = ctx.change();
    let after = change.update(ctx.org()?, &before, profile, "profile-updated")?;
    let answer = ctx.show(&after)?;
    Ok(change.answer(answer.map(|profile| Updated { profile, changed })))
}

impl Update {
    /// A control is either set or reset.
    fn check(&self) -> Result<()> {
        let (Some(controls), Some(reset)) = (&self.controls, &self.reset) else { return Ok(()) };
        let both = reset.iter().enumerate().filter(|(_, name)| controls.name(**name));
        let problem = |(n, _)| FieldProblem {
            field: format!("reset[{n}]"),
            problem: "is among controls too".to_owned(),
        };
        let problems: Vec<_> = both.map(problem).collect();
        if problems.is_empty() { Ok(()) } else { Err(Error::fields(&problems)) }
    }

    fn apply(self, before: &OperatorProfile) -> OperatorProfile {
        let mut profile = before.clone();
        profile.caption = self.caption.unwrap_or(profile.caption);
        self.description.apply(&mut profile.description);
        profile.controls.reset(&self.reset.unwrap_or_default());
        profile.controls.apply(self.controls.unwrap_or_default());
        if profile.controls != before.controls {
            profile.policy_version += 1;
        }
        profile
    }
}

/// What is other than before.
fn changed(before: &OperatorProfile, after: &OperatorProfile) -> Vec<&'static str> {
    let fields = [
        ("caption", before.caption != after.caption),
        ("description", before.description != after.description),
    ];
    let fields = fields.into_iter().filter(|(_, differs)| *differs).map(|(field, _)| field);
    fields.chain(after.controls.changed(&before.controls)).collect()
}
