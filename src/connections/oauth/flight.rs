//! Renewal: of all that want a token of one connection, one asks for it, and the others wait for what it brings.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{sync::OwnedMutexGuard, time::sleep};

use super::endpoint::{Asked, Endpoint};
use crate::{
    clock::Time,
    connections::{Pause, Unready, address::refused},
    model::{ErrorClass, Problem, StepError},
    net::Client,
    secret::Secret,
    services::Grant as GrantKind,
    store::{Grant, GrantState, Lease, NewGrant, StoreError, Vault, VaultError},
};

/// How long before its end a token is renewed; half of its life where that is shorter.
const EARLY: Duration = Duration::from_secs(60);
/// How long a process may hold the lease: longer than its request to the token endpoint and its write can take.
const LEASE: Duration = Duration::from_secs(60);
/// How often, and how many times, it is looked whether another process has done it: for longer than a lease holds, so that one whose
/// holder was killed costs a wait and no attempt.
const LOOKS: (Duration, usize) = (Duration::from_millis(200), 325);
/// For so long a failure is everyone's who asks: a thousand runs do not knock on a door that was closed a moment ago.
const SHARED: Duration = Duration::from_secs(2);
/// A client that is set wrong is not tried again for so long: somebody has to change something first.
const REFUSED: Duration = Duration::from_secs(60);
/// When paused runs look again by themselves, after a refusal and after a loss.
const LOOK_AGAIN: (Duration, Duration) = (Duration::from_mins(5), Duration::from_hours(1));
/// How long a write of new tokens is repeated while the store is busy: they are nowhere else.
const STORE_PAUSE: Duration = Duration::from_millis(500);
const STORE_TRIES: usize = 120;

/// What is known in this process of the renewals of each connection.
#[derive(Clone, Default)]
pub(in crate::connections) struct Flights(Arc<Mutex<HashMap<String, Arc<tokio::sync::Mutex<Flight>>>>>);

/// The renewals of one connection, one at a time.
#[derive(Default)]
pub(in crate::connections) struct Flight {
    /// The last failure: until when it counts, for which generation, and what it was.
    failed: Option<(Time, i64, Unready)>,
    /// The generation whose loss was told as a problem.
    told: Option<i64>,
}

impl Flights {
    fn of(&self, connection: &str) -> Arc<tokio::sync::Mutex<Flight>> {
        let mut flights = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(flights.entry(connection.to_owned()).or_default())
    }

    /// An access token with its generation: the one at hand, or a new one where that ends soon. `stale` is the generation of one that
    /// the service has refused: that is not given out again.
    pub(in crate::connections) async fn token(
        &self,
        vault: &Arc<Vault>,
        client: &Client,
        endpoint: impl FnOnce() -> Result<Endpoint, StepError>,
        (connection, stale, now): (&str, Option<i64>, Time),
    ) -> Result<(Secret, i64), Unready> {
        if let Some(token) = usable(vault, connection, stale, now) {
            return Ok(token);
        }
        let endpoint = endpoint()?;
        let (vault, client, flight) = (Arc::clone(vault), client.clone(), self.of(connection));
        // A task of its own: whoever asked may go away, and the tokens that came by then would be lost.
        let renewed = tokio::spawn(async move {
            let flight = flight.lock_owned().await;
            Renewal { vault, client, endpoint, stale, now }.go(flight).await
        });
        renewed.await.unwrap_or_else(|error| {
            Err(Unready::Later(refused(ErrorClass::Internal, format!("the token was not renewed: {error}"))))
        })
    }
}

/// The token at hand, unless it ends soon or was refused.
fn usable(vault: &Vault, connection: &str, stale: Option<i64>, now: Time) -> Option<(Secret, i64)> {
    let grant = vault.grant(connection)?;
    let access = grant.access.clone().filter(|_| grant.state == GrantState::Ok && stale != Some(grant.generation))?;
    let ends = grant.expires_at.map(|ends| {
        let early = EARLY.min(ends.since(grant.changed_at) / 2);
        ends.since(now) <= early
    });
    (ends != Some(true)).then_some((access, grant.generation))
}

struct Renewal {
    vault: Arc<Vault>,
    client: Client,
    endpoint: Endpoint,
    stale: Option<i64>,
    now: Time,
}

