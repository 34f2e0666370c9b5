//! What of one batch may be sent when, and what of it must be offered again. No I/O.
//!
//! The rules, for any pattern of refusals:
//! - What a lane (the journal of one aggregate) holds is done in its order: an event goes out only when every earlier
//!   record of its lane in the batch is done. So a call holds at most one event of a lane, because a bus that refuses
//!   one event of a call takes the others.
//! - A record that can never be published is put aside (into the dead-letter queue) in its turn. Then it is done, and
//!   the lane goes on: one bad record must not hold what comes after it.
//! - The source is told the first record that is not done, and offers it again with all that come after. Those of them
//!   that are done are known by the [progress](crate::progress) that was noted.

use std::collections::HashSet;

/// Most events of one call, and most letters.
pub const MOST_EVENTS: usize = 10;
/// Most bytes of one call, as the bus counts them.
pub const MOST_BYTES: usize = 256 * 1024;
/// How often a record is tried in one invocation.
pub const TRIES: u32 = 3;

/// One record of a batch, as far as sending goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parcel {
    /// An event, of so many bytes.
    Event {
        /// Within which order is kept.
        lane: String,
        /// As the bus counts them.
        bytes: usize,
    },
    /// Nothing to send.
    Nothing,
    /// What can never be sent, and is to be put aside.
    Unsendable {
        /// Within which order is kept; none where the record does not even say that.
        lane: Option<String>,
    },
}

/// What the source is to be told of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is done.
    Done,
    /// Everything before this record is done; it and what follows is to be offered again.
    From(usize),
}

/// What to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Put the records at these places aside.
    PutAside(Vec<usize>),
    /// Publish the events at these places.
    Publish(Vec<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Sendable,
    Unsendable,
    Done,
}

#[derive(Debug)]
struct Slot {
    lane: Option<String>,
    bytes: usize,
    state: State,
    refusals: u32,
}

/// A batch on its way to the bus.
#[derive(Debug)]
pub struct Outbox {
    slots: Vec<Slot>,
}

impl Outbox {
    /// A batch of which nothing was sent yet. An event that is larger than a call may be is never sent.
    pub fn new(parcels: impl IntoIterator<Item = Parcel>) -> Self {
        let slot = |parcel| {
            let (lane, bytes, state) = match parcel {
                Parcel::Event { lane, bytes } if bytes <= MOST_BYTES => (Some(lane), bytes, State::Sendable),
                Parcel::Event { lane, bytes } => (Some(lane), bytes, State::Unsendable),
                Parcel::Nothing => (None, 0, State::Done),
                Parcel::Unsendable { lane } => (lane, 0, State::Unsendable),
            };
            Slot { lane, bytes, state, refusals: 0 }
        };
        Self { slots: parcels.into_iter().map(slot).collect() }
    }

