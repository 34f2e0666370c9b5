//! The home facility of a customer: a reference to a logical facility of ofm (crm §4, common §4 *References*).

use contract::{
    error::{Error, Result, Tag},
    ids::LogicalGuid,
};
use identity::{keys::logical_facility, lifecycle::Status};
use serde_json::json;
use service::Ctx;

/// Fails with `not-found` if the facility is not there, and with `invalid-state` if it is not active. The error names
/// the field.
pub(super) async fn check(ctx: &Ctx, field: &str, home: Option<LogicalGuid>) -> Result<()> {
    let Some(home) = home else { return Ok(()) };
    let facility = ctx.get(&logical_facility(ctx.org()?, home)).await?;
    match facility.ok_or_else(|| Error::no_such(field))?.record.status {
        Status::Active => Ok(()),
        status => Err(Error::from(Tag::InvalidState).detail("field", field).detail("status", json!(status))),
    }
}
