//! What the template lets each function do.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::{Resource, Template};
use crate::aws::{ACCOUNT, REGION};

impl Template {
    /// The statements of a function's policies, as the template writes them.
    pub fn statements(&self, function: &str) -> Result<Vec<Value>> {
        let resource = self.function(function)?;
        ensure!(resource.properties.get("Role").is_none(), "{function} has a Role: it cannot be read here");
        let policies = match &resource.properties["Policies"] {
            Value::Null => Vec::new(),
            Value::Array(policies) => policies.iter().collect(),
            policy => vec![policy],
        };
        let statements = policies.into_iter().map(|policy| {
            self.policy(policy).with_context(|| format!("template.yaml: a policy of {function}: {policy}"))
        });
        Ok(statements.collect::<Result<Vec<_>>>()?.concat())
    }

    /// The statements beyond which no policy of the function lets it do anything; none where it has no such boundary.
    pub fn boundary(&self, function: &str) -> Result<Option<Vec<Value>>> {
        let boundary = self.function(function)?.properties.get("PermissionsBoundary");
        let read =
            |policy| self.policy(policy).with_context(|| format!("the boundary of {function}: {policy}"));
        boundary.map(read).transpose()
    }

    fn function(&self, name: &str) -> Result<&Resource> {
        let is_it = |resource: &&Resource| {
            resource.is_function() && resource.binary().is_ok_and(|binary| binary == name)
        };
        let found = self.resources.values().find(is_it);
        found.with_context(|| format!("template.yaml has no function {name}"))
    }

    /// A policy written in place, or one that is a resource of its own.
    fn policy(&self, policy: &Value) -> Result<Vec<Value>> {
        let document = match policy["Ref"].as_str() {
            Some(name) => {
                let resource = self.resources.get(name).context("there is no such resource")?;
                ensure!(resource.r#type == "AWS::IAM::ManagedPolicy", "it is no managed policy");
                &resource.properties["PolicyDocument"]
            }
            None => policy,
        };
        match &document["Statement"] {
            Value::Array(statements) => Ok(statements.clone()),
            statement @ Value::Object(_) => Ok(vec![statement.clone()]),
            _ => bail!("its statements are not in the template, so nothing is known of them here"),
        }
    }

    /// What a policy writes as `*`, `!GetAtt Table.Arn` or `!Sub ${Table.Arn}/index/*`, with the table's ARN filled in.
    /// Other resources get ARNs that are nothing's in AWS.
    pub fn arn(&self, written: &Value, table: &str) -> Result<String> {
        if let Some(path) = written["Fn::GetAtt"].as_str() {
            return self.attribute(path, table);
        }
        let mut rest = written.as_str().with_context(|| format!("the resource {written} cannot be read"))?;
        let mut arn = String::new();
        while let Some((before, after)) = rest.split_once("${") {
            let (path, after) = after.split_once('}').with_context(|| format!("{written} has no end"))?;
            arn = arn + before + &self.attribute(path, table)?;
            rest = after;
        }
        Ok(arn + rest)
    }

    fn attribute(&self, path: &str, table: &str) -> Result<String> {
        let (name, attribute) = path.split_once('.').unwrap_or((path, ""));
        let resource = self.resources.get(name);
        let is_table = resource.is_some_and(|resource| resource.r#type == "AWS::DynamoDB::Table");
        Ok(match (path, attribute) {
            ("AWS::AccountId", _) => ACCOUNT.to_owned(),
            ("AWS::Partition", _) => "aws".to_owned(),
            ("AWS::Region", _) => REGION.to_owned(),
            (_, "Arn") if is_table => table.to_owned(),
            (_, "StreamArn") if is_table => format!("{table}/stream/1"),
            _ if resource.is_some() => format!("arn:local:{path}"),
            _ => bail!("{path} is not known here"),
        })
    }
}
