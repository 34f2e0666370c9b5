//! Every service there is.

use service::{Access, Route, Service};

/// The services, those behind HTTP first.
pub(crate) static ALL: &[&Service] =
    &[&crm::SERVICE, &ofm::SERVICE, &referral::SERVICE, &usm::SERVICE, &operator::SERVICE];

/// Every route with its service.
pub(crate) fn routes() -> impl Iterator<Item = (&'static Service, &'static Route)> {
    ALL.iter().flat_map(|service| service.routes().map(move |route| (*service, route)))
}

/// Whether a service is invoked directly instead of over HTTP.
pub(crate) fn is_direct(service: &Service) -> bool {
    service.routes().all(|route| route.access == Access::Operator)
}

/// The services behind HTTP.
pub(crate) fn http() -> impl Iterator<Item = &'static Service> {
    ALL.iter().copied().filter(|service| !is_direct(service))
}
