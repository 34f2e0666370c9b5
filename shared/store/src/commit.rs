//! The one write path: a [`Change`] becomes one `TransactWriteItems`.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::transact_write_items::TransactWriteItemsError,
    types::{
        CancellationReason, ConditionCheck, Delete, Put, ReturnConsumedCapacity,
        ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
    },
};
use contract::error::{Error, Result, Tag};

use crate::{
    change::{Change, Condition, Effect, Op},
    client::Store,
    codec::{Attribute, Item, key_item, number, text, value},
    entity::{Entity, Stored},
    idempotency::{Claimed, Replay},
    key::System,
    read::failed,
    tally,
};

/// What became of a change.
#[derive(Debug)]
pub enum Committed {
    /// It is written.
    Done,
    /// Another request with the same idempotency key was first: this is what it answered.
    Before(Box<Replay>),
}

/// DynamoDB takes so many items in one transaction.
const MOST_ITEMS: usize = 100;

impl Store {
    /// Writes a change, and the idempotency record with it, as one transaction.
    ///
    /// A failed condition becomes the error that the change gave it; with several, the first in the order in which
    /// they were added. A transaction that meets others is tried again until the request's time is up; then the command is
    /// `unavailable`.
    pub async fn commit(&self, change: &Change, claimed: Option<Claimed>) -> Result<Committed> {
        let mut ops = Vec::with_capacity(change.ops.len() + 1);
        let has_key = claimed.is_some();
        let beside = match &claimed {
            Some(claimed) => change.beside.iter().map(|make| make(&claimed.replay)).collect::<Result<_>>()?,
            None => Vec::new(),
        };
        if let Some(claimed) = claimed {
            ops.push(idempotency_op(claimed)?);
        }
        ops.extend(change.ops.iter().cloned());
        ops.extend(beside);
        if ops.is_empty() {
            return Ok(Committed::Done);
        }
        if ops.len() > MOST_ITEMS {
            return Err(Error::internal(format_args!("{} items in one transaction", ops.len())));
        }
        let items = ops.iter().map(|op| self.transact_item(op)).collect::<Result<Vec<_>>>()?;
        // One token for all tries: a transaction whose reply was lost is not applied twice.
        let token = change.uuid().to_string();
        let mut backoff = self.backoff();
        loop {
            match self.transact(&items, &token).await? {
                None => return Ok(Committed::Done),
                Some(reasons) => match judge(&ops, has_key, reasons) {
                    Verdict::Before(replay) => return Ok(Committed::Before(replay)),
                    Verdict::Refused(error) => return Err(error),
                    Verdict::Again(error) => {
                        if !backoff.pause().await {
                            return Err(error);
                        }
                    }
                },
            }
        }
    }

