//! Checking the passcode of a log-in (usm §3), once in a request: log-ins of one user that meet decide again on the open
//! sessions, and hashing costs more than all the rest of a try.

use contract::{error::Result, secret::Secret};
use identity::passcode::{self, PasscodeHash};
use service::Ctx;

/// What a passcode was found to be, and by which hash.
#[derive(Clone)]
struct Checked {
    hash: Option<PasscodeHash>,
    is_right: bool,
}

/// Whether the passcode is the one that was hashed. Takes the same work where there is no hash.
pub(crate) async fn is_right(ctx: &Ctx, hash: Option<&PasscodeHash>, given: &Secret) -> Result<bool> {
    if let Some(before) = ctx.recall::<Checked>().filter(|before| before.hash.as_ref() == hash) {
        return Ok(before.is_right);
    }
    let is_right = match hash {
        Some(hash) => hash.verify(given, ctx.deadline()).await?,
        None => passcode::verify_nothing(given, ctx.deadline()).await.map(|()| false)?,
    };
    ctx.keep_for_tries(Checked { hash: hash.cloned(), is_right });
    Ok(is_right)
}

/// A passcode that was hashed anew.
#[derive(Clone)]
struct Rehashed(PasscodeHash);

/// The passcode's hash with as much work as is asked for now: made once in a request.
pub(crate) async fn rehashed(ctx: &Ctx, given: &Secret) -> Result<PasscodeHash> {
    if let Some(Rehashed(hash)) = ctx.recall() {
        return Ok(hash);
    }
    let hash = PasscodeHash::of(given, ctx.chance(), ctx.deadline()).await?;
    ctx.keep_for_tries(Rehashed(hash.clone()));
    Ok(hash)
}
