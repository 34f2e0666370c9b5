//! Session tokens and API keys: which ids they hold, so that every look-up starts at once (usm §1).
//!
//! The ids prove nothing: the hash of the whole token decides.

use std::{borrow::Cow, ops::Range};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use contract::{
    ids::{OrgGuid, ServiceAccountGuid, UserGuid},
    secret::Secret,
};
use store::Chance;
use uuid::Uuid;

const RANDOM: usize = 32;

/// `s1_` + base64url(user guid ‖ 32 random bytes).
#[derive(Clone, Debug)]
pub struct SessionToken {
    /// The token as a whole.
    pub secret: Secret,
    /// The user it names.
    pub user_guid: UserGuid,
}

/// `k1_` + base64url(org guid ‖ service account guid ‖ 32 random bytes).
#[derive(Clone, Debug)]
pub struct ApiKeyToken {
    /// The key as a whole.
    pub secret: Secret,
    /// The org it names.
    pub org_guid: OrgGuid,
    /// The service account it names.
    pub service_account_guid: ServiceAccountGuid,
}

impl SessionToken {
    /// Before the token's fingerprint.
    pub const FINGERPRINT: &'static str = "sf_";
    const PREFIX: &'static str = "s1_";

    /// A new token for a user.
    pub fn mint(user_guid: UserGuid, chance: &dyn Chance) -> Self {
        let secret = mint(Self::PREFIX, &[user_guid.uuid()], chance);
        Self { secret, user_guid }
    }

    /// Takes a token apart; `None` for what is none.
    pub fn parse(secret: Secret) -> Option<Self> {
        let [user] = ids(Self::PREFIX, &secret)?;
        Some(Self { user_guid: UserGuid::from_uuid(user), secret })
    }

    /// `sf_…`.
    pub fn fingerprint(&self) -> String {
        self.secret.fingerprint(Self::FINGERPRINT)
    }
}

impl ApiKeyToken {
    /// Before the key's fingerprint.
    pub const FINGERPRINT: &'static str = "kf_";
    const PREFIX: &'static str = "k1_";

    /// A new key for a service account.
    pub fn mint(org_guid: OrgGuid, service_account_guid: ServiceAccountGuid, chance: &dyn Chance) -> Self {
        let secret = mint(Self::PREFIX, &[org_guid.uuid(), service_account_guid.uuid()], chance);
        Self { secret, org_guid, service_account_guid }
    }

    /// Takes a key apart; `None` for what is none.
    pub fn parse(secret: Secret) -> Option<Self> {
        let [org, account] = ids(Self::PREFIX, &secret)?;
        let org_guid = OrgGuid::from_uuid(org);
        let service_account_guid = ServiceAccountGuid::from_uuid(account);
        Some(Self { secret, org_guid, service_account_guid })
    }

    /// `kf_…`.
    pub fn fingerprint(&self) -> String {
        self.secret.fingerprint(Self::FINGERPRINT)
    }
}

/// Whether a text holds what looks like a session token or an API key: it is somebody's, and belongs into no other field.
pub fn is_in(text: &str) -> bool {
    first(text).is_some()
}

/// A text with `***` for whatever looks like a session token or an API key.
pub fn masked(text: &str) -> Cow<'_, str> {
    let Some(mut found) = first(text) else { return Cow::Borrowed(text) };
    let (mut shown, mut rest) = (String::new(), text);
    loop {
        shown.push_str(&rest[..found.start]);
        shown.push_str("***");
        rest = &rest[found.end..];
        match first(rest) {
            Some(next) => found = next,
            None => return Cow::Owned(shown + rest),
        }
    }
}

/// Where the first of them stands, with all that may belong to it.
fn first(text: &str) -> Option<Range<usize>> {
    let found = [(SessionToken::PREFIX, 1), (ApiKeyToken::PREFIX, 2)].iter().filter_map(|(prefix, ids)| {
        // Base64 without padding: four characters for three bytes.
        let length = ((ids * 16 + RANDOM) * 4).div_ceil(3);
        text.match_indices(prefix).find_map(|(at, _)| {
            let begin = at + prefix.len();
            let rest = text[begin..].bytes();
            let reach = rest.take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).count();
            (reach >= length).then_some(at..begin + reach)
        })
    });
    found.min_by_key(|range| range.start)
}