    /// Notes that a record was used: writes some of its fields, times on which no decision rests, without a new
    /// revision and without a journal entry. Nothing is written where the record has changed meanwhile.
    pub async fn touch<E: Entity>(
        &self,
        scope: &E::Scope,
        seen: &Stored<E>,
        touched: &E,
        fields: &[&'static str],
    ) -> Result<()> {
        let key = touched.key(scope);
        let Attribute::M(mut data) = value(touched)? else {
            return Err(Error::internal("a record is no map"));
        };
        let mut request = self
            .client
            .update_item()
            .table_name(&*self.table)
            .set_key(Some(key_item(&key.pk, &key.sk)))
            .condition_expression("#revision = :revision")
            .expression_attribute_names("#revision", "revision")
            .expression_attribute_names("#data", "data")
            .expression_attribute_values(":revision", value(&seen.revision)?)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut sets = Vec::new();
        for field in fields {
            sets.push(format!("#data.#{field} = :{field}"));
            request =
                request.expression_attribute_names(format!("#{field}"), *field).expression_attribute_values(
                    format!(":{field}"),
                    data.remove(*field).unwrap_or(Attribute::Null(true)),
                );
        }
        let answer = request
            .update_expression(format!("SET {}", sets.join(", ")))
            .send()
            .await
            .map_err(|error| failed(&error))?;
        self.meter.wrote(answer.consumed_capacity());
        Ok(())
    }

    /// Raises the revision of an item and sets the rest of it, but the time when it was first written.
    fn raising(&self, key: Item, content: &Item) -> Result<Update> {
        let mut names = HashMap::from([("#revision".to_owned(), "revision".to_owned())]);
        let mut values = Item::from([(":one".to_owned(), number(&1))]);
        let mut sets = Vec::new();
        for (name, value) in content {
            let keeps = name == "created_at";
            let value_of =
                if keeps { format!("if_not_exists(#{name}, :{name})") } else { format!(":{name}") };
            sets.push(format!("#{name} = {value_of}"));
            names.insert(format!("#{name}"), name.clone());
            values.insert(format!(":{name}"), value.clone());
        }
        Update::builder()
            .table_name(&*self.table)
            .set_key(Some(key))
            .update_expression(format!("SET {} ADD #revision :one", sets.join(", ")))
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .build()
            .map_err(Error::internal)
    }

    /// Sends the transaction; the reasons where it was cancelled.
    async fn transact(
        &self,
        items: &[TransactWriteItem],
        token: &str,
    ) -> Result<Option<Vec<CancellationReason>>> {
        self.meter.write_trip();
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items.to_vec()))
            .client_request_token(token)
            .return_consumed_capacity(ReturnConsumedCapacity::Total)
            .send()
            .await;
        match sent {
            Ok(answer) => {
                self.meter.wrote(answer.consumed_capacity());
                Ok(None)
            }
            Err(SdkError::ServiceError(error)) => match error.into_err() {
                TransactWriteItemsError::TransactionCanceledException(cancelled) => {
                    Ok(Some(cancelled.cancellation_reasons.unwrap_or_default()))
                }
                TransactWriteItemsError::TransactionInProgressException(_) => Ok(Some(Vec::new())),
                other => Err(failed(&SdkError::<_, ()>::service_error(other, ()))),
            },
            Err(other) => Err(failed(&other)),
        }
    }

    fn transact_item(&self, op: &Op) -> Result<TransactWriteItem> {
        let Expression { condition, mut names, mut values } = expression(&op.condition)?;
        let all_old = ReturnValuesOnConditionCheckFailure::AllOld;
        let update = match &op.effect {
            Effect::Add(increments) => addition(increments, &mut names, &mut values),
            Effect::Amend(content) => amendment(content, &mut names, &mut values),
            _ => String::new(),
        };
        let names = (!names.is_empty()).then_some(names);
        let values = (!values.is_empty()).then_some(values);
        let key = key_item(&op.pk, &op.sk);
        let item = TransactWriteItem::builder();
        let item = match &op.effect {
            Effect::Put(content) => item.put(
                Put::builder()
                    .table_name(&*self.table)
                    .set_item(Some(content.clone()))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .build()
                    .map_err(Error::internal)?,
            ),
            Effect::Add(_) | Effect::Amend(_) => item.update(
                Update::builder()
                    .table_name(&*self.table)
                    .set_key(Some(key))
                    .update_expression(update)
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .build()
                    .map_err(Error::internal)?,
            ),
            Effect::Delete => item.delete(
                Delete::builder()
                    .table_name(&*self.table)
                    .set_key(Some(key))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .build()
                    .map_err(Error::internal)?,
            ),
            Effect::Raise(content) => item.update(self.raising(key, content)?),
            Effect::Check => item.condition_check(
                ConditionCheck::builder()
                    .table_name(&*self.table)
                    .set_key(Some(key))
                    .set_condition_expression(condition)
                    .set_expression_attribute_names(names)
                    .set_expression_attribute_values(values)
                    .return_values_on_condition_check_failure(all_old)
                    .build()
                    .map_err(Error::internal)?,
            ),
        };
        Ok(item.build())
    }
}

/// A condition as DynamoDB reads it; none for what holds always.
struct Expression {
    condition: Option<String>,
    names: HashMap<String, String>,
    values: Item,
}

