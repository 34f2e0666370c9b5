//! What every state table is tested for: it says what the contract says, and knows no state that is never reached.

use std::fmt::Debug;

use contract::states::States;

/// Compares a table with the contract's words on every pair of states, and walks it from where records begin.
pub(crate) fn check<S: States + Debug>(arcs: &[(S, S)], start: S, allowed: fn(S, S) -> bool) {
    for from in S::ALL {
        for to in S::ALL {
            assert_eq!(arcs.contains(&(*from, *to)), allowed(*from, *to), "{from:?} to {to:?}");
        }
    }
    let mut reached = vec![start];
    while let Some((_, next)) = arcs.iter().find(|(from, to)| reached.contains(from) && !reached.contains(to))
    {
        reached.push(*next);
    }
    for state in S::ALL {
        assert!(reached.contains(state), "{state:?} is never reached");
    }
}
