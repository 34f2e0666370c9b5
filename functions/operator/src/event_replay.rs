//! Publishing events again, for a consumer that missed them: those of an aggregate, or those of a time, all or of one
//! type. Each keeps its `event_id`, by which consumers know what they had.
//!
//! The action orders, the relay publishes: an order for each event is written in one transaction and reaches the relay
//! through the stream, as new events do, with the same promises (`docs/events.md`).

use contract::{
    error::{Error, Result, Tag},
    ids::OrgGuid,
    revision::Counter,
    text::Text,
    time::Time,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Answer, Class, Ctx, OrgFrom, Route, Written, direct::action, write};
use store::{
    Entity, Key, Org, System, classes,
    journal::{Again, ItemKey, Link},
};

use crate::{
    aggregate::{Name, aggregate},
    keys,
};

/// So many events are ordered in one call: an order is an item of its transaction, which takes 100 items, and the
/// replay's record, its journal entry and the idempotency record are among them.
const MOST: usize = 90;
/// So many entries of the index are looked through at once for those of a type …
const PAGE: usize = 128;
/// … and so often in one call, a day at least each time.
const PAGES: usize = 20;

/// The actions.
pub(crate) static ACTIONS: &[Route] = &[Route {
    call: action("event-replay"),
    summary: "Publish events again, of an aggregate or of a time",
    class: Class::A,
    org: OrgFrom::Nowhere,
    access: Access::Operator,
    errors: &[Tag::NotFound],
    handler: &write(replay),
}];

#[derive(Clone, Deserialize, JsonSchema)]
struct Replay {
    /// The service in whose name the aggregate's events are published.
    service: Option<Name>,
    /// The org that the aggregate belongs to; absent for what belongs to none.
    org_guid: Option<OrgGuid>,
    /// The kind of record, as events name it.
    aggregate_type: Option<Name>,
    /// The record's id, as events name it; or `from`.
    aggregate_id: Option<Name>,
    /// Events from this moment on; or an aggregate.
    from: Option<Time>,
    /// Events up to this moment; up to now unless given.
    to: Option<Time>,
    /// Only events of this type: `customer-created`.
    event_type: Option<Text<1, 100>>,
    /// Go on where an earlier call stopped: `next` of its answer.
    after: Option<Text<1, 300>>,
}

/// What was ordered.
#[derive(Serialize, JsonSchema)]
struct Replayed {
    /// This call's orders, as the journal names them.
    replay_id: String,
    /// How many events are on their way.
    events: usize,
    /// Send this as `after`, with the same other fields, to go on; absent when all are ordered.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// What was published again, by whom and why: the journal tells.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct EventReplay {
    /// Its id.
    pub(crate) replay_id: String,
    /// How many events.
    pub(crate) events: usize,
    /// The aggregate, if one was asked for.
    pub(crate) aggregate_id: Option<String>,
    /// The time, if one was asked for.
    pub(crate) from: Option<Time>,
    /// Its end.
    pub(crate) to: Option<Time>,
    /// The type, if one was asked for.
    pub(crate) event_type: Option<String>,
}

classes!(EventReplay {
    replay_id: Plain,
    events: Plain,
    aggregate_id: Plain,
    from: Plain,
    to: Plain,
    event_type: Plain,
});

impl Entity for EventReplay {
    const SERVICE: &'static str = "operator";
    const TYPE: &'static str = "event-replay";
    type Scope = System;
    type Revision = Counter;

    fn key(&self, _: &System) -> Key<Self> {
        keys::event_replay(&self.replay_id)
    }

    fn id(&self) -> String {
        self.replay_id.clone()
    }
}

/// Some entries, and where to go on.
type Chosen = (Vec<ItemKey>, Option<String>);

async fn replay(ctx: Ctx, input: Replay) -> Result<Written<Replayed>> {
    let to = input.to.unwrap_or(ctx.now());
    let (entries, next) = match (input.from, &input.aggregate_id) {
        (Some(_), Some(_)) => return Err(Error::field("from", "must not stand beside aggregate_id")),
        (None, None) => return Err(Error::field("from", "is required, or aggregate_id")),
        (Some(from), None) => of_time(&ctx, &input, from, to).await?,
        (None, Some(id)) => of_aggregate(&ctx, &input, id).await?,
    };
    let mut change = ctx.change();
    let replay_id = change.uuid().to_string();
    for entry in &entries {
        change.overwrite(&System, Again::new(&replay_id, entry.clone(), ctx.now()))?;
    }
    let events = entries.len();
    let record = EventReplay {
        replay_id: replay_id.clone(),
        events,
        aggregate_id: input.aggregate_id.as_ref().map(|id| id.as_str().to_owned()),
        from: input.from,
        to: input.from.map(|_| to),
        event_type: input.event_type.as_ref().map(|name| name.as_str().to_owned()),
    };
    change.create(&System, record, "events-replayed")?;
    Ok(change.answer(Answer::new(Replayed { replay_id, events, next })))
}

