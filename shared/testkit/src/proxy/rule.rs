//! Which calls a fault befalls.

use serde_json::Value;

use super::{Fault, Operation};

/// The calls that a rule chooses.
#[derive(Clone, Debug)]
pub struct When {
    operation: Option<Operation>,
    choice: Choice,
}

#[derive(Clone, Debug)]
enum Choice {
    Nth(usize),
    Always,
    Seeded { permille: u16, rng: fastrand::Rng },
}

impl When {
    /// The `n`th call from now, counted from 1, and no other.
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn nth(n: usize) -> Self {
        assert!(n > 0, "calls are counted from 1");
        Self { operation: None, choice: Choice::Nth(n) }
    }

    /// Every call.
    pub fn always() -> Self {
        Self { operation: None, choice: Choice::Always }
    }

    /// Each call by chance, `permille` in a thousand. The same seed chooses the same calls by their order of arrival.
    ///
    /// # Panics
    /// If `permille` is above 1000.
    pub fn seeded(permille: u16, seed: u64) -> Self {
        assert!(permille <= 1000, "a probability is at most 1000 in a thousand");
        Self { operation: None, choice: Choice::Seeded { permille, rng: fastrand::Rng::with_seed(seed) } }
    }

    /// The same, of the calls of one operation only.
    #[must_use]
    pub fn of(self, operation: Operation) -> Self {
        Self { operation: Some(operation), ..self }
    }
}

/// A fault that is armed.
#[derive(Debug)]
pub(super) struct Rule {
    fault: Fault,
    when: When,
    /// Calls seen that the fault could have befallen.
    seen: usize,
    /// A rule that fires once has fired.
    spent: bool,
}

impl Rule {
    pub(super) fn new(fault: Fault, when: When) -> Self {
        Self { fault, when, seen: 0, spent: false }
    }

    /// Counts the call, and says whether the rule chooses it.
    fn chooses(&mut self, operation: &Operation, request: &Value) -> bool {
        if self.when.operation.as_ref().is_some_and(|only| only != operation)
            || !self.fault.can_befall(operation, request)
        {
            return false;
        }
        self.seen += 1;
        match &mut self.when.choice {
            Choice::Nth(n) => !self.spent && self.seen >= *n,
            Choice::Always => true,
            Choice::Seeded { permille, rng } => rng.u16(0..1000) < *permille,
        }
    }
}

/// The fault that befalls a call: every rule counts the call, the first that chooses it fires.
pub(super) fn decide(rules: &mut [Rule], operation: &Operation, request: &Value) -> Option<Fault> {
    let mut decided = None;
    for rule in rules {
        if rule.chooses(operation, request) && decided.is_none() {
            rule.spent = true;
            decided = Some(rule.fault);
        }
    }
    decided
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn decisions(rules: &mut [Rule], operations: &[Operation]) -> Vec<Option<Fault>> {
        operations.iter().map(|operation| decide(rules, operation, &json!({}))).collect()
    }

    #[test]
    fn nth_fires_once_at_its_call() {
        let mut rules = [Rule::new(Fault::LoseReply, When::nth(2))];
        let decided = decisions(&mut rules, &vec![Operation::GetItem; 4]);
        assert_eq!(decided, [None, Some(Fault::LoseReply), None, None]);
    }

    #[test]
    fn of_counts_one_operation() {
        let mut rules = [Rule::new(Fault::LoseReply, When::nth(2).of(Operation::PutItem))];
        let operations = [Operation::PutItem, Operation::GetItem, Operation::GetItem, Operation::PutItem];
        assert_eq!(decisions(&mut rules, &operations), [None, None, None, Some(Fault::LoseReply)]);
    }

    #[test]
    fn a_call_that_the_fault_cannot_befall_is_not_counted() {
        let conflict = Fault::TransactionConflict { item: 0 };
        let mut rules = [Rule::new(conflict, When::nth(1))];
        assert_eq!(decisions(&mut rules, &[Operation::GetItem, Operation::PutItem]), [None, Some(conflict)]);
    }

    #[test]
    fn rules_count_apart_and_a_beaten_one_takes_the_next_call() {
        let mut rules = [
            Rule::new(Fault::RefuseBefore, When::nth(1)),
            Rule::new(Fault::LoseReply, When::nth(1)),
            Rule::new(Fault::ServerError, When::nth(4)),
        ];
        let decided = decisions(&mut rules, &vec![Operation::GetItem; 5]);
        let expected =
            [Some(Fault::RefuseBefore), Some(Fault::LoseReply), None, Some(Fault::ServerError), None];
        assert_eq!(decided, expected);
    }

    #[test]
    fn always_fires_at_every_call() {
        let mut rules = [Rule::new(Fault::Throttling, When::always())];
        assert_eq!(decisions(&mut rules, &vec![Operation::GetItem; 3]), [Some(Fault::Throttling); 3]);
    }

    #[test]
    fn the_seed_decides_which_calls_and_the_probability_how_many() {
        let run = |permille, seed| {
            let mut rules = [Rule::new(Fault::LoseReply, When::seeded(permille, seed))];
            decisions(&mut rules, &vec![Operation::GetItem; 1000])
        };
        let hits = |decided: &[Option<Fault>]| decided.iter().flatten().count();
        assert_eq!(run(300, 7), run(300, 7));
        assert_ne!(run(300, 7), run(300, 8));
        assert!((200..400).contains(&hits(&run(300, 7))));
        assert_eq!(hits(&run(0, 7)), 0);
        assert_eq!(hits(&run(1000, 7)), 1000);
    }

    #[test]
    #[should_panic(expected = "counted from 1")]
    fn there_is_no_zeroth_call() {
        When::nth(0);
    }

    #[test]
    #[should_panic(expected = "at most 1000")]
    fn a_probability_has_a_bound() {
        When::seeded(1001, 0);
    }
}
