//! A request on its way out: addressed, given its token, sent; sent once more with a new token where the first was refused.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use url::Url;

use super::{
    Addressed, Connections, Destination, Login, LoginFrom, Message, TokenUsed, Unready,
    address::refused,
    all::addressed,
    auth::{InUse, Keeper, unknown},
    effective::{Effective, Settings},
    member::with_member,
    oauth::{self, Endpoint},
};
use crate::{
    egress::Origin,
    model::{ErrorClass, StepError},
    net::{Client, Outgoing, Reply, SendError},
    secret::Secret,
    services::{AuthUse, Grant, OAuth2, Registry},
};

/// A request to be sent, without secrets.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    /// Where it goes.
    pub destination: Destination<'a>,
    /// The step's own auth. `None`: a connection's as its pack says, a bare URL's none.
    pub auth: Option<&'a AuthUse>,
    /// The method, in upper case.
    pub method: &'a str,
    /// Those of the request, without those of the auth.
    pub headers: &'a HeaderMap,
    /// The bytes of the body. `None`: no body.
    pub body: Option<&'a [u8]>,
    /// Of one exchange.
    pub timeout: Duration,
}

impl Connections {
    /// URL and secrets for a request: base URL of the connection, egress check, auth by the pack's or step's scheme, secrets only to
    /// their origins (class `secret_origin`), none missing (`secret_missing`), an access token renewed where it ends soon.
    ///
    /// `auth` is the step's; without it a connection uses its pack's, a bare URL none. The error's `step` and `attempt` are the
    /// caller's to fill in.
    pub async fn address(
        &self,
        client: &Client,
        registry: &Registry,
        destination: &Destination<'_>,
        auth: Option<&AuthUse>,
        message: Message<'_>,
    ) -> Result<Addressed, Unready> {
        let token = self.token(client, registry, destination, auth, None).await?;
        let used = token.as_ref().map(|(_, used)| used.clone());
        let secrets =
            InUse { vault: &self.vault, token: token.as_ref().map(|(token, _)| token), now: self.clock.now() };
        let keeper = Keeper { settings: Settings::of(&self.config), registry, secrets: &secrets };
        let (url, headers) = addressed(&keeper, &self.egress, destination, auth, message)?;
        Ok(Addressed { url, headers, token: used })
    }

    /// Whether a request could be sent now as far as its grant goes; renews a token that ends soon. `Err(Unready::Paused)`: it would
    /// wait for a person, and no attempt need be begun.
    pub async fn ready(
        &self,
        client: &Client,
        registry: &Registry,
        destination: &Destination<'_>,
        auth: Option<&AuthUse>,
    ) -> Result<(), Unready> {
        self.token(client, registry, destination, auth, None).await.map(drop)
    }

    /// Sends once; with an access token that the service refuses (401), once more with a new one.
    pub async fn send(
        &self,
        client: &Client,
        registry: &Registry,
        post: &Post<'_>,
    ) -> Result<Result<Reply, SendError>, Unready> {
        let (outgoing, used) = self.outgoing(client, registry, post).await?;
        let answer = client.send(outgoing).await;
        let Some(used) = used.filter(|_| matches!(&answer, Ok(reply) if reply.status == 401)) else {
            return Ok(answer);
        };
        match self.token(client, registry, &post.destination, post.auth, Some(used.generation)).await {
            Ok(_) => {}
            Err(Unready::Paused(pause)) => return Err(Unready::Paused(pause)),
            // The service has said what it thinks of the token at hand; a new one cannot be had now.
            Err(Unready::Later(why)) => {
                return Err(Unready::Later(refused(
                    ErrorClass::Network,
                    format!(
                        "connection `{}`: the access token was refused, and a new one cannot be had now: {}",
                        used.connection, why.message
                    ),
                )));
            }
            Err(Unready::Refused(_)) => return Ok(answer),
        }
        let (outgoing, _) = self.outgoing(client, registry, post).await?;
        Ok(client.send(outgoing).await)
    }

