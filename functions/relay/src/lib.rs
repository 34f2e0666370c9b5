//! Publishes the journal: what the table's stream shows of it goes to the event bus (contract §10), in order per
//! aggregate, at least once. `docs/events.md` says what is promised, and why it holds.
//!
//! [`stream`] reads what Lambda hands over, [`event`] makes of a journal entry what is published, [`outbox`] decides,
//! without any I/O, what may be done when and what must be offered again, [`progress`] keeps what was done of a batch,
//! [`pace`] how much is risked at once, [`ports`] reaches the bus, the dead-letter queue and the table, and [`relay`] is
//! the function made of these.

pub mod bus;
pub mod event;
mod item;
pub mod keys;
pub mod letter;
mod log;
pub mod outbox;
pub mod pace;
pub mod ports;
pub mod progress;
pub mod queue;
pub mod relay;
pub mod stream;
