//! Passcodes: what may be one, and how it is stored and checked (usm §1).

use std::{borrow::Cow, fmt};

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, Version,
    password_hash::phc::{Output, ParamsString, Salt},
};
use contract::{
    email::Email,
    error::{Error, Result},
    problem::Problem,
    secret::Secret,
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use store::{Chance, Deadline};
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::hashing::{CURRENT, Work};

const SALT_BYTES: usize = 16;

/// A hash by [`CURRENT`] of nothing in particular, for the same work where there is no hash to check against.
const DUMMY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$Q0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0NDQ0M";

/// A new passcode: 8 to 128 characters with an upper-case letter, a lower-case letter, a digit and something else.
///
/// What is sent to log in is a plain [`Secret`]: the rule may grow stricter without locking anybody out.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Passcode(Secret);

impl TryFrom<String> for Passcode {
    type Error = Problem;

    fn try_from(text: String) -> Result<Self, Problem> {
        let length = text.chars().count();
        let upper = text.chars().any(char::is_uppercase);
        let lower = text.chars().any(char::is_lowercase);
        let digit = text.chars().any(|c| c.is_ascii_digit());
        let other = text.chars().any(|c| !c.is_uppercase() && !c.is_lowercase() && !c.is_ascii_digit());
        if !(8..=128).contains(&length) {
            Err(Problem::new("must be 8 to 128 characters"))
        } else if upper && lower && digit && other {
            Ok(Self(Secret::new(text)))
        } else {
            Err(Problem::new(
                "must have an upper-case letter, a lower-case letter, a digit and another character",
            ))
        }
    }
}

impl JsonSchema for Passcode {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Passcode".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "password",
            "minLength": 8,
            "maxLength": 128,
            "writeOnly": true,
            "description": "With an upper-case letter, a lower-case letter, a digit and another character.",
        })
    }
}

impl Passcode {
    /// Refuses a passcode that is the e-mail address it is used with.
    pub fn check_differs_from(&self, email: &Email) -> Result<()> {
        if self.0.reveal().parse::<Email>().is_ok_and(|same| same == *email) {
            return Err(Error::field("passcode", "must not be the e-mail address"));
        }
        Ok(())
    }

    /// What is stored of it. Waits for its turn; `unavailable` if that does not come in time.
    pub async fn hash(&self, chance: &dyn Chance, until: Deadline) -> Result<PasscodeHash> {
        PasscodeHash::of(&self.0, chance, until).await
    }
}

/// A passcode as it is stored: an argon2id hash in its standard text form. Never shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasscodeHash(String);

impl fmt::Debug for PasscodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasscodeHash(***)")
    }
}

impl PasscodeHash {
    /// Hashes a passcode that is known to be a good one, with a salt of its own.
    pub async fn of(passcode: &Secret, chance: &dyn Chance, until: Deadline) -> Result<Self> {
        let mut salt = [0; SALT_BYTES];
        chance.fill(&mut salt);
        let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
        let work = Work {
            argon2: Argon2::new(algorithm, version, CURRENT),
            passcode: bytes(passcode),
            salt: salt.to_vec(),
            output_len: CURRENT.output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN),
        };
        let output = work.done(until).await?;
        let hash = PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(&CURRENT).map_err(Error::internal)?,
            salt: Some(Salt::new(&salt).map_err(Error::internal)?),
            hash: Some(Output::new(&output).map_err(Error::internal)?),
        };
        Ok(Self(hash.to_string()))
    }

    /// Whether this is the passcode that was hashed. Works with the parameters in the hash, whichever they are.
    pub async fn verify(&self, passcode: &Secret, until: Deadline) -> Result<bool> {
        let hash = PasswordHash::new(&self.0).map_err(Error::internal)?;
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else {
            return Err(Error::internal("a passcode hash without salt or result"));
        };
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(Error::internal)?;
        let version = hash.version.map(Version::try_from).transpose().map_err(Error::internal)?;
        let params = Params::try_from(&hash).map_err(Error::internal)?;
        let work = Work {
            argon2: Argon2::new(algorithm, version.unwrap_or_default(), params),
            passcode: bytes(passcode),
            salt: salt.to_vec(),
            output_len: expected.len(),
        };
        let output = work.done(until).await?;
        // Compared in constant time.
        Ok(Output::new(&output).map_err(Error::internal)? == *expected)
    }

    /// Whether it was made with less work than is asked for now.
    pub fn needs_rehash(&self) -> bool {
        let Ok(hash) = PasswordHash::new(&self.0) else { return true };
        let Ok(params) = Params::try_from(&hash) else { return true };
        let is_current =
            hash.algorithm == Algorithm::Argon2id.ident() && hash.version == Some(Version::V0x13.into());
        !is_current || params.m_cost() < CURRENT.m_cost() || params.t_cost() < CURRENT.t_cost()
    }
}

