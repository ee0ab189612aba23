//! What a right password leads to: a new session, and a device that is known from then on.

use std::time::Duration;

use rocket::{
    Request,
    request::{FromRequest, Outcome},
};

use super::{
    cookies::{Cookie, DEVICE},
    keys::{self, digest},
    limits, password,
    password::PasswordError,
};
use crate::{
    admin::{audit::Refusal, refused::Refused, state::Admin},
    clock::Time,
    model::{Person, Via},
    store::{SessionRow, Stage, StoreError, UserRow},
    web::peer_of,
};

/// So long after it the password counts as just given.
const FRESH: Duration = Duration::from_mins(10);
/// Characters that are kept of what a browser calls itself.
const AGENT: usize = 200;

/// What of a browser's request matters to signing in.
#[derive(Debug, Clone)]
pub(in crate::admin) struct Browser {
    pub(super) peer: String,
    agent: String,
    pub(super) session: Option<String>,
    device: Option<String>,
    pub(super) login: Option<String>,
    pub(super) oidc: Option<String>,
}

#[rocket::async_trait]
impl<'r> FromRequest<'r> for Browser {
    type Error = StoreError;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, StoreError> {
        let Some(admin) = request.rocket().state::<Admin>() else {
            return Outcome::Error((rocket::http::Status::ServiceUnavailable, StoreError::Busy("starting".to_owned())));
        };
        let of = |cookie: Cookie| cookie.of(request, &admin.config);
        let agent = request.headers().get_one("User-Agent").unwrap_or_default();
        Outcome::Success(Self {
            peer: peer_of(request),
            agent: agent.chars().take(AGENT).collect(),
            session: of(Cookie::Session),
            device: of(Cookie::Device),
            login: of(Cookie::Login),
            oidc: of(Cookie::Oidc),
        })
    }
}

/// What became of a password that was given.
pub(in crate::admin) enum Tried {
    /// It is the right one.
    Right(Box<UserRow>),
    /// No such name, another password, or nobody who may sign in: which of them is not said.
    Wrong,
    /// Too often: so long must be waited.
    Wait(Duration),
}

impl Browser {
    /// The digest of this device, where the user has signed in with it before.
    pub(super) async fn device_of(&self, admin: &Admin, user: i64) -> Result<Option<[u8; 32]>, Refused> {
        let Some(device) = self.device.as_deref().map(digest) else { return Ok(None) };
        let is_known = admin.store.is_device_of(device, user, admin.clock.now()).await?;
        Ok(is_known.then_some(device))
    }

    /// Compares a password, within the limits. `action` is `login`, `reauth` or `password`.
    pub(in crate::admin) async fn try_password(
        &self,
        admin: &Admin,
        action: &'static str,
        name: &str,
        given: &str,
    ) -> Result<Tried, Refused> {
        let name: String = name.trim().chars().take(AGENT).collect::<String>().to_ascii_lowercase();
        let now = admin.clock.now();
        let user = admin.store.user_by_name(&name).await?;
        let device = match &user {
            Some(user) => self.device_of(admin, user.id).await?,
            None => None,
        };
        let limits = limits::of_login(&name, &self.peer, device);
        let keys = limits.iter().map(|limit| limit.key.clone()).collect();
        if let Err(wait) = admin.store.count_try(limits, now).await? {
            self.refuse(admin, action, &name, "too many tries").await;
            return Ok(Tried::Wait(wait));
        }
        let hash = user.as_ref().and_then(|user| user.password.clone());
        let is_right = password::is_right(hash, given.to_owned()).await.map_err(refused)?;
        if let Some(user) = user.filter(|user| is_right && user.disabled_at.is_none()) {
            admin.store.forgive_try(keys).await?;
            return Ok(Tried::Right(Box::new(user)));
        }
        self.refuse(admin, action, &name, "wrong name or password").await;
        Ok(Tried::Wrong)
    }

    async fn refuse(&self, admin: &Admin, action: &'static str, name: &str, reason: &str) {
        // What is no name of ours may be a password that was typed into the wrong field.
        let known = admin.store.user_by_name(name).await.ok().flatten().is_some();
        let subject = if known { name } else { "" };
        admin.audit_refusal(None, Refusal { action, subject, reason, peer: &self.peer }).await;
    }