/// The next entries of an aggregate.
async fn of_aggregate(ctx: &Ctx, input: &Replay, id: &Name) -> Result<Chosen> {
    let (Some(service), Some(kind)) = (&input.service, &input.aggregate_type) else {
        let field = if input.service.is_none() { "service" } else { "aggregate_type" };
        return Err(Error::field(field, "is required with aggregate_id"));
    };
    let given = [("to", input.to.is_some()), ("event_type", input.event_type.is_some())];
    if let Some((field, _)) = given.into_iter().find(|(_, given)| *given) {
        return Err(Error::field(field, "must not stand beside aggregate_id"));
    }
    let after: u64 = match &input.after {
        Some(after) => after.as_str().parse().map_err(|_| not_of_this())?,
        None => 0,
    };
    let org = input.org_guid.map(Org::checked);
    let links = ctx.links(aggregate(service, org.as_ref(), kind, id)?, after + 1, MOST).await?;
    if links.is_empty() && after == 0 {
        return Err(Tag::NotFound.into());
    }
    let next = links.get(MOST - 1).and_then(Link::sequence).map(|last| last.to_string());
    Ok((links.into_iter().map(|link| link.key).collect(), next))
}

/// The next entries of a time, of one type if that is asked for.
async fn of_time(ctx: &Ctx, input: &Replay, from: Time, to: Time) -> Result<Chosen> {
    let fields = [
        ("service", input.service.is_some()),
        ("aggregate_type", input.aggregate_type.is_some()),
        ("org_guid", input.org_guid.is_some()),
    ];
    if let Some((field, _)) = fields.into_iter().find(|(_, given)| *given) {
        return Err(Error::field(field, "must not stand beside from"));
    }
    if to < from {
        return Err(Error::field("to", "must not be before from"));
    }
    let mut after = input.after.as_ref().map(|after| after.as_str().to_owned());
    // A position begins with the time of its entry, and so does the beginning of a day.
    let mut day = match &after {
        Some(position) => moment(position).filter(|at| *at >= from).ok_or_else(not_of_this)?,
        None => from,
    };
    let wanted = input.event_type.as_ref().map(Text::as_str);
    let mut entries = Vec::new();
    for _ in 0..PAGES {
        let (mentions, more) = ctx.mentions(day, to, after.as_deref(), PAGE).await?;
        for mention in mentions {
            if wanted.is_none_or(|wanted| mention.action() == wanted) {
                entries.push(mention.key);
            }
            after = Some(mention.position);
            if entries.len() == MOST {
                return Ok((entries, after));
            }
        }
        if !more {
            let Some(next) = next_day(day).filter(|next| *next <= to) else { return Ok((entries, None)) };
            day = next;
            after = Some(day.to_string());
        }
    }
    Ok((entries, after))
}

/// The beginning of the day after this moment, in UTC; none at the end of time.
fn next_day(time: Time) -> Option<Time> {
    const DAY: i64 = 24 * 60 * 60 * 1000;
    Time::from_millis((time.millis().div_euclid(DAY) + 1) * DAY)
}

fn moment(position: &str) -> Option<Time> {
    position.split('|').next()?.parse().ok()
}

fn not_of_this() -> Error {
    Error::field("after", "must be `next` of an earlier answer to the same request")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_where_the_next_begins() {
        let next = |time: &str| next_day(time.parse().unwrap()).map(|time| time.to_string());
        let midnight = Some("2026-03-05T00:00:00.000Z".to_owned());
        assert_eq!(next("2026-03-04T00:00:00Z"), midnight);
        assert_eq!(next("2026-03-04T23:59:59.999Z"), midnight);
        assert_eq!(next("1969-12-31T12:00:00Z").as_deref(), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!(next("9999-12-30T12:00:00Z").as_deref(), Some("9999-12-31T00:00:00.000Z"));
        assert_eq!(next("9999-12-31T12:00:00Z"), None, "there is no later day");
    }

    #[test]
    fn a_position_says_from_which_time_on() {
        let time = "2026-03-04T08:00:00.125Z";
        for position in [format!("{time}|customer-created|id"), time.to_owned()] {
            assert_eq!(moment(&position).map(|time| time.to_string()).as_deref(), Some(time));
        }
        assert_eq!(moment("12"), None);
    }
}
