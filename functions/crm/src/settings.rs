//! What an org has decided about its customers (crm §3).

use contract::time::TimeZone;

/// The settings of an org.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Whether an e-mail address is one customer's alone.
    pub(crate) unique_emails: bool,
    /// Whether a phone number is one customer's alone.
    pub(crate) unique_phones: bool,
    /// What a customer code begins with that the server makes.
    pub(crate) code_prefix: &'static str,
    /// The calendar by which days are counted.
    pub(crate) time_zone: TimeZone,
}

/// The settings in force: the defaults, which hold for every org that has not decided otherwise.
pub(crate) fn in_force() -> Settings {
    Settings { unique_emails: true, unique_phones: false, code_prefix: "C", time_zone: TimeZone::UTC }
}
