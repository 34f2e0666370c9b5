//! How the records that callers are checked against are shown. They are shown alike by every service that answers
//! about them, whichever owns them.

mod facility;
mod invitation;
mod invite;
mod key_policy;
mod member;
mod org;
mod owner;
mod service_account;
mod user;

pub use invitation::InvitationView;
pub use invite::InviteView;
pub use member::MemberView;
pub use user::UserView;