impl Renewal {
    async fn go(&self, mut flight: OwnedMutexGuard<Flight>) -> Result<(Secret, i64), Unready> {
        let name = &self.endpoint.connection;
        // Another process may have been first: a command that somebody has logged in with, for one.
        self.vault.refresh().await.map_err(internal)?;
        if let Some(token) = usable(&self.vault, name, self.stale, self.now) {
            return Ok(token);
        }
        let grant = self.vault.grant(name);
        let generation = grant.as_ref().map_or(0, |grant| grant.generation);
        if let Some((until, of, error)) = &flight.failed
            && self.now < *until
            && *of == generation
        {
            return Err(error.clone());
        }
        let done = self.renewed(grant.as_deref(), generation).await;
        match done {
            Ok(()) => {
                flight.failed = None;
                flight.told = None;
                self.solve().await;
            }
            Err(error) => {
                let told = match &error {
                    Unready::Paused(pause) if flight.told != Some(pause.generation) => {
                        self.raise(&pause.error).await;
                        Some(pause.generation)
                    }
                    _ => flight.told,
                };
                let span = if matches!(error, Unready::Paused(_)) { REFUSED } else { SHARED };
                let generation = self.vault.grant(name).map_or(0, |grant| grant.generation);
                *flight = Flight { failed: Some((self.now.plus(span), generation, error.clone())), told };
                return Err(error);
            }
        }
        let grant = self.vault.grant(name).filter(|grant| grant.state == GrantState::Ok);
        let token = grant.and_then(|grant| Some((grant.access.clone()?, grant.generation)));
        token.ok_or_else(|| Unready::Later(refused(ErrorClass::Grant, "the grant has changed; once more".to_owned())))
    }

    /// Renews the grant, or waits until another process has.
    async fn renewed(&self, grant: Option<&Grant>, generation: i64) -> Result<(), Unready> {
        let name = &self.endpoint.connection;
        let refresh = match (self.endpoint.oauth2.grant, grant) {
            (GrantKind::ClientCredentials, _) => None,
            (GrantKind::AuthorizationCode, None) => {
                return Err(self.no_grant(0, "nobody has logged in"));
            }
            (GrantKind::AuthorizationCode, Some(grant)) => match (grant.state, &grant.refresh) {
                (GrantState::None, _) => return Err(self.no_grant(generation, "nobody has logged in")),
                (GrantState::Lost, _) => {
                    let why = grant.why.as_deref().unwrap_or("the service has taken it back");
                    return Err(self.no_grant(generation, why));
                }
                (GrantState::Ok, Some(refresh)) => Some(refresh.clone()),
                (GrantState::Ok, None) => match &grant.why {
                    Some(why) => {
                        let why = format!("the tokens of connection `{name}` cannot be unsealed: {why}");
                        return Err(Unready::Refused(refused(ErrorClass::SecretMissing, why)));
                    }
                    None => {
                        return Err(self
                            .lose(generation, "the token has ended, and came without a refresh token")
                            .await);
                    }
                },
            },
        };
        let Some(lease) = self.lease(generation).await? else { return Ok(()) };
        let scopes = self.endpoint.oauth2.scopes.join(" ");
        let form = match &refresh {
            Some(refresh) => vec![("grant_type", "refresh_token"), ("refresh_token", refresh.expose())],
            None if scopes.is_empty() => vec![("grant_type", "client_credentials")],
            None => vec![("grant_type", "client_credentials"), ("scope", scopes.as_str())],
        };
        let masker = self.vault.masker();
        match self.endpoint.ask(&self.client, &form, self.now).await {
            Asked::Granted(mut new) => {
                if new.scopes.is_empty() {
                    // RFC 6749, section 5.1: left out where it is as asked for, here as before.
                    new.scopes = grant.map_or(scopes, |grant| grant.scopes.clone());
                }
                self.keep(generation, &new).await
            }
            Asked::Later(why) => {
                self.release(lease).await;
                let why = format!("no access token for connection `{name}` now: {}", masker.mask(&why));
                tracing::warn!(connection = name, why, "a token was not renewed for now");
                Err(Unready::Later(refused(ErrorClass::Network, why)))
            }
            Asked::Gone(why) if refresh.is_some() => Err(self.lose(generation, &masker.mask(&why)).await),
            Asked::Gone(why) | Asked::Refused(why) => {
                self.release(lease).await;
                let why = format!(
                    "no access token for connection `{name}`: {}; look at its client id and secret (`bellwire connections`)",
                    masker.mask(&why)
                );
                tracing::error!(connection = name, why, "a token was refused");
                Err(self.pause(generation, LOOK_AGAIN.0, why))
            }
        }
    }

