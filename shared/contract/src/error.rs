//! The error catalogue: every way in which a request can fail (contract §9).
//!
//! [`Tag`] is the one list and [`Tag::parts`] the one place where a failure becomes a status and a text.
//! What happened inside is kept apart ([`Error::because`]) and has no way into an answer.

use std::fmt;

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::problem::Problem;

/// The result of everything that can be refused.
pub type Result<T, E = Error> = std::result::Result<T, E>;

macro_rules! catalogue {
    ($($(#[$doc:meta])* $tag:ident = $status:literal $name:literal $text:literal;)*) => {
        /// What went wrong, as a caller's program reads it (`error.major.tag`).
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Tag { $($(#[$doc])* #[doc = concat!("`", $name, "`")] $tag,)* }

        impl Tag {
            /// Every tag, for documents and tests.
            pub const ALL: &'static [Self] = &[$(Self::$tag,)*];

            /// HTTP status, tag and public text.
            pub const fn parts(self) -> (u16, &'static str, &'static str) {
                match self { $(Self::$tag => ($status, $name, $text),)* }
            }
        }
    };
}

catalogue! {
    InvalidJson = 400 "invalid-json" "The body is not a JSON object.";
    InvalidInput = 400 "invalid-input" "A field is missing, unknown or malformed.";
    PageTooDeep = 400 "page-too-deep" "Pages end with record 10,000: page times limit must not pass it.";
    InvalidToken = 400 "invalid-token" "The next_token was not issued for this list, or was altered.";
    ContextMismatch = 400 "context-mismatch" "Two places of the request name different contexts.";

    AuthRequired = 401 "auth-required" "A session or an API key is required.";
    SessionInvalid = 401 "session-invalid" "The session is unknown or closed.";
    SessionExpired = 401 "session-expired" "The session has expired.";
    ApiKeyInvalid = 401 "api-key-invalid" "The API key is unknown or revoked.";
    ApiKeyExpired = 401 "api-key-expired" "The API key has expired.";
    InvalidPasscode = 401 "invalid-passcode" "The e-mail or the passcode is wrong.";

    Forbidden = 403 "forbidden" "The caller may not do this.";
    NotOwner = 403 "not-owner" "Only an owner of the org may do this.";
    NotPrimaryOwner = 403 "not-primary-owner" "Only the primary owner of the org may do this.";
    FacilityGrantRequired = 403 "facility-grant-required" "A grant for this facility is required.";
    OrgWriteBlocked = 403 "org-write-blocked" "The status of the org does not allow changes.";
    UserNotVerified = 403 "user-not-verified" "The user is not verified.";
    EmailNotVerified = 403 "email-not-verified" "The e-mail address is not confirmed.";

    ProfileLimitExceeded = 403 "profile-limit-exceeded" "The caller's own till profile does not allow as much.";

    NotFound = 404 "not-found" "There is no such record.";
    CodeNotFound = 404 "code-not-found" "There is no such code.";
    OverrideNotFound = 404 "override-not-found" "There is no such override code.";
    RouteNotFound = 404 "route-not-found" "There is no such route.";
    MethodNotAllowed = 405 "method-not-allowed" "The route does not take this method.";
    PayloadTooLarge = 413 "payload-too-large" "The body is larger than 256 KB.";
    UnsupportedMediaType = 415 "unsupported-media-type" "The content type must be application/json.";

    Conflict = 409 "conflict" "The record has changed since it was read.";
    InvalidState = 409 "invalid-state" "The state of the record does not allow this.";
    InvalidTransition = 409 "invalid-transition" "The record cannot go from its state to the one asked for.";
    DuplicateCode = 409 "duplicate-code" "The code is taken.";
    DuplicateEmail = 409 "duplicate-email" "The e-mail address is taken.";
    DuplicatePhone = 409 "duplicate-phone" "The phone number is taken.";
    DuplicateExternalRef = 409 "duplicate-external-ref" "The external reference is taken.";
    DuplicateOwner = 409 "duplicate-owner" "The person is an owner already.";
    DuplicateMember = 409 "duplicate-member" "The person is a member already.";
    DuplicateInvite = 409 "duplicate-invite" "The person has an active invite already.";
    DuplicateExternalId = 409 "duplicate-external-id" "Another active sales channel has the external id.";
    ShiftOverlap = 409 "shift-overlap" "The person has another shift at that time.";
    TimesheetOpen = 409 "timesheet-open" "The person is clocked in already.";
    TimesheetOverlap = 409 "timesheet-overlap" "The person has another timesheet entry at that time.";
    ClockOutTimeRequired = 409 "clock-out-time-required" "The entry is open for too long: say when it ended.";
    InUse = 409 "in-use" "Other records depend on this one.";
    LastOwner = 409 "last-owner" "An org always keeps its primary owner: name another first.";
    IdempotencyMismatch = 409 "idempotency-mismatch" "The idempotency key was used for another request.";
    IdempotencyInProgress = 409 "idempotency-in-progress" "A request with this idempotency key is still running.";
    Ambiguous = 409 "ambiguous" "Several records match.";
    Cooldown = 409 "cooldown" "It is too early to do this again.";
    ConfigMissing = 409 "config-missing" "Nothing was uploaded under the key.";
    ConfigMismatch = 409 "config-mismatch" "What was uploaded is not what was announced.";
    ConfigInvalid = 409 "config-invalid" "What was uploaded is no JSON object, or nests too deep.";
    ConfigSuperseded = 409 "config-superseded" "The channel has had this configuration, and has another since.";
    ZoneDepthExceeded = 409 "zone-depth-exceeded" "Zones lie at most 8 deep.";
    LimitExceeded = 409 "limit-exceeded" "There are as many as there may be.";
    TooManySessions = 409 "too-many-sessions" "The user has as many active sessions as there may be.";
    InvitationExpired = 409 "invitation-expired" "The invitation has expired.";
    InvitationAccepted = 409 "invitation-accepted" "The invitation has been used.";
    InvitationRejected = 409 "invitation-rejected" "The invitation was rejected.";
    InvitationRevoked = 409 "invitation-revoked" "The invitation was revoked.";
    InvitationDoomed = 409 "invitation-doomed" "The invitation was withdrawn.";
    InvitationMismatch = 409 "invitation-mismatch" "The invitation is for another orgcode.";
    CodeInactive = 409 "code-inactive" "The code is disabled or has expired.";
    CodeMismatch = 409 "code-mismatch" "The record was made with another code.";
    AlreadyConfirmed = 409 "already-confirmed" "The record was confirmed for another member.";
    MemberAlreadyConfirmed = 409 "member-already-confirmed" "Another record was confirmed for this member.";
    WindowExpired = 409 "window-expired" "The code's window had ended at the time of the confirmation.";
    SelfReferral = 409 "self-referral" "Nobody is their own mentor.";
    CurrencyMismatch = 409 "currency-mismatch" "Amounts of two currencies are never compared or added.";
    OrgDefaultRequired = 409 "org-default-required" "The default profile of an org can be replaced, not taken away.";
    OverrideNotActive = 409 "override-not-active" "The override code was revoked.";
    OverrideFacilityMismatch = 409 "override-facility-mismatch" "The override code is for another facility.";
    OverrideTypeMismatch = 409 "override-type-mismatch" "The override code is for something else.";
    OverrideBindingMismatch = 409 "override-binding-mismatch" "The override code is bound to something else.";
    OverrideSelfUse = 409 "override-self-use" "Nobody uses an override code of their own.";
    OverrideLimitExceeded = 409 "override-limit-exceeded" "The override code does not allow as much.";
    OverrideExhausted = 409 "override-exhausted" "The override code was used as often as it may be.";
    OverrideExpired = 409 "override-expired" "The override code has expired.";
    LegalHold = 409 "legal-hold" "A legal hold forbids this.";
    CustomerOnHold = 409 "customer-on-hold" "A pending hold forbids this.";

    ExpectedRevisionRequired = 428 "expected-revision-required" "expected_revision is required for this change.";
    RateLimited = 429 "rate-limited" "Too many requests: try again later.";
    Internal = 500 "internal" "The request failed. Quote the request id to support.";
    Unavailable = 503 "unavailable" "A dependency did not answer. The same request may be sent again.";
}

impl Tag {
    /// HTTP status.
    pub const fn status(self) -> u16 {
        self.parts().0
    }

    /// The tag as it is written in an answer.
    pub const fn name(self) -> &'static str {
        self.parts().1
    }

    /// Whether the same request may succeed when it is sent again later.
    pub const fn retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable | Self::IdempotencyInProgress)
    }
}

impl Serialize for Tag {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A finer distinction within a tag (`error.minor`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Minor {
    /// The session was known and has been closed.
    SessionDoomed,
    /// The session ran out of time.
    TtlExpired,
    /// There is none at all.
    NotFound,
}

impl Minor {
    /// Tag and public text.
    pub const fn parts(self) -> (&'static str, &'static str) {
        match self {
            Self::SessionDoomed => ("session-doomed", "The session was closed."),
            Self::NotFound => ("not-found", "No record matches."),
            Self::TtlExpired => {
                ("ttl-expired", "The session was not used in time, or reached its longest life.")
            }
        }
    }
}

/// One field that could not be accepted, as in `error.details.fields[]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldProblem {
    /// Where: `address.country`, `breaks[0].start`.
    pub field: String,
    /// What is wrong with it.
    pub problem: String,
}

/// A refusal or a failure on its way to the caller.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    tag: Tag,
    minor: Option<Minor>,
    details: Map<String, Value>,
    revision: Option<Value>,
    retry_after: Option<u32>,
    cause: Option<String>,
    moved: bool,
}

impl From<Tag> for Error {
    fn from(tag: Tag) -> Self {
        Self(Box::new(Inner {
            tag,
            minor: None,
            details: Map::new(),
            revision: None,
            retry_after: None,
            cause: None,
            moved: false,
        }))
    }
}

impl Error {
    /// `invalid-input` for one field.
    pub fn field(field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::fields(&[FieldProblem { field: field.into(), problem: problem.into() }])
    }

    /// `invalid-input` for everything that was found wrong.
    pub fn fields(problems: &[FieldProblem]) -> Self {
        Self::from(Tag::InvalidInput).detail("fields", json!(problems))
    }

    /// A reference in the body to a record that is not there (contract §4, *References*).
    pub fn no_such(field: &str) -> Self {
        Self::from(Tag::NotFound).detail("field", json!(field))
    }

    /// `unavailable`, with what failed for the log.
    pub fn unavailable(cause: impl fmt::Display) -> Self {
        Self::from(Tag::Unavailable).because(cause)
    }

    /// `internal`, with what failed for the log.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::from(Tag::Internal).because(cause)
    }

    /// A record that a decision was based on changed before the decision could be written: decide again.
    /// Reaches a caller only as `unavailable`, when that went on for too long.
    pub fn moved(cause: impl fmt::Display) -> Self {
        let mut error = Self::unavailable(cause);
        error.0.moved = true;
        error
    }

    /// Adds a figure or an id that explains the refusal.
    #[must_use]
    pub fn detail(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.details.insert(name.to_owned(), value.into());
        self
    }

    /// Adds the finer tag.
    #[must_use]
    pub fn minor(mut self, minor: Minor) -> Self {
        self.0.minor = Some(minor);
        self
    }

    /// Says which revision the record has now (top level of the envelope).
    #[must_use]
    pub fn at_revision(mut self, revision: impl Into<Value>) -> Self {
        self.0.revision = Some(revision.into());
        self
    }

    /// Says in how many seconds to try again (`retry-after`).
    #[must_use]
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after = Some(seconds);
        self
    }

    /// Keeps what happened inside, for the log only. Must hold no secret and no personal data.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.0.cause = Some(cause.to_string());
        self
    }

    /// The tag.
    pub fn tag(&self) -> Tag {
        self.0.tag
    }

    /// See [`Error::moved`].
    pub fn is_moved(&self) -> bool {
        self.0.moved
    }

    /// The current revision, where the error is about one record.
    pub fn revision(&self) -> Option<&Value> {
        self.0.revision.as_ref()
    }

    /// Seconds after which to try again.
    pub fn retry_after_seconds(&self) -> Option<u32> {
        self.0.retry_after
    }

    /// A detail that was added.
    pub fn get(&self, detail: &str) -> Option<&Value> {
        self.0.details.get(detail)
    }

    /// What happened inside: for the log, never for an answer.
    pub fn cause(&self) -> Option<&str> {
        self.0.cause.as_deref()
    }

    /// The `error` object of the envelope (contract §3).
    pub fn body(&self, service: &str) -> Value {
        let (status, tag, text) = self.0.tag.parts();
        let mut body = json!({
            "major": {"tag": tag, "message": {"en_US": text}},
            "error_code": format!("{service}.{tag}"),
            "http_status": status,
            "retryable": self.0.tag.retryable(),
        });
        if let Some((tag, text)) = self.0.minor.map(Minor::parts) {
            body["minor"] = json!({"tag": tag, "message": {"en_US": text}});
        }
        if !self.0.details.is_empty() {
            body["details"] = Value::Object(self.0.details.clone());
        }
        body
    }
}

