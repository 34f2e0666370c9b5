//! What says that bytes are those that were meant.

use std::{borrow::Cow, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};
use sha2::{Digest, Sha256};

use crate::{json, problem::Problem};

/// A SHA-256, in base64 as S3 has it (ofm §12.1).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checksum(String);

impl Checksum {
    /// That of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(STANDARD.encode(Sha256::digest(bytes)))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Checksum {
    type Err = Problem;

    /// Of the texts that other decoders take for the same bytes, only one is read: so equal ones are equal texts.
    fn from_str(text: &str) -> Result<Self, Problem> {
        match STANDARD.decode(text) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(text.to_owned())),
            _ => Err(Problem::new("must be the base64 of 32 bytes")),
        }
    }
}

impl<'de> Deserialize<'de> for Checksum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        json::string(deserializer)
    }
}

impl JsonSchema for Checksum {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Checksum".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        // 42 digits of 6 bits, and one whose last two bits are none.
        json_schema!({"type": "string", "pattern": "^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$"})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_base64_of_32_bytes_and_nothing_like_it() {
        // Of no bytes: FIPS 180-4.
        let empty = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
        assert_eq!(Checksum::of(b"").as_str(), empty);
        assert_eq!(empty.parse(), Ok(Checksum::of(b"")));
        let url_safe = empty.replace('+', "-").replace('/', "_");
        for wrong in ["", "AAAA", &empty[..43], &format!("{empty}\n"), &url_safe, &empty.replace("U=", "V=")]
        {
            wrong.parse::<Checksum>().expect_err(wrong);
        }
    }
}
