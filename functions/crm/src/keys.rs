//! Where the records of this service are stored, and how they are found. Every key of this crate is made here.

/// Customers.
pub mod customer {
    use contract::{ids::CustomerGuid, time::Time};
    use store::{Index, Indexes, Key, Listing, Order, Org, Partition};

    use crate::{
        customer::{Customer, Kind, Status, Tombstone},
        lookup::{Lookup, Sought},
        stored_answer::StoredAnswer,
    };

    /// Everything that hangs on a customer, so that one query exports or erases the person.
    pub fn partition(org: &Org, guid: CustomerGuid) -> Partition {
        Partition::of("crm", org).part("customer").part(guid)
    }

    /// One customer.
    pub fn by_guid(org: &Org, guid: CustomerGuid) -> Key<Customer> {
        Key::new(&partition(org, guid), &[&"customer"])
    }

    /// What stands in the place of a customer who was deleted. Apart from the partition, so that what is in the
    /// partition is what is still to be deleted. Every write there requires that this is absent.
    pub fn tombstone(org: &Org, guid: CustomerGuid) -> Key<Tombstone> {
        Key::new(&Partition::of("crm", org).part("customer-tombstone").part(guid), &[&"tombstone"])
    }

    fn sought(org: &Org, sought: &Sought) -> Partition {
        Partition::of("crm", org).part("customer-by").state(sought.by).part(&sought.value)
    }

    /// The customer who alone has a code, an e-mail address, a phone number or an external reference.
    pub fn claim(org: &Org, by: &Sought) -> Key<Lookup> {
        Key::new(&sought(org, by), &[&"claim"])
    }

    /// Whether a customer has a value that others may have too.
    pub fn shared(org: &Org, by: &Sought, guid: CustomerGuid) -> Key<Lookup> {
        Key::new(&sought(org, by), &[&"of", &guid])
    }

    /// The customers who have a code, an e-mail address, a phone number or an external reference.
    pub fn by_value(org: &Org, by: &Sought) -> Listing<Lookup> {
        Listing::new(Index::Main, [sought(org, by)], Order::Ascending)
    }

    fn answers(org: &Org, guid: CustomerGuid) -> Partition {
        Partition::of("crm", org).part("customer-answers").part(guid)
    }

    /// One stored answer that tells of a customer.
    pub fn answer(org: &Org, guid: CustomerGuid, hash: &str) -> Key<StoredAnswer> {
        Key::new(&answers(org, guid), &[&hash])
    }

    /// The stored answers that tell of a customer.
    pub fn answers_about(org: &Org, guid: CustomerGuid) -> Listing<StoredAnswer> {
        Listing::new(Index::Main, [answers(org, guid)], Order::Ascending)
    }

    /// The customers of one status are spread over so many partitions of each index. A partition takes 1,000 WCU/s;
    /// an org creates and changes 1,000 customers/s at most (class D), an index entry is 1 to 3 KB, one WCU per KB:
    /// 3,000 WCU/s over 4 partitions is 750 each. A list of class B reads 300 × 2 statuses × 4 partitions × ~2 RCU
    /// over 8 partitions: 600 of 3,000 RCU/s each.
    const SHARDS: u8 = 4;

    fn shard(guid: CustomerGuid) -> u8 {
        // The last byte of a version 7 UUID is random; the first ones are the time.
        guid.uuid().as_bytes()[15] % SHARDS
    }

    fn of_status(org: &Org, status: Status, shard: u8) -> Partition {
        Partition::of("crm", org).part("customers").state(status).part(shard)
    }

    fn of_kind(org: &Org, kind: Kind, status: Status, shard: u8) -> Partition {
        Partition::of("crm", org).part("customers-of").state(kind).state(status).part(shard)
    }

    /// The customers of an org in some statuses, newest first.
    pub fn by_status(org: &Org, statuses: &[Status]) -> Listing<Customer> {
        let partitions =
            statuses.iter().flat_map(|status| (0..SHARDS).map(|shard| of_status(org, *status, shard)));
        Listing::new(Index::First, partitions, Order::Descending)
    }

    /// The customers of one kind in some statuses, newest first.
    pub fn by_kind(org: &Org, kind: Kind, statuses: &[Status]) -> Listing<Customer> {
        let partitions =
            statuses.iter().flat_map(|status| (0..SHARDS).map(|shard| of_kind(org, kind, *status, shard)));
        Listing::new(Index::Second, partitions, Order::Descending)
    }

    pub(crate) fn lists(org: &Org, customer: &Customer, created_at: Time) -> Indexes {
        let Customer { customer_guid, kind, status, .. } = customer;
        let shard = shard(*customer_guid);
        Indexes::none()
            .first(of_status(org, *status, shard), &[&created_at, customer_guid])
            .second(of_kind(org, *kind, *status, shard), &[&created_at, customer_guid])
    }
}

/// How long customers are kept.
pub mod retention {
    use store::{Index, Indexes, Key, Listing, Order, Org, Partition};

    use crate::retention::{PolicyVersion, RetentionPolicy};

    fn of_org(org: &Org) -> Partition {
        Partition::of("crm", org).part("retention")
    }

    /// The policy in force.
    pub fn current(org: &Org) -> Key<RetentionPolicy> {
        Key::new(&of_org(org), &[&"current"])
    }

    /// One version of the policy.
    pub fn version(org: &Org, version: u64) -> Key<PolicyVersion> {
        Key::new(&of_org(org), &[&"version", &format_args!("{version:012}")])
    }

    fn versions(org: &Org) -> Partition {
        Partition::of("crm", org).part("retention-versions")
    }

    /// The versions of the policy, the one that came into force last first.
    pub fn versions_by_time(org: &Org) -> Listing<PolicyVersion> {
        Listing::new(Index::First, [versions(org)], Order::Descending)
    }

    pub(crate) fn lists(org: &Org, version: &PolicyVersion) -> Indexes {
        let policy = &version.policy;
        Indexes::none()
            .first(versions(org), &[&policy.effective_from, &format_args!("{:012}", policy.version)])
    }
}
