//! What of one batch may be sent when, and what of it must be offered again. No I/O.
//!
//! The rules, for any pattern of refusals:
//! - An event goes out only when every earlier one of its aggregate in the batch was accepted; so a call holds at most
//!   one event of an aggregate, because a bus that refuses one event of a call takes the others.
//! - The source is told the first record that is not done, and offers it again with all that come after. Those of them
//!   that were accepted are published twice; consumers tell repeats by `event_id`.
//! - Nothing is sent past a record that can never be sent, for all of it would be sent again.

use std::collections::HashSet;

/// Most events of one call.
pub const MOST_EVENTS: usize = 10;
/// Most bytes of one call, as the bus counts them.
pub const MOST_BYTES: usize = 256 * 1024;
/// How often an event is tried in one invocation.
pub const TRIES: u32 = 3;

/// One record of a batch, as far as sending goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Parcel {
    /// An event of an aggregate, of so many bytes.
    Event {
        /// Within which order is kept.
        aggregate: String,
        /// As the bus counts them.
        bytes: usize,
    },
    /// Nothing to send.
    Nothing,
    /// What can never be sent.
    Unsendable,
}

/// What the source is to be told of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything is done.
    Done,
    /// Everything before this record is done; it and what follows is to be offered again.
    From(usize),
    /// Not even the first of several records is done. The invocation is to fail, for then the source halves the batch
    /// (`BisectBatchOnFunctionError`): a record that can never be published ends in the dead-letter queue alone.
    /// Were it reported as the first failure, all that came with it would go there too.
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting { refusals: u32 },
    Done,
    Barrier,
}

#[derive(Debug)]
struct Slot {
    aggregate: String,
    bytes: usize,
    state: State,
}

/// A batch on its way to the bus.
#[derive(Debug)]
pub struct Outbox {
    slots: Vec<Slot>,
}

impl Outbox {
    /// A batch of which nothing was sent yet. An event that is larger than a call may be is never sent.
    pub fn new(parcels: impl IntoIterator<Item = Parcel>) -> Self {
        let slot = |parcel| match parcel {
            Parcel::Event { aggregate, bytes } if bytes <= MOST_BYTES => {
                Slot { aggregate, bytes, state: State::Waiting { refusals: 0 } }
            }
            Parcel::Nothing => Slot { aggregate: String::new(), bytes: 0, state: State::Done },
            Parcel::Event { .. } | Parcel::Unsendable => {
                Slot { aggregate: String::new(), bytes: 0, state: State::Barrier }
            }
        };
        Self { slots: parcels.into_iter().map(slot).collect() }
    }

    /// The places, in the batch, of the events to send in the next call; none when there is nothing left to try.
    pub fn next_call(&self) -> Vec<usize> {
        let mut held = HashSet::new();
        let mut call = Vec::new();
        let mut bytes = 0;
        for (place, slot) in self.slots.iter().enumerate() {
            match slot.state {
                State::Done => {}
                State::Barrier => break,
                State::Waiting { refusals } => {
                    let is_first = held.insert(slot.aggregate.as_str());
                    if !is_first || refusals >= TRIES {
                        continue;
                    }
                    if call.len() == MOST_EVENTS || bytes + slot.bytes > MOST_BYTES {
                        break;
                    }
                    bytes += slot.bytes;
                    call.push(place);
                }
            }
        }
        call
    }

    /// Notes that the bus has the event at this place.
    pub fn accepted(&mut self, place: usize) {
        self.slots[place].state = State::Done;
    }