    /// What to do next, with at most `most` events of a call; none when there is nothing left to try.
    pub fn next(&self, most: usize) -> Option<Step> {
        let mut held = HashSet::new();
        let first: Vec<(usize, &Slot)> = self
            .slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.state != State::Done)
            .filter(|(_, slot)| slot.lane.as_ref().is_none_or(|lane| held.insert(lane)))
            .filter(|(_, slot)| slot.refusals < TRIES)
            .collect();
        let unsendable = first.iter().filter(|(_, slot)| slot.state == State::Unsendable);
        let aside: Vec<_> = unsendable.map(|(place, _)| *place).take(MOST_EVENTS).collect();
        if !aside.is_empty() {
            return Some(Step::PutAside(aside));
        }
        let mut bytes = 0;
        let fits = |(_, slot): &&(usize, &Slot)| {
            bytes += slot.bytes;
            bytes <= MOST_BYTES
        };
        let call: Vec<_> = first.iter().take(most).take_while(fits).map(|(place, _)| *place).collect();
        (!call.is_empty()).then_some(Step::Publish(call))
    }

    /// Notes that the record at this place is published or put aside.
    pub fn done(&mut self, place: usize) {
        self.slots[place].state = State::Done;
    }

    /// Notes that the record at this place was refused.
    pub fn refused(&mut self, place: usize) {
        self.slots[place].refusals += 1;
    }

    /// Notes that the bus will never take the event at this place.
    pub fn refused_for_ever(&mut self, place: usize) {
        let slot = &mut self.slots[place];
        (slot.state, slot.refusals) = (State::Unsendable, 0);
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many records are not done.
    pub fn left(&self) -> usize {
        self.slots.iter().filter(|slot| slot.state != State::Done).count()
    }

    /// How the batch stands.
    pub fn verdict(&self) -> Verdict {
        match self.slots.iter().position(|slot| slot.state != State::Done) {
            None => Verdict::Done,
            Some(place) => Verdict::From(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet, VecDeque};

    use proptest::prelude::*;

    use super::*;

    fn event(lane: &str, bytes: usize) -> Parcel {
        Parcel::Event { lane: lane.to_owned(), bytes }
    }

    fn unsendable(lane: &str) -> Parcel {
        Parcel::Unsendable { lane: Some(lane.to_owned()) }
    }

    #[expect(clippy::unnecessary_wraps, reason = "it is what `next` answers")]
    fn publish(places: impl Into<Vec<usize>>) -> Option<Step> {
        Some(Step::Publish(places.into()))
    }

    #[test]
    fn a_call_has_one_event_of_a_lane_and_no_more_than_asked_for() {
        let mut outbox = Outbox::new(["a", "b", "a", "c", "b"].map(|lane| event(lane, 1)));
        assert_eq!(outbox.next(10), publish([0, 1, 3]));
        assert_eq!(outbox.next(1), publish([0]));
        outbox.done(1);
        assert_eq!(outbox.next(10), publish([0, 3, 4]));
        outbox.done(0);
        assert_eq!(outbox.next(10), publish([2, 3, 4]));
    }

    #[test]
    fn a_call_has_at_most_256_kilobytes() {
        let outbox = Outbox::new([event("a", MOST_BYTES - 1), event("b", 1), event("c", 1)]);
        assert_eq!(outbox.next(10), publish([0, 1]));
        let outbox = Outbox::new([event("a", 1), event("b", MOST_BYTES), event("c", 1)]);
        assert_eq!(outbox.next(10), publish([0]));
    }

    #[test]
    fn an_event_that_is_refused_holds_its_lane_and_no_other() {
        let mut outbox = Outbox::new(["a", "b", "a", "b"].map(|lane| event(lane, 1)));
        outbox.done(1);
        for _ in 0..TRIES {
            assert_eq!(outbox.next(10), publish([0, 3]));
            outbox.refused(0);
        }
        assert_eq!(outbox.next(10), publish([3]));
        outbox.done(3);
        assert_eq!(outbox.next(10), None);
        assert_eq!((outbox.verdict(), outbox.left()), (Verdict::From(0), 2));
    }

    #[test]
    fn what_can_never_be_sent_is_put_aside_in_its_turn_and_then_holds_nothing() {
        for bad in [unsendable("a"), event("a", MOST_BYTES + 1)] {
            let mut outbox = Outbox::new([event("a", 1), bad, event("a", 1), event("b", 1)]);
            assert_eq!(outbox.next(10), publish([0, 3]));
            outbox.done(0);
            assert_eq!(outbox.next(10), Some(Step::PutAside(vec![1])));
            outbox.done(1);
            assert_eq!(outbox.next(10), publish([2, 3]));
        }
        let mut outbox = Outbox::new([Parcel::Unsendable { lane: None }, event("a", 1)]);
        assert_eq!(outbox.next(10), Some(Step::PutAside(vec![0])));
        for _ in 0..TRIES {
            outbox.refused(0);
        }
        assert_eq!(outbox.next(10), publish([1]), "a queue that refuses letters holds no other lane");
        assert_eq!(outbox.verdict(), Verdict::From(0));
    }

    #[test]
    fn what_the_bus_refuses_for_ever_is_put_aside() {
        let mut outbox = Outbox::new([event("a", 1), event("a", 1)]);
        outbox.refused(0);
        outbox.refused_for_ever(0);
        assert_eq!(outbox.next(10), Some(Step::PutAside(vec![0])));
        outbox.done(0);
        assert_eq!(outbox.next(10), publish([1]));
    }

    #[test]
    fn a_batch_without_events_is_done() {
        assert_eq!(Outbox::new([Parcel::Nothing]).verdict(), Verdict::Done);
        assert_eq!(Outbox::new([]).verdict(), Verdict::Done);
    }

    /// What the bus or the queue does with one record, or with a whole call.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Mood {
        Accepts,
        Refuses,
        RefusesForEver,
        IsDown,
    }

    fn mood() -> impl Strategy<Value = Mood> {
        prop_oneof![
            8 => Just(Mood::Accepts),
            6 => Just(Mood::Refuses),
            1 => Just(Mood::RefusesForEver),
            2 => Just(Mood::IsDown),
        ]
    }

    fn parcel() -> impl Strategy<Value = Parcel> {
        let bytes = prop_oneof![8 => 1..2_000_usize, 2 => 1..=MOST_BYTES + 1_000];
        prop_oneof![
            16 => ("[a-d]", bytes).prop_map(|(lane, bytes)| Parcel::Event { lane, bytes }),
            1 => Just(Parcel::Nothing),
            1 => "[a-d]".prop_map(|lane| Parcel::Unsendable { lane: Some(lane) }),
            1 => Just(Parcel::Unsendable { lane: None }),
        ]
    }

    fn lane(parcel: &Parcel) -> Option<&String> {
        match parcel {
            Parcel::Event { lane, .. } => Some(lane),
            Parcel::Unsendable { lane } => lane.as_ref(),
            Parcel::Nothing => None,
        }
    }

    /// A shard, and what became of its records so far.
    struct Shard {
        parcels: Vec<Parcel>,
        published: Vec<usize>,
        aside: Vec<usize>,
    }

    impl Shard {
        fn is_done(&self, place: usize) -> bool {
            self.published.contains(&place) || self.aside.contains(&place)
        }

        /// One invocation with the records from `from` to `to`. Those that were done before are known to be.
        fn invoke(&mut self, from: usize, to: usize, moods: &mut VecDeque<Mood>) -> Verdict {
            let mut outbox = Outbox::new(self.parcels[from..to].iter().cloned());
            (from..to).filter(|place| self.is_done(*place)).for_each(|place| outbox.done(place - from));
            while let Some(step) = outbox.next(MOST_EVENTS) {
                let (Step::Publish(call) | Step::PutAside(call)) = &step;
                self.check(from, call);
                let answers: Vec<_> =
                    call.iter().map(|_| moods.pop_front().unwrap_or(Mood::Accepts)).collect();
                if answers.contains(&Mood::IsDown) {
                    break;
                }
                for (place, answer) in call.iter().zip(answers) {
                    match (answer, &step) {
                        (Mood::Accepts, Step::Publish(_)) => self.published.push(from + place),
                        (Mood::Accepts, Step::PutAside(_)) => self.aside.push(from + place),
                        (Mood::RefusesForEver, Step::Publish(_)) => outbox.refused_for_ever(*place),
                        _ => outbox.refused(*place),
                    }
                    if answer == Mood::Accepts {
                        outbox.done(*place);
                    }
                }
            }
            outbox.verdict()
        }

        fn check(&self, from: usize, call: &[usize]) {
            let mut bytes = 0;
            for place in call.iter().map(|place| from + place) {
                let own = lane(&self.parcels[place]);
                if let Parcel::Event { bytes: size, .. } = &self.parcels[place] {
                    bytes += if *size <= MOST_BYTES { *size } else { 0 };
                }
                for earlier in from..place {
                    let same = own.is_some() && lane(&self.parcels[earlier]) == own;
                    assert!(!same || self.is_done(earlier), "{place} overtakes {earlier}");
                }
                assert!(!self.is_done(place), "{place} is sent again");
            }
            assert!(call.len() <= MOST_EVENTS && bytes <= MOST_BYTES);
        }

        /// Everything that the event source does with it, to the end.
        fn pump(&mut self, batch_size: usize, moods: &[Mood]) {
            let mut moods = VecDeque::from(moods.to_vec());
            let mut from = 0;
            while from < self.parcels.len() {
                let to = (from + batch_size).min(self.parcels.len());
                from = match self.invoke(from, to, &mut moods) {
                    Verdict::Done => to,
                    Verdict::From(place) => from + place,
                };
            }
        }
    }

    proptest! {
        #[test]
        fn each_record_is_published_or_put_aside_once_and_in_the_order_of_its_lane(
            parcels in prop::collection::vec(parcel(), 0..60),
            batch_size in 1..40_usize,
            moods in prop::collection::vec(mood(), 0..200),
        ) {
            let mut shard = Shard { parcels, published: Vec::new(), aside: Vec::new() };
            shard.pump(batch_size, &moods);
            let Shard { parcels, published, aside } = shard;
            let mut all: Vec<_> = published.iter().chain(&aside).copied().collect();
            all.sort_unstable();
            let expected: Vec<_> = (0..parcels.len()).filter(|n| parcels[*n] != Parcel::Nothing).collect();
            prop_assert_eq!(all, expected);
            let aside: BTreeSet<_> = aside.into_iter().collect();
            for (place, parcel) in parcels.iter().enumerate() {
                let sendable = matches!(parcel, Parcel::Event { bytes, .. } if *bytes <= MOST_BYTES);
                prop_assert!(sendable || !published.contains(&place));
                let refused = moods.contains(&Mood::RefusesForEver);
                prop_assert!(!sendable || refused || !aside.contains(&place));
            }
            let mut lanes: BTreeMap<_, Vec<usize>> = BTreeMap::new();
            for place in published {
                lanes.entry(lane(&parcels[place])).or_default().push(place);
            }
            prop_assert!(lanes.values().all(|places| places.is_sorted()), "{:?}", lanes);
        }
    }
}
