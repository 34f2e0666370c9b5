//! Confirming a recruitment (referral §5).

use contract::{
    attribution_id::AttributionId,
    codes::ReferralCode,
    error::{Error, Result, Tag},
    foreign_id::ForeignId,
    personal::Personal,
    revision::Counter,
    time::{Moment, Time},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Answer, Class, Ctx, Names, OrgFrom, Revised, Route, Written, change, put};
use store::{Action, Key, Org, Stored};

use crate::{
    OTHERS_PER_MINUTE,
    access::MANAGERS,
    attribution::{Attribution, Kind, Status},
    click::MOST_AHEAD_MINUTES,
    keys,
    member::MemberClaim,
    stored_answer,
    total::Period,
    totals::{self, Count, Of, Shard},
};

/// The routes.
pub(crate) static ROUTES: &[Route] = &[Route {
    call: put("/{id}").named("/attribution/confirm"),
    summary: "Confirm that a click led to a recruitment",
    class: Class::A,
    org: OrgFrom::Deployment,
    access: MANAGERS,
    errors: &[
        Tag::CodeMismatch,
        Tag::AlreadyConfirmed,
        Tag::MemberAlreadyConfirmed,
        Tag::WindowExpired,
        Tag::SelfReferral,
    ],
    handler: &change(confirm).revision_optional().limited_per_address(&OTHERS_PER_MINUTE),
}];

/// Who was recruited, and when.
#[derive(Clone, Deserialize, JsonSchema)]
struct Confirm {
    /// The attribution.
    id: AttributionId,
    /// The code that was clicked.
    code: ReferralCode,
    /// Who became a member.
    new_member_id: Personal<ForeignId>,
    /// When: not before the click, at most 5 minutes ahead; now unless given.
    confirmed_at: Option<Time>,
}

impl Names for Confirm {
    type Record = Attribution;

    fn key(&self, org: &Org) -> Key<Attribution> {
        keys::attribution::by_id(org, &self.id)
    }
}

impl Revised for Confirm {
    fn expected_revision(&self) -> Option<Counter> {
        None
    }
}

/// A confirmed attribution.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Confirmation")]
struct ConfirmedView {
    /// Its id.
    id: AttributionId,
    /// The code that was clicked.
    code: ReferralCode,
    /// Whose code it was.
    mentor_id: ForeignId,
    /// `conversion`.
    r#type: Kind,
    /// `confirmed`.
    status: Status,
    /// Who was recruited.
    new_member_id: Option<Personal<ForeignId>>,
    /// When it was confirmed first.
    confirmed_at: Option<Moment>,
    /// When the click was recorded.
    created_at: Moment,
}

impl ConfirmedView {
    fn of(stored: &Stored<Attribution>) -> Self {
        let Attribution { id, code, mentor_id, new_member_id, confirmed_at, .. } = stored.record.clone();
        Self {
            id,
            code,
            mentor_id,
            r#type: Kind::Conversion,
            status: Status::Confirmed,
            new_member_id,
            confirmed_at: confirmed_at.map(Moment),
            created_at: Moment(stored.created_at),
        }
    }
}

/// What a confirmation that is not refused does.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// Nothing: it was done before.
    Repeat,
    /// The record is confirmed, as of this time.
    Confirm(Time),
}

/// The table of referral §5, but for the member, whom the transaction guards.
fn judge(record: &Attribution, input: &Confirm, now: Time) -> Result<Verdict> {
    if record.code != input.code {
        return Err(Tag::CodeMismatch.into());
    }
    match &record.new_member_id {
        Some(member) if *member == input.new_member_id => return Ok(Verdict::Repeat),
        Some(_) => return Err(Tag::AlreadyConfirmed.into()),
        None => {}
    }
    if record.mentor_id == *input.new_member_id {
        return Err(Tag::SelfReferral.into());
    }
    let confirmed_at = input.confirmed_at.unwrap_or(now);
    if confirmed_at < record.clicked_at {
        return Err(Error::field("confirmed_at", "must not be before the click"));
    }
    if confirmed_at > now.plus_minutes(MOST_AHEAD_MINUTES) {
        return Err(Error::field("confirmed_at", "must not be more than 5 minutes ahead"));
    }
    if confirmed_at > record.clicked_at.plus_days(record.window_days.into()) {
        return Err(Tag::WindowExpired.into());
    }
    Ok(Verdict::Confirm(confirmed_at))
}

