//! What a request asks for before its handler runs: the record that it names, its facility, the first answer under its
//! idempotency key, and a page of a list.
//!
//! It is read together with the caller check only if the instance has just seen the caller pass (see [`crate::known`]);
//! else once the caller has passed, so that nothing of a tenant is read for a stranger but what the check needs
//! (contract §4, *Order of checks*).

use contract::{canonical, error::Result, ids::LogicalGuid, paging::CursorScope, text::Text};
use futures::future::join;
use serde_json::Value;
use store::{Ahead, Batch, Found, Org, Replay};

use crate::{
    caller::Credential,
    limit::network_hash,
    place::Place,
    run::{Run, Shaped},
};

/// What is read first, by its keys.
pub(crate) struct FirstReads {
    /// All of it but the page.
    batch: Batch,
    /// The part that the handler asks for itself.
    pub(crate) also: Batch,
    /// The facility that the request names.
    pub(crate) place: Option<(Org, LogicalGuid)>,
    /// The hash under which the first answer to an idempotency key is kept.
    pub(crate) replay_key: Option<String>,
}

impl Run {
    /// What the request asks for first.
    pub(crate) fn first_reads(&self, shaped: &Shaped, org: Option<&Org>) -> FirstReads {
        let task = &shaped.framed.task;
        let mut batch = Batch::default();
        task.wants(org, &mut batch);
        let place = org.copied().zip(task.place());
        if let Some((org, logical)) = &place {
            Place::want(org, shaped.credential.assignee(), *logical, &mut batch);
        }
        let replay_key = self.replay_key(shaped, org);
        if let Some(hash) = &replay_key {
            batch.want(&Replay::key_of(self.app.service.name, org, hash));
        }
        let also = org.map(|org| task.also(org)).unwrap_or_default();
        batch.want_as(&also);
        FirstReads { batch, also, place, replay_key }
    }

    /// Reads all of it together with the caller check, in one round trip.
    pub(crate) async fn read_with_checks(
        &self,
        shaped: &Shaped,
        org: Option<&Org>,
        mut checks: Batch,
        first: &FirstReads,
    ) -> Result<(Found, Option<Ahead>)> {
        checks.want_as(&first.batch);
        let (found, ahead) = join(shaped.store.read(checks), self.ahead(shaped, org)).await;
        Ok((found?, ahead))
    }

    /// Reads it once the caller has passed: what the caller check did not read, and the page at the same time. Where
    /// there is only a page, the handler reads it.
    pub(crate) async fn read_after_checks(
        &self,
        shaped: &Shaped,
        org: Option<&Org>,
        checks: &Batch,
        first: &FirstReads,
        found: Found,
    ) -> Result<(Found, Option<Ahead>)> {
        let mut rest = first.batch.clone();
        rest.leave_out(checks);
        if rest.is_empty() {
            return Ok((found, None));
        }
        let (rest, ahead) = join(shaped.store.read(rest), self.ahead(shaped, org)).await;
        Ok((found.with(rest?), ahead))
    }

    /// The page that the request asks for, where the request itself says which.
    async fn ahead(&self, shaped: &Shaped, org: Option<&Org>) -> Option<Ahead> {
        let frame = &shaped.framed.frame;
        let org = org?;
        let listing = shaped.framed.task.ahead(org)?;
        let open = |token: &Text<1, 2048>| {
            let (tenant, filters) = (org.guid().to_string(), canonical::text(&shaped.framed.own));
            let scope = CursorScope { tenant: &tenant, route: self.route.call.name, filters: &filters };
            self.app.settings.cursor_key.open(scope, token.as_str())
        };
        // A token that was made for something else is refused when the page is asked for.
        let after = frame.next_token.as_ref().map(open).transpose().ok()?;
        shaped.store.ahead(listing, after, self.route.handler.traits().page_size.limit(frame.limit)).await
    }

    /// The hash of an idempotency key's scope: route and key, and the caller where there is no org; of a caller without
    /// a credential the source network (referral §4).
    fn replay_key(&self, shaped: &Shaped, org: Option<&Org>) -> Option<String> {
        let key = shaped.idempotency_key.as_ref()?;
        let principal = match (&shaped.credential, org) {
            (Credential::None, _) => self.source_ip.as_deref().map(|ip| network_hash(self.app, ip)).into(),
            (_, Some(_)) => Value::Null,
            (Credential::Session(token), None) => token.user_guid.to_string().into(),
            (Credential::Key(token), None) => token.service_account_guid.to_string().into(),
            (Credential::Operator(_), None) => "operator".into(),
        };
        Some(canonical::hash(&Value::from(vec![self.route.call.name.into(), key.as_str().into(), principal])))
    }
}
