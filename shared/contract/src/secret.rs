//! Values that must never be seen again once they are in: session tokens, API keys, passcodes.

use std::{borrow::Cow, fmt};

use hmac::{Hmac, KeyInit, Mac};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A secret as it was sent. It cannot be printed, serialised or compared but by hash.
#[derive(Clone)]
pub struct Secret(String);

/// SHA-256 of a secret: what is stored, and compared in constant time.
#[derive(Clone, Copy)]
pub struct SecretHash([u8; 32]);

impl Secret {
    /// At most this many bytes are taken of a token (usm §1).
    pub const MAX_LEN: usize = 128;

    /// Takes a secret in.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The secret itself, to hash it, take it apart or answer it once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub fn hash(&self) -> SecretHash {
        SecretHash(Sha256::digest(self.0.as_bytes()).into())
    }

    /// Something to know it by: `sf_…` for sessions, `kf_…` for keys, and the first 16 hex digits of its hash.
    pub fn fingerprint(&self, prefix: &str) -> String {
        format!("{prefix}{}", &self.hash().hex()[..16])
    }
}

impl SecretHash {
    /// 64 hex digits.
    pub fn hex(&self) -> String {
        hex(&self.0)
    }
}

impl PartialEq for SecretHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for SecretHash {}

/// 32 bytes given as 64 hex digits, from the deployment's secret store; never shown.
#[derive(Clone)]
pub struct KeyMaterial([u8; 32]);

impl KeyMaterial {
    /// Takes a key as 64 hex digits; `None` when it is anything else.
    pub fn from_hex(digits: &str) -> Option<Self> {
        let mut key = [0; 32];
        if digits.len() != 64 || !digits.is_ascii() {
            return None;
        }
        for (byte, pair) in key.iter_mut().zip(digits.as_bytes().chunks(2)) {
            *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
        }
        Some(Self(key))
    }

    /// What it is known by: the first 8 hex digits of its own hash. They tell nothing of a key that was drawn at random.
    pub fn id(&self) -> String {
        hex(&Sha256::digest(self.0)[..4])
    }

    /// HMAC-SHA-256 over some parts, each preceded by its length so that no two lists of parts are alike.
    pub fn mac(&self, parts: &[&str]) -> Hmac<Sha256> {
        // Any length of key is a good one for HMAC; the fallback cannot be reached.
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.0).unwrap_or_else(|_| Hmac::new(&[0; 64].into()));
        for part in parts {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac
    }
}

/// The key under which contact values are looked up: keys and claims hold a keyed hash, not the value (crm §4).
#[derive(Clone, Debug)]
pub struct LookupKey(pub KeyMaterial);

impl LookupKey {
    /// What stands for a value of a kind (`email`, `phone`, …) within a tenant.
    pub fn hash(&self, tenant: &str, kind: &str, value: &str) -> String {
        hex(&self.0.mac(&[tenant, kind, value]).finalize().into_bytes()[..16])
    }
}

/// The keys under which codes that are too short for a bare hash are stored. The first makes new ones; all are tried, so
/// that a code outlives a change of keys (ofm §14).
#[derive(Clone, Debug)]
pub struct CodeKeys(Vec<KeyMaterial>);

/// What stands for a short code.
#[derive(Clone, PartialEq, Eq)]
pub struct CodeHash {
    /// Under which key: its [`id`](KeyMaterial::id).
    pub key_id: String,
    /// HMAC-SHA-256, in hex digits.
    pub hash: String,
}

impl CodeKeys {
    /// Takes keys as 64 hex digits each, divided by commas; `None` when they are anything else.
    pub fn from_hex(list: &str) -> Option<Self> {
        list.split(',').map(|digits| KeyMaterial::from_hex(digits.trim())).collect::<Option<_>>().map(Self)
    }

    /// What the keys are known by, in their order.
    pub fn ids(&self) -> Vec<String> {
        self.0.iter().map(KeyMaterial::id).collect()
    }

    /// What stands for a code of a kind within a tenant, under each key; that under which new ones are stored first.
    pub fn hashes(&self, tenant: &str, kind: &str, code: &Secret) -> Vec<CodeHash> {
        let hash = |key: &KeyMaterial| CodeHash {
            key_id: key.id(),
            hash: hex(&key.mac(&[tenant, kind, code.reveal()]).finalize().into_bytes()),
        };
        self.0.iter().map(hash).collect()
    }
}

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodeHash({}, ***)", self.key_id)
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMaterial(***)")
    }
}

/// Lower-case hex digits of some bytes.
pub fn hex(bytes: &[u8]) -> String {
    use fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(***)")
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(***)")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl JsonSchema for Secret {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 1, "maxLength": Self::MAX_LEN, "writeOnly": true})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_never_printed() {
        let secret = Secret::new("s1_abc");
        assert_eq!(format!("{secret:?} {:?}", secret.hash()), "Secret(***) SecretHash(***)");
    }

    #[test]
    fn a_short_code_is_found_under_the_new_key_and_the_one_before() {
        let keys = |list: &[&str]| {
            CodeKeys::from_hex(&list.iter().map(|digit| digit.repeat(64)).collect::<Vec<_>>().join(","))
                .expect("keys")
        };
        let code = Secret::new("123456");
        let of = |keys: &CodeKeys, tenant: &str, kind: &str| keys.hashes(tenant, kind, &code);
        let (old, both) = (of(&keys(&["a"]), "t", "k"), of(&keys(&["b", "a"]), "t", "k"));
        assert_eq!((old.len(), both.len()), (1, 2));
        assert_eq!(both[1], old[0]);
        assert_ne!(both[0].key_id, both[1].key_id);
        let ids = keys(&["b", "a"]).ids();
        assert_eq!(ids, [both[0].key_id.as_str(), both[1].key_id.as_str()]);
        assert_ne!(of(&keys(&["a"]), "u", "k"), old);
        assert_ne!(of(&keys(&["a"]), "t", "l"), old);
        for wrong in ["", ",", &"a".repeat(63), &format!("{},", "a".repeat(64))] {
            assert!(CodeKeys::from_hex(wrong).is_none(), "{wrong}");
        }
        assert!(!format!("{both:?}").contains(&both[0].hash));
    }

    #[test]
    fn a_keyed_hash_is_the_standards() {
        // RFC 2104 over the parts with their lengths, worked out with another implementation.
        let key = CodeKeys::from_hex(&"0b".repeat(32)).expect("a key");
        let hash = &key.hashes("t", "k", &Secret::new("123456"))[0].hash;
        assert_eq!(hash, "295087003b29830dbb750d624c42efe74e20b53bc43e1be8348d7faccd76473e");
    }

    #[test]
    fn fingerprint_is_prefix_and_sixteen_digits_of_the_hash() {
        // SHA-256("abc") begins ba7816bf 8f01cfea (FIPS 180-2).
        assert_eq!(Secret::new("abc").fingerprint("sf_"), "sf_ba7816bf8f01cfea");
    }
}
