//! Turns a request into the same request about records that are not there.

use serde_json::{Map, Value};
use testkit::World;
use uuid::Uuid;

/// Fields that name a record by something else than an id.
const NATURAL_KEYS: &[&str] = &[
    "cccode",
    "code",
    "config_s3_key",
    "customer_code",
    "email",
    "id",
    "invitation_code",
    "orgcode",
    "phone",
];

/// Makes every id and code in the fields, but the org's, one that no record has.
pub(crate) fn names_nothing(fields: &mut Map<String, Value>, world: &World) {
    let org = [world.org.guid().to_string(), world.orgcode.clone()];
    for (name, value) in fields {
        rename(name, value, &org);
    }
}

/// Makes every id and code in the fields, the org's too, one that no record has.
pub(crate) fn names_no_org(fields: &mut Map<String, Value>) {
    for (name, value) in fields {
        rename(name, value, &[]);
    }
}

fn rename(name: &str, value: &mut Value, kept: &[String]) {
    match value {
        Value::String(text) if kept.contains(text) => {}
        Value::String(text) => {
            if let Ok(id) = text.parse::<Uuid>() {
                *text = Uuid::from_u128(id.as_u128() ^ 0xffff).to_string();
            } else if NATURAL_KEYS.contains(&name) {
                *text = another(text);
            }
        }
        // Its code is a kind of calendar, and none of its fields names a record.
        Value::Object(_) if name == "fiscal_calendar" => {}
        Value::Array(items) => items.iter_mut().for_each(|item| rename(name, item, kept)),
        Value::Object(fields) => fields.iter_mut().for_each(|(name, value)| rename(name, value, kept)),
        _ => {}
    }
}

/// Another code of the same form: the last letters and digits before an `@` are others.
pub(crate) fn another(code: &str) -> String {
    let end = code.find('@').unwrap_or(code.len());
    let mut left = 4;
    let turned = code[..end].chars().rev().map(|c| {
        let next = match c {
            '0'..='8' | 'a'..='y' | 'A'..='Y' => char::from_u32(u32::from(c) + 1).unwrap_or(c),
            '9' => '0',
            'z' => 'a',
            'Z' => 'A',
            other => return other,
        };
        if left == 0 {
            return c;
        }
        left -= 1;
        next
    });
    let mut turned: String = turned.collect::<Vec<_>>().into_iter().rev().collect();
    turned.push_str(&code[end..]);
    turned
}
