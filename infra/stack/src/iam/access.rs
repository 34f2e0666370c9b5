//! What a database request asks for, as IAM sees it: actions on resources, with condition keys.
//!
//! From the service authorization reference for DynamoDB and *Using IAM with DynamoDB transactions*: a transaction
//! needs the actions of its parts (`PutItem`, `ConditionCheckItem` and so on) and none of its own; a batch needs its
//! own action, with the keys of all its entries. AWS does not say whether the parts of a transaction are judged one by
//! one or together with the others of their action, so both must be allowed.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::expression;
use crate::{
    aws::{ACCOUNT, REGION},
    template::{KeyPart, Table},
};

/// One action on one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// `dynamodb:PutItem`.
    pub action: String,
    /// The ARN of the table or index, or of the bucket or object.
    pub resource: String,
    /// The condition keys that the request has, with their values.
    pub context: BTreeMap<&'static str, BTreeSet<String>>,
}

impl Access {
    /// An action on the bucket or an object of it.
    pub(super) fn of_bucket(action: &str, resource: String) -> Self {
        Self { action: format!("s3:{action}"), resource, context: BTreeMap::new() }
    }

    /// The request's values of a condition key.
    pub(super) fn values(&self, key: &str) -> Vec<&String> {
        self.context.get(key).into_iter().flatten().collect()
    }

    pub(super) fn with(mut self, key: &'static str, values: impl IntoIterator<Item = String>) -> Self {
        self.context.entry(key).or_default().extend(values);
        self
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.action, self.resource)?;
        self.context.iter().try_for_each(|(key, values)| write!(f, ", {key} {values:?}"))
    }
}

/// The table and its keys.
#[derive(Clone, Debug)]
pub struct Shape {
    /// Its name.
    pub table: String,
    /// Its ARN.
    pub arn: String,
    /// The attribute that is its partition key.
    partition: String,
    /// The partition key of each index.
    indexes: BTreeMap<String, String>,
}

impl Shape {
    /// The template's table under a name.
    pub fn of(table: &Table, name: &str) -> Self {
        let partition = |keys: &[KeyPart]| {
            keys.iter()
                .find(|part| part.key_type == "HASH")
                .map(|part| part.attribute_name.clone())
                .unwrap_or_default()
        };
        let indexes = table.global_secondary_indexes.iter();
        Self {
            table: name.to_owned(),
            arn: format!("arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{name}"),
            partition: partition(&table.key_schema),
            indexes: indexes.map(|index| (index.index_name.clone(), partition(&index.key_schema))).collect(),
        }
    }

    fn access(&self, action: &str, table: &Value) -> Result<Access> {
        ensure!(*table == self.table, "{table} is not the template's table");
        Ok(Access {
            action: format!("dynamodb:{action}"),
            resource: self.arn.clone(),
            context: BTreeMap::new(),
        })
    }
}

/// Everything that a request asks for; all of it must be allowed.
pub(super) fn asked(shape: &Shape, operation: &str, body: &Value) -> Result<Vec<Access>> {
    Ok(match operation {
        "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem" => vec![item(shape, operation, body)?],
        "Query" => vec![query(shape, body)?],
        // A scan has no keys to be judged by.
        "Scan" => vec![selected(shape.access(operation, &body["TableName"])?, body)],
        "BatchGetItem" => entries(body)?
            .map(|(table, entry)| {
                let key = |key| (key, entry);
                let keys = list(entry, "Keys")?.iter().map(key);
                batch(shape, operation, &table, keys)
            })
            .collect::<Result<_>>()?,
        "BatchWriteItem" => entries(body)?
            .map(|(table, entry)| {
                let writes = entry.as_array().context("no list of writes")?.iter();
                let keys = writes.map(|write| match &write["PutRequest"]["Item"] {
                    Value::Null => (&write["DeleteRequest"]["Key"], &Value::Null),
                    item => (item, &Value::Null),
                });
                batch(shape, operation, &table, keys)
            })
            .collect::<Result<_>>()?,
        "TransactWriteItems" | "TransactGetItems" => transaction(shape, body)?,
        other => bail!("the operation {other} is not known here"),
    })
}

/// A read or write of one item: `part` is the request, or the part of a transaction.
fn item(shape: &Shape, action: &str, part: &Value) -> Result<Access> {
    refuse_old_ways(part)?;
    let key = if part["Item"].is_object() { &part["Item"] } else { &part["Key"] };
    let access = shape.access(action, &part["TableName"])?;
    let access = access.with("dynamodb:LeadingKeys", [leading(key, &shape.partition)?]);
    let access = match part["ReturnValues"].as_str() {
        Some(values) => access.with("dynamodb:ReturnValues", [values.to_owned()]),
        None => access,
    };
    Ok(named(access, part, Some(key)))
}

