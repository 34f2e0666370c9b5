//! A user as the operator sees it (usm §5).

use contract::{email::Email, ids::UserGuid, locale::Locale, personal::DisplayName, revision, time::Time};
use identity::user::{User, UserStatus};
use schemars::JsonSchema;
use serde::Serialize;
use store::Stored;

use crate::{answer::Resource, ctx::Ctx};

/// A user as it is answered.
#[derive(Serialize, JsonSchema)]
pub struct UserView {
    /// The person's id.
    user_guid: UserGuid,
    /// The address to log in with; none once it was erased.
    email: Option<Email>,
    /// Whether an operator confirmed that the address is the person's.
    email_confirmed: bool,
    /// The name to show.
    display_name: DisplayName,
    /// The person's language.
    locale: Option<Locale>,
    /// What is known of the passcode.
    passcode: PasscodeView,
    /// How the user stands.
    status: UserStatus,
    /// Sessions from before are dead.
    sessions_valid_from: Option<Time>,
    /// Its revision, to be sent as `expected_revision` with the next change.
    revision: revision::Tag,
    /// When it was created.
    created_at: Time,
    /// When it was last changed.
    updated_at: Time,
}

/// All that is ever told of a passcode.
#[derive(Serialize, JsonSchema)]
struct PasscodeView {
    /// Whether there is one.
    set: bool,
}

impl Resource for User {
    type View = UserView;

    fn view(stored: &Stored<Self>, _: &Ctx) -> UserView {
        let user = stored.record.clone();
        UserView {
            user_guid: user.user_guid,
            email: user.email,
            email_confirmed: user.email_confirmed,
            display_name: user.display_name,
            locale: user.locale,
            passcode: PasscodeView { set: user.passcode_hash.is_some() },
            status: user.status,
            sessions_valid_from: user.sessions_valid_from,
            revision: stored.revision,
            created_at: stored.created_at,
            updated_at: stored.updated_at,
        }
    }
}
