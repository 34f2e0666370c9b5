//! How much of a rate is used, counted for all functions at once (contract §9 `rate-limited`, §11).
//!
//! A bucket is one time: until when what was poured into it will have run out. A request lengthens it by the time that
//! the rate allows for it, the clock empties it. So one number says how full it is, nothing has to be reset, and of two
//! functions that pour at the same moment none undoes what the other did.

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    types::{ReturnConsumedCapacity, ReturnValue},
};
use contract::{
    error::{Error, Result},
    time::Time,
};

use crate::{
    client::Store,
    codec::{self, Item, key_item, number, text},
    key::Key,
    read::{Found, failed},
};

/// What was poured in by all functions together. An item without revision and history: it is never part of a change.
#[derive(Clone, Copy, Debug)]
pub struct Bucket;

impl Bucket {
    /// The type of its items.
    pub const TYPE: &'static str = "rate";
    /// The table may forget a bucket so long after it was last poured into: it has long been empty.
    const KEPT_SECONDS: i64 = 3_600;
}

impl Found {
    /// Until when a bucket is not empty, in Unix nanoseconds, if it was asked for and is there.
    pub fn bucket(&self, key: &Key<Bucket>) -> Result<Option<i64>> {
        self.item(key).map(until).transpose()
    }
}

impl Store {
    /// Pours so many nanoseconds into a bucket at a time, and answers until when it is not empty, in Unix nanoseconds:
    /// a rate of many thousands a second divides a millisecond. `runs` says whether it is thought not to be empty now;
    /// where that is wrong, another try is needed.
    ///
    /// Costs 1 WCU, and 1 more where `runs` was wrong. Not counted as a round trip: it is made beside the request.
    pub async fn pour(&self, key: &Key<Bucket>, nanos: i64, now: Time, runs: bool) -> Result<i64> {
        // The third is for a bucket that another began between the first and the second.
        for runs in [runs, !runs, runs] {
            let request = if runs { self.lengthen(key, nanos, now) } else { self.fill(key, nanos, now) };
            match request.send().await {
                Ok(answer) => {
                    self.meter.wrote(answer.consumed_capacity());
                    return until(answer.attributes.unwrap_or_default());
                }
                Err(SdkError::ServiceError(error))
                    if matches!(error.err(), UpdateItemError::ConditionalCheckFailedException(_)) => {}
                Err(error) => return Err(failed(&error)),
            }
        }
        Err(Error::unavailable("a bucket ran out while it was poured into"))
    }

    /// Lengthens the time of a bucket that is not empty.
    fn lengthen(&self, key: &Key<Bucket>, nanos: i64, now: Time) -> UpdateItemFluentBuilder {
        self.update_of(key, now)
            .update_expression("SET #until = #until + :more, #ttl = :ttl")
            .condition_expression("#until > :now")
            .expression_attribute_values(":more", number(&nanos))
            .expression_attribute_values(":now", number(&nanos_of(now)))
    }

    /// Begins a bucket that is empty, or that is not there.
    fn fill(&self, key: &Key<Bucket>, nanos: i64, now: Time) -> UpdateItemFluentBuilder {
        self.update_of(key, now)
            .update_expression("SET #until = :until, #type = :type, #ttl = :ttl")
            .condition_expression("attribute_not_exists(#until) OR #until <= :now")
            .expression_attribute_names("#type", "type")
            .expression_attribute_values(":until", number(&nanos_of(now).saturating_add(nanos)))
            .expression_attribute_values(":type", text(Bucket::TYPE))
            .expression_attribute_values(":now", number(&nanos_of(now)))
    }

    fn update_of(&self, key: &Key<Bucket>, now: Time) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key_item(&key.pk, &key.sk)))
            .expression_attribute_names("#until", "until")
            .expression_attribute_names("#ttl", "ttl")
            .expression_attribute_values(":ttl", number(&(now.unix_seconds() + Bucket::KEPT_SECONDS)))
            .return_values(ReturnValue::UpdatedNew)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
    }
}

fn nanos_of(time: Time) -> i64 {
    time.millis().saturating_mul(1_000_000)
}

fn until(mut item: Item) -> Result<i64> {
    codec::field(&mut item, Bucket::TYPE, "until")
}
