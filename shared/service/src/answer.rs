//! What handlers answer with.

use contract::{
    error::{Error, Result},
    grants::Grant,
    ids::LogicalGuid,
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Value, value::RawValue};
use store::{Change, Entity, Sent, Stored};

use crate::ctx::Ctx;

/// A record that callers see: as itself, or as what this caller may see of it.
pub trait Resource: Entity {
    /// What is shown.
    type View: Serialize + JsonSchema + Send;

    /// The facility on which the record hangs, where it hangs on one.
    fn facility(&self) -> Option<LogicalGuid> {
        None
    }

    /// The grant at that facility without which the record is not there for the caller: none where all see it.
    fn hidden_without(&self) -> Option<Grant> {
        None
    }

    /// Shows a record to the caller.
    fn view(stored: &Stored<Self>, ctx: &Ctx) -> Self::View;
}

/// `data`, and the revision of the one record that it is about.
#[derive(Debug)]
pub struct Answer<T> {
    /// The `data` of the envelope.
    pub data: T,
    /// The top-level `revision`.
    pub revision: Option<Value>,
}

impl<T> Answer<T> {
    /// An answer that is about no one record.
    pub fn new(data: T) -> Self {
        Self { data, revision: None }
    }

    /// The same answer with other data, about the same record.
    pub fn map<U>(self, map: impl FnOnce(T) -> U) -> Answer<U> {
        Answer { data: map(self.data), revision: self.revision }
    }
}

/// What a command decided: the change to be written, and what to answer once it is.
pub struct Written<T> {
    pub(crate) change: Option<Change>,
    pub(crate) answer: Answer<T>,
    pub(crate) replay: Option<T>,
    pub(crate) sent: Sent,
}

impl<T> Written<T> {
    /// The change with its answer.
    pub(crate) fn new(change: Change, answer: Answer<T>) -> Self {
        Self { change: Some(change), answer, replay: None, sent: Sent::default() }
    }

    /// The answer where there is nothing to change, as in a dry run (crm §1): nothing is written, and no idempotency key
    /// is used.
    pub fn nothing(answer: Answer<T>) -> Self {
        Self { change: None, answer, replay: None, sent: Sent::default() }
    }

    /// The answer to a request that made a record: 201, and where the record is (referral §3).
    #[must_use]
    pub fn created(mut self, location: String) -> Self {
        self.sent.status = 201;
        self.with_header("location", location)
    }

    /// The answer to a repeat of a request that made a record (referral §4).
    #[must_use]
    pub fn deduplicated(self) -> Self {
        self.with_header("x-deduplicated", "true")
    }

    fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.sent.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Whether anything is written.
    pub fn writes(&self) -> bool {
        self.change.is_some()
    }

    /// The same change with other data in its answer, about the same record.
    pub fn map<U>(self, map: impl Fn(T) -> U) -> Written<U> {
        let Self { change, answer, replay, sent } = self;
        Written { change, answer: answer.map(&map), replay: replay.map(map), sent }
    }

    /// What is answered to a repeat with the same idempotency key instead: the data without its secret (usm §1).
    #[must_use]
    pub fn repeated_as(mut self, data: T) -> Self {
        self.replay = Some(data);
        self
    }
}

/// A handler's result with its types erased.
pub struct Outcome {
    pub(crate) data: Box<RawValue>,
    pub(crate) revision: Option<Value>,
    pub(crate) change: Option<Change>,
    pub(crate) replay: Option<Box<RawValue>>,
    pub(crate) sent: Sent,
}

impl Outcome {
    pub(crate) fn read<T: Serialize>(answer: Answer<T>) -> Result<Self> {
        Ok(Self {
            data: raw(&answer.data)?,
            revision: answer.revision,
            change: None,
            replay: None,
            sent: Sent::default(),
        })
    }

    pub(crate) fn written<T: Serialize>(written: Written<T>) -> Result<Self> {
        let replay = written.replay.as_ref().map(raw).transpose()?;
        Ok(Self { change: written.change, replay, sent: written.sent, ..Self::read(written.answer)? })
    }
}

pub(crate) fn raw<T: Serialize>(data: &T) -> Result<Box<RawValue>> {
    serde_json::value::to_raw_value(data).map_err(Error::internal)
}
