//! What hangs on a record and keeps it from being ended (ofm §2, *Guards are exact*).
//!
//! Whatever hangs on a parent is noted in the parent's own partition, in the transaction that writes it, so that one
//! consistent query finds all of one kind. Something new raises the parent's guard; a change of the parent that must
//! not pass anything by is written on the condition that the guard is as it was before it looked.

use std::fmt::Display;

use contract::{
    error::{Error, Result, Tag},
    ids::{CcGuid, ChannelGuid, LegalGuid, LogicalGuid, PfGuid, ProfileId, ZoneGuid},
    revision::Counter,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use service::{Ctx, Writer};
use store::{Entity, Key, Org, classes};

use crate::{keys, lifecycle::Status, sales_channel::sources::SourcesNote};

/// A record that others hang on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parent {
    /// A cost centre.
    CostCentre(CcGuid),
    /// A physical facility.
    Physical(PfGuid),
    /// A legal facility.
    Legal(LegalGuid),
    /// A logical facility.
    Logical(LogicalGuid),
    /// A zone.
    Zone(ZoneGuid),
    /// A sales channel.
    SalesChannel(ChannelGuid),
    /// A till profile.
    Profile(ProfileId),
}

/// What can hang on a parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Child {
    /// A logical facility that is not doomed.
    FacilityLogical,
    /// A zone that is not doomed.
    Zone,
    /// A sales channel that is not doomed.
    SalesChannel,
    /// A sales channel that is not doomed and takes stock from the facility.
    InventorySource,
    /// A station that is not inactive.
    Station,
    /// A team that is not doomed.
    Team,
    /// The till profile that holds for a facility.
    ProfileSlot,
    /// A shift that is scheduled or active.
    Shift,
    /// An open timesheet entry.
    TimesheetEntry,
    /// A member's slot that a till profile is in.
    MemberProfileSlot,
    /// A facility's slot that a till profile is in.
    FacilityProfileSlot,
    /// The org's slot that a till profile is in.
    OrgProfileSlot,
}

impl Parent {
    /// What can hang on it.
    const fn children(self) -> &'static [Child] {
        match self {
            Self::CostCentre(_) | Self::Physical(_) | Self::Legal(_) => &[Child::FacilityLogical],
            Self::Logical(_) => &[
                Child::Zone,
                Child::SalesChannel,
                Child::InventorySource,
                Child::Station,
                Child::Team,
                Child::ProfileSlot,
                Child::Shift,
                Child::TimesheetEntry,
            ],
            Self::Zone(_) => &[Child::Zone],
            Self::SalesChannel(_) => &[Child::Station],
            // Those of members count only while the membership does.
            Self::Profile(_) => &[Child::FacilityProfileSlot, Child::OrgProfileSlot],
        }
    }

    /// Kind and id.
    pub(crate) fn name(self) -> (&'static str, String) {
        match self {
            Self::CostCentre(guid) => ("cost-centre", guid.to_string()),
            Self::Physical(guid) => ("facility-physical", guid.to_string()),
            Self::Legal(guid) => ("facility-legal", guid.to_string()),
            Self::Logical(guid) => ("facility-logical", guid.to_string()),
            Self::Zone(guid) => ("zone", guid.to_string()),
            Self::SalesChannel(guid) => ("sales-channel", guid.to_string()),
            Self::Profile(id) => ("profile", id.to_string()),
        }
    }
}

/// How heavily something hangs on its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weight {
    /// Not at all.
    Nothing,
    /// The parent cannot be doomed.
    Present,
    /// The parent cannot be deactivated either, where that is guarded.
    Active,
}

impl From<Status> for Weight {
    fn from(status: Status) -> Self {
        match status {
            Status::Active => Self::Active,
            Status::Inactive => Self::Present,
            Status::Doomed => Self::Nothing,
        }
    }
}

impl Weight {
    /// That of something which is there or not.
    pub(crate) fn of(is_there: bool) -> Self {
        if is_there { Self::Active } else { Self::Nothing }
    }
}

/// Something that hangs on a parent. There is none for what does not weigh.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Hold {
    /// The parent.
    pub parent: Parent,
    /// What kind of thing hangs on it.
    pub child: Child,
    /// The id of the thing.
    pub id: String,
    /// How heavily.
    pub weight: Weight,
}

classes!(Hold { parent: Plain, child: Plain, id: Plain, weight: Plain });

impl Entity for Hold {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "hold";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::hold::one(org, self.parent, self.child, &self.id)
    }

    fn id(&self) -> String {
        self.id.clone()
    }
}

