//! One line per batch: a log entry and metrics in CloudWatch's embedded format at once. Figures, sequence numbers and
//! the bus's error codes; nothing of what an event tells.

use std::{collections::BTreeMap, time::Duration};

use contract::time::Time;
use serde_json::{Value, json};

use crate::bus::Refusal;

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    /// Records of the batch.
    pub(crate) records: usize,
    /// Those that could not be published and are in the dead-letter queue now.
    pub(crate) put_aside: u32,
    /// Those that were done when the batch was offered before.
    pub(crate) repeated: u32,
    /// Calls made to the bus and to the queue.
    pub(crate) calls: u32,
    /// Records that are to be offered again.
    pub(crate) failed: usize,
    /// The sequence number of the first of them.
    pub(crate) first_failed: Option<String>,
    published: u32,
    refusals: BTreeMap<Refusal, u32>,
    longest_lag: Duration,
}

impl Figures {
    /// Of a batch of so many records.
    pub(crate) fn of(records: usize) -> Self {
        Self { records, ..Self::default() }
    }

    /// Counts an event that was published `lag` after it happened.
    pub(crate) fn published(&mut self, lag: Option<impl TryInto<Duration>>) {
        self.published += 1;
        // Clocks of two machines may make it negative.
        let lag = lag.and_then(|lag| lag.try_into().ok()).unwrap_or_default();
        self.longest_lag = self.longest_lag.max(lag);
    }

    /// Counts a refusal of an event or of a call.
    pub(crate) fn refused(&mut self, refusal: Refusal) {
        *self.refusals.entry(refusal).or_default() += 1;
    }

    pub(crate) fn line(&self, stage: &str, now: Time) -> String {
        let metric = |name: &str, unit: &str| json!({"Name": name, "Unit": unit});
        let mut metrics =
            vec![metric("published", "Count"), metric("failed", "Count"), metric("put_aside", "Count")];
        // A batch without an event has no lag, which is not a lag of 0.
        let lag =
            (self.published > 0).then(|| u64::try_from(self.longest_lag.as_millis()).unwrap_or(u64::MAX));
        if lag.is_some() {
            metrics.push(metric("lag_ms", "Milliseconds"));
        }
        let line: Value = json!({
            "_aws": {
                "Timestamp": now.millis(),
                "CloudWatchMetrics": [{"Namespace": "g3n", "Dimensions": [["stage", "service"]], "Metrics": metrics}],
            },
            "level": if self.failed > 0 || self.put_aside > 0 { "ERROR" } else { "INFO" },
            "stage": stage,
            "service": "relay",
            "time": now,
            "records": self.records,
            "calls": self.calls,
            "published": self.published,
            "failed": self.failed,
            "put_aside": self.put_aside,
            "repeated": self.repeated,
            "first_failed": self.first_failed,
            "refusals": self.refusals,
            "lag_ms": lag,
            "build_id": service::build().build_id,
        });
        line.to_string()
    }
}
