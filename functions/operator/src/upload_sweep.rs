//! Deleting from the bucket what no sales channel names.
//!
//! An upload may be announced and never taken over, its signed request may be sent again within its time, which makes
//! another version of the object, and another configuration may take its place. A lifecycle rule of the bucket cannot tell
//! such versions from the one that a channel names. So each upload notes itself in an index with the time from which it is
//! to be looked after ([`Due`]), and a schedule does that. Each look is complete in itself, so one that breaks off is
//! made again.
//!
//! The version that a channel names is never deleted. What was never taken over is withdrawn first, by a conditional write
//! with which only one of sweep and completion succeeds; the channel is read after that. What was taken over once is never
//! taken over again (contract ofm §12.1), so what the channel does not name by then, it never will.

use contract::{
    error::{Error, Result},
    ids::ChannelGuid,
    time::Time,
};
use futures::future::{join_all, try_join_all};
use ofm::{
    keys::sales_channel as keys,
    sales_channel::config::{ConfigUpload, Due},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use service::{Access, Answer, Class, Ctx, OrgFrom, Route, Written, direct::action, write};
use store::{Key, Org, Stored};

/// The actions.
pub(crate) static ACTIONS: &[Route] = &[Route {
    call: action("upload-sweep"),
    summary: "Delete uploaded configurations that no sales channel names",
    class: Class::A,
    org: OrgFrom::Nowhere,
    access: Access::Operator,
    errors: &[],
    handler: &write(sweep).ignoring_idempotency(),
}];

/// A run ends when so many seconds have passed: well before the function does.
const SECONDS: i64 = 5;
/// So many uploads are looked up at once in the index …
const PAGE: usize = 100;
/// … and so many looked after at the same time, with as many versions of each.
const AT_ONCE: usize = 8;

#[derive(Clone, Deserialize, JsonSchema)]
struct Sweep {
    /// Only the uploads of this channel; all unless given.
    channel_guid: Option<ChannelGuid>,
}

/// What a run did.
#[derive(Default, Serialize, JsonSchema)]
struct Swept {
    /// Number of uploads of which nothing is left but what a channel names.
    finished: u64,
    /// Number of uploads at which the next run looks again.
    pending: u64,
    /// Number of versions of objects that were deleted.
    versions: u64,
    /// Whether all uploads that were due were looked after; else the next run goes on.
    complete: bool,
}

async fn sweep(ctx: Ctx, input: Sweep) -> Result<Written<Swept>> {
    let deadline = ctx.machine_time().plus_seconds(SECONDS);
    let due = keys::uploads_due(ctx.now());
    let mut done = Swept { complete: true, ..Swept::default() };
    let (mut failed, mut after): (Option<Error>, _) = (None, None);
    'pages: loop {
        let mut page = ctx.page(&due, after.as_deref(), PAGE).await?;
        page.records
            .retain(|upload| input.channel_guid.is_none_or(|only| only == upload.record.channel_guid));
        for some in page.records.chunks(AT_ONCE) {
            if ctx.machine_time() >= deadline {
                done.complete = false;
                break 'pages;
            }
            for looked in join_all(some.iter().map(|upload| look(&ctx, &upload.record, deadline))).await {
                match looked {
                    Ok(Looked { versions, is_over }) => {
                        done.versions += versions;
                        *(if is_over { &mut done.finished } else { &mut done.pending }) += 1;
                        done.complete &= is_over;
                    }
                    // Somebody else writes there: the next run looks.
                    Err(error) if error.is_moved() => done.pending += 1,
                    // One that fails holds up no other, and the run fails all the same: an alarm hears of it.
                    Err(error) => failed = failed.or(Some(error)),
                }
            }
        }
        after = page.position;
        if after.is_none() {
            break;
        }
    }
    match failed {
        Some(error) => Err(error),
        None => Ok(ctx.change().answer(Answer::new(done))),
    }
}

/// What a look at an upload did.
#[derive(Clone, Copy)]
struct Looked {
    /// How many versions it deleted.
    versions: u64,
    /// Whether there are no more; else time ran out.
    is_over: bool,
}

/// Looks after an upload that the index tells of.
async fn look(ctx: &Ctx, seen: &ConfigUpload, deadline: Time) -> Result<Looked> {
    let nothing = Looked { versions: 0, is_over: true };
    let Some(Due { org_guid, config_s3_key, .. }) = &seen.due else { return Ok(nothing) };
    let org = Org::checked(*org_guid);
    let key = keys::config_upload(&org, seen.channel_guid, &seen.name);
    let Some(upload) = out_of_reach(ctx, &org, &key).await? else { return Ok(nothing) };
    let named = named(ctx, &org, &upload.record, config_s3_key).await?;
    let looked = clear(ctx, config_s3_key, named.as_deref(), deadline).await?;
    if looked.is_over {
        let mut change = ctx.change();
        if upload.record.completed_at.is_none() {
            change.discard(&org, &upload)?;
        } else {
            change.keep(&org, Some(&upload), ConfigUpload { due: None, ..upload.record.clone() })?;
        }
        ctx.commit(change).await?;
    }
    Ok(looked)
}

/// The upload as it is, if it is still due. If it was never taken over, it cannot be any more from here on: also not by a
/// request that came in time and is under way.
async fn out_of_reach(ctx: &Ctx, org: &Org, key: &Key<ConfigUpload>) -> Result<Option<Stored<ConfigUpload>>> {
    // The index may lag.
    let found = ctx.get(key).await?;
    let is_due = |upload: &ConfigUpload| upload.due.as_ref().is_some_and(|due| due.at <= ctx.now());
    let Some(upload) = found.filter(|upload| is_due(&upload.record)) else { return Ok(None) };
    if upload.record.completed_at.is_some() || upload.record.withdrawn_at.is_some() {
        return Ok(Some(upload));
    }
    let mut change = ctx.change();
    let withdrawn = ConfigUpload { withdrawn_at: Some(ctx.now()), ..upload.record.clone() };
    change.keep(org, Some(&upload), withdrawn)?;
    ctx.commit(change).await?;
    ctx.get(key).await
}

/// The version of the object that the channel names.
async fn named(ctx: &Ctx, org: &Org, upload: &ConfigUpload, object: &str) -> Result<Option<String>> {
    let channel = ctx.get(&keys::by_guid(org, upload.channel_guid)).await?;
    let config = channel.and_then(|channel| channel.record.config);
    let config = config.filter(|config| config.config_s3_key == object);
    let is_current = upload.completed_at.is_some() && upload.superseded_at.is_none();
    if is_current && config.is_none() {
        // What it put there is kept for its time.
        return Err(Error::moved("a configuration was replaced"));
    }
    Ok(config.map(|config| config.config_s3_version_id))
}

/// Deletes the versions of an object but for one.
async fn clear(ctx: &Ctx, object: &str, named: Option<&str>, deadline: Time) -> Result<Looked> {
    let objects = ctx.objects()?;
    let mut looked = Looked { versions: 0, is_over: false };
    loop {
        let mut versions = objects.versions(object).await?;
        versions.retain(|version| Some(version.as_str()) != named);
        if versions.is_empty() {
            return Ok(Looked { is_over: true, ..looked });
        }
        for some in versions.chunks(AT_ONCE) {
            if ctx.machine_time() >= deadline {
                return Ok(looked);
            }
            let deleted = try_join_all(some.iter().map(|version| objects.delete(object, version))).await?;
            looked.versions += u64::try_from(deleted.len()).unwrap_or(0);
        }
    }
}