/// Does the work of a check where there is nothing to check against, so that an unknown e-mail takes as long as a
/// wrong passcode (usm §3, *Log-in*).
pub async fn verify_nothing(passcode: &Secret, until: Deadline) -> Result<()> {
    PasscodeHash(DUMMY.to_owned()).verify(passcode, until).await.map(drop)
}

/// The bytes that are hashed: in normal form C, because keyboards compose the same characters differently.
fn bytes(passcode: &Secret) -> Zeroizing<Vec<u8>> {
    Zeroizing::new(passcode.reveal().nfc().collect::<String>().into_bytes())
}

#[cfg(test)]
mod tests {
    use argon2::PasswordHasher;
    use contract::error::Tag;
    use proptest::prelude::*;
    use store::SeededChance;

    use super::*;

    fn soon() -> Deadline {
        Deadline::after(Deadline::USUAL)
    }

    fn passcode(text: &str) -> Result<Passcode, String> {
        Passcode::try_from(text.to_owned()).map_err(|problem| problem.to_string())
    }

    #[test]
    fn the_rule() {
        for good in ["Passw0rd!", "Ünïc0de-", "Пароль 1", &format!("Aa1 {}", "x".repeat(124))] {
            assert!(passcode(good).is_ok(), "{good}");
        }
        for bad in [
            "Pass-1A",
            "passw0rd!",
            "PASSW0RD!",
            "Password!",
            "Passw0rd",
            "",
            &format!("Aa1 {}", "x".repeat(125)),
        ] {
            assert!(passcode(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn it_is_not_the_email_however_that_is_spelled() {
        let email: Email = "ada1@example.org".parse().unwrap();
        for same in ["Ada1@example.org", "ADA1@example.Org "] {
            let error = passcode(same).unwrap().check_differs_from(&email).unwrap_err();
            assert_eq!(error.tag(), Tag::InvalidInput);
        }
        passcode("Ada2@example.org").unwrap().check_differs_from(&email).unwrap();
    }

    #[tokio::test]
    async fn the_hash_is_argon2id_with_a_salt_of_its_own_and_verifies_only_its_passcode() {
        let chance = SeededChance::new(1);
        let hash = passcode("Passw0rd!").unwrap().hash(&chance, soon()).await.unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(hash.verify(&Secret::new("Passw0rd!"), soon()).await.unwrap());
        assert!(!hash.verify(&Secret::new("Passw0rd?"), soon()).await.unwrap());
        assert!(!hash.needs_rehash());
        assert_ne!(hash.0, passcode("Passw0rd!").unwrap().hash(&chance, soon()).await.unwrap().0);
        assert_eq!(
            format!("{hash:?} {:?}", passcode("Passw0rd!").unwrap()),
            "PasscodeHash(***) Passcode(Secret(***))"
        );
    }

    #[tokio::test]
    async fn compositions_of_one_character_are_one() {
        let hash = passcode("Caf\u{e9}-123").unwrap().hash(&SeededChance::new(2), soon()).await.unwrap();
        assert!(hash.verify(&Secret::new("Cafe\u{301}-123"), soon()).await.unwrap());
    }

    #[tokio::test]
    async fn weaker_hashes_still_verify_and_are_to_be_made_anew() {
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::new(64, 2, 1, Some(32)).unwrap());
        let weak = PasscodeHash(weak.hash_password_with_salt(b"Passw0rd!", &[7; 16]).unwrap().to_string());
        assert!(weak.verify(&Secret::new("Passw0rd!"), soon()).await.unwrap());
        assert!(weak.needs_rehash());
    }

    #[tokio::test]
    async fn checking_nothing_is_the_same_work() {
        verify_nothing(&Secret::new("Passw0rd!"), soon()).await.unwrap();
        assert!(!PasscodeHash(DUMMY.to_owned()).needs_rehash());
        assert_eq!(Params::try_from(&PasswordHash::new(DUMMY).unwrap()).unwrap(), CURRENT);
    }

    proptest! {
        #[test]
        fn what_passes_has_all_four_kinds(text in "[aA1-]{6,10}") {
            let kinds = ["a", "A", "1", "-"].iter().all(|kind| text.contains(kind));
            prop_assert_eq!(passcode(&text).is_ok(), kinds && text.len() >= 8);
        }
    }
}
