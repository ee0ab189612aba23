//! Passwords: Argon2id on two threads of its own, and as long for a name that nobody has.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, LazyLock, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
};

use argon2::{Argon2, PasswordHash, PasswordHasher as _, PasswordVerifier as _};
use tokio::sync::oneshot;

/// Characters of a new password at least.
pub(super) const SHORTEST: usize = 12;
/// Bytes of a password at most.
pub(super) const LONGEST: usize = 1024;
/// Hashes at once in this process.
const THREADS: usize = 2;
/// Those that are hashed or wait for it.
static WAITING: AtomicUsize = AtomicUsize::new(0);
/// Of those at most: whoever comes then is told to come back.
const LONGEST_QUEUE: usize = 64;
/// What a password is compared with where there is none: with the costs of a real one.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Why a password was neither hashed nor compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too many are waiting.
    #[error("too many passwords are being checked; try again in a moment")]
    Busy,
    /// The library or its thread.
    #[error("the password cannot be hashed: {0}")]
    Broken(String),
}

/// Why a password cannot be taken, as a sentence. `None`: it can.
pub fn fault(password: &str, name: &str) -> Option<String> {
    if password.len() > LONGEST {
        return Some(format!("A password has {LONGEST} bytes at most."));
    }
    if password.chars().count() < SHORTEST {
        return Some(format!("A password has {SHORTEST} characters at least. Four or five words make a good one."));
    }
    let mut characters = password.chars();
    let first = characters.next();
    if characters.all(|c| Some(c) == first) || password.to_lowercase().contains(&name.to_lowercase()) && name.len() > 5
    {
        return Some("That is too easy to guess. Four or five words make a good password.".to_owned());
    }
    None
}

/// Hashes a password for the store.
pub(in crate::admin) async fn hash(password: String) -> Result<String, PasswordError> {
    in_turn(move || {
        let hashed = Argon2::default().hash_password(password.as_bytes());
        hashed.map(|hash| hash.to_string()).map_err(|error| PasswordError::Broken(error.to_string()))
    })
    .await
}

/// The same at once, for the command line.
pub fn hash_now(password: &str) -> Result<String, PasswordError> {
    let hashed = Argon2::default().hash_password(password.as_bytes());
    hashed.map(|hash| hash.to_string()).map_err(|error| PasswordError::Broken(error.to_string()))
}

/// Whether a password is the one of this hash. `None`: it takes as long, and is not.
pub(super) async fn is_right(hash: Option<String>, password: String) -> Result<bool, PasswordError> {
    in_turn(move || {
        let is_somebody = hash.is_some() && password.len() <= LONGEST;
        let known = hash.as_deref().unwrap_or(NOBODY);
        let password = password.as_bytes().get(..LONGEST).unwrap_or(password.as_bytes());
        let known = PasswordHash::new(known).map_err(|error| PasswordError::Broken(error.to_string()))?;
        let is_same = Argon2::default().verify_password(password, &known).is_ok();
        Ok(is_same && is_somebody)
    })
    .await
}

/// A password to be hashed, and what becomes of it.
type Job = Box<dyn FnOnce() + Send>;

/// The threads that hash, as long as the process lives. Each hash takes 19 MiB and a core; an allocator keeps what a thread has freed, so that
/// hashes on ever other threads would keep the memory of many.
static HASHING: LazyLock<mpsc::Sender<Job>> = LazyLock::new(|| {
    let (sender, jobs) = mpsc::channel::<Job>();
    let jobs = Arc::new(Mutex::new(jobs));
    for n in 1..=THREADS {
        let jobs = Arc::clone(&jobs);
        let work = move || {
            loop {
                let job = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(job) = job else { return };
                // One that panics is told by what it drops; the thread goes on.
                catch_unwind(AssertUnwindSafe(job)).unwrap_or_default();
            }
        };
        if let Err(error) = std::thread::Builder::new().name(format!("password-{n}")).spawn(work) {
            tracing::error!(%error, "a thread that hashes passwords does not start");
        }
    }
    sender
});

async fn in_turn<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
) -> Result<T, PasswordError> {
    struct Place;
    impl Drop for Place {
        fn drop(&mut self) {
            WAITING.fetch_sub(1, Ordering::Relaxed);
        }
    }
    let before = WAITING.fetch_add(1, Ordering::Relaxed);
    let place = Place;
    if before >= LONGEST_QUEUE {
        return Err(PasswordError::Busy);
    }
    let (tell, told) = oneshot::channel();
    let job = Box::new(move || {
        // Of a client that went away while it waited nothing is hashed.
        if !tell.is_closed() {
            // Who asked may be gone meanwhile.
            tell.send(work()).unwrap_or_default();
        }
        drop(place);
    });
    let broken = || PasswordError::Broken("the thread that hashes is gone".to_owned());
    HASHING.send(job).map_err(|_| broken())?;
    told.await.unwrap_or_else(|_| Err(broken()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_is_known_again_and_no_other_is() {
        let hash = hash("correct horse battery".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        for (known, password, right) in [
            (Some(hash.clone()), "correct horse battery", true),
            (Some(hash.clone()), "correct horse batterz", false),
            (Some(hash), "", false),
            (None, "correct horse battery", false),
            (Some(NOBODY.to_owned()), "\0", false),
        ] {
            assert_eq!(is_right(known, password.to_owned()).await, Ok(right), "{password}");
        }
        // All of it counts, and what is beyond the longest is refused without being hashed.
        let long = "x".repeat(80);
        let hash = super::hash(format!("{long}a")).await.unwrap();
        assert_eq!(is_right(Some(hash.clone()), format!("{long}b")).await, Ok(false));
        assert_eq!(is_right(Some(hash), "x".repeat(1_000_000)).await, Ok(false));
    }

    #[tokio::test]
    async fn all_passwords_are_hashed_on_the_same_few_threads() {
        let of_thread = || in_turn(|| Ok(std::thread::current().name().unwrap_or_default().to_owned()));
        assert!(in_turn(|| -> Result<(), PasswordError> { panic!("a hash") }).await.is_err());
        let mut names = std::collections::BTreeSet::new();
        for _ in 0..20 {
            let (one, two, three) = tokio::join!(of_thread(), of_thread(), of_thread());
            names.extend([one.unwrap(), two.unwrap(), three.unwrap()]);
        }
        assert!(names.iter().all(|name| ["password-1", "password-2"].contains(&name.as_str())), "{names:?}");
    }

    #[test]
    fn passwords_that_are_easily_guessed_are_not_taken() {
        for bad in ["", "short", "elevenchars", "aaaaaaaaaaaaaa", "margaret-hamilton-1", &"x y".repeat(500)] {
            assert!(fault(bad, "margaret").is_some(), "{bad}");
        }
        assert_eq!(fault("correct horse battery", "margaret"), None);
    }
}
