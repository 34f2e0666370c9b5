//! Whoever gave a code out, as they stand when it is to be used (contract ofm §2, §14): a code allows no more than its
//! issuer could give out now.

use std::collections::BTreeSet;

use contract::{error::Result, ids::LogicalGuid, time::Time};
use identity::giver::Giver;
use service::{Ctx, Writer};
use store::{Batch, Org, Stored};

use super::{
    OverrideCode, OverrideStatus, OverrideView,
    cap::{Asked, allows},
    digits::DigitsClaim,
    worth::{OverrideType, Worth},
};
use crate::{
    giver, keys,
    profile::effective::{Effective, Source},
};

/// The issuer of a code, and what holds for them at a facility.
pub(super) struct Issuer {
    standing: giver::Standing,
    effective: Effective,
}

/// The code to which digits lead, with its issuer as they stand at a facility.
pub(super) async fn read(
    ctx: &Ctx,
    claim: &DigitsClaim,
    logical: LogicalGuid,
) -> Result<Option<(Stored<OverrideCode>, Issuer)>> {
    let org = ctx.org()?;
    let key = keys::override_code::by_id(org, claim.override_id);
    // How often they lapsed is told by the code.
    let issuer = Giver::Person { user_guid: claim.issued_by, lapses: 0 };
    let mut batch = Batch::default();
    batch.want(&key);
    giver::want(org, issuer, &mut batch);
    Effective::want(org, Some(claim.issued_by), logical, &mut batch);
    let found = ctx.read(batch).await?;
    let Some(code) = found.get(&key)? else { return Ok(None) };
    let standing = giver::Standing::of(org, code.record.giver(), &found)?;
    let effective = Effective::found(ctx, standing.member(), logical, &found).await?;
    Ok(Some((code, Issuer { standing, effective })))
}

impl Issuer {
    /// Whether codes of theirs count.
    pub(super) fn counts(&self, now: Time) -> bool {
        counts(&self.standing, now)
    }

    /// An owner for whom no profile is set is uncapped.
    fn is_uncapped(&self) -> bool {
        self.standing.is_owner() && self.effective.source == Source::Builtin
    }

    /// Whether they may use codes of their own.
    pub(super) fn may_use_own(&self) -> bool {
        self.is_uncapped() || allows(self.effective.power().controls, "override.self_use_allowed")
    }

    /// Whether they could give out a code for this now.
    pub(super) fn may_give(&self, kind: OverrideType, worth: Option<Worth>) -> bool {
        // For how many uses and how long is what the code itself says.
        let asked = Asked { kind, worth, uses: 0, minutes: 0 };
        self.is_uncapped() || asked.check(self.effective.power()).is_ok()
    }

    /// Writes only if they still stand so; else the command is decided again.
    pub(super) fn require(&self, change: &mut Writer, org: &Org) -> Result<()> {
        self.standing.require(change, org)?;
        self.effective.require(change, org, None)
    }
}

fn counts(standing: &giver::Standing, now: Time) -> bool {
    standing.in_force(now) && !standing.has_lapsed()
}

/// How some codes are shown, where they stand as is wanted.
pub(super) async fn shown(
    ctx: &Ctx,
    codes: &[Stored<OverrideCode>],
    passes: impl Fn(&OverrideCode, OverrideStatus) -> bool,
) -> Result<Vec<Option<OverrideView>>> {
    let (org, now) = (ctx.org()?, ctx.now());
    let mut views = Vec::with_capacity(codes.len());
    // Each asks for its issuer, as user and as member.
    for codes in codes.chunks(Batch::MOST / 2) {
        let mut batch = Batch::default();
        let issuers: BTreeSet<_> = codes.iter().map(|code| code.record.giver()).collect();
        for issuer in issuers {
            giver::want(org, issuer, &mut batch);
        }
        let found = ctx.read(batch).await?;
        for code in codes {
            let standing = giver::Standing::of(org, code.record.giver(), &found)?;
            let status = code.record.status(now, counts(&standing, now));
            views.push(passes(&code.record, status).then(|| OverrideView::of(code, status)));
        }
    }
    Ok(views)
}
