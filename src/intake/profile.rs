//! `GET /profile/groove?email=&api_token=`: what the rules have learned of a customer, for Groove's Custom Profile.
//!
//! Groove asks after each message of a customer, with the account's API token in the query (its help page on the Custom Profile). The
//! answer is one flat object; somebody unknown is `{"known": "no"}` with 200, since the help desk shows errors to agents.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use rocket::{
    Request, Response, Route, State as Managed,
    http::{ContentType, Status},
    response::{self, Responder},
};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use tokio::time::timeout;

use super::{hooks::Asked, kept::Parts, state::Intake};
use crate::{
    model::{Keeper, flat},
    store::{Vault, VaultError},
    value::{Object, Value},
    web::{Fault, peer_of},
};

/// The secrets that the token is compared with; the second where the first is not set. The admin's page of secrets says so too.
const TOKENS: [&str; 2] = ["groove_profile_token", "groove_token"];

/// How long the store may take: with what is around it the help desk waits 3 s at most.
const PATIENCE: Duration = Duration::from_millis(2_500);

/// Wrong tokens and unknown e-mails of one address in a minute.
const STRANGERS: u32 = 600;
/// Addresses that are counted apart; more are counted as one.
const ADDRESSES: usize = 10_000;
/// Answers that are remembered for the time when the store does not answer.
const REMEMBERED: usize = 1_000;
/// How long: a person may be forgotten by a command that tells nothing to the server.
const FRESH: Duration = Duration::from_mins(10);
/// The longest e-mail there is (RFC 3696, erratum 1690: 254), with room to spare.
const LONGEST: usize = 320;

/// What the Custom Profile keeps in memory.
#[derive(Debug, Default)]
pub(super) struct Profiles {
    strangers: Mutex<Strangers>,
    remembered: Mutex<Remembered>,
}

/// How often each address has guessed in the present minute.
#[derive(Debug, Default)]
struct Strangers {
    since: Option<Instant>,
    counts: HashMap<String, u32>,
}

impl Strangers {
    /// Counts one guess. `Err`: there were too many, and how many seconds are left of the minute.
    fn count(&mut self, peer: &str, now: Instant) -> Result<(), u32> {
        let minute = Duration::from_mins(1);
        let passed = self.since.map_or(minute, |since| now.saturating_duration_since(since));
        if passed >= minute {
            self.since = Some(now);
            self.counts.clear();
        }
        let is_apart = self.counts.contains_key(peer) || self.counts.len() < ADDRESSES;
        let count = self.counts.entry(if is_apart { peer.to_owned() } else { String::new() }).or_default();
        *count = count.saturating_add(1);
        if *count <= STRANGERS {
            return Ok(());
        }
        let left = minute.saturating_sub(passed).as_secs().max(1);
        Err(u32::try_from(left).unwrap_or(60))
    }
}

/// The last answers, oldest first.
#[derive(Debug, Default)]
struct Remembered {
    answers: HashMap<String, (Instant, Object)>,
    order: VecDeque<String>,
}

impl Remembered {
    /// What was answered in the last minutes. Empty: nothing.
    fn answer(&self, email: &str, now: Instant) -> Object {
        let known = self.answers.get(email).filter(|(at, _)| now.saturating_duration_since(*at) <= FRESH);
        known.map(|(_, answer)| answer.clone()).unwrap_or_default()
    }

    /// Remembers what the store says now; where that is nothing, no more of the person is remembered either.
    fn keep(&mut self, email: &str, answer: &Object, now: Instant) {
        if answer.is_empty() {
            if self.answers.remove(email).is_some() {
                self.order.retain(|known| known != email);
            }
            return;
        }
        if self.answers.insert(email.to_owned(), (now, answer.clone())).is_none() {
            self.order.push_back(email.to_owned());
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.answers.remove(&oldest);
        }
    }
}

/// The routes.
pub(super) fn routes() -> Vec<Route> {
    rocket::routes![groove]
}

/// An answer to the help desk.
struct Card {
    answer: Object,
    /// The store did not answer in time: this is what it said last.
    is_stale: bool,
}

impl<'r> Responder<'r, 'static> for Card {
    fn respond_to(self, _request: &'r Request<'_>) -> response::Result<'static> {
        let body = Value::Object(self.answer).to_string();
        let mut response = Response::build();
        response.status(Status::Ok).header(ContentType::JSON);
        if self.is_stale {
            response.raw_header("Warning", "110 - \"Response is Stale\"");
        }
        response.sized_body(body.len(), std::io::Cursor::new(body)).ok()
    }
}

#[rocket::get("/profile/groove")]
async fn groove(asked: Asked<'_>, intake: &Managed<Intake>) -> Result<Card, Fault> {
    let request = asked.0;
    let Parts { query, .. } = Parts::of(request);
    let peer = peer_of(request);
    let tokens = tokens(&intake.state.vault).inspect_err(|fault| {
        if fault.status == 503 {
            intake.alerts.raise("profile/groove", "its token cannot be unsealed; `bellwire doctor` says why");
        }
    })?;
    let given = one(&query, "api_token")?;
    if !is_one_of(given.unwrap_or_default(), &tokens) {
        tracing::info!(peer, "profile refused: the token is missing or wrong");
        intake.profiles.stranger(&peer)?;
        return Err(Fault::new(401, "token", "the api_token is missing or wrong"));
    }
    let Some(email) = one(&query, "email")?.map(as_email).filter(|email| !email.is_empty() && email.len() <= LONGEST)
    else {
        return Err(Fault::new(400, "email", "give one `email`"));
    };
    let card = intake.card(&email).await;
    if card.answer.is_empty() {
        intake.profiles.stranger(&peer)?;
        return Ok(Card { answer: unknown(), ..card });
    }
    Ok(card)
}

