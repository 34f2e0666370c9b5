//! Says when the build was made (contract §3): `make build` sets the time of the commit, so that a build that finds what
//! an earlier one left gives the same as one from nothing.

use std::time::{SystemTime, UNIX_EPOCH};

const WEEKDAYS: [&str; 7] = ["THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY"];

#[expect(
    clippy::disallowed_methods,
    reason = "a build script is a `main`, and the time of the build is its task"
)]
fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=SOURCE_DATE_EPOCH");
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let seconds =
        std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok()).unwrap_or_else(now);
    let weekday = WEEKDAYS[usize::try_from(seconds / 86_400 % 7).unwrap_or(0)];
    println!("cargo:rustc-env=G3N_BUILD_ID={weekday}-{seconds}");
}
