//! Which key a public handle means.

use contract::{
    ids::{KeyId, ServiceAccountGuid},
    revision,
};
use identity::api_key::ApiKey;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Ctx, Resource};
use store::{Entity, Key, Org, Stored, classes};

use crate::keys;

/// The look-up from a key's public handle, written with the key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct KeyHandle {
    /// The handle.
    pub key_id: KeyId,
    /// The account that the key belongs to.
    pub service_account_guid: ServiceAccountGuid,
    /// By which the key is stored.
    pub token_hash: String,
}

classes!(KeyHandle { key_id: Plain, service_account_guid: Plain, token_hash: Secret });

impl Entity for KeyHandle {
    const SERVICE: &'static str = "usm";
    const TYPE: &'static str = "api-key-handle";
    type Scope = Org;
    type Revision = revision::Tag;

    fn key(&self, org: &Org) -> Key<Self> {
        keys::api_key::by_handle(org, self.key_id)
    }

    fn id(&self) -> String {
        self.key_id.to_string()
    }
}

impl From<&ApiKey> for KeyHandle {
    fn from(key: &ApiKey) -> Self {
        Self {
            key_id: key.key_id,
            service_account_guid: key.service_account_guid,
            token_hash: key.token_hash.clone(),
        }
    }
}

/// What a caller sees of a handle.
#[derive(Serialize, JsonSchema)]
pub struct KeyHandleView {
    /// The key's public handle.
    key_id: KeyId,
    /// The account that the key belongs to.
    service_account_guid: ServiceAccountGuid,
}

impl Resource for KeyHandle {
    type View = KeyHandleView;

    fn view(stored: &Stored<Self>, _: &Ctx) -> KeyHandleView {
        let KeyHandle { key_id, service_account_guid, .. } = stored.record;
        KeyHandleView { key_id, service_account_guid }
    }
}
