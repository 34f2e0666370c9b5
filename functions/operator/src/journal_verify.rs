//! Whether the journal of an aggregate is as it was written (contract §10).

use contract::{
    error::{Result, Tag},
    ids::OrgGuid,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Answer, Class, Ctx, OrgFrom, Route, direct::action, read};
use store::{
    Org,
    journal::{Aggregate, ItemKey, Link},
};

use crate::{
    aggregate::{Name, aggregate},
    chain::{Break, Problem, Walk},
};

/// So many entries are checked in one call.
const MOST: usize = 250;

/// The actions.
pub(crate) static ACTIONS: &[Route] = &[Route {
    call: action("journal-verify"),
    summary: "Check the journal of an aggregate, and name the first break",
    class: Class::A,
    org: OrgFrom::Nowhere,
    access: Access::Operator,
    errors: &[Tag::NotFound],
    handler: &read(verify),
}];

#[derive(Clone, Deserialize, JsonSchema)]
struct Verify {
    /// The service in whose name its events are published.
    service: Name,
    /// The org that it belongs to; absent for what belongs to none.
    org_guid: Option<OrgGuid>,
    /// The kind of record, as events name it.
    aggregate_type: Name,
    /// Its id, as events name it.
    aggregate_id: Name,
    /// Go on after the entry of this number: `next` of an earlier answer.
    after: Option<u64>,
}

/// What was found.
#[derive(Serialize, JsonSchema)]
struct Verified {
    /// How many entries were checked in this call.
    checked: u64,
    /// The number of the last entry up to which all is well.
    intact_up_to: u64,
    /// The first break; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_break: Option<Break>,
    /// Whether the end was checked too: the record says how many entries there are. It cannot be asked once it is gone,
    /// nor where its key is made of a secret (sessions, API keys), and is not before all entries are checked.
    end_checked: bool,
    /// Send this as `after` to go on; absent at the end of the journal, and at a break.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<u64>,
}

async fn verify(ctx: Ctx, input: Verify) -> Result<Answer<Verified>> {
    let org = input.org_guid.map(Org::checked);
    let of = aggregate(&input.service, org.as_ref(), &input.aggregate_type, &input.aggregate_id)?;
    let mut walk = Walk::new(of, input.after);
    // The entry before those to be checked comes along: the first of them must follow it.
    let links = ctx.links(of, input.after.unwrap_or(1), MOST).await?;
    if links.is_empty() {
        return Err(Tag::NotFound.into());
    }
    let is_end = links.len() < MOST;
    let result = walk.all(&links);
    let end = match result {
        Ok(()) if is_end => end(&ctx, of, &mut walk, links).await?,
        Ok(()) => Ok(false),
        Err(at) => Err(at),
    };
    Ok(Answer::new(Verified {
        checked: walk.checked(),
        intact_up_to: walk.last(),
        next: (end == Ok(false) && !is_end).then(|| walk.last()),
        end_checked: end == Ok(true),
        first_break: end.err(),
    }))
}

/// Whether the journal ends where the record says; false where the record cannot be asked.
async fn end(
    ctx: &Ctx,
    of: Aggregate<'_>,
    walk: &mut Walk,
    mut links: Vec<Link>,
) -> Result<Result<bool, Break>> {
    loop {
        let Some(record) = record_of(&links) else { return Ok(Ok(false)) };
        let Some(head) = ctx.head(&record).await? else { return Ok(Ok(false)) };
        if head.sequence <= walk.last() {
            return Ok(walk.ends_at(&head).map(|()| true));
        }
        // The record was changed meanwhile, or entries are missing at the end.
        links = ctx.links(of, walk.last() + 1, MOST).await?;
        if links.is_empty() {
            return Ok(Err(Break::new(walk.last() + 1, Problem::Missing, None)));
        }
        if let Err(at) = walk.all(&links) {
            return Ok(Err(at));
        }
    }
}

fn record_of(links: &[Link]) -> Option<ItemKey> {
    links.last()?.entry.as_ref()?.record.clone()
}
