//! The test clock: how far the time of a deployment is shifted, where its functions run with a test clock.

use contract::{revision, time::Time};
use serde::{Deserialize, Serialize};
use store::{Entity, Key, System, classes};

use crate::keys;

/// The shift, kept as one item of the table so that all functions share it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ClockShift {
    /// Added to the time of the machine.
    pub millis: i64,
}

classes!(ClockShift { millis: Plain });

impl Entity for ClockShift {
    const SERVICE: &'static str = "sys";
    const TYPE: &'static str = "clock";
    type Scope = System;
    type Revision = revision::Counter;

    fn key(&self, _: &System) -> Key<Self> {
        keys::clock()
    }

    fn id(&self) -> String {
        "clock".to_owned()
    }
}

impl ClockShift {
    /// The shifted time.
    pub fn apply(&self, now: Time) -> Time {
        Time::from_millis(now.millis().saturating_add(self.millis)).unwrap_or(now)
    }
}
