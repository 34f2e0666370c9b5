//! Changes whose actor is not the caller of the request, because the request came without a credential (contract §10).

use std::sync::Arc;

use contract::{context::RequestContext, envelope::ContextSource};
use identity::token::SessionToken;
use store::Change;

use crate::ctx::{Ctx, Writer};

impl Ctx {
    /// A change by the user who has just proved who they are, in the session that the request opens.
    pub fn change_in_session(&self, token: &SessionToken) -> Writer {
        self.change_as(RequestContext {
            actor: Some(token.user_guid.to_string()),
            context_source: Some(ContextSource::Session),
            session_fingerprint: Some(token.fingerprint()),
            ..self.request.stamp.context.clone()
        })
    }

    /// A change by the system itself, on what a caller without a credential did.
    pub fn change_by_system(&self) -> Writer {
        let context_source = Some(ContextSource::System);
        self.change_as(RequestContext { context_source, ..self.request.stamp.context.clone() })
    }

    fn change_as(&self, context: RequestContext) -> Writer {
        let mut stamp = (*self.request.stamp).clone();
        stamp.context = context;
        let change = Change::new(Arc::new(stamp), self.app.chance.clone());
        Writer { ctx: self.clone(), change }
    }
}
