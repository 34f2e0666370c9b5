//! Requests whose caller is not known, or does not belong to the org: what they cost, and how many are answered
//! (contract §4 *Order of checks*, §11).

use contract::error::{Error, Result};
use store::{Found, Org, Store};

use crate::{
    access::Access,
    caller::Credential,
    frame::{Frame, Framed},
    limit::Limit,
    run::{Holder, Run, Seen, Shaped},
};

impl Run {
    /// Whether the instance has just seen the caller pass; nobody has to where no credential is asked for.
    pub(crate) fn is_known(&self, shaped: &Shaped, org: Option<&Org>) -> bool {
        let credential = shaped.credential.hash();
        credential.is_none_or(|credential| {
            self.app.known.has_just_passed(&credential, org.map(Org::guid), self.app.clock.now())
        })
    }

    /// Remembers that the caller passed.
    pub(crate) fn note_pass(&self, shaped: &Shaped, org: Option<&Org>) {
        if let Some(credential) = shaped.credential.hash() {
            self.app.known.note(credential, org.map(Org::guid), self.app.clock.now());
        }
    }

    /// Remembers no more that the caller passed: it is checked anew.
    pub(crate) fn forget(&self, shaped: &Shaped, org: Option<&Org>) {
        if let Some(credential) = shaped.credential.hash() {
            self.app.known.forget(credential, org.map(Org::guid));
        }
    }

    /// The limit that a request is under if its caller turns out to be a stranger. Routes that limit every address, and
    /// operator actions, have none.
    pub(crate) fn strangers(&self, credential: &Credential, frame: &Frame) -> Option<Limit> {
        let is_limited = self.access() != Access::Operator && !self.limits_addresses();
        let who = || Some([credential.hash()?, self.org_asked_for(frame)].join(" "));
        is_limited.then(|| Limit::of_strangers(self.app, who(), self.source_ip.as_deref())).flatten()
    }

    fn limits_addresses(&self) -> bool {
        self.route.handler.traits().per_address.is_some()
    }

    /// Which org a request is about, as it says: before anything is read.
    fn org_asked_for(&self, frame: &Frame) -> String {
        let context = frame.request_context.as_ref().and_then(|context| context.orgcode.clone());
        let asked = [
            frame.org_guid.map(|guid| guid.to_string()),
            frame.orgcode.as_ref().map(ToString::to_string),
            self.headers.orgcode.as_ref().map(ToString::to_string),
            context,
        ];
        asked.map(Option::unwrap_or_default).join(" ")
    }

    /// Refuses a stranger who was refused a moment ago, before anything is read.
    pub(crate) fn refuse_stranger_again(&self, shaped: &Shaped, seen: &mut Seen) -> Result<()> {
        match &shaped.strangers {
            // Who sends no credential may send a right passcode.
            Some(limit) if self.access() != Access::Public => limit.refuse_again(seen),
            _ => Ok(()),
        }
    }

    /// Whether a refusal says that the caller is not known, or foreign to the org. A log-in that fails is one too.
    pub(crate) fn is_of_stranger(&self, error: &Error, seen: &Seen) -> bool {
        let is_public = self.access() == Access::Public;
        match error.tag().status() {
            401 => is_public || !seen.passed,
            404 => !is_public && !seen.passed,
            _ => false,
        }
    }

    /// Refuses a stranger and counts it. Whoever asks for an org by a code that is remembered costs the look-up all the
    /// same: so neither time nor units tell whether there is such an org.
    pub(crate) async fn refuse_stranger(&self, shaped: &Shaped, seen: &mut Seen, error: Error) -> Error {
        let is_public = self.access() == Access::Public;
        if let Some(claim) = shaped.spared.get().filter(|_| !is_public)
            && let Err(error) = shaped.store.part::<Holder>(claim).await
        {
            return error;
        }
        match &shaped.strangers {
            Some(limit) => count(limit, &shaped.store, seen, error).await,
            None => error,
        }
    }

    /// Refuses a request without a credential, or with one that is malformed, and counts it: by the route's own limit of
    /// addresses, where it has one.
    pub(crate) async fn refuse_nameless(
        &self,
        framed: &Framed<'_>,
        store: &Store,
        seen: &mut Seen,
        error: Error,
    ) -> Error {
        let nobody = Credential::None;
        let limit = if self.limits_addresses() {
            let (source_ip, weight) = (self.source_ip.as_deref(), framed.task.weight());
            Limit::of(self.app, self.route, &nobody, None, source_ip, weight)
        } else {
            self.strangers(&nobody, &framed.frame)
        };
        match limit {
            Some(limit) => count(&limit, store, seen, error).await,
            None => error,
        }
    }
}

/// The refusal, or the limit's once there is no room for more.
async fn count(limit: &Limit, store: &Store, seen: &Seen, error: Error) -> Error {
    let admitted = limit.admit(&Found::default(), seen);
    limit.report(store).await;
    admitted.err().unwrap_or(error)
}
