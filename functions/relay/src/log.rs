//! One line per batch: a log entry and metrics in CloudWatch's embedded format at once. Figures, sequence numbers and
//! the bus's error codes; nothing of what an event tells.

use std::{collections::BTreeMap, time::Duration};

use contract::time::Time;
use serde_json::{Value, json};

use crate::{bus::Refusal, outbox::Outbox};

/// What became of a batch.
#[derive(Debug, Default)]
pub(crate) struct Figures<'b> {
    /// Records of the batch.
    pub(crate) records: usize,
    /// Those that can never be published.
    pub(crate) unsendable: usize,
    /// Calls made.
    pub(crate) calls: u32,
    /// Records that are to be offered again.
    pub(crate) failed: usize,
    /// The sequence number of the first of them.
    pub(crate) first_failed: Option<&'b str>,
    published: u32,
    refusals: BTreeMap<Refusal, u32>,
    longest_lag: Duration,
}

impl Figures<'_> {
    pub(crate) fn of(outbox: &Outbox) -> Self {
        Self { records: outbox.len(), unsendable: outbox.unsendable(), ..Self::default() }
    }

    /// Counts an event that was published `lag` after it happened.
    pub(crate) fn published(&mut self, lag: impl TryInto<Duration>) {
        self.published += 1;
        // Clocks of two machines may make it negative.
        self.longest_lag = self.longest_lag.max(lag.try_into().unwrap_or_default());
    }

    /// Counts a refusal of an event or of a call.
    pub(crate) fn refused(&mut self, refusal: Refusal) {
        *self.refusals.entry(refusal).or_default() += 1;
    }

    pub(crate) fn line(&self, now: Time) -> String {
        let metric = |name: &str, unit: &str| json!({"Name": name, "Unit": unit});
        let mut metrics =
            vec![metric("published", "Count"), metric("failed", "Count"), metric("unsendable", "Count")];
        // A batch without an event has no lag, which is not a lag of 0.
        let lag =
            (self.published > 0).then(|| u64::try_from(self.longest_lag.as_millis()).unwrap_or(u64::MAX));
        if lag.is_some() {
            metrics.push(metric("lag_ms", "Milliseconds"));
        }
        let line: Value = json!({
            "_aws": {
                "Timestamp": now.millis(),
                "CloudWatchMetrics": [{"Namespace": "g3n", "Dimensions": [["service"]], "Metrics": metrics}],
            },
            "level": if self.failed > 0 { "ERROR" } else { "INFO" },
            "service": "relay",
            "time": now,
            "records": self.records,
            "calls": self.calls,
            "published": self.published,
            "failed": self.failed,
            "unsendable": self.unsendable,
            "first_failed": self.first_failed,
            "refusals": self.refusals,
            "lag_ms": lag,
            "build_id": service::build().build_id,
        });
        line.to_string()
    }
}
