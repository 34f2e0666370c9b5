//! What IAM says to a function's requests to table and bucket, by the policies in the template.
//!
//! The local databases know no IAM, so tests ask here instead: a request becomes what it asks for ([`access`]), and
//! that is judged by the function's statements ([`policy`]). Both know what the template and the functions use; what
//! they do not know is an error, never allowed in silence.

mod access;
mod condition;
mod expression;
mod pattern;
mod policy;

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

pub use access::{Access, Shape};
pub use policy::{Judgement, Policy};

use crate::template::Template;

/// The role of one function, as far as table and bucket go.
#[derive(Clone, Debug)]
pub struct Role {
    function: String,
    policy: Policy,
    /// What no policy reaches beyond.
    boundary: Option<Policy>,
    shape: Shape,
    /// The ARN of the bucket.
    bucket: String,
}

/// The role of each function of the template, by the function's name, for a table of this name.
pub fn roles(template: &Template, table: &str) -> Result<BTreeMap<String, Role>> {
    let shape = Shape::of(&template.table()?, table);
    let bucket = template.arn(&template.bucket()?.arn, &shape.arn)?;
    template
        .functions()?
        .into_iter()
        .map(|function| {
            let name = &function.name;
            let read = |statements: Vec<Value>| {
                Policy::read(&statements, &|written| template.arn(written, &shape.arn))
            };
            let policy = read(template.statements(name)?).with_context(|| format!("the policy of {name}"))?;
            let boundary = template.boundary(name)?.map(read).transpose();
            let boundary = boundary.with_context(|| format!("the boundary of {name}"))?;
            let role = Role {
                function: name.clone(),
                policy,
                boundary,
                shape: shape.clone(),
                bucket: bucket.clone(),
            };
            Ok((function.name, role))
        })
        .collect()
}

impl Role {
    /// Whether the function may send this request: `operation` as in `X-Amz-Target` (`GetItem`), and its JSON body.
    /// The error says what it may not, or what about the request is unknown here.
    pub fn may(&self, operation: &str, body: &Value) -> Result<()> {
        let asked = access::asked(&self.shape, operation, body)
            .with_context(|| format!("{}: {operation} cannot be judged", self.function))?;
        asked.iter().try_for_each(|access| self.allows(access))
    }

    /// Whether the function may do this (`GetObject`) with an object of the bucket.
    pub fn may_object(&self, action: &str, key: &str) -> Result<()> {
        self.allows(&Access::of_bucket(action, format!("{}/{key}", self.bucket)))
    }

    /// Whether the function may list the bucket: who may not is not told that an object is not there.
    pub fn may_list_objects(&self) -> Result<()> {
        self.allows(&Access::of_bucket("ListBucket", self.bucket.clone()))
    }

    /// Whether the function may list the versions of what begins so.
    pub fn may_list_versions(&self, prefix: &str) -> Result<()> {
        let access = Access::of_bucket("ListBucketVersions", self.bucket.clone());
        self.allows(&access.with("s3:prefix", [prefix.to_owned()]))
    }

    fn allows(&self, access: &Access) -> Result<()> {
        for (whose, policy) in [("policy", Some(&self.policy)), ("boundary", self.boundary.as_ref())] {
            let judgement = policy.map_or(Judgement::Allowed, |policy| policy.judge(access));
            ensure!(
                judgement == Judgement::Allowed,
                "{} may not {access}: {judgement} (its {whose} is in template.yaml)",
                self.function
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
