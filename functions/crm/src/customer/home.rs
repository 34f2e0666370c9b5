//! The home facility of a customer: a reference to a logical facility of ofm (crm §4, common §4 *References*).

use contract::{
    error::{Error, Result, Tag},
    ids::LogicalGuid,
};
use identity::{facility::LogicalFacility, keys::logical_facility, lifecycle::Status};
use serde_json::json;
use service::Ctx;
use store::Stored;

/// Fails with `not-found` if the facility is not there, and with `invalid-state` if it is not active. The error names
/// the field.
pub(super) async fn check(ctx: &Ctx, field: &str, home: Option<LogicalGuid>) -> Result<()> {
    let Some(home) = home else { return Ok(()) };
    match named(ctx, field, home).await?.record.status {
        Status::Active => Ok(()),
        status => Err(Error::from(Tag::InvalidState).detail("field", field).detail("status", json!(status))),
    }
}

/// Reads the facility, whatever its status. Fails with `not-found` and the field if it is not there.
pub(super) async fn named(ctx: &Ctx, field: &str, home: LogicalGuid) -> Result<Stored<LogicalFacility>> {
    let facility = ctx.get(&logical_facility(ctx.org()?, home)).await?;
    facility.ok_or_else(|| Error::no_such(field))
}
