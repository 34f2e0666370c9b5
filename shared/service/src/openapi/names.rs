//! Names for the schemas of a document. Types of different modules may share a name; schemas that differ may not.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::body::{COMPONENTS, Schemas, Shapes};

/// A schema by the name of its type, and where it was met.
struct Met<'a> {
    is_request: bool,
    noun: &'a str,
    route: &'a str,
    /// The schema with everything that it refers to.
    whole: String,
}

/// Puts all schemas that routes refer to under one roof. A name that stands for several schemas is made longer, by
/// `Input` where requests read the type otherwise than answers write it, by the noun or else by the route.
pub(crate) fn settle(mut shapes: Vec<Shapes>) -> (Vec<Shapes>, Schemas) {
    let mut met: BTreeMap<String, Vec<Met<'_>>> = BTreeMap::new();
    for shape in &shapes {
        for (is_request, refers) in [(true, &shape.request_refers), (false, &shape.answer_refers)] {
            for name in refers.keys() {
                let whole = whole(name, refers, &mut BTreeSet::new());
                let seen = Met { is_request, noun: &shape.noun, route: &shape.route, whole };
                met.entry(name.clone()).or_default().push(seen);
            }
        }
    }
    let makers: BTreeMap<String, Maker> =
        met.iter().map(|(name, seen)| (name.clone(), maker(seen))).collect();
    let mut settled = Schemas::new();
    for shape in &mut shapes {
        let Shapes { route, noun, request, request_refers, answer, answer_refers, .. } = shape;
        for (is_request, root, refers) in [(true, request, request_refers), (false, answer, answer_refers)] {
            let rename = |name: &str| makers.get(name).map(|make| make(name, is_request, noun, route));
            rewrite(root, &rename);
            for (name, mut schema) in std::mem::take(refers) {
                rewrite(&mut schema, &rename);
                settled.insert(rename(&name).unwrap_or(name), schema);
            }
        }
    }
    (shapes, settled)
}

/// Makes a name of the type's name, whether it is a request's, noun and route.
type Maker = fn(&str, bool, &str, &str) -> String;

const MAKERS: [Maker; 4] = [
    |name, _, _, _| name.to_owned(),
    |name, is_request, _, _| format!("{name}{}", if is_request { "Input" } else { "" }),
    |name, is_request, noun, _| format!("{noun}{name}{}", if is_request { "Input" } else { "" }),
    |name, is_request, _, route| format!("{route}{name}{}", if is_request { "Input" } else { "" }),
];

/// The shortest way to tell apart what was met under one name.
fn maker(seen: &[Met<'_>]) -> Maker {
    let tells_apart = |make: &Maker| {
        let mut by_name: BTreeMap<String, &str> = BTreeMap::new();
        seen.iter().all(|met| {
            let name = make("", met.is_request, met.noun, met.route);
            *by_name.entry(name).or_insert(&met.whole) == met.whole
        })
    };
    MAKERS.into_iter().find(tells_apart).unwrap_or(MAKERS[MAKERS.len() - 1])
}

/// The text of a schema with everything that it refers to; a type that holds itself is written once.
fn whole(name: &str, refers: &Schemas, inside: &mut BTreeSet<String>) -> String {
    if !inside.insert(name.to_owned()) {
        return name.to_owned();
    }
    let mut text = refers.get(name).map(Value::to_string).unwrap_or_default();
    for other in references(refers.get(name).unwrap_or(&Value::Null)) {
        text.push_str(&whole(&other, refers, inside));
    }
    inside.remove(name);
    text
}

fn references(schema: &Value) -> Vec<String> {
    match schema {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match (name.as_str(), value) {
                ("$ref", Value::String(path)) => {
                    path.strip_prefix(COMPONENTS).map(str::to_owned).into_iter().collect()
                }
                (_, value) => references(value),
            })
            .collect(),
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

fn rewrite(schema: &mut Value, rename: &dyn Fn(&str) -> Option<String>) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Value::String(path) if name == "$ref" => {
                        if let Some(name) = path.strip_prefix(COMPONENTS).and_then(rename) {
                            *path = format!("{COMPONENTS}{name}");
                        }
                    }
                    value => rewrite(value, rename),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rewrite(item, rename)),
        _ => {}
    }
}
