//! Where the records of this service are stored, and how they are found. Every key of this crate is made here.

/// Attributions, and what hangs on them.
pub mod attribution {
    use contract::{
        attribution_id::AttributionId,
        foreign_id::ForeignId,
        time::{Date, Time},
    };
    use store::{Index, Indexes, Key, Listing, Order, Org, Partition};

    use crate::{
        attribution::Attribution, dedupe::ClickDay, stored_answer::StoredAnswer, tombstone::Tombstone,
    };

    /// All of an org's lie in one partition of the table, in the order of their ids, which is that of their making: so
    /// a list is one query, and strongly consistent. A click writes one item of about 1 KB there, which costs 2 WCU: at
    /// the 300 clicks/s of class B 600 of the 1,000 WCU/s that a partition takes.
    fn of_org(org: &Org) -> Partition {
        Partition::of("referral", org).part("attributions")
    }

    /// One attribution.
    pub fn by_id(org: &Org, id: &AttributionId) -> Key<Attribution> {
        Key::new(&of_org(org), &[id])
    }

    /// The attributions of an org, newest first.
    pub fn newest_first(org: &Org) -> Listing<Attribution> {
        Listing::new(Index::Main, [of_org(org)], Order::Descending)
    }

    /// The attributions of an org that were recorded up to a time, oldest first.
    pub fn oldest_first(org: &Org, until: Time) -> Listing<Attribution> {
        let last = AttributionId::last_of(until);
        Listing::new(Index::Main, [of_org(org)], Order::Ascending).between(None, Some(&last))
    }

    fn of_mentor(org: &Org, mentor: &ForeignId) -> Partition {
        Partition::of("referral", org).part("mentor").part(mentor)
    }

    /// The attributions of a mentor, newest first.
    pub fn by_mentor(org: &Org, mentor: &ForeignId) -> Listing<Attribution> {
        Listing::new(Index::First, [of_mentor(org, mentor)], Order::Descending)
    }

    pub(crate) fn lists(org: &Org, attribution: &Attribution) -> Indexes {
        Indexes::none().first(of_mentor(org, &attribution.mentor_id), &[&attribution.id])
    }

    fn beside(org: &Org, id: &AttributionId) -> Partition {
        Partition::of("referral", org).part("attribution").part(id)
    }

    /// What is left of a deleted attribution.
    pub fn tombstone(org: &Org, id: &AttributionId) -> Key<Tombstone> {
        Key::new(&beside(org, id), &[&"tombstone"])
    }

    /// One stored answer that tells of an attribution.
    pub fn answer(org: &Org, id: &AttributionId, hash: &str) -> Key<StoredAnswer> {
        Key::new(&beside(org, id), &[&"answer", &hash])
    }

    /// The stored answers that tell of an attribution.
    pub fn answers(org: &Org, id: &AttributionId) -> Listing<StoredAnswer> {
        Listing::new(Index::Main, [beside(org, id)], Order::Ascending).beginning(&[&"answer"])
    }

    /// The counted clicks of a visitor on a code on one day.
    pub fn click_day(org: &Org, hash: &str, day: Date) -> Key<ClickDay> {
        Key::new(&Partition::of("referral", org).part("clicks-of").part(hash), &[&day])
    }
}

/// Codes.
pub mod code {
    use contract::{codes::ReferralCode, foreign_id::ForeignId};
    use store::{Index, Indexes, Key, Listing, Order, Org, Partition};

    use crate::code::{Code, CodeClaim, CodeStatus};

    /// One code of an org.
    pub fn by_code(org: &Org, code: &ReferralCode) -> Key<Code> {
        Key::new(&Partition::of("referral", org).part("code").part(code), &[&"code"])
    }

    /// Which org holds a code.
    pub fn claim(code: &ReferralCode) -> Key<CodeClaim> {
        Key::new(&Partition::of_system("referral").part("code").part(code), &[&"claim"])
    }

    fn of_status(org: &Org, status: CodeStatus) -> Partition {
        Partition::of("referral", org).part("codes").state(status)
    }