    /// The lease on the grant. `None`: another process has renewed it meanwhile.
    async fn lease(&self, generation: i64) -> Result<Option<i64>, Unready> {
        let name = &self.endpoint.connection;
        let mut random = [0; 8];
        getrandom::fill(&mut random)
            .map_err(|error| Unready::Later(refused(ErrorClass::Internal, format!("no random numbers: {error}"))))?;
        let id = i64::from_le_bytes(random);
        for _ in 0..LOOKS.1 {
            match self.vault.lease_grant(name, generation, id, LEASE).await.map_err(|error| internal(error.into()))? {
                Lease::Mine => return Ok(Some(id)),
                Lease::Changed => {
                    self.vault.refresh().await.map_err(internal)?;
                    return Ok(None);
                }
                Lease::Taken => sleep(LOOKS.0).await,
            }
        }
        let why = format!("another process renews the token of connection `{name}` and does not end");
        Err(Unready::Later(refused(ErrorClass::Network, why)))
    }

    /// Keeps new tokens: the old ones may be worth nothing from now on, so a busy store is asked again.
    async fn keep(&self, generation: i64, new: &NewGrant) -> Result<(), Unready> {
        let name = &self.endpoint.connection;
        let mut left = STORE_TRIES;
        loop {
            left -= 1;
            match self.vault.renew_grant(name, generation, new).await {
                Ok(()) => {
                    tracing::info!(connection = name, "access token renewed");
                    return Ok(());
                }
                Err(VaultError::Store(StoreError::Busy(why))) if left > 0 => {
                    tracing::warn!(connection = name, why, "new tokens wait for the store");
                    sleep(STORE_PAUSE).await;
                }
                Err(error) => {
                    tracing::error!(connection = name, %error, "new tokens could not be kept");
                    return Err(internal(error));
                }
            }
        }
    }

    async fn release(&self, lease: i64) {
        if let Err(error) = self.vault.release_grant(&self.endpoint.connection, lease).await {
            tracing::warn!(connection = self.endpoint.connection, %error, "a lease ends by its time alone");
        }
    }

    /// Notes the loss, unless somebody has logged in meanwhile.
    async fn lose(&self, generation: i64, why: &str) -> Unready {
        let name = &self.endpoint.connection;
        match self.vault.lose_grant(name, generation, why).await {
            Ok(true) => {
                tracing::error!(connection = name, why, "the grant of a connection is lost");
                self.no_grant(generation.saturating_add(1), why)
            }
            Ok(false) => Unready::Later(refused(ErrorClass::Grant, "the grant has changed; once more".to_owned())),
            Err(error) => internal(error),
        }
    }

    fn no_grant(&self, generation: i64, why: &str) -> Unready {
        let name = &self.endpoint.connection;
        let why = format!(
            "connection `{name}` has no grant ({why}); log in on the page of the connection, or by `bellwire connections login {name}`"
        );
        self.pause(generation, LOOK_AGAIN.1, why)
    }

    fn pause(&self, generation: i64, span: Duration, why: String) -> Unready {
        Unready::Paused(Pause {
            connection: self.endpoint.connection.clone(),
            generation,
            until: self.now.plus(span),
            error: refused(ErrorClass::Grant, why),
        })
    }

    async fn raise(&self, error: &StepError) {
        let name = &self.endpoint.connection;
        let problem = Problem {
            fingerprint: format!("grant:{name}"),
            kind: "grant",
            subject: name.clone(),
            message: error.message.clone(),
        };
        if let Err(error) = self.vault.store().raise(problem, self.now).await {
            tracing::warn!(connection = name, %error, "a lost grant could not be kept as a problem");
        }
    }

    async fn solve(&self) {
        let name = &self.endpoint.connection;
        if let Err(error) = self.vault.store().solve(&format!("grant:{name}"), self.now).await {
            tracing::warn!(connection = name, %error, "a problem that is over stays open");
        }
    }
}

fn internal(error: VaultError) -> Unready {
    match error {
        VaultError::Store(error) => Unready::Later(refused(ErrorClass::Network, error.to_string())),
        other => Unready::Refused(refused(ErrorClass::SecretMissing, other.to_string())),
    }
}