fn query(shape: &Shape, body: &Value) -> Result<Access> {
    refuse_old_ways(body)?;
    let mut access = shape.access("Query", &body["TableName"])?;
    let mut partition = &shape.partition;
    if let Some(index) = body["IndexName"].as_str() {
        access.resource = format!("{}/index/{index}", access.resource);
        partition = shape.indexes.get(index).with_context(|| format!("there is no index {index}"))?;
    }
    let condition = body["KeyConditionExpression"].as_str().context("no KeyConditionExpression")?;
    let value = expression::equals(condition, partition, &body["ExpressionAttributeNames"])
        .with_context(|| format!("{condition} does not say what {partition} is"))?;
    let key = text(&body["ExpressionAttributeValues"][value])?;
    Ok(named(access.with("dynamodb:LeadingKeys", [key]), body, None))
}

fn batch<'b>(
    shape: &Shape,
    action: &str,
    table: &Value,
    entries: impl Iterator<Item = (&'b Value, &'b Value)>,
) -> Result<Access> {
    entries.into_iter().try_fold(shape.access(action, table)?, |access, (key, options)| {
        let access = access.with("dynamodb:LeadingKeys", [leading(key, &shape.partition)?]);
        refuse_old_ways(options)?;
        Ok(named(access, options, Some(key)))
    })
}

fn transaction(shape: &Shape, body: &Value) -> Result<Vec<Access>> {
    let mut parts = Vec::new();
    let mut together: BTreeMap<String, Access> = BTreeMap::new();
    for member in list(body, "TransactItems")? {
        for (kind, part) in member.as_object().context("a part of a transaction that is no map")? {
            let action = match kind.as_str() {
                "Put" | "Update" | "Delete" | "Get" => format!("{kind}Item"),
                "ConditionCheck" => "ConditionCheckItem".to_owned(),
                other => bail!("{other} in a transaction is not known here"),
            };
            let part = item(shape, &action, part)?;
            let all = together.entry(action).or_insert_with(|| part.clone());
            for (key, values) in &part.context {
                all.context.entry(key).or_default().extend(values.iter().cloned());
            }
            parts.push(part);
        }
    }
    parts.extend(together.into_values());
    parts.dedup();
    Ok(parts)
}

/// Adds the attributes that a request names. A read without a projection gives the whole item, but names only those of
/// the key: what tells the two apart is `dynamodb:Select`, as AWS's own example of a policy on attributes has it.
fn named(access: Access, part: &Value, key: Option<&Value>) -> Access {
    let names = &part["ExpressionAttributeNames"];
    let expressions = EXPRESSIONS.iter().filter_map(|name| part[*name].as_str());
    let mut attributes: BTreeSet<String> =
        expressions.flat_map(|text| expression::attributes(text, names)).collect();
    let of_key = key.and_then(Value::as_object).into_iter().flat_map(serde_json::Map::keys);
    attributes.extend(of_key.cloned());
    let is_read = ["GetItem", "Query"].iter().any(|read| access.action.ends_with(read));
    let access = if is_read { selected(access, part) } else { access };
    access.with("dynamodb:Attributes", attributes)
}

/// Adds what a read selects: said by the request, or by whether it has a projection.
fn selected(access: Access, part: &Value) -> Access {
    let without = if part["IndexName"].is_null() { "ALL_ATTRIBUTES" } else { "ALL_PROJECTED_ATTRIBUTES" };
    let of_itself = if part["ProjectionExpression"].is_null() { without } else { "SPECIFIC_ATTRIBUTES" };
    access.with("dynamodb:Select", [part["Select"].as_str().unwrap_or(of_itself).to_owned()])
}

const EXPRESSIONS: &[&str] = &[
    "ConditionExpression",
    "FilterExpression",
    "KeyConditionExpression",
    "ProjectionExpression",
    "UpdateExpression",
];

/// Parameters from before there were expressions: they name attributes and keys too.
const OLD_WAYS: &[&str] =
    &["AttributesToGet", "AttributeUpdates", "Expected", "KeyConditions", "QueryFilter", "ScanFilter"];

fn refuse_old_ways(part: &Value) -> Result<()> {
    let old = OLD_WAYS.iter().find(|name| part.get(**name).is_some());
    old.map_or(Ok(()), |name| bail!("the parameter {name} is not known here"))
}

fn leading(key: &Value, partition: &str) -> Result<String> {
    text(&key[partition]).with_context(|| format!("no {partition} in a key"))
}

/// A string as DynamoDB's JSON has it.
fn text(value: &Value) -> Result<String> {
    Ok(value["S"].as_str().with_context(|| format!("{value} is no string"))?.to_owned())
}

fn entries(body: &Value) -> Result<impl Iterator<Item = (Value, &Value)>> {
    let tables = body["RequestItems"].as_object().context("no RequestItems")?;
    Ok(tables.iter().map(|(table, entry)| (Value::from(table.as_str()), entry)))
}

fn list<'v>(value: &'v Value, name: &str) -> Result<&'v Vec<Value>> {
    value[name].as_array().with_context(|| format!("no {name}"))
}
