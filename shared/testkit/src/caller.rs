//! Who calls in tests.

use contract::ids::{ServiceAccountGuid, UserGuid};

/// Somebody who calls: a person, a program, or nobody.
#[derive(Clone, Debug)]
pub struct Caller {
    /// The person.
    pub user_guid: UserGuid,
    /// The program.
    pub service_account_guid: ServiceAccountGuid,
    /// The headers that say who it is.
    pub headers: Vec<(&'static str, String)>,
    /// The address that they call from; the org's own unless they have one.
    pub source_ip: Option<String>,
}

impl Caller {
    /// Nobody in particular.
    pub fn anonymous() -> Self {
        Self {
            user_guid: UserGuid::NOWHERE,
            service_account_guid: ServiceAccountGuid::NOWHERE,
            headers: Vec::new(),
            source_ip: None,
        }
    }

    /// The same caller at another address.
    #[must_use]
    pub fn calling_from(mut self, source_ip: &str) -> Self {
        self.source_ip = Some(source_ip.to_owned());
        self
    }

    /// The same caller with one more header.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self.headers.push((name, value.into()));
        self
    }

    /// The session token or API key.
    pub fn credential(&self) -> &str {
        let mut headers = self.headers.iter();
        headers.find(|(name, _)| name.starts_with("x-")).map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}