    /// The codes of an org in some states, by code.
    pub fn by_status(org: &Org, statuses: &[CodeStatus]) -> Listing<Code> {
        Listing::new(Index::First, statuses.iter().map(|status| of_status(org, *status)), Order::Ascending)
    }

    fn of_mentor(org: &Org, mentor: &ForeignId, status: CodeStatus) -> Partition {
        Partition::of("referral", org).part("codes-of").part(mentor).state(status)
    }

    /// The codes of a mentor in some states, by code.
    pub fn by_mentor(org: &Org, mentor: &ForeignId, statuses: &[CodeStatus]) -> Listing<Code> {
        let partitions = statuses.iter().map(|status| of_mentor(org, mentor, *status));
        Listing::new(Index::Second, partitions, Order::Ascending)
    }

    pub(crate) fn lists(org: &Org, code: &Code) -> Indexes {
        Indexes::none()
            .first(of_status(org, code.status), &[&code.code])
            .second(of_mentor(org, &code.mentor_id, code.status), &[&code.code])
    }
}

/// Recruited members.
pub mod member {
    use store::{Key, Org, Partition};

    use crate::member::MemberClaim;

    /// Which attribution was confirmed for a member.
    pub fn by_hash(org: &Org, hash: &str) -> Key<MemberClaim> {
        Key::new(&Partition::of("referral", org).part("member").part(hash), &[&"claim"])
    }
}

/// Totals.
pub mod total {
    use store::{Index, Key, Listing, Order, Org, Partition, Tally};

    use crate::{
        total::{Month, Period},
        totals::{Of, Shard},
    };

    /// Each total is so many tallies. At the 300 clicks/s of class B and 15 ms a transaction, 5 of an org's clicks are
    /// under way at once: on one tally nearly all would meet another and be tried again, on 32 one in seven. A tally is
    /// some 100 bytes, so their sum costs 1 RCU in one query; each addition is 2 WCU, so a partition that holds a total
    /// takes 600 of its 1,000 WCU/s.
    pub(crate) const SHARDS: u8 = 32;

    fn of(org: &Org, of: &Of) -> Partition {
        let totals = Partition::of("referral", org).part("totals");
        match of {
            Of::Org => totals.part("org"),
            Of::Mentor(mentor) => totals.part("mentor").part(mentor),
        }
    }

    /// One tally of a total of all time.
    pub fn all_time(org: &Org, total: &Of, shard: Shard) -> Key<Tally> {
        Key::new(&of(org, total).part("all-time"), &[&shard])
    }

    /// One tally of a total of a month.
    pub fn month(org: &Org, total: &Of, month: Month, shard: Shard) -> Key<Tally> {
        Key::new(&of(org, total).part("months"), &[&month, &shard])
    }

    /// The tallies of a total of all time or of one month.
    pub fn of_period(org: &Org, total: &Of, period: Period) -> Listing<Tally> {
        match period {
            Period::AllTime => Listing::new(Index::Main, [of(org, total).part("all-time")], Order::Ascending),
            Period::Month(month) => of_months(org, total).beginning(&[&month, &""]),
        }
    }

    /// The tallies of a total of every month.
    pub fn of_months(org: &Org, total: &Of) -> Listing<Tally> {
        Listing::new(Index::Main, [of(org, total).part("months")], Order::Ascending)
    }
}

/// What the system does of its own accord.
pub mod upkeep {
    use store::{Index, Key, Listing, Order, Org, Partition};

    use crate::operator::upkeep::Upkeep;

    fn orgs() -> Partition {
        Partition::of_system("referral").part("orgs")
    }

    /// How far the system came with an org that has codes.
    pub fn of_org(org: &Org) -> Key<Upkeep> {
        Key::new(&orgs(), &[&org.guid()])
    }

    /// The orgs that have codes.
    pub fn orgs_with_codes() -> Listing<Upkeep> {
        Listing::new(Index::Main, [orgs()], Order::Ascending)
    }
}
