//! State machines as tables.

use std::fmt::Debug;

use contract::error::{Error, Result, Tag};
use serde::Serialize;
use serde_json::json;

/// An arc of a state machine: from, to.
pub type Arc<S> = (S, S);

/// Refuses a move that the table does not have, naming those that it has (ofm §1, `invalid-transition`).
pub fn allow<S: Copy + PartialEq + Serialize + Debug>(arcs: &[Arc<S>], from: S, to: S) -> Result<()> {
    if arcs.contains(&(from, to)) {
        return Ok(());
    }
    let allowed: Vec<S> = arcs.iter().filter(|arc| arc.0 == from).map(|arc| arc.1).collect();
    Err(Error::from(Tag::InvalidTransition)
        .detail("from", json!(from))
        .detail("to", json!(to))
        .detail("allowed", json!(allowed)))
}
