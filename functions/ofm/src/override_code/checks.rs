//! The checks of a validation, in the order in which they answer (contract ofm §14, *Validate*).

use contract::{
    error::Tag,
    ids::{LogicalGuid, UserGuid},
    reason::SourceRef,
    text::Text,
    time::Time,
};

use super::{
    OverrideCode, StoredStatus,
    worth::{OverrideType, Worth},
};

/// What a code is to be used for.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// Where.
    pub logical_guid: LogicalGuid,
    /// For what.
    pub kind: OverrideType,
    /// How much.
    pub value: Option<Worth>,
    /// By whom.
    pub cashier: UserGuid,
    /// What is done.
    pub action: Option<Text<1, 64>>,
    /// To which record.
    pub record: Option<SourceRef>,
    /// The business reference.
    pub use_ref: Option<Text<1, 128>>,
    /// The person who asks, where it is one: they may name another cashier, and use nothing that is not theirs to use.
    pub caller: Option<UserGuid>,
    /// Whether codes of the issuer count.
    pub issuer_counts: bool,
    /// Whether the issuer may use the code too.
    pub own_use_allowed: bool,
    /// Whether the issuer could give out a code for this now.
    pub issuer_may_give: bool,
    /// When.
    pub now: Time,
}

impl Attempt {
    /// Who would use the code: the cashier, and the person who asks.
    fn users(&self) -> impl Iterator<Item = UserGuid> {
        [self.cashier].into_iter().chain(self.caller)
    }
}

/// What becomes of an attempt that passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passed {
    /// It is one more use.
    Anew,
    /// It is a use that was made before: its reference says so.
    Before,
}

/// One check: refuses with its tag.
type Check = fn(&OverrideCode, &Attempt) -> Result<(), Tag>;

/// The checks after the first, which is that there is such a code. Of a use that was made before, those of how the code
/// stands now are left out: a repeat is answered although the code was used up by it, or has ended since.
const CHECKS: &[(Check, bool)] = &[
    (active, false),
    (facility, true),
    (kind, true),
    (binding, true),
    (own_use, true),
    (limit, true),
    (issuers_limit, false),
    (usage, false),
    (expiry, false),
];

/// The first check that fails answers.
pub fn judge(code: Option<&OverrideCode>, attempt: &Attempt) -> Result<Passed, Tag> {
    let code = code.filter(|code| code.is_found(attempt.now)).ok_or(Tag::OverrideNotFound)?;
    let before = attempt.use_ref.as_ref().is_some_and(|use_ref| code.uses.contains(use_ref));
    let mut checks = CHECKS.iter().filter(|(_, of_repeats)| *of_repeats || !before);
    checks.try_for_each(|(check, _)| check(code, attempt))?;
    Ok(if before { Passed::Before } else { Passed::Anew })
}

fn passes(is_right: bool, tag: Tag) -> Result<(), Tag> {
    if is_right { Ok(()) } else { Err(tag) }
}

fn active(code: &OverrideCode, attempt: &Attempt) -> Result<(), Tag> {
    passes(code.status == StoredStatus::Active && attempt.issuer_counts, Tag::OverrideNotActive)
}

fn facility(code: &OverrideCode, attempt: &Attempt) -> Result<(), Tag> {
    passes(code.logical_guid == attempt.logical_guid, Tag::OverrideFacilityMismatch)
}

fn kind(code: &OverrideCode, attempt: &Attempt) -> Result<(), Tag> {
    passes(code.override_type == attempt.kind, Tag::OverrideTypeMismatch)
}

fn binding(code: &OverrideCode, attempt: &Attempt) -> Result<(), Tag> {
    let Some(bind) = &code.bind else { return Ok(()) };
    let is_bound = (bind.action.is_none() || bind.action == attempt.action)
        && (bind.record.is_none() || bind.record == attempt.record)
        && bind.user_guid.is_none_or(|user| attempt.users().all(|by| by == user));
    passes(is_bound, Tag::OverrideBindingMismatch)
}

fn own_use(code: &OverrideCode, attempt: &Attempt) -> Result<(), Tag> {
    let by_issuer = attempt.users().any(|by| by == code.issued_by);
    passes(!by_issuer || attempt.own_use_allowed, Tag::OverrideSelfUse)
}

fn limit(code: &OverrideCode, attempt: &Attempt) -> Result<(), Tag> {
    let (Some(most), Some(value)) = (code.max_value, attempt.value) else { return Ok(()) };
    let is_exact = match code.bind.as_ref().and_then(|bind| bind.amount) {
        Some(amount) => value.is_within(amount)? && value == amount,
        None => true,
    };
    passes(value.is_within(most)? && is_exact, Tag::OverrideLimitExceeded)
}

fn issuers_limit(_: &OverrideCode, attempt: &Attempt) -> Result<(), Tag> {
    passes(attempt.issuer_may_give, Tag::OverrideLimitExceeded)
}

fn usage(code: &OverrideCode, _: &Attempt) -> Result<(), Tag> {
    passes(code.used_count < code.max_uses, Tag::OverrideExhausted)
}

