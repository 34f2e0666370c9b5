//! A walk along the chain of an aggregate's journal. No I/O.

use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;
use store::journal::{Aggregate, Entry, Head, Link};

/// What is wrong where the chain breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Problem {
    /// There is no entry of this number, though there is a later one, or the record says that there is.
    Missing,
    /// The entry is not what its hash was made of.
    Altered,
    /// The entry follows another one than the one before it: that one, or both, were exchanged.
    Unlinked,
    /// The reason is not the one that was given.
    ReasonAltered,
    /// The entry tells of another aggregate, or has another number than its place.
    Misplaced,
    /// Its event has the id of an earlier one: consumers would pass over it.
    Repeated,
    /// The record says that its last entry is another one: the last entry was exchanged, or the record was.
    EndDiffers,
}

/// Where the chain breaks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(crate) struct Break {
    /// The number of the entry.
    sequence: u64,
    /// What is wrong with it.
    problem: Problem,
    /// Its event, where it tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
}

impl Break {
    pub(crate) fn new(sequence: u64, problem: Problem, entry: Option<&Entry>) -> Self {
        Self { sequence, problem, event_id: entry.map(|entry| entry.event_id.clone()) }
    }
}

/// How far a walk has come.
#[derive(Debug)]
pub(crate) struct Walk {
    aggregate_type: String,
    aggregate_id: String,
    last: u64,
    /// The hash of the last entry; none where the first one to come is only met to go on after it.
    previous: Option<String>,
    events: HashSet<String>,
    checked: u64,
}

impl Walk {
    /// A walk from the first entry on, or one that goes on after the entry of this number.
    pub(crate) fn new(of: Aggregate<'_>, after: Option<u64>) -> Self {
        let after = after.filter(|after| *after > 0);
        Self {
            aggregate_type: of.aggregate_type.to_owned(),
            aggregate_id: of.aggregate_id.to_owned(),
            last: after.map_or(0, |after| after - 1),
            previous: after.is_none().then(String::new),
            events: HashSet::new(),
            checked: 0,
        }
    }

    /// The number of the last entry that was well.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    /// How many entries were checked.
    pub(crate) fn checked(&self) -> u64 {
        self.checked
    }

    /// Walks along these entries, to the first break.
    pub(crate) fn all(&mut self, links: &[Link]) -> Result<(), Break> {
        links.iter().try_for_each(|link| self.step(link))
    }

    fn step(&mut self, link: &Link) -> Result<(), Break> {
        let number = self.last + 1;
        let broken = |problem| Err(Break::new(number, problem, link.entry.as_ref()));
        if link.sequence() != Some(number) {
            return Err(Break::new(number, Problem::Missing, None));
        }
        self.checked += 1;
        let Some(entry) = &link.entry else { return broken(Problem::Altered) };
        if !entry.hash().is_ok_and(|hash| hash == link.hash) {
            return broken(Problem::Altered);
        }
        let is_own = entry.aggregate_type == self.aggregate_type && entry.aggregate_id == self.aggregate_id;
        if entry.sequence != number || !is_own {
            return broken(Problem::Misplaced);
        }
        if self.previous.as_ref().is_some_and(|previous| *previous != entry.previous_hash) {
            return broken(Problem::Unlinked);
        }
        // A reason that was blanked left its hash behind.
        if entry.why.as_ref().is_some_and(|why| entry.why_hash.as_ref() != Some(&Entry::hash_of(why))) {
            return broken(Problem::ReasonAltered);
        }
        if !self.events.insert(entry.event_id.clone()) {
            return broken(Problem::Repeated);
        }
        self.last = number;
        self.previous = Some(link.hash.clone());
        Ok(())
    }

    /// Whether the chain ends as the record says.
    pub(crate) fn ends_at(&self, head: &Head) -> Result<(), Break> {
        let same = head.sequence == self.last && self.previous.as_ref() == Some(&head.chain);
        if same { Ok(()) } else { Err(Break::new(self.last, Problem::EndDiffers, None)) }
    }
}

#[cfg(test)]
mod tests {
    use contract::{context::RequestContext, reason::SourceRefs, time::Time};
    use proptest::prelude::*;
    use serde_json::{Map, Value, json};
    use store::journal::{ItemKey, SCHEMA_VERSION, Why};

    use super::*;

    const OF: Aggregate<'static> =
        Aggregate { service: "crm", org: None, aggregate_type: "customer", aggregate_id: "1" };

