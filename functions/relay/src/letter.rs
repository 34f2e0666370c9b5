//! Dead letters: which record could not be published, and why. They name the record; what it tells stays in the
//! journal, where the operator action `event-replay` finds it once the cause is gone.

use serde::Serialize;
use store::journal::ItemKey;

/// Why a record can never be published.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Poison {
    /// It is no journal entry that can be read, or the entry is gone that was to be published again.
    Unreadable,
    /// Its event is larger than the bus takes.
    TooLarge,
    /// The bus refuses its event for what the event is.
    Refused,
}

/// What is put into the dead-letter queue for a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Letter {
    /// Why.
    pub reason: Poison,
    /// The code with which the bus refused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The journal entry.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<ItemKey>,
    /// Its event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The stream that it came through.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_arn: Option<String>,
    /// Its place there, for a day.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_number: Option<String>,
}