fn expiry(code: &OverrideCode, attempt: &Attempt) -> Result<(), Tag> {
    passes(attempt.now < code.expires_at, Tag::OverrideExpired)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::override_code::{
        Bind,
        tests::{at, code},
    };

    fn person(n: u8) -> UserGuid {
        format!("0190163d-8694-739b-aea5-966c26f8ad{n:02}").parse().expect("an id")
    }

    fn attempt() -> Attempt {
        Attempt {
            logical_guid: LogicalGuid::NOWHERE,
            kind: OverrideType::DiscountLine,
            value: Some(Worth::Share(500)),
            cashier: person(1),
            action: None,
            record: None,
            use_ref: None,
            caller: None,
            issuer_counts: true,
            own_use_allowed: false,
            issuer_may_give: true,
            now: at(5),
        }
    }

    type Fault = fn(&mut OverrideCode, &mut Attempt);

    /// What can be wrong, in the order of the table; each makes its own check fail and no other.
    const FAULTS: &[(Tag, Fault)] = &[
        (Tag::OverrideNotActive, |code, _| code.status = StoredStatus::Revoked),
        (Tag::OverrideFacilityMismatch, |_, attempt| {
            attempt.logical_guid = LogicalGuid::from_uuid(person(9).uuid());
        }),
        (Tag::OverrideTypeMismatch, |_, attempt| attempt.kind = OverrideType::DiscountOrder),
        (Tag::OverrideBindingMismatch, |code, _| {
            let user_guid = Some(person(7));
            code.bind = Some(Bind { action: None, record: None, amount: None, user_guid });
        }),
        (Tag::OverrideSelfUse, |code, attempt| code.issued_by = attempt.cashier),
        (Tag::OverrideLimitExceeded, |_, attempt| attempt.value = Some(Worth::Share(501))),
        (Tag::OverrideExhausted, |code, _| code.used_count = code.max_uses),
        (Tag::OverrideExpired, |code, attempt| code.expires_at = attempt.now),
    ];

    proptest! {
        #[test]
        fn the_first_check_that_fails_answers(wrong in prop::collection::vec(any::<bool>(), FAULTS.len())) {
            let (mut code, mut attempt) = (code(), attempt());
            let faults = FAULTS.iter().zip(&wrong).filter(|(_, is_wrong)| **is_wrong);
            let faults: Vec<_> = faults.map(|(fault, _)| fault).collect();
            for (_, make) in &faults {
                make(&mut code, &mut attempt);
            }
            let first = faults.first().map_or(Ok(Passed::Anew), |(tag, _)| Err(*tag));
            prop_assert_eq!(judge(Some(&code), &attempt), first);

            // The same use once more: how the code stands by now does not matter.
            attempt.use_ref = Some("sale-1".parse().unwrap());
            code.uses = vec!["sale-1".parse().unwrap()];
            let of_code = [Tag::OverrideNotActive, Tag::OverrideExhausted, Tag::OverrideExpired];
            let first = faults.iter().find(|(tag, _)| !of_code.contains(tag));
            let first = first.map_or(Ok(Passed::Before), |(tag, _)| Err(*tag));
            prop_assert_eq!(judge(Some(&code), &attempt), first);
        }
    }

    #[test]
    fn digits_that_nobody_has_or_had_a_day_ago_are_not_found() {
        assert_eq!(judge(None, &attempt()), Err(Tag::OverrideNotFound));
        let late = Attempt { now: at(15 + 24 * 60), ..attempt() };
        assert_eq!(judge(Some(&code()), &late), Err(Tag::OverrideNotFound));
    }

    #[test]
    fn a_code_is_bound_to_each_thing_that_it_names() {
        let record = |id: &str| SourceRef { kind: "order".parse().unwrap(), id: id.parse().unwrap() };
        let bind = Bind {
            action: Some("void".parse().unwrap()),
            record: Some(record("1")),
            amount: Some(Worth::Share(400)),
            user_guid: Some(person(1)),
        };
        let code = OverrideCode { bind: Some(bind), ..code() };
        let right = Attempt {
            action: Some("void".parse().unwrap()),
            record: Some(record("1")),
            value: Some(Worth::Share(400)),
            ..attempt()
        };
        assert_eq!(judge(Some(&code), &right), Ok(Passed::Anew));
        for wrong in [
            Attempt { action: None, ..right.clone() },
            Attempt { action: Some("Void".parse().unwrap()), ..right.clone() },
            Attempt { record: Some(record("2")), ..right.clone() },
            Attempt { record: None, ..right.clone() },
            Attempt { cashier: person(2), ..right.clone() },
        ] {
            assert_eq!(judge(Some(&code), &wrong), Err(Tag::OverrideBindingMismatch), "{wrong:?}");
        }
        for value in [399, 401, 500] {
            let wrong = Attempt { value: Some(Worth::Share(value)), ..right.clone() };
            assert_eq!(judge(Some(&code), &wrong), Err(Tag::OverrideLimitExceeded));
        }
    }

    #[test]
    fn whoever_may_uses_their_own() {
        let code = OverrideCode { issued_by: person(1), ..code() };
        let allowed = Attempt { own_use_allowed: true, ..attempt() };
        assert_eq!(judge(Some(&code), &allowed), Ok(Passed::Anew));
    }
}
