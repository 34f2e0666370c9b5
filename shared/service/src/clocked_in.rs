//! Whether somebody is clocked in (ofm §17): asked by whoever ends a membership.

use contract::{
    error::{Error, Result, Tag},
    ids::UserGuid,
};
use identity::keys::open_entry;
use serde_json::json;

use crate::ctx::{Ctx, Writer};

/// `in-use` where a person has an open timesheet entry, also where one is opened before the change is written.
pub async fn refuse(ctx: &Ctx, change: &mut Writer, user: UserGuid) -> Result<()> {
    let key = open_entry(ctx.org()?, user);
    let open = ctx.get(&key).await?;
    if let Some(open) = &open {
        let entry = json!({"kind": "timesheet-entry", "count": 1, "sample_id": open.record.entry_guid});
        return Err(Error::from(Tag::InUse).detail("blocking", json!([entry])));
    }
    change.require_still(&key, open.as_ref())
}
