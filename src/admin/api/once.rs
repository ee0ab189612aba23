//! `Idempotency-Key`: the same request with the same key is done once, and answered the same each time.
// CONTRACT STUB: `Kept` holds in memory what the store will.

use std::{
    collections::HashMap,
    future::Future,
    sync::{LazyLock, Mutex, PoisonError},
    time::Duration,
};

use rocket::{
    Request,
    http::Status,
    request::{FromRequest, Outcome},
};

use super::answer::{Answer, Reply};
use crate::{
    admin::{refused::Refused, state::Admin},
    clock::Time,
    model::Person,
};

/// The most characters of a key.
const LONGEST: usize = 200;
/// How long an answer is kept.
const KEPT: Duration = Duration::from_hours(24);

/// The key of a request, where it has one: `key: Result<Key, Refused>`.
#[derive(Debug, Clone)]
pub(super) struct Key(Option<String>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Key {
    type Error = Refused;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refused> {
        let mut given = request.headers().get("Idempotency-Key");
        let (first, second) = (given.next(), given.next());
        let fits = |key: &str| (1..=LONGEST).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
        match (first, second) {
            (None, _) => Outcome::Success(Self(None)),
            (Some(key), None) if fits(key) => Outcome::Success(Self(Some(key.to_owned()))),
            _ => {
                let why = "`Idempotency-Key` is one text of 1 to 200 visible ASCII characters, such as a UUID.";
                Outcome::Error((Status::BadRequest, Refused::invalid(why)))
            }
        }
    }
}

impl Key {
    /// Does a write, unless it was done under this key: then it is answered as it was. `digest` is that of the request. An answer that
    /// asks to try again is not kept.
    pub(super) async fn once(
        self,
        admin: &Admin,
        person: &Person,
        digest: [u8; 32],
        write: impl Future<Output = Answer>,
    ) -> Answer {
        let Some(key) = self.0 else { return write.await };
        let now = admin.clock.now();
        let of = (person.id, key);
        match begin(&of, digest, now) {
            Begun::New => {}
            Begun::Answered(answer) => return *answer,
            Begun::Open => {
                let mut refused = Refused::conflict("A request with this `Idempotency-Key` is under way. Ask again.");
                refused.retry_after = Some(1);
                return Err(refused);
            }
            Begun::Other => {
                let why = "This `Idempotency-Key` was used for another request. Take a new key for each request.";
                return Err(Refused::new(422, "key_reused", why));
            }
        }
        let answer = write.await;
        end(&of, &answer);
        answer.map(|reply| reply.header("Idempotency-Replayed", "false"))
    }
}

enum Begun {
    New,
    Open,
    Other,
    Answered(Box<Answer>),
}

struct Kept {
    digest: [u8; 32],
    at: Time,
    answer: Option<Answer>,
}

static ALL: LazyLock<Mutex<HashMap<(i64, String), Kept>>> = LazyLock::new(Mutex::default);

fn begin(of: &(i64, String), digest: [u8; 32], now: Time) -> Begun {
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    all.retain(|_, kept| now.since(kept.at) < KEPT);
    match all.get(of) {
        None => {
            all.insert(of.clone(), Kept { digest, at: now, answer: None });
            Begun::New
        }
        Some(kept) if kept.digest != digest => Begun::Other,
        Some(Kept { answer: None, .. }) => Begun::Open,
        Some(Kept { answer: Some(answer), .. }) => {
            let replayed = |reply: Reply| reply.header("Idempotency-Replayed", "true");
            Begun::Answered(Box::new(answer.clone().map(replayed)))
        }
    }
}

fn end(of: &(i64, String), answer: &Answer) {
    let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
    let passes = answer.as_ref().is_err_and(|refused| refused.status >= 500 || refused.status == 429);
    if passes {
        all.remove(of);
    } else if let Some(kept) = all.get_mut(of) {
        kept.answer = Some(answer.clone());
    }
}