    async fn outgoing(
        &self,
        client: &Client,
        registry: &Registry,
        post: &Post<'_>,
    ) -> Result<(Outgoing, Option<TokenUsed>), Unready> {
        let message = Message { method: post.method, body: post.body };
        let Addressed { url, headers: proofs, token } =
            self.address(client, registry, &post.destination, post.auth, message).await?;
        let method = Method::from_bytes(post.method.as_bytes())
            .map_err(|_| refused(ErrorClass::RenderType, format!("`{}` is no HTTP method", post.method)))?;
        let mut headers = post.headers.clone();
        headers.extend(proofs);
        let body = self.body(registry, post, &url)?;
        Ok((Outgoing { method, url, headers, body, timeout: post.timeout }, token))
    }

    /// The body as it goes out: with the secret that a connection's auth puts into it, if it is of that kind. `url` is where it goes.
    fn body(&self, registry: &Registry, post: &Post<'_>, url: &Url) -> Result<Option<Vec<u8>>, StepError> {
        let as_it_is = || post.body.map(<[u8]>::to_vec);
        let Destination::Connection { name, .. } = post.destination else { return Ok(as_it_is()) };
        let settings = Settings::of(&self.config);
        let connection = Effective::find(settings, registry, name).ok_or_else(|| unknown(name))?;
        let Some(auth) = connection.pack.auth.as_ref() else { return Ok(as_it_is()) };
        let secrets = InUse { vault: &self.vault, token: None, now: self.clock.now() };
        let keeper = Keeper { settings, registry, secrets: &secrets };
        let Some((member, secret)) = keeper.member(auth, Some(&connection), url)? else { return Ok(as_it_is()) };
        let text = post.body.map(String::from_utf8_lossy);
        with_member(text.as_deref(), &member, &secret).map(|body| Some(body.into_bytes()))
    }

    /// The access token that a request needs. `None`: it needs none. `stale`: the generation of one that was refused.
    async fn token(
        &self,
        client: &Client,
        registry: &Registry,
        destination: &Destination<'_>,
        auth: Option<&AuthUse>,
        stale: Option<i64>,
    ) -> Result<Option<(Secret, TokenUsed)>, Unready> {
        let Some(connection) = self.granted(registry, destination, auth) else { return Ok(None) };
        let Some(AuthUse::OAuth2(oauth2)) = &connection.pack.auth else { return Ok(None) };
        let endpoint = || self.endpoint(registry, &connection, oauth2);
        let about = (connection.name.as_str(), stale, self.clock.now());
        let (token, generation) = self.flights.token(&self.vault, client, endpoint, about).await?;
        Ok(Some((token, TokenUsed { connection: connection.name.clone(), generation })))
    }