impl Error {
    /// The body of a refusal where there is no envelope (referral §8): code, message, and what explains it.
    pub fn bare_body(&self) -> Value {
        let (_, code, message) = self.0.tag.parts();
        let mut error = json!({"code": code, "message": message});
        if !self.0.details.is_empty() {
            error["details"] = Value::Object(self.0.details.clone());
        }
        json!({"error": error})
    }
}

impl From<(&str, Problem)> for Error {
    fn from((field, problem): (&str, Problem)) -> Self {
        Self::field(field, problem.to_string())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("tag", &self.0.tag.name())
            .field("details", &self.0.details)
            .field("cause", &self.0.cause)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn tags_are_distinct_and_kebab_case() {
        let names: BTreeSet<_> = Tag::ALL.iter().map(|tag| tag.name()).collect();
        assert_eq!(names.len(), Tag::ALL.len());
        for name in names {
            assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b == b'-'), "{name}");
        }
    }

    #[test]
    fn the_cause_never_reaches_the_body() {
        let error = Error::internal("table g3n refused").detail("figure", 3);
        assert!(!error.body("ofm").to_string().contains("g3n"));
        assert_eq!(error.body("ofm")["error_code"], "ofm.internal");
        assert_eq!(error.body("ofm")["details"]["figure"], 3);
    }

    #[test]
    fn only_waiting_helps_means_retryable() {
        for tag in Tag::ALL {
            assert_eq!(
                tag.retryable(),
                matches!(tag.name(), "rate-limited" | "unavailable" | "idempotency-in-progress"),
                "{}",
                tag.name()
            );
        }
    }
}
