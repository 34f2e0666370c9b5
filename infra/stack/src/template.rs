//! Reads `template.yaml`, the one definition of the table, the bucket, the bus and the functions.
//!
//! Only what the local stack asks for is read. Parameters are filled in as for a deployment of one stage; references
//! to other resources and to AWS's own values stay as they are written, for nothing here needs them.

mod policies;

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use yaml_serde::Value as Yaml;

use crate::mapping::Rules;

/// The deployment template of this workspace.
const SOURCE: &str = include_str!("../../../template.yaml");

/// The template with the parameters of one stage filled in.
#[derive(Clone, Debug)]
pub struct Template {
    resources: BTreeMap<String, Resource>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Resource {
    r#type: String,
    #[serde(default)]
    metadata: Value,
    #[serde(default)]
    properties: Value,
}

/// The table as `CreateTable` wants it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Table {
    /// `g3n-<stage>`.
    pub table_name: String,
    /// Every attribute that a key uses, with its type.
    pub attribute_definitions: Vec<Attribute>,
    /// Partition key and sort key.
    pub key_schema: Vec<KeyPart>,
    /// The global indexes.
    pub global_secondary_indexes: Vec<Index>,
    /// The attribute by which items expire.
    pub time_to_live_specification: TimeToLive,
    /// What the table's stream shows of a changed item.
    pub stream_specification: Stream,
}

/// A key attribute and its type.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Attribute {
    /// Its name.
    pub attribute_name: String,
    /// `S`, `N` or `B`.
    pub attribute_type: String,
}

/// One of the one or two attributes of a key.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyPart {
    /// Its name.
    pub attribute_name: String,
    /// `HASH` or `RANGE`.
    pub key_type: String,
}

/// A global secondary index.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Index {
    /// Its name.
    pub index_name: String,
    /// Partition key and sort key.
    pub key_schema: Vec<KeyPart>,
    /// Which attributes it holds.
    pub projection: Projection,
}