    /// Begins a session under a new id in the place of the browser's own, and knows the device from now on; the cookies of that. At
    /// `Stage::Half` a code is still wanted, and the device is not known by it.
    pub(in crate::admin) async fn begin(
        &self,
        admin: &Admin,
        user: &UserRow,
        stage: Stage,
    ) -> Result<Vec<String>, Refused> {
        let now = admin.clock.now();
        self.begin_since(admin, user, stage, (now, now.plus(FRESH))).await
    }

    /// Begins the session of a person whom the provider has proven. `proven_at`: when that was; a provider that does not say so may have
    /// asked nothing for days.
    pub(super) async fn begin_proven(
        &self,
        admin: &Admin,
        user: &UserRow,
        proven_at: Option<Time>,
    ) -> Result<Vec<String>, Refused> {
        let now = admin.clock.now();
        let fresh_until = proven_at.map_or(now, |at| at.min(now).plus(FRESH));
        self.begin_since(admin, user, Stage::Full, (now, fresh_until)).await
    }

    /// The same for a session that goes on: its absolute end stays where it was.
    pub(in crate::admin) async fn renew(&self, admin: &Admin, user: &UserRow) -> Result<Vec<String>, Refused> {
        self.renew_proven(admin, user, admin.clock.now()).await
    }

    /// The same for a person who has proven it at that time.
    pub(super) async fn renew_proven(
        &self,
        admin: &Admin,
        user: &UserRow,
        proven_at: Time,
    ) -> Result<Vec<String>, Refused> {
        let now = admin.clock.now();
        let before = match &self.session {
            Some(id) => admin.store.session(digest(id)).await?,
            None => None,
        };
        let since =
            before.filter(|(session, _)| session.user == user.id).map_or(now, |(session, _)| session.created_at);
        self.begin_since(admin, user, Stage::Full, (since, proven_at.min(now).plus(FRESH))).await
    }

    async fn begin_since(
        &self,
        admin: &Admin,
        user: &UserRow,
        stage: Stage,
        (since, fresh_until): (Time, Time),
    ) -> Result<Vec<String>, Refused> {
        let (id, now, config) = (keys::fresh()?, admin.clock.now(), &admin.config);
        let session = SessionRow {
            digest: digest(&id),
            user: user.id,
            created_at: since,
            seen_at: now,
            fresh_until,
            stage,
            peer: self.peer.clone(),
            agent: self.agent.clone(),
        };
        admin.store.begin_session(session, self.session.as_deref().map(digest)).await?;
        let mut cookies = vec![Cookie::Session.set(&id, config)];
        if stage == Stage::Full {
            let device = keys::fresh()?;
            admin.store.know_device(digest(&device), user.id, now.plus(DEVICE), now).await?;
            cookies.push(Cookie::Device.set(&device, config));
            cookies.push(Cookie::Login.end(config));
        }
        Ok(cookies)
    }

    /// Who signs in, for the audit log.
    pub(in crate::admin) fn person(&self, user: &UserRow) -> Person {
        let via = Via::Session { csrf: String::new(), fresh: true };
        let (name, email) = (user.name.clone(), user.email.clone());
        Person { id: user.id, name, email, role: user.role, via, peer: self.peer.clone() }
    }
}

/// A password that could not be looked at.
pub(in crate::admin) fn refused(error: PasswordError) -> Refused {
    match error {
        PasswordError::Busy => {
            let mut refused =
                Refused::new(429, "busy", "Many people sign in at the moment. Try again in a few seconds.");
            refused.retry_after = Some(5);
            refused
        }
        PasswordError::Broken(why) => {
            tracing::error!(why, "a password could not be checked");
            Refused::new(500, "internal", "The password could not be checked. The log of the server says why.")
        }
    }
}

/// Too many tries.
pub(in crate::admin) fn too_often(wait: Duration) -> Refused {
    let seconds = wait.as_secs().saturating_add(u64::from(wait.subsec_millis() > 0)).max(1);
    let mut refused = Refused::new(429, "too_often", format!("Too many tries. Wait {seconds} s, then try again."));
    refused.retry_after = Some(u32::try_from(seconds).unwrap_or(u32::MAX));
    refused
}