/// What somebody is of whom nothing is known.
fn unknown() -> Object {
    Object::from_iter([("known".to_owned(), Value::from("no"))])
}

/// A sender that leaves a `+` as it is in a query means a plus and no space: no e-mail holds a space.
fn as_email(text: &str) -> String {
    text.trim().replace(' ', "+").to_lowercase()
}

/// The value of a parameter that is given once. `None`: it is not given.
fn one<'q>(query: &'q [(String, String)], name: &str) -> Result<Option<&'q str>, Fault> {
    let mut values = query.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let value = values.next();
    if values.next().is_some() {
        return Err(Fault::new(400, "duplicate_parameter", "a parameter is given twice"));
    }
    Ok(value)
}

/// What the token may be. A 404 where none is set: the Custom Profile is not in use.
fn tokens(vault: &Vault) -> Result<Vec<crate::secret::Secret>, Fault> {
    let Some(name) = TOKENS.into_iter().find(|name| vault.has(name)) else { return Err(Fault::NOT_FOUND) };
    match vault.live(name) {
        Ok(secrets) => Ok(secrets),
        Err(VaultError::Missing(_)) => Err(Fault::NOT_FOUND),
        Err(_) => Err(Fault::new(503, "secret_unhealthy", "this server cannot check tokens now").after(60)),
    }
}

/// Whether the text is one of the secrets; takes the same time wherever they differ.
fn is_one_of(given: &str, secrets: &[crate::secret::Secret]) -> bool {
    // Digests have one length, so that comparing them tells nothing of the token's.
    let digest = Sha256::digest(given.as_bytes());
    let matched = secrets
        .iter()
        .map(|secret| Sha256::digest(secret.expose().as_bytes()).as_slice().ct_eq(digest.as_slice()))
        .fold(Choice::from(0), |any, one| any | one);
    bool::from(matched)
}

impl Profiles {
    /// Counts a guess of `peer`.
    fn stranger(&self, peer: &str) -> Result<(), Fault> {
        let mut strangers = self.strangers.lock().unwrap_or_else(PoisonError::into_inner);
        let too_many = |left| Fault::new(429, "too_many", "too many unknown customers or wrong tokens").after(left);
        strangers.count(peer, Instant::now()).map_err(too_many)
    }
}

impl Intake {
    /// What is known of a person. Empty: nothing.
    async fn card(&self, email: &str) -> Card {
        let remembered = || self.profiles.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        let asked = self.state.store.attributes(Keeper::Profile, email.to_owned());
        match timeout(PATIENCE, asked).await {
            Ok(Ok(attributes)) => {
                let answer = flat(&attributes);
                remembered().keep(email, &answer, Instant::now());
                Card { answer, is_stale: false }
            }
            failed => {
                let why = match failed {
                    Ok(Err(error)) => error.to_string(),
                    _ => "it took too long".to_owned(),
                };
                tracing::warn!(why, "a profile is answered from memory: the store does not answer");
                Card { answer: remembered().answer(email, Instant::now()), is_stale: true }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_are_counted_by_address_and_minute() {
        let (mut strangers, now) = (Strangers::default(), Instant::now());
        for _ in 0..STRANGERS {
            assert_eq!(strangers.count("192.0.2.1", now), Ok(()));
        }
        let later = now + Duration::from_secs(50);
        assert_eq!(strangers.count("192.0.2.1", later), Err(10));
        assert_eq!(strangers.count("192.0.2.2", later), Ok(()), "another address is another count");
        assert_eq!(strangers.count("192.0.2.1", now + Duration::from_secs(61)), Ok(()));
    }

    #[test]
    fn addresses_beyond_all_bounds_are_counted_as_one() {
        let (mut strangers, now) = (Strangers::default(), Instant::now());
        for number in 0..ADDRESSES + 5 {
            assert_eq!(strangers.count(&number.to_string(), now), Ok(()));
        }
        assert!(strangers.counts.len() <= ADDRESSES + 1);
        assert_eq!(strangers.counts.get(""), Some(&5));
    }

    #[test]
    fn answers_are_remembered_up_to_a_bound() {
        let (mut remembered, now) = (Remembered::default(), Instant::now());
        for number in 0..REMEMBERED + 10 {
            remembered.keep(&number.to_string(), &unknown(), now);
            remembered.keep(&number.to_string(), &unknown(), now);
        }
        assert_eq!((remembered.answers.len(), remembered.order.len()), (REMEMBERED, REMEMBERED));
        assert!(!remembered.answers.contains_key("0"));
    }

    #[test]
    fn an_answer_is_remembered_for_minutes_and_while_the_store_has_one() {
        let (mut remembered, now) = (Remembered::default(), Instant::now());
        remembered.keep("a", &unknown(), now);
        remembered.keep("b", &unknown(), now);
        assert_eq!(remembered.answer("a", now + FRESH), unknown());
        assert_eq!(remembered.answer("a", now + FRESH + Duration::from_secs(1)), Object::new());
        remembered.keep("a", &Object::new(), now);
        assert_eq!(remembered.answer("a", now), Object::new());
        assert_eq!((remembered.answers.len(), remembered.order.len()), (1, 1));
    }

    #[test]
    fn an_e_mail_keeps_its_plus() {
        assert_eq!(as_email(" Maria calls@Example.com "), "maria+calls@example.com");
    }
}
