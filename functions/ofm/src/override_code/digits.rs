//! The digits of a code: drawn, told once, and kept as a keyed hash alone (contract ofm §14, *The code*).

use std::borrow::Cow;

use contract::{
    error::{Error, Result},
    ids::{OverrideId, UserGuid},
    revision,
    secret::{CodeHash, Secret},
    time::Time,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, de::Error as _};
use service::{Ctx, Writer};
use store::{Batch, Chance, Entity, Found, Key, Org, Stored, classes};

use super::{OverrideCode, OverrideStatus};
use crate::keys;

const LENGTH: usize = 6;
/// So many codes there are.
const CODES: u32 = 1_000_000;
/// A draw that meets a live code is made again twice.
const DRAWS: usize = 3;

/// Six digits, as they are sent or drawn. They cannot be printed.
#[derive(Clone, Debug)]
pub struct Digits(Secret);

impl Digits {
    fn draw(chance: &dyn Chance) -> Self {
        // The highest numbers would give some digits more than their share.
        let fair = u32::MAX - u32::MAX % CODES;
        loop {
            let mut random = [0; 4];
            chance.fill(&mut random);
            let number = u32::from_be_bytes(random);
            if number < fair {
                return Self(Secret::new(format!("{:06}", number % CODES)));
            }
        }
    }

    /// The digits themselves, to be told once.
    pub(super) fn reveal(&self) -> &str {
        self.0.reveal()
    }

    /// What stands for them in an org; that under which new ones are kept first.
    pub(super) fn hashes(&self, ctx: &Ctx) -> Result<Vec<CodeHash>> {
        Ok(ctx.code_keys()?.hashes(&ctx.org()?.guid().to_string(), "override-code", &self.0))
    }
}

impl<'de> Deserialize<'de> for Digits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text.len() == LENGTH && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Ok(Self(Secret::new(text)))
        } else {
            Err(D::Error::custom("must be 6 digits"))
        }
    }
}

impl JsonSchema for Digits {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Digits".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^[0-9]{6}$", "writeOnly": true})
    }
}

/// To which code digits lead.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DigitsClaim {
    /// The keyed hash of the digits.
    pub hash: String,
    /// Under which key.
    pub key_id: String,
    /// The code.
    pub override_id: OverrideId,
    /// Who gave it out, so that they are read with it.
    pub issued_by: UserGuid,
    /// Nobody asks any more after this time.
    pub until: Time,
}

classes!(DigitsClaim { hash: Secret, key_id: Plain, override_id: Plain, issued_by: Plain, until: Plain });

impl Entity for DigitsClaim {
    const SERVICE: &'static str = "ofm";
    const TYPE: &'static str = "override-digits";
    type Scope = Org;
    type Revision = revision::Counter;
    const KEY_IS_SECRET: bool = true;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::override_code::by_digits(org, &self.hash)
    }

    fn id(&self) -> String {
        self.override_id.to_string()
    }

    fn expires(&self) -> Option<Time> {
        Some(self.until)
    }
}

/// Asks for the claims on digits.
pub(super) fn want(org: &Org, hashes: &[CodeHash], batch: &mut Batch) {
    for hash in hashes {
        batch.want(&keys::override_code::by_digits(org, &hash.hash));
    }
}

/// The claims on digits, that under the newest key first.
pub(super) fn claims(org: &Org, hashes: &[CodeHash], found: &Found) -> Result<Vec<Stored<DigitsClaim>>> {
    let claims = hashes.iter().map(|hash| found.get(&keys::override_code::by_digits(org, &hash.hash)));
    claims.filter_map(Result::transpose).collect()
}

/// Draws digits that lead to no live code, and makes them lead to this one.
pub(super) async fn draw(ctx: &Ctx, change: &mut Writer, code: &OverrideCode) -> Result<Digits> {
    let org = ctx.org()?;
    let drawn: Vec<Digits> = (0..DRAWS).map(|_| Digits::draw(ctx.chance())).collect();
    let hashes: Vec<_> = drawn.iter().map(|digits| digits.hashes(ctx)).collect::<Result<_>>()?;
    let mut batch = Batch::default();
    for hashes in &hashes {
        want(org, hashes, &mut batch);
    }
    let found = ctx.read(batch).await?;
    let claims: Vec<_> = hashes.iter().map(|hashes| claims(org, hashes, &found)).collect::<Result<_>>()?;
    let live = live_codes(ctx, org, claims.iter().flatten()).await?;
    for ((digits, hashes), claims) in drawn.into_iter().zip(hashes).zip(claims) {
        if claims.iter().any(|claim| live.contains(&claim.record.override_id)) {
            continue;
        }
        let Some(CodeHash { key_id, hash }) = hashes.into_iter().next() else { break };
        let before = claims.iter().find(|claim| claim.record.hash == hash);
        let OverrideCode { override_id, issued_by, .. } = *code;
        let claim = DigitsClaim { hash, key_id, override_id, issued_by, until: code.found_until() };
        change.keep(org, before, claim)?;
        return Ok(digits);
    }
    Err(Error::unavailable("every draw met a live override code"))
}

/// Those of some claims' codes that can still be used.
async fn live_codes(
    ctx: &Ctx,
    org: &Org,
    claims: impl Iterator<Item = &Stored<DigitsClaim>>,
) -> Result<Vec<OverrideId>> {
    let ids: Vec<_> = claims.map(|claim| claim.record.override_id).collect();
    if ids.is_empty() {
        return Ok(ids);
    }
    let mut batch = Batch::default();
    for id in &ids {
        batch.want(&keys::override_code::by_id(org, *id));
    }
    let found = ctx.read(batch).await?;
    let mut live = Vec::new();
    for id in ids {
        let code = found.get(&keys::override_code::by_id(org, id))?;
        if code.is_some_and(|code| code.record.status(ctx.now(), true) == OverrideStatus::Active) {
            live.push(id);
        }
    }
    Ok(live)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use store::SeededChance;

    use super::*;

    #[test]
    fn six_digits_are_drawn_of_all_there_are() {
        let chance = SeededChance::new(6);
        let drawn: Vec<_> = (0..2_000).map(|_| Digits::draw(&chance).reveal().to_owned()).collect();
        assert!(
            drawn.iter().all(|digits| digits.len() == 6 && digits.bytes().all(|byte| byte.is_ascii_digit()))
        );
        for first in b'0'..=b'9' {
            let count = drawn.iter().filter(|digits| digits.as_bytes()[0] == first).count();
            assert!((120..280).contains(&count), "{count} begin with {}", char::from(first));
        }
    }

    #[test]
    fn only_six_digits_are_read_and_they_are_never_printed() {
        let read = |value| serde_json::from_value::<Digits>(value);
        let digits = read(json!("012345")).unwrap();
        assert_eq!(digits.reveal(), "012345");
        assert!(!format!("{digits:?}").contains("012345"));
        for wrong in [json!("12345"), json!("1234567"), json!("12345a"), json!(" 12345"), json!(123_456)] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
