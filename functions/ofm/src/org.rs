//! Orgs: the tenants (contract ofm §4). How one begins is in [`crate::founding`], whose they are in [`crate::own_orgs`].

use contract::{
    codes::OrgCode,
    error::{Result, Tag},
    fiscal::FiscalCalendar,
    ids::{CcGuid, OrgGuid},
    input::Patch,
    locale::Locale,
    money::Currency,
    revision,
    text::Caption,
    time::TimeZone,
};
use identity::{
    keys,
    org::{ARCS, OrgRecord, OrgStatus},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{
    Access, Answer, Class, Ctx, Names, OrgFrom, Route, Writer, Written, allow, change, post, read, revised,
};
use store::{Key, Org, Shown, Stored};

use crate::{access::ASSOCIATED, cost_centre::Brief, keys as own_keys, lifecycle::usable};

/// The routes.
pub static ROUTES: &[Route] = &[
    Route {
        call: post("/org/get"),
        summary: "Get an org",
        class: Class::B,
        org: OrgFrom::BodyGuid,
        access: ASSOCIATED,
        errors: &[],
        handler: &read(get),
    },
    Route {
        call: post("/org/status/set"),
        summary: "Park an org, or take it up again",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::InvalidTransition, Tag::Forbidden, Tag::Cooldown],
        handler: &change(set_status).whatever_the_org_status(),
    },
    Route {
        call: post("/org/update"),
        summary: "Change what an org is called, how it counts its time, or its master cost centre",
        class: Class::A,
        org: OrgFrom::Body,
        access: Access::Owner,
        errors: &[Tag::InvalidState],
        handler: &change(update).also(|input, org, batch| {
            batch.want_all(&input.cost_centre_guid.map(|centre| own_keys::cost_centre::by_guid(org, centre)));
        }),
    },
    Route {
        call: post("/resolve/orgcode"),
        summary: "Find an org by its code",
        class: Class::B,
        org: OrgFrom::BodyCode,
        access: ASSOCIATED,
        errors: &[],
        handler: &read(resolve),
    },
];

#[derive(Clone, Deserialize, JsonSchema)]
struct Get {}

/// An org with its master cost centre.
#[derive(Serialize, JsonSchema)]
struct OrgView {
    /// The org.
    #[serde(flatten)]
    org: Shown<OrgRecord>,
    /// The master cost centre.
    cost_centre: Option<Brief>,
}

async fn get(ctx: Ctx, _: Get) -> Result<Answer<OrgView>> {
    let org = ctx.org_record()?;
    let master = own_keys::cost_centre::by_guid(ctx.org()?, org.record.cost_centre_guid);
    let cost_centre = ctx.get(&master).await?.map(|centre| centre.record.into());
    Ok(ctx.show(org)?.map(|org| OrgView { org, cost_centre }))
}

#[derive(Clone, Deserialize, JsonSchema)]
struct SetStatus {
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// How it is to stand.
    status: OrgStatus,
}

impl Names for SetStatus {
    type Record = OrgRecord;

    fn key(&self, org: &Org) -> Key<OrgRecord> {
        keys::org(org)
    }
}

impl Names for Update {
    type Record = OrgRecord;

    fn key(&self, org: &Org) -> Key<OrgRecord> {
        keys::org(org)
    }
}

revised!(SetStatus, Update);

async fn set_status(
    ctx: Ctx,
    input: SetStatus,
    before: Stored<OrgRecord>,
) -> Result<Written<Shown<OrgRecord>>> {
    allow(ARCS, before.record.status, input.status)?;
    let org = before.record.moved_by_owner(input.status, ctx.now())?;
    let mut change = ctx.change();
    let after = change.update(ctx.org()?, &before, org, "org-status-set")?;
    change.show(&after)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Update {
    /// The revision that the caller saw.
    expected_revision: Option<revision::Tag>,
    /// What it is to be called.
    caption: Option<Caption>,
    /// Its time zone.
    timezone: Option<TimeZone>,
    /// How its years are cut, as a whole.
    fiscal_calendar: Option<FiscalCalendar>,
    /// Suggested for new till profiles; null clears.
    default_currency: Patch<Currency>,
    /// Its language; null clears.
    default_locale: Patch<Locale>,
    /// The master cost centre: an active one of the org.
    cost_centre_guid: Option<CcGuid>,
}

impl Update {
    fn apply(self, org: &mut OrgRecord) {
        org.caption = self.caption.unwrap_or_else(|| org.caption.clone());
        org.timezone = self.timezone.unwrap_or_else(|| org.timezone.clone());
        org.fiscal_calendar = self.fiscal_calendar.unwrap_or(org.fiscal_calendar);
        self.default_currency.apply(&mut org.default_currency);
        self.default_locale.apply(&mut org.default_locale);
        org.cost_centre_guid = self.cost_centre_guid.unwrap_or(org.cost_centre_guid);
    }
}

async fn update(ctx: Ctx, input: Update, before: Stored<OrgRecord>) -> Result<Written<Shown<OrgRecord>>> {
    let mut change = ctx.change();
    if let Some(cc_guid) = input.cost_centre_guid {
        require_active(&ctx, &mut change, cc_guid).await?;
    }
    let mut org = before.record.clone();
    input.apply(&mut org);
    let after = change.update(ctx.org()?, &before, org, "org-updated")?;
    change.show(&after)
}

/// The master must be an active cost centre of the org, and still be so when the change is written.
async fn require_active(ctx: &Ctx, change: &mut Writer, cc_guid: CcGuid) -> Result<()> {
    let key = own_keys::cost_centre::by_guid(ctx.org()?, cc_guid);
    let centre = usable(ctx.get(&key).await?, "cost_centre_guid")?;
    change.require(&key, &centre)
}

#[derive(Clone, Deserialize, JsonSchema)]
struct Resolve {}

/// The org with a code.
#[derive(Serialize, JsonSchema)]
struct Resolved {
    /// Its id.
    org_guid: OrgGuid,
    /// The code.
    orgcode: OrgCode,
    /// How it stands.
    status: OrgStatus,
}

async fn resolve(ctx: Ctx, _: Resolve) -> Result<Answer<Resolved>> {
    let OrgRecord { org_guid, orgcode, status, .. } = ctx.org_record()?.record.clone();
    Ok(Answer::new(Resolved { org_guid, orgcode, status }))
}
