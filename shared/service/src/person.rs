//! A person whom a request names (contract §4, *References*).

use contract::{
    error::{Error, Result},
    ids::UserGuid,
};
use identity::{keys::user as user_key, user::User};
use store::{Batch, Found, Stored};

use crate::ctx::Ctx;

/// Requests the user record of a named person, so that [`found`] and [`read`] cost no round trip of their own.
pub fn want(user: UserGuid, batch: &mut Batch) {
    batch.want(&user_key(user));
}

/// Returns the user record of a person who may be named for something new, from what was read.
///
/// Fails with `not-found` and the field if the user is unknown, unverified, suspended or doomed. A member record does not
/// tell that: a suspended user stays a member. Nothing new hangs on such a person; taking away stays allowed.
pub fn found(found: &Found, user: UserGuid, field: &str) -> Result<Stored<User>> {
    named(found.get(&user_key(user))?, field)
}

/// Reads the user record of a person who may be named for something new. Fails as [`found`] does.
pub async fn read(ctx: &Ctx, user: UserGuid, field: &str) -> Result<Stored<User>> {
    named(ctx.get(&user_key(user)).await?, field)
}

fn named(user: Option<Stored<User>>, field: &str) -> Result<Stored<User>> {
    user.filter(|user| user.record.may_act()).ok_or_else(|| Error::no_such(field))
}

/// Fails with `not-found` and the field if there is no such user, whatever the user's status: for the filter of a list.
pub async fn must_exist(ctx: &Ctx, user: UserGuid, field: &str) -> Result<()> {
    ctx.get(&user_key(user)).await?.map(drop).ok_or_else(|| Error::no_such(field))
}