    /// The connection whose grant a request needs. `None`: it needs none.
    fn granted<'a>(
        &'a self,
        registry: &'a Registry,
        destination: &Destination<'_>,
        auth: Option<&AuthUse>,
    ) -> Option<Effective<'a>> {
        let through = match (auth, destination) {
            (Some(AuthUse::Connection(name)), _) => return self.with_grant(registry, name),
            (None | Some(AuthUse::OAuth2(_)), Destination::Connection { name, .. }) => *name,
            _ => return None,
        };
        let connection = Effective::find(Settings::of(&self.config), registry, through)?;
        match &connection.pack.auth {
            Some(AuthUse::OAuth2(_)) => Some(connection),
            Some(AuthUse::Connection(name)) => self.with_grant(registry, name),
            _ => None,
        }
    }

    fn with_grant<'a>(&'a self, registry: &'a Registry, name: &str) -> Option<Effective<'a>> {
        let connection = Effective::find(Settings::of(&self.config), registry, name)?;
        matches!(&connection.pack.auth, Some(AuthUse::OAuth2(_))).then_some(connection)
    }

    /// Where a connection's tokens are had, with the secrets of its client, which go there alone.
    fn endpoint(
        &self,
        registry: &Registry,
        connection: &Effective<'_>,
        oauth2: &OAuth2,
    ) -> Result<Endpoint, StepError> {
        let name = &connection.name;
        let Some(url) = connection.token_url(oauth2) else {
            let why =
                format!("connection `{name}` has no base URL; set `connections.{name}.base_url` in bellwire.toml");
            return Err(refused(ErrorClass::Internal, why));
        };
        let url: Url = self.egress.url(&url).map_err(|denied| refused(ErrorClass::EgressDenied, denied.0))?;
        let to = Origin::of(&url).ok_or_else(|| refused(ErrorClass::Internal, "the token URL has no host".into()))?;
        let secrets = InUse { vault: &self.vault, token: None, now: self.clock.now() };
        let keeper = Keeper { settings: Settings::of(&self.config), registry, secrets: &secrets };
        let secret = |theirs: &str| keeper.secret(connection.secret(theirs), &to);
        Ok(Endpoint {
            connection: name.clone(),
            url,
            client_id: secret(&oauth2.client_id)?,
            client_secret: oauth2.client_secret.as_deref().map(secret).transpose()?,
            oauth2: oauth2.clone(),
        })
    }

    /// A connection that works by OAuth 2.0, with what its pack says of that.
    fn with_oauth2<'a>(&'a self, registry: &'a Registry, name: &str) -> Result<(Effective<'a>, &'a OAuth2), StepError> {
        let settings = Settings::of(&self.config);
        let connection = Effective::find(settings, registry, name).ok_or_else(|| unknown(name))?;
        let pack: &'a crate::services::Pack = connection.pack;
        if let Some(AuthUse::OAuth2(oauth2)) = &pack.auth {
            return Ok((connection, oauth2.as_ref()));
        }
        let why = format!("connection `{name}` needs no login: its service (`{}`) works by secrets", pack.name);
        Err(refused(ErrorClass::Internal, why))
    }

    /// Begins a login of a person. `redirect` is where the browser is sent back to. `None`: the client gets tokens by itself, and
    /// [`Self::fetch`] does.
    pub fn begin_login(
        &self,
        registry: &Registry,
        name: &str,
        redirect: &str,
        from: LoginFrom,
    ) -> Result<Option<Login>, StepError> {
        let (connection, oauth2) = self.with_oauth2(registry, name)?;
        let endpoint = self.endpoint(registry, &connection, oauth2)?;
        let page = match (&oauth2.authorize_url, oauth2.grant) {
            (_, Grant::ClientCredentials) => return Ok(None),
            (Some(page), Grant::AuthorizationCode) => connection.absolute(page),
            (None, Grant::AuthorizationCode) => None,
        };
        let Some(page) = page else {
            return Err(refused(
                ErrorClass::Internal,
                format!("the pack of connection `{name}` names no page to agree"),
            ));
        };
        Login::begin(&endpoint, &page, redirect, from).map(Some)
    }

    /// Makes a grant of the code that came back, and lets the runs go that waited for it.
    pub async fn finish_login(
        &self,
        client: &Client,
        registry: &Registry,
        name: &str,
        code: &str,
        (verifier, redirect): (&Secret, &str),
    ) -> Result<(), StepError> {
        let (connection, oauth2) = self.with_oauth2(registry, name)?;
        let endpoint = self.endpoint(registry, &connection, oauth2)?;
        let masker = self.vault.masker();
        let redeemed = oauth::redeem(&endpoint, client, code, verifier, redirect, self.clock.now()).await;
        let new = redeemed.map_err(|error| StepError { message: masker.mask(&error.message), ..error })?;
        let unkept = |error: String| refused(ErrorClass::Internal, format!("the tokens could not be kept: {error}"));
        self.vault.put_grant(name, &new).await.map_err(|error| unkept(error.to_string()))?;
        if let Err(error) = self.vault.store().solve(&format!("grant:{name}"), self.clock.now()).await {
            tracing::warn!(connection = name, %error, "a problem that is over stays open");
        }
        tracing::info!(connection = name, "logged in");
        Ok(())
    }

    /// Has a token for a connection whose client gets them by itself.
    pub async fn fetch(&self, client: &Client, registry: &Registry, name: &str) -> Result<(), StepError> {
        let destination = Destination::Connection { name, host: None, path: "/" };
        self.ready(client, registry, &destination, None).await.map_err(Unready::error)
    }

    /// Headers from texts, for [`Post`]. `Err`: one that cannot be sent.
    pub fn headers<'h>(pairs: impl IntoIterator<Item = (&'h str, &'h str)>) -> Result<HeaderMap, StepError> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            let name = HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| refused(ErrorClass::InvalidHeaderValue, format!("`{name}` is no name of a header")))?;
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
                let why = format!("the value of header `{name}` holds control characters");
                refused(ErrorClass::InvalidHeaderValue, why)
            })?;
            headers.append(name, value);
        }
        Ok(headers)
    }
}
