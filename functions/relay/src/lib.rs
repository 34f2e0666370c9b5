//! Table stream to event bus.
