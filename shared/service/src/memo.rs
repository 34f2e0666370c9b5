//! What a request worked out, for its later tries: a command that is decided again reads again, and need not pay again
//! for what costs much and depends on nothing that moves.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use crate::ctx::Ctx;

/// One value of each kind, for as long as the request lasts.
#[derive(Default)]
pub(crate) struct Memo(Mutex<HashMap<TypeId, Box<dyn Any + Send>>>);

impl Memo {
    fn recall<T: Clone + 'static>(&self) -> Option<T> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get(&TypeId::of::<T>())?.downcast_ref().cloned()
    }

    fn keep<T: Send + 'static>(&self, value: T) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.insert(TypeId::of::<T>(), Box::new(value));
    }
}

impl Ctx {
    /// What an earlier try of this request worked out and kept by [`Self::keep_for_tries`]. It must hold what it was worked
    /// out from, so that whoever recalls it sees whether that is still so.
    pub fn recall<T: Clone + 'static>(&self) -> Option<T> {
        self.request.memo.recall()
    }

    /// Keeps what was worked out, one value of each type, for later tries of this request.
    pub fn keep_for_tries<T: Send + 'static>(&self, value: T) {
        self.request.memo.keep(value);
    }
}

#[cfg(test)]
mod tests {
    use super::Memo;

    #[test]
    fn the_last_value_of_each_kind_is_kept() {
        let memo = Memo::default();
        assert_eq!(memo.recall::<u8>(), None);
        memo.keep(1_u8);
        memo.keep(2_u16);
        memo.keep(3_u8);
        assert_eq!((memo.recall::<u8>(), memo.recall::<u16>()), (Some(3), Some(2)));
    }
}
