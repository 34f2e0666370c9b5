//! Comparing totals with the records, and mending them (referral §7).
//!
//! A total is added to with every change of a record, so a difference does not move: what is found between two readings
//! of a total that did not change meanwhile is true, and stays true until it is mended, whatever is counted besides.

use std::collections::{BTreeMap, BTreeSet};

use contract::{
    error::{Error, Result},
    foreign_id::ForeignId,
    paging::Limit,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use service::{Access, Answer, Class, Ctx, OrgFrom, Route, Writer, Written, direct::action, write};
use store::{Action, Key, Org, System, Tally};

use super::upkeep::Upkeep;
use crate::{
    code::{Code, CodeStatus},
    keys,
    total::Period,
    totals::{Count, Of, Shard, by_month},
};

/// The actions.
pub static ACTIONS: &[Route] = &[Route {
    call: action("referral-recount"),
    summary: "Compare the totals of an org or a mentor with its attributions, and mend them if asked to",
    class: Class::A,
    org: OrgFrom::BodyCode,
    access: Access::Operator,
    errors: &[],
    handler: &write(recount),
}];

/// So many readings are tried of totals that are added to all the time.
const TRIES: u32 = 3;
/// So many totals are mended in one transaction; the answer says whether there are more.
const MOST_MENDED: usize = 90;

#[derive(Clone, Deserialize, JsonSchema)]
struct Recount {
    /// Only this mentor's totals; the org's and all mentors' unless given.
    mentor_id: Option<ForeignId>,
    /// Whether the totals are mended.
    repair: Option<bool>,
}

/// A total that is not the recount of its records.
#[derive(Clone, Debug, Serialize, JsonSchema)]
struct Difference {
    /// Whose total; null for the org's.
    mentor_id: Option<ForeignId>,
    /// Of which time.
    period: Period,
    /// Clicks as the total has them.
    total_clicks: i64,
    /// Conversions as the total has them.
    total_conversions: i64,
    /// Clicks as they were counted.
    counted_clicks: i64,
    /// Conversions as they were counted.
    counted_conversions: i64,
}

/// What the comparison found.
#[derive(Serialize, JsonSchema)]
struct Recounted {
    /// Where totals and records differ.
    differences: Vec<Difference>,
    /// How many totals were compared.
    compared: usize,
    /// Whose totals changed during every try to compare them: to be tried again.
    unsettled: Vec<Option<ForeignId>>,
    /// How many of the differences were mended; the rest with the next call.
    mended: usize,
}

/// Counts by period.
type Periods = BTreeMap<Period, Count>;

async fn recount(ctx: Ctx, input: Recount) -> Result<Written<Recounted>> {
    let org = ctx.org()?;
    let upkeep = ctx.get(&keys::upkeep::of_org(org)).await?;
    let mut open = scope(&ctx, org, input.mentor_id.as_ref()).await?;
    let (mut differences, mut compared) = (Vec::new(), 0);
    let mut backoff = ctx.backoff();
    for _ in 0..TRIES {
        let settled = compare(&ctx, org, &open).await?;
        for (of, (totals, counted)) in settled {
            compared += totals.keys().chain(counted.keys()).collect::<BTreeSet<_>>().len();
            differences.extend(differ(&of, &totals, &counted));
            open.remove(&of);
        }
        if open.is_empty() || !backoff.pause().await {
            break;
        }
    }
    let mut change = ctx.change();
    let mut mended = 0;
    if input.repair == Some(true) && !differences.is_empty() {
        mended = differences.len().min(MOST_MENDED);
        let upkeep = upkeep.ok_or_else(|| Error::internal("totals without a code"))?;
        mend(&mut change, org, &differences[..mended]);
        let told = json!(differences[..mended]);
        let record = Upkeep {
            mended: upkeep.record.mended + u64::try_from(mended).unwrap_or(0),
            ..upkeep.record.clone()
        };
        // Two who mend at once would mend twice: who comes second compares again.
        let action = Action::from("referral-totals-repaired").with("differences", told);
        change.adjust(&System, &upkeep, record, action)?;
    }
    let unsettled = open.into_iter().map(mentor_of).collect();
    Ok(change.answer(Answer::new(Recounted { differences, compared, unsettled, mended })))
}

fn mentor_of(of: Of) -> Option<ForeignId> {
    match of {
        Of::Org => None,
        Of::Mentor(mentor) => Some(mentor),
    }
}

/// Whose totals are compared: every attribution is of a mentor who has a code.
async fn scope(ctx: &Ctx, org: &Org, only: Option<&ForeignId>) -> Result<BTreeSet<Of>> {
    if let Some(mentor) = only {
        return Ok(BTreeSet::from([Of::Mentor(mentor.clone())]));
    }
    let all = [CodeStatus::Active, CodeStatus::Disabled];
    let codes = ctx.all::<Code>(&keys::code::by_status(org, &all)).await?;
    let mentors = codes.into_iter().map(|code| Of::Mentor(code.record.mentor_id));
    Ok(mentors.chain([Of::Org]).collect())
}

/// Totals and recount of those whose totals stayed as they were meanwhile.
async fn compare(ctx: &Ctx, org: &Org, open: &BTreeSet<Of>) -> Result<BTreeMap<Of, (Periods, Periods)>> {
    let mut before = BTreeMap::new();
    for of in open {
        before.insert(of, read(ctx, org, of).await?);
    }
    let mut counted = count(ctx, org, open).await?;
    let mut settled = BTreeMap::new();
    for (of, (changes, totals)) in before {
        let (changes_after, _) = read(ctx, org, of).await?;
        if changes == changes_after {
            settled.insert(of.clone(), (totals, counted.remove(of).unwrap_or_default()));
        }
    }
    Ok(settled)
}

/// How many changes went into a total, and what it tells of each period.
async fn read(ctx: &Ctx, org: &Org, of: &Of) -> Result<(i64, Periods)> {
    let all_time = ctx.tallies(&keys::total::of_period(org, of, Period::AllTime)).await?.sum();
    let months = ctx.tallies(&keys::total::of_months(org, of)).await?;
    let mut changes = all_time.changes;
    let mut periods = Periods::from([(Period::AllTime, Count::of(&all_time))]);
    for (month, tally) in months.by_first_part() {
        changes += tally.changes;
        let month = month.parse().map_err(Error::internal)?;
        periods.insert(month, Count::of(&tally));
    }
    Ok((changes, periods))
}

/// Counts the records, strongly consistent, page by page.
async fn count(ctx: &Ctx, org: &Org, of: &BTreeSet<Of>) -> Result<BTreeMap<Of, Periods>> {
    let (mut counted, mut after) = (BTreeMap::<Of, Periods>::new(), None);
    loop {
        let list = keys::attribution::newest_first(org);
        let page = ctx.page(&list, after.as_deref(), Limit::MOST.get()).await?;
        for record in &page.records {
            let count = Count::of_record(&record.record);
            let months = by_month(&record.record, count);
            let months = months.into_iter().map(|(month, count)| (Period::Month(month), count));
            let periods: Vec<_> = months.chain([(Period::AllTime, count)]).collect();
            for whose in [Of::Org, Of::Mentor(record.record.mentor_id.clone())] {
                if !of.contains(&whose) {
                    continue;
                }
                let sums = counted.entry(whose).or_default();
                for (period, count) in &periods {
                    let sum = sums.entry(*period).or_default();
                    *sum = sum.plus(*count);
                }
            }
        }
        after = page.position;
        if after.is_none() {
            return Ok(counted);
        }
    }
}

fn differ(of: &Of, totals: &Periods, counted: &Periods) -> Vec<Difference> {
    let periods: BTreeSet<_> = totals.keys().chain(counted.keys()).collect();
    let at = |counts: &Periods, period| counts.get(period).copied().unwrap_or_default();
    let compared = periods.into_iter().map(|period| (*period, at(totals, period), at(counted, period)));
    compared
        .filter(|(_, total, counted)| total != counted)
        .map(|(period, total, counted)| Difference {
            mentor_id: mentor_of(of.clone()),
            period,
            total_clicks: total.clicks,
            total_conversions: total.conversions,
            counted_clicks: counted.clicks,
            counted_conversions: counted.conversions,
        })
        .collect()
}

fn mend(change: &mut Writer, org: &Org, differences: &[Difference]) {
    for difference in differences {
        let of = difference.mentor_id.clone().map_or(Of::Org, Of::Mentor);
        let missing = Count {
            clicks: difference.counted_clicks - difference.total_clicks,
            conversions: difference.counted_conversions - difference.total_conversions,
        };
        change.count(&tally(org, &of, difference.period), missing.figures());
    }
}

/// One of the tallies of a total.
fn tally(org: &Org, of: &Of, period: Period) -> Key<Tally> {
    let first = Shard::Random(0);
    match period {
        Period::AllTime => keys::total::all_time(org, of, first),
        Period::Month(month) => keys::total::month(org, of, month, first),
    }
}
