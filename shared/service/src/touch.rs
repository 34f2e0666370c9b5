//! When a credential was last used.

use identity::{api_key::ApiKey, session::Session};
use store::Org;

use crate::{caller::Principal, ctx::Ctx};

/// Notes that the credential was used (usm §3 and §4), beside the work of the handler. A touch that fails fails
/// nothing.
pub(crate) async fn touch(ctx: &Ctx) {
    let (store, now) = (&ctx.request.store, ctx.now());
    let touched = match &ctx.caller().principal {
        Principal::Session { session, .. } => match session.record.touched(now) {
            Some(touched) => store.touch(&store::System, session, &touched, Session::TOUCHED).await,
            None => Ok(()),
        },
        Principal::Key { key, .. } => match key.record.used(now) {
            Some(used) => store.touch(&Org::checked(key.record.org_guid), key, &used, ApiKey::TOUCHED).await,
            None => Ok(()),
        },
        Principal::Anonymous | Principal::Operator { .. } => Ok(()),
    };
    if let Err(error) = touched {
        tracing::debug!(tag = error.tag().name(), "a touch failed");
    }
}
