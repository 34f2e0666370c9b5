//! Where the records of this service alone are stored, and how they are found. The keys of what every service reads are
//! in `identity::keys`.

/// Sessions and log-ins.
pub mod session {
    use contract::ids::{SessionId, UserGuid};
    use store::{Key, Partition};
    use uuid::Uuid;

    use crate::{
        lockout::{Lockout, LoginFailures, Subject},
        open_sessions::{OpenSessions, SessionHandle},
    };

    /// Which sessions of a user are open.
    pub fn open(user: UserGuid) -> Key<OpenSessions> {
        Key::new(&Partition::of_system("usm").part("open-sessions").part(user), &[&"index"])
    }

    /// Which session of a user has this public handle.
    pub fn by_handle(user: UserGuid, id: SessionId) -> Key<SessionHandle> {
        Key::new(&Partition::of_system("usm").part("session-handles").part(user), &[&id])
    }

    fn of_subject(subject: &Subject) -> Partition {
        Partition::of_system("usm").part("login-failures").state(subject.by).part(&subject.hash)
    }

    /// How often logging in failed lately for an e-mail, from a network, or for the one from the other.
    pub fn failures(subject: &Subject) -> Key<LoginFailures> {
        Key::new(&of_subject(subject), &[&"count"])
    }

    /// One lock-out.
    pub fn lockout(subject: &Subject, id: Uuid) -> Key<Lockout> {
        Key::new(&of_subject(subject), &[&"lockout", &id])
    }
}

/// Service accounts and API keys.
pub mod api_key {
    use contract::{codes::Code, ids::KeyId};
    use store::{Key, Org, Partition};

    use crate::{key_handle::KeyHandle, service_account::AccountCodeClaim};

    /// Which service account has this code.
    pub fn account_by_code(org: &Org, code: &Code) -> Key<AccountCodeClaim> {
        Key::new(&Partition::of("usm", org).part("service-account-code").part(code), &[&"claim"])
    }

    /// Which key has this public handle.
    pub fn by_handle(org: &Org, id: KeyId) -> Key<KeyHandle> {
        Key::new(&Partition::of("usm", org).part("key-handle").part(id), &[&"handle"])
    }
}