async fn confirm(ctx: Ctx, input: Confirm, before: Stored<Attribution>) -> Result<Written<ConfirmedView>> {
    let org = ctx.org()?;
    let mut change = ctx.change();
    let confirmed_at = match judge(&before.record, &input, ctx.now())? {
        Verdict::Confirm(confirmed_at) => confirmed_at,
        Verdict::Repeat => {
            stored_answer::note_of_unchanged(&mut change, org, &before)?;
            return Ok(change.answer(Answer::new(ConfirmedView::of(&before))));
        }
    };
    let member_hash = MemberClaim::hash(org, &input.new_member_id, ctx.lookup_key());
    let confirmed = Attribution {
        new_member_id: Some(input.new_member_id),
        confirmed_at: Some(confirmed_at),
        ..before.record.clone()
    };
    let total = keys::total::of_period(org, &Of::Mentor(confirmed.mentor_id.clone()), Period::AllTime);
    let tallies = ctx.tallies(&total).await?;
    let total = Count::of(&tallies.sum()).plus(Count::CONVERSION);
    let action = Action::from("recruitment-confirmed")
        .with("total_clicks", total.clicks)
        .with("total_conversions", total.conversions);
    // First the record: who confirms it at the same time for the same member is to find it confirmed.
    let after = change.adjust(org, &before, confirmed, action)?;
    let claim = MemberClaim { member_hash, attribution_id: after.record.id.clone() };
    change.claim(org, claim, |_| Tag::MemberAlreadyConfirmed.into())?;
    let seen = tallies.at(&Shard::InOrder.to_string());
    totals::add(&mut change, org, &after.record, Count::CONVERSION, Some(&seen));
    stored_answer::note(&mut change, org, &after.record.id);
    Ok(change.answer(Answer::new(ConfirmedView::of(&after))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Time {
        text.parse().unwrap()
    }

    fn click() -> Attribution {
        Attribution {
            id: "attr_a1b2c3".parse().unwrap(),
            code: "JAN-VERV-8F3A".parse().unwrap(),
            mentor_id: "usr_4491".parse().unwrap(),
            window_days: 30,
            new_member_id: None,
            ip_address: None,
            user_agent: None,
            referrer_url: None,
            clicked_at: at("2026-03-20T14:22:00Z"),
            confirmed_at: None,
        }
    }

    fn asked() -> Confirm {
        Confirm {
            id: "attr_a1b2c3".parse().unwrap(),
            code: "JAN-VERV-8F3A".parse().unwrap(),
            new_member_id: Personal("usr_5892".parse().unwrap()),
            confirmed_at: Some(at("2026-03-25T10:00:00Z")),
        }
    }

    fn verdict(record: &Attribution, input: &Confirm) -> Result<Verdict, &'static str> {
        judge(record, input, at("2026-06-01T00:00:00Z")).map_err(|error| error.tag().name())
    }

    #[test]
    fn every_row_of_the_table() {
        let mine = Some(Personal("usr_5892".parse().unwrap()));
        let other = Some(Personal("usr_1".parse().unwrap()));
        let confirmed = |member| Attribution {
            new_member_id: member,
            confirmed_at: Some(at("2026-03-21T00:00:00Z")),
            ..click()
        };
        let code = Confirm { code: "JAN-VERV-0000".parse().unwrap(), ..asked() };
        let himself = Confirm { new_member_id: Personal("usr_4491".parse().unwrap()), ..asked() };
        let time = |text| Confirm { confirmed_at: Some(at(text)), ..asked() };
        assert_eq!(verdict(&click(), &asked()), Ok(Verdict::Confirm(at("2026-03-25T10:00:00Z"))));
        assert_eq!(verdict(&click(), &code), Err("code-mismatch"));
        assert_eq!(verdict(&confirmed(mine.clone()), &asked()), Ok(Verdict::Repeat));
        assert_eq!(verdict(&confirmed(mine.clone()), &time("1999-01-01T00:00:00Z")), Ok(Verdict::Repeat));
        assert_eq!(verdict(&confirmed(mine), &code), Err("code-mismatch"), "the code goes before the repeat");
        assert_eq!(verdict(&confirmed(other.clone()), &asked()), Err("already-confirmed"));
        assert_eq!(verdict(&confirmed(other), &himself), Err("already-confirmed"), "before oneself");
        assert_eq!(verdict(&click(), &himself), Err("self-referral"));
        let early = Confirm { confirmed_at: Some(at("2026-03-20T14:21:59.999Z")), ..himself };
        assert_eq!(verdict(&click(), &early), Err("self-referral"), "oneself goes before times");
        assert_eq!(verdict(&click(), &time("2026-03-20T14:21:59.999Z")), Err("invalid-input"));
        assert_eq!(
            verdict(&click(), &time("2026-03-20T14:22:00Z")),
            Ok(Verdict::Confirm(click().clicked_at))
        );
        assert_eq!(
            verdict(&click(), &time("2026-06-01T00:05:00.001Z")),
            Err("invalid-input"),
            "before the window"
        );
        assert_eq!(verdict(&click(), &time("2026-04-19T14:22:00.001Z")), Err("window-expired"));
        let end = at("2026-04-19T14:22:00Z");
        assert_eq!(verdict(&click(), &time("2026-04-19T14:22:00Z")), Ok(Verdict::Confirm(end)));
    }

    #[test]
    fn the_time_is_now_unless_given() {
        let now = Confirm { confirmed_at: None, ..asked() };
        let time = at("2026-03-26T00:00:00Z");
        assert_eq!(judge(&click(), &now, time).unwrap(), Verdict::Confirm(time));
        assert_eq!(verdict(&click(), &now), Err("window-expired"));
    }
}
