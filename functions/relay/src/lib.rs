//! Publishes the journal: what the table's stream shows of it goes to the event bus (contract §10), in order per
//! aggregate, at least once.
//!
//! [`stream`] reads what Lambda hands over, [`event`] makes of a journal entry what is published, [`outbox`] decides,
//! without any I/O, what may be sent when and what must be offered again, [`bus`] sends it, and [`relay`] is the
//! function made of these.

pub mod bus;
pub mod event;
mod log;
pub mod outbox;
pub mod relay;
pub mod stream;
