//! A function that has just seen who calls.

use serde_json::json;
use service::Service;

use crate::{Caller, World};

impl World {
    /// Makes the function of a service see that a caller belongs to this org, by a request that changes nothing. What a
    /// call costs is measured for a caller that was just seen: the first call costs one round trip more.
    ///
    /// # Panics
    /// Where the caller does not belong to the org.
    pub async fn introduce(&self, service: &'static Service, caller: &Caller) {
        let reply = match service.name {
            "crm" => self.post(service, caller, "/customer/list", json!({})).await,
            "ofm" => self.post(service, caller, "/cost-centre/list", json!({})).await,
            "usm" => self.post(service, caller, "/service_account/list", json!({})).await,
            "referral" => self.send(service, caller, "GET", "/", String::new()).await,
            other => panic!("{other} checks no callers"),
        };
        // Whether they may list is another question.
        assert!(matches!(reply.status, 200 | 403), "{}", reply.text);
    }
}
