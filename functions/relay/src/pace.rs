//! How many events one call to the bus may hold.
//!
//! What is published and not yet noted when the function is killed is published again: at most the events of one call.
//! A process that has just started may be there because the last one was killed, so it begins with calls of one event,
//! and lets them grow while all goes well. Where the function is killed again and again, a kill repeats one event at
//! most; where it runs on, ten events share a call.

use crate::outbox::MOST_EVENTS;

/// After so many events without trouble a call may be twice as large.
const CALM: usize = 32;

/// The size of calls, as one process has learnt it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    size: usize,
    calm: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self { size: 1, calm: 0 }
    }
}

impl Pace {
    /// Most events of the next call.
    pub fn size(self) -> usize {
        self.size
    }

    /// Notes that so many events were accepted.
    pub fn went_well(&mut self, events: usize) {
        self.calm += events;
        if self.calm >= CALM {
            *self = Self { size: (self.size * 2).min(MOST_EVENTS), calm: 0 };
        }
    }

    /// Notes that a call failed or that events of it were refused.
    pub fn met_trouble(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_grow_while_all_goes_well_and_begin_anew_after_trouble() {
        let mut pace = Pace::default();
        let mut sizes = Vec::new();
        for _ in 0..200 {
            sizes.push(pace.size());
            pace.went_well(pace.size());
        }
        assert!(sizes[..CALM].iter().all(|size| *size == 1), "{sizes:?}");
        assert!(sizes.is_sorted());
        assert_eq!(sizes.last(), Some(&MOST_EVENTS));
        pace.met_trouble();
        assert_eq!(pace.size(), 1);
    }
}