impl Expression {
    fn new(
        condition: &str,
        names: &[&str],
        values: impl IntoIterator<Item = (&'static str, Attribute)>,
    ) -> Self {
        Self {
            condition: Some(condition.to_owned()),
            names: names.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect(),
            values: values.into_iter().map(|(name, value)| (format!(":{name}"), value)).collect(),
        }
    }
}

fn expression(condition: &Condition) -> Result<Expression> {
    Ok(match condition {
        Condition::Absent | Condition::Counted(0) => {
            Expression::new("attribute_not_exists(#pk)", &["pk"], [])
        }
        Condition::Present => Expression::new("attribute_exists(#pk)", &["pk"], []),
        Condition::AbsentOrOver(now) => Expression::new(
            "attribute_not_exists(#pk) OR #data.#until <= :now",
            &["pk", "data", "until"],
            [("now", value(now)?)],
        ),
        Condition::At(revision) => {
            Expression::new("#revision = :revision", &["revision"], [("revision", revision.clone())])
        }
        Condition::Counted(changes) => {
            Expression::new("#changes = :seen", &[tally::CHANGES], [("seen", number(changes))])
        }
        Condition::Any => Expression { condition: None, names: HashMap::new(), values: Item::new() },
    })
}

/// The update that adds to figures.
fn addition(increments: &[(String, i64)], names: &mut HashMap<String, String>, values: &mut Item) -> String {
    let each = increments.iter().map(|(name, by)| {
        names.insert(format!("#{name}"), name.clone());
        values.insert(format!(":{name}"), number(by));
        format!("#{name} :{name}")
    });
    let additions = each.collect::<Vec<_>>().join(", ");
    names.insert("#type".to_owned(), "type".to_owned());
    values.insert(":type".to_owned(), text(tally::TYPE));
    format!("SET #type = :type ADD {additions}")
}

/// The update that sets everything but what an item has from its beginning.
fn amendment(content: &Item, names: &mut HashMap<String, String>, values: &mut Item) -> String {
    let changed =
        content.iter().filter(|(name, _)| !["pk", "sk", "type", "created_at"].contains(&name.as_str()));
    let each = changed.map(|(name, value)| {
        names.insert(format!("#set_{name}"), name.clone());
        values.insert(format!(":set_{name}"), value.clone());
        format!("#set_{name} = :set_{name}")
    });
    format!("SET {}", each.collect::<Vec<_>>().join(", "))
}

fn idempotency_op(claimed: Claimed) -> Result<Op> {
    let Claimed { replay, now } = claimed;
    let key = replay.key(&System);
    let stored = Stored::<Replay> {
        record: replay,
        revision: contract::revision::Counter(1),
        created_at: now,
        updated_at: now,
        sequence: 0,
        chain: String::new(),
    };
    let item = crate::codec::encode(&System, &stored)?;
    let mine = stored.record;
    let meaning = move |item: Option<Item>| match item.map(Stored::<Replay>::decode) {
        Some(Ok(first)) if !first.record.answers(&mine) => Tag::IdempotencyMismatch.into(),
        Some(Err(error)) => error,
        _ => Error::moved("an idempotency key was used for a moment"),
    };
    Ok(Op {
        pk: key.pk,
        sk: key.sk,
        effect: Effect::Put(item),
        condition: Condition::AbsentOrOver(now),
        meaning: std::sync::Arc::new(meaning),
    })
}

enum Verdict {
    /// The idempotency key was used before, for the same request.
    Before(Box<Replay>),
    /// A condition failed.
    Refused(Error),
    /// Nothing failed: the transaction met another one, or was throttled.
    Again(Error),
}

fn judge(ops: &[Op], has_key: bool, reasons: Vec<CancellationReason>) -> Verdict {
    let mut again = Error::unavailable("a transaction met others until the time was up");
    for (n, (op, reason)) in ops.iter().zip(reasons).enumerate() {
        let is_key = has_key && n == 0;
        match reason.code.as_deref() {
            None | Some("None") => {}
            Some("ConditionalCheckFailed") => {
                let error = (op.meaning)(reason.item.clone());
                if is_key
                    && error.is_moved()
                    && let Some(Ok(first)) = reason.item.map(Stored::<Replay>::decode)
                {
                    return Verdict::Before(Box::new(first.record));
                }
                return Verdict::Refused(error);
            }
            Some("TransactionConflict") if is_key => again = Tag::IdempotencyInProgress.into(),
            Some("TransactionConflict" | "ThrottlingError" | "ProvisionedThroughputExceeded") => {}
            Some(code) => {
                let text = reason.message.unwrap_or_default();
                return Verdict::Refused(Error::internal(format_args!(
                    "{code} writing {}: {text}",
                    type_of(op)
                )));
            }
        }
    }
    Verdict::Again(again)
}

fn type_of(op: &Op) -> String {
    match &op.effect {
        Effect::Put(item) | Effect::Raise(item) | Effect::Amend(item) => {
            item.get("type").and_then(|kind| kind.as_s().ok()).cloned().unwrap_or_default()
        }
        Effect::Add(_) => tally::TYPE.to_owned(),
        Effect::Delete | Effect::Check => "a guard".to_owned(),
    }
}
