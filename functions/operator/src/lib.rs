//! Operator actions, invoked directly.
