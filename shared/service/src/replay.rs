//! Idempotent replay: the first answer again to a request that was carried out before (contract §5).

use contract::{
    canonical,
    context::RequestContext,
    error::{Error, Result, Tag},
    time::Time,
};
use identity::org::OrgRecord;
use serde_json::value::RawValue;
use store::{Found, Org, Replay, Stored};

use crate::{
    frame::Framed,
    run::{Done, Run, Shaped},
};

impl Run {
    /// By which a repeat is known to be one.
    fn payload_hash(&self, framed: &Framed<'_>, org: Option<&Org>) -> String {
        if self.route.handler.traits().holds_secret {
            let tenant = org.map_or_else(|| "-".to_owned(), |org| org.guid().to_string());
            return self.app.settings.lookup_key.hash(&tenant, "payload", &canonical::text(&framed.payload));
        }
        canonical::hash(&framed.payload)
    }

    /// What is kept with the change, so that a repeat is answered by it.
    pub(crate) fn replay(
        &self,
        framed: &Framed<'_>,
        context: &RequestContext,
        org: Option<&(Org, Stored<OrgRecord>)>,
        hash: String,
        now: Time,
    ) -> Replay {
        Replay {
            org_guid: org.map(|(org, _)| org.guid()),
            service: self.app.service.name.to_owned(),
            hash,
            principal: context.actor.clone().unwrap_or_default(),
            payload: self.payload_hash(framed, org.map(|(org, _)| org)),
            data: None,
            revision: None,
            sent: None,
            until: now.plus_hours(Replay::HOURS),
        }
    }
}

/// The first answer again, where the key was used before (contract §5).
pub(crate) fn replayed(found: &Found, mine: &Replay, now: Time) -> Result<Option<Done>> {
    let key = Replay::key_of(&mine.service, mine.org_guid.map(Org::checked).as_ref(), &mine.hash);
    match found.get(&key)? {
        Some(first) if first.record.holds(now) && first.record.answers(mine) => {
            repeat(first.record).map(Some)
        }
        Some(first) if first.record.holds(now) => Err(Tag::IdempotencyMismatch.into()),
        _ => Ok(None),
    }
}

/// A refusal, unless the same request was carried out while this one was decided: what was read last may be its effect.
/// Then its answer again.
pub(crate) async fn refuse(shaped: &Shaped, mine: Option<&Replay>, now: Time, error: Error) -> Result<Done> {
    if error.is_moved() {
        return Err(error);
    }
    carried_out(shaped, mine, now).await?.ok_or(error)
}

/// The first answer to a request that was carried out while this one was decided: records are read beside the answer, and
/// so what was decided on may be later than it.
pub(crate) async fn carried_out(shaped: &Shaped, mine: Option<&Replay>, now: Time) -> Result<Option<Done>> {
    let Some(mine) = mine else { return Ok(None) };
    let key = Replay::key_of(&mine.service, mine.org_guid.map(Org::checked).as_ref(), &mine.hash);
    match shaped.store.get(&key).await? {
        Some(first) if first.record.holds(now) && first.record.answers(mine) => {
            repeat(first.record).map(Some)
        }
        _ => Ok(None),
    }
}

/// A first answer once more.
pub(crate) fn repeat(first: Replay) -> Result<Done> {
    // What was blanked when a person was erased is not there any more (crm §7).
    let data = first.data.ok_or(Tag::NotFound)?;
    let data = RawValue::from_string(data).map_err(Error::internal)?;
    Ok(Done { data, revision: first.revision, sent: first.sent.unwrap_or_default(), replayed: true })
}