    /// Notes that the bus refused the event at this place.
    pub fn refused(&mut self, place: usize) {
        if let State::Waiting { refusals } = &mut self.slots[place].state {
            *refusals += 1;
        }
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many records can never be sent.
    pub fn unsendable(&self) -> usize {
        self.slots.iter().filter(|slot| slot.state == State::Barrier).count()
    }

    /// How many records are not done.
    pub fn left(&self) -> usize {
        self.slots.iter().filter(|slot| slot.state != State::Done).count()
    }

    /// How the batch stands.
    pub fn verdict(&self) -> Verdict {
        match self.slots.iter().position(|slot| slot.state != State::Done) {
            None => Verdict::Done,
            Some(0) if self.slots.len() > 1 => Verdict::Failed,
            Some(place) => Verdict::From(place),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, VecDeque};

    use proptest::prelude::*;

    use super::*;

    fn event(aggregate: &str, bytes: usize) -> Parcel {
        Parcel::Event { aggregate: aggregate.to_owned(), bytes }
    }

    #[test]
    fn a_call_has_one_event_of_an_aggregate_and_at_most_ten() {
        let mut outbox = Outbox::new(["a", "b", "a", "c", "b"].map(|aggregate| event(aggregate, 1)));
        assert_eq!(outbox.next_call(), [0, 1, 3]);
        outbox.accepted(1);
        assert_eq!(outbox.next_call(), [0, 3, 4]);
        outbox.accepted(0);
        assert_eq!(outbox.next_call(), [2, 3, 4]);
        let many = Outbox::new((0..12).map(|n| event(&n.to_string(), 1)));
        assert!(many.next_call().into_iter().eq(0..10));
    }

    #[test]
    fn a_call_has_at_most_256_kilobytes() {
        let outbox = Outbox::new([event("a", MOST_BYTES - 1), event("b", 1), event("c", 1)]);
        assert_eq!(outbox.next_call(), [0, 1]);
        let outbox = Outbox::new([event("a", 1), event("b", MOST_BYTES), event("c", 1)]);
        assert_eq!(outbox.next_call(), [0]);
    }

    #[test]
    fn an_event_that_is_refused_holds_its_aggregate_and_no_other() {
        let mut outbox = Outbox::new(["a", "b", "a", "b"].map(|aggregate| event(aggregate, 1)));
        outbox.accepted(1);
        for _ in 0..TRIES {
            assert_eq!(outbox.next_call(), [0, 3]);
            outbox.refused(0);
        }
        assert_eq!(outbox.next_call(), [3]);
        outbox.accepted(3);
        assert!(outbox.next_call().is_empty());
        assert_eq!((outbox.verdict(), outbox.left()), (Verdict::Failed, 2));
    }

    #[test]
    fn nothing_is_sent_past_what_can_never_be_sent() {
        for unsendable in [Parcel::Unsendable, event("z", MOST_BYTES + 1)] {
            let mut outbox = Outbox::new([Parcel::Nothing, event("a", 1), unsendable, event("b", 1)]);
            assert_eq!(outbox.next_call(), [1]);
            outbox.accepted(1);
            assert!(outbox.next_call().is_empty());
            assert_eq!(outbox.verdict(), Verdict::From(2));
        }
    }

    #[test]
    fn a_batch_that_got_nowhere_fails_and_one_record_is_reported() {
        assert_eq!(Outbox::new([Parcel::Unsendable, event("a", 1)]).verdict(), Verdict::Failed);
        assert_eq!(Outbox::new([Parcel::Unsendable]).verdict(), Verdict::From(0));
        assert_eq!(Outbox::new([Parcel::Nothing]).verdict(), Verdict::Done);
        assert_eq!(Outbox::new([]).verdict(), Verdict::Done);
    }

    /// What a bus does with one event, or with a whole call.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Bus {
        Accepts,
        Refuses,
        IsDown,
    }

    fn bus() -> impl Strategy<Value = Bus> {
        prop_oneof![4 => Just(Bus::Accepts), 3 => Just(Bus::Refuses), 1 => Just(Bus::IsDown)]
    }

    fn parcel() -> impl Strategy<Value = Parcel> {
        let bytes = prop_oneof![8 => 1..2_000_usize, 2 => 1..=MOST_BYTES + 1_000];
        prop_oneof![
            16 => ("[a-d]", bytes).prop_map(|(aggregate, bytes)| Parcel::Event { aggregate, bytes }),
            1 => Just(Parcel::Nothing),
            1 => Just(Parcel::Unsendable),
        ]
    }

    fn sendable(parcel: &Parcel) -> bool {
        matches!(parcel, Parcel::Event { bytes, .. } if *bytes <= MOST_BYTES)
    }

    /// One invocation with a batch: what the function does with the plan. `moods` are the bus's, then it accepts.
    fn invoke(batch: &[Parcel], moods: &mut VecDeque<Bus>) -> (Verdict, Vec<usize>) {
        let mut outbox = Outbox::new(batch.iter().cloned());
        let mut published: Vec<usize> = Vec::new();
        loop {
            let call = outbox.next_call();
            if call.is_empty() {
                break;
            }
            check_call(batch, &call, &published);
            let answers: Vec<_> = call.iter().map(|_| moods.pop_front().unwrap_or(Bus::Accepts)).collect();
            if answers.contains(&Bus::IsDown) {
                break;
            }
            for (place, answer) in call.into_iter().zip(answers) {
                match answer {
                    Bus::Accepts => {
                        outbox.accepted(place);
                        published.push(place);
                    }
                    _ => outbox.refused(place),
                }
            }
        }
        let first_left =
            (0..batch.len()).find(|place| batch[*place] != Parcel::Nothing && !published.contains(place));
        let expected = match first_left {
            None => Verdict::Done,
            Some(0) if batch.len() > 1 => Verdict::Failed,
            Some(place) => Verdict::From(place),
        };
        assert_eq!(outbox.verdict(), expected);
        (outbox.verdict(), published)
    }

    fn check_call(batch: &[Parcel], call: &[usize], published: &[usize]) {
        let mut bytes = 0;
        for place in call {
            let Parcel::Event { aggregate, bytes: size } = &batch[*place] else { panic!("nothing to send") };
            bytes += size;
            for (earlier, parcel) in batch[..*place].iter().enumerate() {
                let same = matches!(parcel, Parcel::Event { aggregate: other, .. } if other == aggregate);
                assert!(!same || published.contains(&earlier), "{place} overtakes {earlier}");
            }
            assert!(!published.contains(place), "{place} is sent again");
        }
        assert!(call.len() <= MOST_EVENTS && bytes <= MOST_BYTES);
    }

    /// Everything that the event source does with a shard, to the end: it halves batches that fail, goes on from the
    /// record that is reported, and gives up only what fails alone and can never be sent.
    fn pump(shard: &[Parcel], batch_size: usize, moods: &[Bus]) -> (Vec<usize>, Vec<usize>) {
        let mut moods = VecDeque::from(moods.to_vec());
        let places: Vec<usize> = (0..shard.len()).collect();
        let mut batches: VecDeque<Vec<usize>> = places.chunks(batch_size).map(<[_]>::to_vec).collect();
        let (mut published, mut dead) = (Vec::new(), Vec::new());
        while let Some(batch) = batches.pop_front() {
            let parcels: Vec<_> = batch.iter().map(|place| shard[*place].clone()).collect();
            let (verdict, sent) = invoke(&parcels, &mut moods);
            published.extend(sent.into_iter().map(|place| batch[place]));
            match verdict {
                Verdict::Done => {}
                Verdict::Failed => {
                    let (first, second) = batch.split_at(batch.len() / 2);
                    batches.push_front(second.to_vec());
                    batches.push_front(first.to_vec());
                }
                Verdict::From(0) if !sendable(&parcels[0]) => dead.push(batch[0]),
                Verdict::From(place) => batches.push_front(batch[place..].to_vec()),
            }
        }
        (published, dead)
    }

    proptest! {
        #[test]
        fn nothing_is_lost_or_overtaken_and_only_what_cannot_be_sent_is_given_up(
            shard in prop::collection::vec(parcel(), 0..60),
            batch_size in 1..40_usize,
            moods in prop::collection::vec(bus(), 0..200),
        ) {
            let (published, dead) = pump(&shard, batch_size, &moods);
            let events = |wanted: bool| -> Vec<usize> {
                (0..shard.len())
                    .filter(|place| shard[*place] != Parcel::Nothing && sendable(&shard[*place]) == wanted)
                    .collect()
            };
            prop_assert_eq!(dead, events(false));
            let mut firsts: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
            for place in &published {
                let Parcel::Event { aggregate, .. } = &shard[*place] else { unreachable!() };
                let firsts = firsts.entry(aggregate).or_default();
                if !firsts.contains(place) {
                    firsts.push(*place);
                }
            }
            prop_assert!(firsts.values().all(|places| places.is_sorted()), "{:?}", firsts);
            let mut all: Vec<_> = firsts.into_values().flatten().collect();
            all.sort_unstable();
            prop_assert_eq!(all, events(true));
        }

        #[test]
        fn a_bus_that_accepts_gets_every_event_once(
            shard in prop::collection::vec(parcel(), 0..60),
            batch_size in 1..40_usize,
        ) {
            let (mut published, _) = pump(&shard, batch_size, &[]);
            published.sort_unstable();
            let events: Vec<_> = (0..shard.len()).filter(|place| sendable(&shard[*place])).collect();
            prop_assert_eq!(published, events);
        }
    }
}
