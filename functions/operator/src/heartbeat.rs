//! A change that is made so that it is published: by a schedule, four times an hour (`template.yaml`). If nothing is
//! published for an hour, nothing feeds the relay any more, or the relay publishes nothing, and an alarm goes off. Without
//! it a night without customers would look the same.

use contract::{error::Result, revision::Counter};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Answer, Class, Ctx, OrgFrom, Route, Written, direct::action, write};
use store::{Entity, Key, System, classes};

use crate::keys;

/// The actions.
pub(crate) static ACTIONS: &[Route] = &[Route {
    call: action("heartbeat"),
    summary: "Make a change that is to be published",
    class: Class::A,
    org: OrgFrom::Nowhere,
    access: Access::Operator,
    errors: &[],
    handler: &write(beat),
}];

#[derive(Clone, Deserialize, JsonSchema)]
struct Beat {}

/// How often the heart has beaten.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Heartbeat {
    /// How many changes were made.
    pub(crate) beats: u64,
}

classes!(Heartbeat { beats: Plain });

impl Entity for Heartbeat {
    const SERVICE: &'static str = "operator";
    const TYPE: &'static str = "heartbeat";
    type Scope = System;
    type Revision = Counter;

    fn key(&self, _: &System) -> Key<Self> {
        keys::heartbeat()
    }

    fn id(&self) -> String {
        "relay".to_owned()
    }
}

async fn beat(ctx: Ctx, _: Beat) -> Result<Written<Heartbeat>> {
    let before = ctx.get(&keys::heartbeat()).await?;
    let next = Heartbeat { beats: before.as_ref().map_or(0, |before| before.record.beats).saturating_add(1) };
    let mut change = ctx.change();
    let after = match &before {
        Some(before) => change.adjust(&System, before, next, "heartbeat")?,
        None => change.create(&System, next, "heartbeat")?,
    };
    Ok(change.answer(Answer::new(after.record)))
}
