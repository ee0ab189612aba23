//! `Idempotency-Key`: the same request with the same key is done once, and answered the same each time.

use std::{future::Future, time::Duration};

use rocket::{
    Request,
    http::Status,
    request::{FromRequest, Outcome},
};

use super::answer::{Answer, Reply};
use crate::{
    admin::{refused::Refused, state::Admin},
    model::Person,
    store::KnownRequest,
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
    /// The key itself. `None`: the request has none.
    pub(super) fn text(&self) -> Option<&str> {
        self.0.as_deref()
    }

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
        match admin.store.begin_request(person.id, key.clone(), digest, now.plus(KEPT), now).await? {
            KnownRequest::New => {}
            KnownRequest::Answered { status, body } => {
                let reply = Reply { status, body, kind: None, headers: Vec::new() };
                return Ok(reply.header("Idempotency-Replayed", "true"));
            }
            KnownRequest::Running => {
                let mut refused = Refused::conflict("A request with this `Idempotency-Key` is under way. Ask again.");
                refused.retry_after = Some(1);
                return Err(refused);
            }
            KnownRequest::Other => {
                let why = "This `Idempotency-Key` was used for another request. Take a new key for each request.";
                return Err(Refused::new(422, "key_reused", why));
            }
        }
        // Whoever hangs up in the midst of it leaves no key behind that is under way for a day.
        let mut open = Open { admin, person: person.id, key: Some(key) };
        let answer = write.await;
        if let Some(key) = open.key.take() {
            keep(admin, person.id, key, &answer).await?;
        }
        answer
    }
}

async fn keep(admin: &Admin, person: i64, key: String, answer: &Answer) -> Result<(), Refused> {
    let (status, body) = match answer {
        Ok(reply) if reply.is_shown_once() => {
            let why = "This was done by the first request with this `Idempotency-Key`. What it answered is shown once.";
            (409, Refused::new(409, "shown_once", why).to_json().to_string().into_bytes())
        }
        Ok(reply) => (reply.status, reply.body.clone()),
        Err(refused) if refused.status >= 500 || refused.retry_after.is_some() => {
            admin.store.abandon_request(person, key).await?;
            return Ok(());
        }
        Err(refused) => (refused.status, refused.to_json().to_string().into_bytes()),
    };
    Ok(admin.store.finish_request(person, key, status, body).await?)
}

/// A key whose request is under way.
struct Open<'a> {
    admin: &'a Admin,
    person: i64,
    key: Option<String>,
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        let Some(key) = self.key.take() else { return };
        let (store, person) = (self.admin.store.clone(), self.person);
        tokio::spawn(async move {
            if let Err(error) = store.abandon_request(person, key).await {
                tracing::warn!(%error, "a key of a request that was given up is under way for a day");
            }
        });
    }
}