/// Counts how often something new came to hang on a parent: the parent's `guard_seq`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Guard {
    /// The parent.
    pub parent: Parent,
}

classes!(Guard { parent: Plain });

impl Entity for Guard {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "guard";
    type Scope = Org;
    type Revision = Counter;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::hold::guard(org, self.parent)
    }

    fn id(&self) -> String {
        self.parent.name().1
    }
}

/// So many of a kind are counted (ofm §1, `in-use`).
pub(crate) const MOST_COUNTED: usize = 100;

/// Notes how heavily something hangs on a parent that can be closed whatever became of the parent: so the guard is not
/// raised, and nothing that comes often stands in the way of a change of the parent (ofm §2, *Guards are exact*).
pub(crate) fn note(
    change: &mut Writer,
    org: &Org,
    (parent, child): (Parent, Child),
    id: &dyn Display,
    (was, is): (Weight, Weight),
) -> Result<()> {
    let hold = Hold { parent, child, id: id.to_string(), weight: is };
    match is {
        _ if is == was => Ok(()),
        Weight::Nothing => {
            change.wipe(&hold.key(org));
            Ok(())
        }
        Weight::Present | Weight::Active => change.overwrite(org, hold),
    }
}

/// Notes how heavily something hangs on a parent from now on, in the change that makes it so.
pub(crate) fn hang(
    change: &mut Writer,
    org: &Org,
    (parent, child): (Parent, Child),
    id: &dyn Display,
    (was, is): (Weight, Weight),
) -> Result<()> {
    if is > was {
        change.raise(org, Guard { parent })?;
    }
    note(change, org, (parent, child), id, (was, is))
}

/// Moves the guard of a parent that ceases to be active: whoever comes to rely on it meanwhile decides again.
pub(crate) fn move_guard(change: &mut Writer, org: &Org, parent: Parent) -> Result<()> {
    change.raise(org, Guard { parent })
}

/// Refuses to go on where something hangs on a parent at least this heavily, also where it comes to do so meanwhile.
pub(crate) async fn bears_nothing(
    ctx: &Ctx,
    change: &mut Writer,
    parent: Parent,
    least: Weight,
) -> Result<()> {
    watch(ctx, change, parent).await?;
    let blocking = all_blocking(ctx, parent, least).await?;
    if blocking.is_empty() { Ok(()) } else { Err(in_use(blocking)) }
}

/// Writes only if nothing new comes to hang on a parent meanwhile; else the command is decided again.
pub(crate) async fn watch(ctx: &Ctx, change: &mut Writer, parent: Parent) -> Result<()> {
    let org = ctx.org()?;
    let key = keys::hold::guard(org, parent);
    let guard = ctx.get(&key).await?;
    // Written, not only checked: what relies on the parent's status alone can rely on its guard.
    change.keep(org, guard.as_ref(), Guard { parent })
}

/// What hangs on a parent at least this heavily, by kind.
pub(crate) async fn all_blocking(ctx: &Ctx, parent: Parent, least: Weight) -> Result<Vec<Value>> {
    let org = ctx.org()?;
    let kinds = parent.children().iter().map(|child| blocking(ctx, org, parent, *child, least));
    Ok(futures::future::try_join_all(kinds).await?.into_iter().flatten().collect())
}

/// `in-use`: what stands in the way (ofm §1).
pub(crate) fn in_use(blocking: Vec<Value>) -> Error {
    Error::from(Tag::InUse).detail("blocking", Value::from(blocking))
}

/// How many of a kind stand in the way, if any.
async fn blocking(
    ctx: &Ctx,
    org: &Org,
    parent: Parent,
    child: Child,
    least: Weight,
) -> Result<Option<Value>> {
    let ids: Vec<String> = if let (Parent::Logical(logical), Child::InventorySource) = (parent, child) {
        let uses = |note: &SourcesNote| note.logical_guids.contains(&logical);
        let found = ctx.some_where(&keys::sales_channel::sources(org), MOST_COUNTED, uses).await?;
        found.iter().map(|note| note.record.channel_guid.to_string()).collect()
    } else {
        let holds = keys::hold::on(org, parent, child);
        let found = ctx.some_where(&holds, MOST_COUNTED, |hold| hold.weight >= least).await?;
        found.into_iter().map(|hold| hold.record.id).collect()
    };
    let count = ids.len();
    Ok(ids.first().map(|sample_id| json!({"kind": child, "count": count, "sample_id": sample_id})))
}
