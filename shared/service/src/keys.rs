//! Where is counted how much of a rate is used. Each bucket lies in a partition of its own, so that one tenant's never
//! makes another's slow, and in those of the service that answers, which is all that its function may write.

use contract::ids::UserGuid;
use store::{Bucket, Key, Org, Partition};

const OF: &str = "rate";

fn bucket(partition: &Partition) -> Key<Bucket> {
    Key::new(partition, &[&"bucket"])
}

/// How much an org uses of a route's rate.
pub fn rate_of_org(service: &str, org: &Org, route: &str) -> Key<Bucket> {
    bucket(&Partition::of(service, org).part(OF).part(route))
}

/// How much a user uses of the rate of a route that is about no org.
pub fn rate_of_user(service: &str, user: UserGuid, route: &str) -> Key<Bucket> {
    bucket(&Partition::of_system(service).part(OF).part(route).part("user").part(user))
}

/// How much an address, by its keyed hash, uses of the rate of a route that needs no credential.
pub fn rate_of_address(service: &str, address_hash: &str, route: &str) -> Key<Bucket> {
    bucket(&Partition::of_system(service).part(OF).part(route).part("address").part(address_hash))
}
