//! Medians and ratios.

use std::time::Duration;

/// The value in the middle.
pub(crate) fn median(values: &[Duration]) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

/// The least. Others on the machine add to what something costs and never take from it.
pub(crate) fn least(values: &[Duration]) -> Duration {
    values.iter().min().copied().unwrap_or_default()
}

/// How many times the one is the other.
pub(crate) fn ratio(value: Duration, of: Duration) -> f64 {
    value.as_secs_f64() / of.as_secs_f64()
}

/// Microseconds.
pub(crate) fn micros(value: Duration) -> f64 {
    value.as_secs_f64() * 1e6
}
