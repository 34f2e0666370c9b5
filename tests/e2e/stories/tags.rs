//! Every tag of the error catalogue that a route can return is provoked over HTTP.

use std::collections::BTreeSet;

use contract::error::Tag;
use e2e::Deployment;

use crate::provoked;

/// Before a route is found, these can be returned as well.
const WITHOUT_ROUTE: [Tag; 2] = [Tag::RouteNotFound, Tag::MethodNotAllowed];

/// What cannot be provoked yet: `/customer/create` guards phone numbers where the settings of the org say that they
/// are unique (crm §3), and no route sets settings; by default they are not.
const NOT_YET: [Tag; 1] = [Tag::DuplicatePhone];

pub(crate) async fn every_tag_that_a_route_can_return_is_provoked(deployment: &Deployment) {
    let mut provoked = BTreeSet::new();
    for (tag, reply) in provoked::all(deployment).await {
        let error = reply.refused(tag.name());
        assert_eq!(reply.status, tag.status(), "{tag:?}");
        // Without an envelope the status tells it.
        if reply.body.get("success").is_some() {
            assert_eq!(error["retryable"], tag.retryable(), "{tag:?}");
        }
        provoked.insert(tag);
    }
    let services = [&crm::SERVICE, &ofm::SERVICE, &operator::SERVICE, &referral::SERVICE, &usm::SERVICE];
    let returned = services
        .iter()
        .flat_map(|service| service.routes().map(move |route| (service, route)))
        .flat_map(|(service, route)| service.tags(route));
    let possible: BTreeSet<Tag> = returned.chain(WITHOUT_ROUTE).collect();
    let provoked: BTreeSet<Tag> = provoked.into_iter().chain(NOT_YET).collect();
    let names = |tags: BTreeSet<Tag>| tags.into_iter().map(Tag::name).collect::<Vec<_>>();
    assert_eq!(names(provoked), names(possible));
}