fn mint(prefix: &str, ids: &[Uuid], chance: &dyn Chance) -> Secret {
    let mut bytes: Vec<u8> = ids.iter().flat_map(|id| *id.as_bytes()).collect();
    let mut random = [0; RANDOM];
    chance.fill(&mut random);
    bytes.extend_from_slice(&random);
    Secret::new(format!("{prefix}{}", URL_SAFE_NO_PAD.encode(bytes)))
}

fn ids<const N: usize>(prefix: &str, secret: &Secret) -> Option<[Uuid; N]> {
    if secret.reveal().len() > Secret::MAX_LEN {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(secret.reveal().strip_prefix(prefix)?).ok()?;
    if bytes.len() != N * 16 + RANDOM {
        return None;
    }
    let mut ids = [Uuid::nil(); N];
    for (id, bytes) in ids.iter_mut().zip(bytes.chunks_exact(16)) {
        *id = Uuid::from_slice(bytes).ok()?;
    }
    Some(ids)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use store::SeededChance;

    use super::*;

    #[test]
    fn tokens_hold_their_ids_and_are_short_enough() {
        let chance = SeededChance::new(1);
        let (org, account) =
            (OrgGuid::from_uuid(Uuid::from_u128(7)), ServiceAccountGuid::from_uuid(Uuid::from_u128(8)));
        let key = ApiKeyToken::mint(org, account, &chance);
        assert!(key.secret.reveal().starts_with("k1_") && key.secret.reveal().len() <= Secret::MAX_LEN);
        let parsed = ApiKeyToken::parse(key.secret).unwrap();
        assert_eq!((parsed.org_guid, parsed.service_account_guid), (org, account));

        let user = UserGuid::from_uuid(Uuid::from_u128(9));
        let session = SessionToken::mint(user, &chance);
        assert_ne!(session.secret.hash(), SessionToken::mint(user, &chance).secret.hash());
        assert_eq!(SessionToken::parse(session.secret).unwrap().user_guid, user);
    }

    #[test]
    fn a_token_is_found_wherever_it_stands() {
        let chance = SeededChance::new(1);
        let session = SessionToken::mint(UserGuid::from_uuid(Uuid::from_u128(9)), &chance).secret;
        let (org, account) = (OrgGuid::NOWHERE, ServiceAccountGuid::from_uuid(Uuid::from_u128(8)));
        let key = ApiKeyToken::mint(org, account, &chance).secret;
        for token in [session.reveal(), key.reveal()] {
            assert!(is_in(token) && is_in(&format!("look: ({token}).")) && is_in(&format!("s1_{token}")));
            assert!(!is_in(&token[..token.len() - 1]) && !is_in(&token[1..]));
        }
        assert!(!is_in("s1_, k1_ and s1_short are none"));
    }

    #[test]
    fn every_token_of_a_text_is_masked() {
        let chance = SeededChance::new(1);
        let session = SessionToken::mint(UserGuid::from_uuid(Uuid::from_u128(9)), &chance).secret;
        let account = ServiceAccountGuid::from_uuid(Uuid::from_u128(8));
        let key = ApiKeyToken::mint(OrgGuid::NOWHERE, account, &chance).secret;
        let (session, key) = (session.reveal(), key.reveal());
        assert_eq!(masked(&format!("é {key}.a[{session}] and {session}")), "é ***.a[***] and ***");
        assert_eq!(masked(&format!("s1_{session}")), "***");
        assert_eq!(masked("s1_short"), "s1_short");
    }

    proptest! {
        #[test]
        fn what_is_masked_holds_no_token(text in "(s1_|k1_|[a-z_. é]|[A-Za-z0-9_-]{40,90}){0,6}") {
            prop_assert!(!is_in(&masked(&text)));
            prop_assert_eq!(is_in(&text), masked(&text) != text);
        }

        #[test]
        fn no_text_is_taken_apart_wrongly(text in ".{0,140}") {
            prop_assert!(SessionToken::parse(Secret::new(text.as_str())).is_none());
            let key = format!("k1_{text}");
            prop_assert!(ApiKeyToken::parse(Secret::new(key)).is_none());
        }
    }
}