/// Which attributes an index holds.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Projection {
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`.
    pub projection_type: String,
}

/// How items expire.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TimeToLive {
    /// The attribute that holds the time, in seconds since 1970.
    pub attribute_name: String,
    /// Whether items expire at all.
    pub enabled: bool,
}

/// What the table's stream shows.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Stream {
    /// For example `NEW_AND_OLD_IMAGES`.
    pub stream_view_type: String,
}

/// The bucket.
#[derive(Clone, Debug)]
pub struct Bucket {
    /// Its name.
    pub name: String,
    /// Whether it keeps every version of an object.
    pub versioned: bool,
    /// Its ARN, as the template writes it.
    pub arn: Value,
}

/// What feeds a function from the table's stream.
#[derive(Clone, Debug)]
pub struct EventSource {
    /// The function's name in the workspace, for example `relay`.
    pub function: String,
    /// What is offered when, and what is given up.
    pub rules: Rules,
    /// The name of the queue that is told what was given up.
    pub dead_letters: String,
    /// A record is passed on when it matches one of these event patterns.
    pub patterns: Vec<Value>,
}

/// What invokes a function again and again.
#[derive(Clone, Debug)]
pub struct Schedule {
    /// The function's name in the workspace, for example `operator`.
    pub function: String,
    /// What it is invoked with.
    pub input: Value,
}

/// A function, under the name that its binary has in the workspace.
#[derive(Clone, Debug)]
pub struct Function {
    /// The binary, for example `crm`.
    pub name: String,
    /// The paths of the HTTP API that reach it, as API Gateway writes them: `/crm/{proxy+}`.
    pub paths: Vec<String>,
    /// The names of the variables in its environment.
    pub variables: Vec<String>,
}

impl Template {
    /// As the local stack and the tests deploy it: stage `local`, no prefix before the bucket's name, and the referral
    /// service open to the public, for the demo tenant.
    pub fn local() -> Result<Self> {
        let given = [
            ("Stage", "local"),
            ("BucketPrefix", ""),
            ("ReferralAccess", "public"),
            ("ReferralOrg", crate::seed::ORGCODE),
        ];
        Self::read(SOURCE, &BTreeMap::from(given))
    }

    /// The template written in `source`. Parameters that `given` does not name have their default.
    pub fn read(source: &str, given: &BTreeMap<&str, &str>) -> Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Parameter {
            default: Option<Value>,
        }

        let document: Yaml = yaml_serde::from_str(source).context("template.yaml is not YAML")?;
        let declared: BTreeMap<String, Parameter> = match document.get("Parameters") {
            Some(parameters) => part(plain(parameters, &BTreeMap::new())?, "Parameters")?,
            None => BTreeMap::new(),
        };
        let parameters = declared
            .into_iter()
            .filter_map(|(name, parameter)| {
                let default = parameter.default.map(|default| match default {
                    Value::String(text) => text,
                    number => number.to_string(),
                });
                let value = given.get(name.as_str()).map(|value| (*value).to_owned()).or(default)?;
                Some((name, value))
            })
            .collect();
        let globals = at(&plain(document.get("Globals").unwrap_or(&Yaml::Null), &parameters)?, "/Function");
        let resources = document.get("Resources").context("template.yaml has no Resources")?;
        let mut resources: BTreeMap<String, Resource> = part(plain(resources, &parameters)?, "Resources")?;
        for resource in resources.values_mut().filter(|resource| resource.is_function()) {
            resource.properties = merged(&globals, &resource.properties);
        }
        Ok(Self { resources })
    }

    /// The table.
    pub fn table(&self) -> Result<Table> {
        part(self.only("AWS::DynamoDB::Table")?.properties.clone(), "the table")
    }

    /// The bucket.
    pub fn bucket(&self) -> Result<Bucket> {
        let bucket = &self.only("AWS::S3::Bucket")?.properties;
        let is_it = |(_, resource): &(&String, &Resource)| resource.r#type == "AWS::S3::Bucket";
        let name = self.resources.iter().find(is_it).map(|(name, _)| name.as_str()).unwrap_or_default();
        Ok(Bucket {
            name: part(at(bucket, "/BucketName"), "BucketName")?,
            versioned: at(bucket, "/VersioningConfiguration/Status") == "Enabled",
            arn: json!({ "Fn::GetAtt": format!("{name}.Arn") }),
        })
    }

    /// The event bus's name.
    pub fn bus(&self) -> Result<String> {
        part(at(&self.only("AWS::Events::EventBus")?.properties, "/Name"), "the bus's name")
    }

    /// The functions, by name.
    pub fn functions(&self) -> Result<Vec<Function>> {
        let mut functions = self
            .resources
            .values()
            .filter(|resource| resource.is_function())
            .map(|resource| {
                let http = resource.events().filter(|event| event["Type"] == "HttpApi");
                let variables =
                    resource.properties.pointer("/Environment/Variables").and_then(Value::as_object);
                let mut paths = http
                    .map(|event| part(at(event, "/Properties/Path"), "a route's path"))
                    .collect::<Result<Vec<String>>>()?;
                paths.sort_unstable();
                Ok(Function {
                    name: resource.binary()?,
                    paths,
                    variables: variables.into_iter().flat_map(Map::keys).cloned().collect(),
                })
            })
            .collect::<Result<Vec<_>>>()?;
        functions.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(functions)
    }

    /// What feeds the relay from the table's stream.
    pub fn event_source(&self) -> Result<EventSource> {
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Filter {
            pattern: String,
        }

        let sources: Vec<(&Resource, &Value)> = self
            .resources
            .values()
            .flat_map(|resource| resource.events().map(move |event| (resource, event)))
            .filter(|(_, event)| event["Type"] == "DynamoDB")
            .collect();
        let [(resource, event)] = sources[..] else {
            bail!(
                "template.yaml should have one function fed by the table's stream, it has {}",
                sources.len()
            )
        };
        let filters: Vec<Filter> =
            part(at(event, "/Properties/FilterCriteria/Filters"), "the stream's filters")?;
        Ok(EventSource {
            function: resource.binary()?,
            rules: rules(&event["Properties"])?,
            dead_letters: self.destination(&event["Properties"])?,
            patterns: filters
                .iter()
                .map(|filter| {
                    serde_json::from_str(&filter.pattern).context("the stream's filter is not JSON")
                })
                .collect::<Result<_>>()?,
        })
    }

    /// The name of the queue to which an event source sends what tells of records that were given up.
    fn destination(&self, source: &Value) -> Result<String> {
        let queue: String = part(
            at(source, "/DestinationConfig/OnFailure/Destination/Fn::GetAtt"),
            "the stream's destination for failures",
        )?;
        let resource = queue.split('.').next().and_then(|name| self.resources.get(name));
        let resource = resource.context("template.yaml: the destination for failures is no resource")?;
        part(at(&resource.properties, "/QueueName"), "a queue's name")
    }

    /// The schedules of all functions.
    pub fn schedules(&self) -> Result<Vec<Schedule>> {
        let functions = self.resources.values().filter(|resource| resource.is_function());
        let events = functions.flat_map(|resource| resource.events().map(move |event| (resource, event)));
        events
            .filter(|(_, event)| event["Type"] == "Schedule")
            .map(|(resource, event)| {
                let input: String = part(at(event, "/Properties/Input"), "a schedule's input")?;
                let input = serde_json::from_str(&input).context("a schedule's input is not JSON")?;
                Ok(Schedule { function: resource.binary()?, input })
            })
            .collect()
    }

    fn only(&self, r#type: &str) -> Result<&Resource> {
        let mut found = self.resources.values().filter(|resource| resource.r#type == r#type);
        match (found.next(), found.next()) {
            (Some(resource), None) => Ok(resource),
            (None, _) => bail!("template.yaml has no {type}"),
            _ => bail!("template.yaml has more than one {type}"),
        }
    }
}

impl Resource {
    fn is_function(&self) -> bool {
        self.r#type == "AWS::Serverless::Function"
    }

    fn binary(&self) -> Result<String> {
        part(at(&self.metadata, "/BuildProperties/Binary"), "a function's Binary")
    }

    fn events(&self) -> impl Iterator<Item = &Value> {
        self.properties["Events"].as_object().into_iter().flat_map(Map::values)
    }
}

/// The settings of an event source. Lambda takes -1 as a retry count and as an age for "as long as the stream has it".
fn rules(source: &Value) -> Result<Rules> {
    let limit = |name: &str| -> Result<Option<u32>> {
        let limit: Option<i64> = part(at(source, &format!("/{name}")), name)?;
        Ok(limit.and_then(|limit| u32::try_from(limit).ok()))
    };
    let bisect: Option<bool> = part(at(source, "/BisectBatchOnFunctionError"), "BisectBatchOnFunctionError")?;
    Ok(Rules {
        batch_size: part(at(source, "/BatchSize"), "the stream's BatchSize")?,
        bisect: bisect.unwrap_or(false),
        most_retries: limit("MaximumRetryAttempts")?,
        longest_age: limit("MaximumRecordAgeInSeconds")?.map(|age| Duration::from_secs(age.into())),
    })
}

fn at(value: &Value, pointer: &str) -> Value {
    value.pointer(pointer).cloned().unwrap_or_default()
}

fn part<T: DeserializeOwned>(value: Value, what: &str) -> Result<T> {
    serde_json::from_value(value).with_context(|| format!("template.yaml: {what} cannot be read"))
}

/// `over` laid on `under`, object by object, as SAM lays a function's own properties on the globals.
fn merged(under: &Value, over: &Value) -> Value {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            let mut all = under.clone();
            for (name, value) in over {
                let value = under.get(name).map_or_else(|| value.clone(), |below| merged(below, value));
                all.insert(name.clone(), value);
            }
            Value::Object(all)
        }
        (_, over) => over.clone(),
    }
}

/// The YAML as JSON: `!Ref` and `!Sub` of a parameter give its value, every other short form is written out
/// (`!GetAtt A.B` as `{"Fn::GetAtt": "A.B"}`).
fn plain(yaml: &Yaml, parameters: &BTreeMap<String, String>) -> Result<Value> {
    Ok(match yaml {
        Yaml::Sequence(items) => {
            items.iter().map(|item| plain(item, parameters)).collect::<Result<Vec<_>>>()?.into()
        }
        Yaml::Mapping(entries) => {
            let entries = entries.iter().map(|(name, value)| {
                let name = name.as_str().context("template.yaml: a name that is not a string")?;
                Ok((name.to_owned(), plain(value, parameters)?))
            });
            Value::Object(entries.collect::<Result<_>>()?)
        }
        Yaml::Tagged(tagged) => {
            short_form(&tagged.tag.to_string(), plain(&tagged.value, parameters)?, parameters)
        }
        scalar => serde_json::to_value(scalar)?,
    })
}

fn short_form(tag: &str, value: Value, parameters: &BTreeMap<String, String>) -> Value {
    match (tag.trim_start_matches('!'), value) {
        ("Ref", Value::String(name)) => {
            parameters.get(&name).map_or_else(|| json!({ "Ref": name }), |value| json!(value))
        }
        ("Sub", Value::String(text)) => parameters
            .iter()
            .fold(text, |text, (name, value)| text.replace(&format!("${{{name}}}"), value))
            .into(),
        (other, value) => json!({ format!("Fn::{other}"): value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_the_local_stack_follow_from_the_template() {
        let template = Template::local().unwrap();
        let bucket = template.bucket().unwrap();
        assert_eq!(template.table().unwrap().table_name, "g3n-local");
        assert_eq!(template.bus().unwrap(), "g3n-local");
        assert_eq!(bucket.name, "ofm-sales-channel-config-local");
        assert!(bucket.versioned);
    }

    #[test]
    fn another_stage_has_other_names() {
        let given = BTreeMap::from([("Stage", "prod"), ("BucketPrefix", "acme-")]);
        let template = Template::read(SOURCE, &given).unwrap();
        assert_eq!(template.table().unwrap().table_name, "g3n-prod");
        assert_eq!(template.bucket().unwrap().name, "acme-ofm-sales-channel-config-prod");
    }

    #[test]
    fn the_table_has_three_indexes_and_its_times() {
        let table = Template::local().unwrap().table().unwrap();
        let keys = |keys: &[KeyPart]| {
            keys.iter().map(|part| format!("{} {}", part.attribute_name, part.key_type)).collect::<Vec<_>>()
        };
        assert_eq!(keys(&table.key_schema), ["pk HASH", "sk RANGE"]);
        let indexes: Vec<_> =
            table.global_secondary_indexes.iter().map(|index| &index.index_name[..]).collect();
        assert_eq!(indexes, ["gsi1", "gsi2", "gsi3"]);
        assert_eq!(keys(&table.global_secondary_indexes[1].key_schema), ["gsi2pk HASH", "gsi2sk RANGE"]);
        assert_eq!(table.time_to_live_specification.attribute_name, "ttl");
        assert_eq!(table.stream_specification.stream_view_type, "NEW_AND_OLD_IMAGES");
    }

    #[test]
    fn functions_are_read_with_their_paths_and_the_global_environment() {
        let functions = Template::local().unwrap().functions().unwrap();
        let names: Vec<_> = functions.iter().map(|function| function.name.as_str()).collect();
        assert_eq!(names, ["crm", "ofm", "operator", "referral", "relay", "usm"]);
        assert_eq!(functions[0].paths, ["/crm", "/crm/{proxy+}"]);
        assert!(functions[2].paths.is_empty(), "the operator is behind the API");
        assert!(functions[0].variables.iter().any(|name| name == "G3N_STAGE"));
        assert!(functions[0].variables.iter().any(|name| name == "G3N_TABLE"));
    }

    #[test]
    fn log_ins_have_a_route_of_their_own() {
        let functions = Template::local().unwrap().functions().unwrap();
        let usm = functions.iter().find(|function| function.name == "usm").unwrap();
        assert_eq!(usm.paths, ["/usm", "/usm/session/create", "/usm/{proxy+}"]);
    }

    #[test]
    fn the_relay_is_fed_with_journal_inserts() {
        let source = Template::local().unwrap().event_source().unwrap();
        assert_eq!(source.function, "relay");
        let rules = Rules {
            batch_size: 100,
            bisect: true,
            most_retries: None,
            longest_age: Some(Duration::from_hours(22)),
        };
        assert_eq!(source.rules, rules);
        assert_eq!(source.dead_letters, "g3n-local-relay-dead-letters");
        let journal_inserts = json!({
            "eventName": ["INSERT"],
            "dynamodb": { "NewImage": { "type": { "S": ["journal", "event-again"] } } }
        });
        assert_eq!(source.patterns, [journal_inserts]);
    }
}
