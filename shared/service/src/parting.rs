//! What a person gave ends with them (ofm §2): the same for who administers members, for owners, and for the operator.

use contract::error::Result;
use identity::{invite::StandingInvite, keys, member::Member, user::EmailClaim};

use crate::ctx::{Ctx, Writer};

/// A member as they are once they, or their ownership, were suspended or removed. What they gave before counts no more
/// from then on, for it says how often they had lapsed; and no invite to them stands any more, by whichever name.
pub fn lapsed(ctx: &Ctx, change: &mut Writer, member: Member) -> Result<Member> {
    end_invites_to(ctx, change, &member)?;
    Ok(Member { lapses: member.lapses + 1, ..member })
}

/// Ends the invites to a person. Each name of theirs has but one that counts, so nothing is read, and one that is made
/// meanwhile ends too.
fn end_invites_to(ctx: &Ctx, change: &mut Writer, member: &Member) -> Result<()> {
    let org = ctx.org()?;
    let email_hash = member.email.as_ref().map(|email| EmailClaim::hash(email, ctx.lookup_key()));
    change.wipe(&keys::standing_invite(org, &StandingInvite::of(Some(member.user_guid), None)));
    if let Some(hash) = &email_hash {
        change.wipe(&keys::standing_invite(org, &StandingInvite::of(None, Some(hash))));
    }
    Ok(())
}
