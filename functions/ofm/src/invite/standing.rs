//! How invites stand (contract ofm §2, §9.1): what is stored of one, and whether what it rests on has ended.

use contract::error::{Error, Result};
use identity::{
    giver::Giver,
    invite::{Invite, InviteStatus, StandingInvite},
    keys,
};
use service::{Ctx, Writer};
use store::{Batch, Found, Org, Stored};

/// An invite, and how it stands.
pub(super) struct Standing {
    pub(super) invite: Stored<Invite>,
    pub(super) status: InviteStatus,
    /// What says that it is the one that counts for the person.
    claim: Option<Stored<StandingInvite>>,
}

impl Standing {
    /// Lets the next invite of the person be made, if this is the one that counts when the change is written.
    pub(super) fn release(&self, change: &mut Writer, org: &Org) -> Result<()> {
        let claim = self.claim.as_ref().ok_or_else(|| Error::moved("an invite that counts no more"))?;
        change.release_seen(&keys::standing_invite(org, &claim.record.person), claim)
    }
}

/// How an invite stands.
pub(super) async fn of(ctx: &Ctx, org: &Org, invite: Stored<Invite>) -> Result<Standing> {
    let standing = stand(ctx, org, vec![invite]).await?.pop();
    standing.ok_or_else(|| Error::internal("an invite that was given"))
}

/// How some invites stand, in their order.
pub(super) async fn stand(ctx: &Ctx, org: &Org, invites: Vec<Stored<Invite>>) -> Result<Vec<Standing>> {
    let mut standing = Vec::with_capacity(invites.len());
    // Each asks for what counts for its person, and for its maker.
    for invites in invites.chunks(Batch::MOST / 2) {
        let mut batch = Batch::default();
        for Stored { record, .. } in invites {
            batch.want(&keys::standing_invite(org, &record.person()));
            want_maker(org, record.inviter, &mut batch);
        }
        let found = ctx.read(batch).await?;
        for invite in invites {
            let claim = claim(org, &invite.record, &found)?;
            let counts = claim.is_some() && !has_lapsed(org, invite.record.inviter, &found)?;
            let status = invite.record.status_at(ctx.now(), counts);
            standing.push(Standing { invite: invite.clone(), status, claim });
        }
    }
    reread(ctx, org, &mut standing).await?;
    Ok(standing)
}

/// An invite that was accepted or revoked since it was read has no claim either: how it ended, it says itself.
async fn reread(ctx: &Ctx, org: &Org, standing: &mut [Standing]) -> Result<()> {
    let unclaimed = |standing: &&mut Standing| {
        standing.status == InviteStatus::Revoked && standing.invite.record.status == InviteStatus::Active
    };
    let mut standing: Vec<_> = standing.iter_mut().filter(unclaimed).collect();
    let keys: Vec<_> =
        standing.iter().map(|standing| keys::invite(org, standing.invite.record.invite_guid)).collect();
    for (standing, now) in standing.iter_mut().zip(ctx.get_each(&keys).await?) {
        if let Some(now) = now.filter(|now| now.record.status != InviteStatus::Active) {
            standing.status = now.record.status;
            standing.invite = now;
        }
    }
    Ok(())
}

/// What says that an invite is the one that counts for the person, if it is.
pub(super) fn claim(org: &Org, invite: &Invite, found: &Found) -> Result<Option<Stored<StandingInvite>>> {
    let claim = found.get(&keys::standing_invite(org, &invite.person()))?;
    Ok(claim.filter(|claim| claim.record.invite_guid == invite.invite_guid))
}

fn want_maker(org: &Org, inviter: Giver, batch: &mut Batch) {
    batch.want_all(&inviter.user_guid().map(|user| keys::member(org, user)));
}

fn has_lapsed(org: &Org, inviter: Giver, found: &Found) -> Result<bool> {
    let maker = match inviter.user_guid() {
        Some(user) => found.get(&keys::member(org, user))?,
        None => None,
    };
    Ok(inviter.has_lapsed(maker.as_ref().map(|maker| &maker.record)))
}

/// Whether the invite that counts for a person stands in the way of another one.
pub(super) async fn blocks(ctx: &Ctx, org: &Org, claim: &StandingInvite) -> Result<bool> {
    if ctx.now() >= claim.expires_at {
        return Ok(false);
    }
    let mut batch = Batch::default();
    want_maker(org, claim.inviter, &mut batch);
    Ok(!has_lapsed(org, claim.inviter, &ctx.read(batch).await?)?)
}
