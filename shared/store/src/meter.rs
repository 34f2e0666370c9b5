//! What a request cost: sequential round trips and capacity units.

use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_dynamodb::types::ConsumedCapacity;

/// Sequential round trips and consumed capacity, in tenths of a unit so that no float is summed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Sequential round trips that read.
    pub reads: u32,
    /// Sequential round trips that wrote.
    pub writes: u32,
    /// Read capacity, in tenths of a unit.
    pub rcu_tenths: u64,
    /// Write capacity, in tenths of a unit.
    pub wcu_tenths: u64,
}

/// Counts for one request.
#[derive(Clone, Debug, Default)]
pub struct Meter(Arc<Mutex<Usage>>);

impl Meter {
    /// What was used so far.
    pub fn usage(&self) -> Usage {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut Usage)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(crate) fn read_trip(&self) {
        self.change(|usage| usage.reads += 1);
    }

    pub(crate) fn write_trip(&self) {
        self.change(|usage| usage.writes += 1);
    }

    pub(crate) fn read<'a>(&self, consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        let tenths = tenths(consumed);
        self.change(|usage| usage.rcu_tenths += tenths);
    }

    pub(crate) fn wrote<'a>(&self, consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) {
        let tenths = tenths(consumed);
        self.change(|usage| usage.wcu_tenths += tenths);
    }
}

fn tenths<'a>(consumed: impl IntoIterator<Item = &'a ConsumedCapacity>) -> u64 {
    // Units come as halves and wholes: one digit is exact.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "units are small and positive"
    )]
    consumed.into_iter().filter_map(ConsumedCapacity::capacity_units).map(|units| (units * 10.0) as u64).sum()
}