    fn entry(sequence: u64, previous_hash: &str) -> Entry {
        let why = Why { text: format!("because {sequence}"), salt: "5a17".to_owned() };
        Entry {
            event_id: format!("event-{sequence}"),
            schema_version: SCHEMA_VERSION,
            timestamp_utc: Time::EPOCH,
            build: Value::Null,
            service: "crm".to_owned(),
            action: "customer-updated".to_owned(),
            request_context: RequestContext::default(),
            as_owner: false,
            surface: None,
            why_hash: Some(Entry::hash_of(&why)),
            why: Some(why),
            reason_code: None,
            source_refs: SourceRefs::default(),
            aggregate_type: "customer".to_owned(),
            aggregate_id: "1".to_owned(),
            aggregate_revision: json!(sequence),
            sequence,
            record: None,
            correlation_id: "request".to_owned(),
            gateway_request_id: None,
            causation_id: None,
            changed: Vec::new(),
            data: Map::new(),
            previous_hash: previous_hash.to_owned(),
        }
    }

    fn link(entry: Entry) -> Link {
        let key =
            ItemKey { pk: "crm|-|journal|customer|1".to_owned(), sk: format!("{:012}", entry.sequence) };
        Link { key, hash: entry.hash().unwrap(), entry: Some(entry) }
    }

    fn journal(entries: u64) -> Vec<Link> {
        let mut links: Vec<Link> = Vec::new();
        for sequence in 1..=entries {
            let previous = links.last().map(|link| link.hash.clone()).unwrap_or_default();
            links.push(link(entry(sequence, &previous)));
        }
        links
    }

    fn head(links: &[Link]) -> Head {
        Head { sequence: links.len() as u64, chain: links.last().unwrap().hash.clone() }
    }

    /// What is found of a journal whose record has this head: the number and the problem.
    fn found(links: &[Link], head: &Head, after: Option<u64>) -> Option<(u64, Problem)> {
        let mut walk = Walk::new(OF, after);
        let from = after.unwrap_or(1);
        let rest =
            links.iter().position(|link| link.sequence() >= Some(from)).map_or(&[][..], |n| &links[n..]);
        let end = walk.all(rest).and_then(|()| walk.ends_at(head));
        end.err().map(|at| (at.sequence, at.problem))
    }

    /// How somebody tampers with the entry at a place, and what is to be found then, counted from that entry.
    type Tampering = (fn(&mut Vec<Link>, usize), u64, Problem);

    const TAMPERINGS: &[Tampering] = &[
        (|links, at| links[at].entry.as_mut().unwrap().action = "other".to_owned(), 0, Problem::Altered),
        (|links, at| links[at].entry = None, 0, Problem::Altered),
        (|links, at| links[at].hash = "0".to_owned(), 0, Problem::Altered),
        (|links, at| drop(links.remove(at)), 0, Problem::Missing),
        (
            |links, at| links[at].entry.as_mut().unwrap().why.as_mut().unwrap().text.push('!'),
            0,
            Problem::ReasonAltered,
        ),
        (
            |links, at| {
                let mut other = links[at].entry.clone().unwrap();
                other.aggregate_id = "2".to_owned();
                links[at] = link(other);
            },
            0,
            Problem::Misplaced,
        ),
        (
            // The hash is made to fit: only what follows tells.
            |links, at| {
                let mut other = links[at].entry.clone().unwrap();
                other.action = "other".to_owned();
                links[at] = link(other);
            },
            1,
            Problem::Unlinked,
        ),
    ];

    #[test]
    fn an_event_id_that_comes_again_is_found() {
        let mut links = journal(3);
        let mut last = links[2].entry.clone().unwrap();
        last.event_id = "event-1".to_owned();
        links[2] = link(last);
        assert_eq!(found(&links, &head(&links), None), Some((3, Problem::Repeated)));
    }

    #[test]
    fn a_blanked_reason_is_no_break() {
        let mut links = journal(3);
        links[1].entry.as_mut().unwrap().why = None;
        assert_eq!(found(&links, &head(&links), None), None);
    }

    #[test]
    fn an_end_that_was_exchanged_is_found() {
        let mut links = journal(3);
        let right = head(&links);
        let mut last = links[2].entry.clone().unwrap();
        last.action = "other".to_owned();
        links[2] = link(last);
        assert_eq!(found(&links, &right, None), Some((3, Problem::EndDiffers)));
    }

    proptest! {
        #[test]
        fn a_journal_as_it_was_written_has_no_break(entries in 1..12_u64, after in 1..12_u64) {
            let links = journal(entries);
            prop_assert_eq!(found(&links, &head(&links), None), None);
            if after <= entries {
                prop_assert_eq!(found(&links, &head(&links), Some(after)), None);
            }
        }

        #[test]
        fn the_first_break_is_named(
            entries in 3..12_usize,
            at in 0..1_000_usize,
            later in 0..1_000_usize,
            how in prop::sample::select(TAMPERINGS),
            then in prop::sample::select(TAMPERINGS),
        ) {
            let mut links = journal(entries as u64);
            let right = head(&links);
            // Not the last: what follows must be there to tell.
            let at = at % (entries - 1);
            let later = at + 2 + later % entries;
            if later < links.len() {
                then.0(&mut links, later);
            }
            how.0(&mut links, at);
            prop_assert_eq!(found(&links, &right, None), Some((at as u64 + 1 + how.1, how.2)));
        }
    }
}
