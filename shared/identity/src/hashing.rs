//! The work of a passcode hash: one at a time in a process, in one buffer that the process keeps (usm §3, *Log-in*).
//!
//! A hash fills 19 MiB. A buffer of its own for each would leave the process as large as the most hashes at once, and
//! larger: the allocator puts whatever is written meanwhile into the end of a freed buffer, so that it cannot be used
//! again.

use std::sync::{Arc, LazyLock};

use argon2::{Argon2, Block, Params};
use contract::error::{Error, Result};
use store::Deadline;
use tokio::{sync::Mutex, task::spawn_blocking, time::timeout};
use zeroize::{Zeroize, Zeroizing};

/// The buffer. Whoever holds it hashes.
static BUFFER: LazyLock<Arc<Mutex<Vec<Block>>>> = LazyLock::new(Arc::default);

/// What is hashed, and how.
pub(crate) struct Work {
    pub(crate) argon2: Argon2<'static>,
    pub(crate) passcode: Zeroizing<Vec<u8>>,
    pub(crate) salt: Vec<u8>,
    pub(crate) output_len: usize,
}

impl Work {
    /// The hash. Waits for its turn as long as the request has time; `unavailable` if it does not come. Only one call at a
    /// time runs in a function of Lambda's, so that calls wait only where many share a process.
    pub(crate) async fn done(self, until: Deadline) -> Result<Vec<u8>> {
        let turn = timeout(until.left_for_calls(), BUFFER.clone().lock_owned()).await;
        let mut buffer = turn.map_err(|_| Error::unavailable("too many passcodes were hashed at once"))?;
        // On a thread of its own, because it takes some 20 ms in which the executor has other work. The thread holds
        // the buffer until it is done, also if the request is given up meanwhile.
        spawn_blocking(move || self.fill(&mut buffer)).await.map_err(Error::internal)?
    }

    fn fill(self, buffer: &mut Vec<Block>) -> Result<Vec<u8>> {
        let blocks = self.argon2.params().block_count();
        if buffer.len() < blocks {
            // At once what every hash of now needs, also if the first one needs less.
            let least = blocks.max(CURRENT.block_count());
            buffer.reserve_exact(least - buffer.len());
            buffer.resize(least, Block::default());
        }
        let blocks = buffer.get_mut(..blocks).unwrap_or_default();
        let mut output = vec![0; self.output_len];
        let hashed =
            self.argon2.hash_password_into_with_memory(&self.passcode, &self.salt, &mut output, &mut *blocks);
        // What is left would let a passcode be guessed with less work.
        blocks.iter_mut().for_each(Block::zeroize);
        hashed.map_err(Error::internal)?;
        Ok(output)
    }
}

/// The parameters of new hashes: 19 MiB, 2 passes, 1 lane, 32 bytes of result (usm §1).
pub(crate) const CURRENT: Params = match Params::new(19 * 1024, 2, 1, Some(32)) {
    Ok(params) => params,
    Err(_) => panic!("the parameters are out of range"),
};

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use argon2::{Algorithm, Version};
    use contract::error::Tag;

    use super::*;

    fn soon() -> Deadline {
        Deadline::after(Deadline::USUAL)
    }

    fn work(passcode: &str, params: Params) -> Work {
        Work {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            passcode: Zeroizing::new(passcode.as_bytes().to_vec()),
            salt: vec![7; 16],
            output_len: 32,
        }
    }

    #[tokio::test]
    async fn a_hash_is_the_librarys_whatever_was_hashed_before() {
        let weak = Params::new(64, 1, 1, Some(32)).unwrap();
        for (passcode, params) in [("first", CURRENT), ("second", weak), ("third", CURRENT)] {
            let mut expected = [0; 32];
            let work = work(passcode, params);
            work.argon2.hash_password_into(passcode.as_bytes(), &[7; 16], &mut expected).unwrap();
            assert_eq!(work.done(soon()).await.unwrap(), expected, "{passcode}");
        }
    }

    #[tokio::test]
    async fn nothing_is_left_in_the_buffer_and_it_stays_where_it_is() {
        work("Passw0rd!", CURRENT).done(soon()).await.unwrap();
        let place = BUFFER.lock().await.as_ptr() as usize;
        work("Passw0rd?", CURRENT).done(soon()).await.unwrap();
        let buffer = BUFFER.lock().await;
        assert_eq!((buffer.as_ptr() as usize, buffer.len()), (place, CURRENT.block_count()));
        let mut words = buffer.iter().flat_map(AsRef::<[u64]>::as_ref);
        assert!(words.all(|word| *word == 0));
    }

    #[tokio::test]
    async fn whoever_does_not_get_a_turn_in_time_is_told_to_try_again() {
        let busy = BUFFER.lock().await;
        let late = Deadline::after(Duration::ZERO);
        let refused = work("Passw0rd!", CURRENT).done(late).await.unwrap_err();
        assert_eq!(refused.tag(), Tag::Unavailable);
        drop(busy);
        work("Passw0rd!", CURRENT).done(soon()).await.unwrap();
    }
}
