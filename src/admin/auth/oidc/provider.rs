//! The provider: what it tells of itself, its keys, and what it gives for a code. Nothing that it says is shown to anybody as it is.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderValue, Method, header};
use serde_json::{Map, Value};
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

use super::jwt::{self, Claims, Expected, Key, TokenError};
use crate::{
    clock::Time,
    config::Oidc,
    egress::Origin,
    net::{Client, Outgoing},
    secret::Secret,
    store::{Vault, VaultError},
};

/// Of each request: a browser waits for it.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of an answer.
const LARGEST: usize = 256 * 1024;
/// How long what a provider tells of itself is believed.
const KNOWN: Duration = Duration::from_hours(1);
/// Keys are asked for again so often at most when a token names one that is not known.
const AGAIN: Duration = Duration::from_secs(60);
/// A provider that could not be reached is left alone for so long.
const REST: Duration = Duration::from_secs(5);

/// Why a provider was of no use. What it holds is for the log.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum ProviderError {
    /// It did not answer.
    #[error("{0}")]
    Unreachable(String),
    /// It answered something else than was asked for.
    #[error("{0}")]
    Unfit(String),
    /// It does not take the code, or does not know us.
    #[error("the provider refused the code: {0}")]
    Refused(String),
    /// The secret of the client.
    #[error("{0}")]
    Settings(String),
    /// Its token is not believed.
    #[error(transparent)]
    Token(#[from] TokenError),
}

impl From<VaultError> for ProviderError {
    fn from(error: VaultError) -> Self {
        Self::Settings(error.to_string())
    }
}

/// What it tells of itself.
#[derive(Debug, Clone)]
struct Document {
    authorize: Url,
    token: Url,
    keys: Url,
    user: Option<Url>,
    /// Client and secret go into the form.
    in_form: bool,
    /// It says on every way back who it is (RFC 9207).
    names_itself: bool,
}

#[derive(Default)]
struct Known {
    document: Option<(Document, Time)>,
    keys: Option<(Vec<Key>, Time)>,
    failed: Option<(ProviderError, Time)>,
}

/// What is asked of a person who is sent there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question<'q> {
    pub(super) redirect: &'q str,
    pub(super) state: &'q str,
    pub(super) nonce: &'q str,
    pub(super) challenge: &'q str,
    /// The person has to prove anew who it is.
    pub(super) is_anew: bool,
}

/// The provider as this process knows it.
pub(in crate::admin) struct Provider {
    client: Client,
    known: Mutex<Known>,
}

impl Provider {
    pub(in crate::admin) fn new(client: Client) -> Self {
        Self { client, known: Mutex::default() }
    }

    /// Where a browser is sent with a question.
    pub(super) async fn page(&self, oidc: &Oidc, question: &Question<'_>, now: Time) -> Result<String, ProviderError> {
        let mut page = self.document(oidc, now).await?.authorize;
        {
            let mut query = page.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &oidc.client_id)
                .append_pair("redirect_uri", question.redirect)
                .append_pair("scope", &oidc.scopes.join(" "))
                .append_pair("state", question.state)
                .append_pair("nonce", question.nonce)
                .append_pair("code_challenge", question.challenge)
                .append_pair("code_challenge_method", "S256");
            if question.is_anew {
                query.append_pair("prompt", "login").append_pair("max_age", "0");
            }
        }
        Ok(page.into())
    }

    /// Whether a way back may be of this provider: `named` is who it says it is.
    pub(super) async fn is_back(&self, oidc: &Oidc, named: Option<&str>, now: Time) -> Result<bool, ProviderError> {
        let names_itself = self.document(oidc, now).await?.names_itself;
        Ok(named.map_or(!names_itself, |named| named == oidc.issuer))
    }

    /// Redeems a code; what its ID token says, with what the provider tells of the person where that stands elsewhere.
    pub(super) async fn redeem(
        &self,
        oidc: &Oidc,
        vault: &Vault,
        (code, verifier, redirect): (&str, &str, &str),
        expected: &Expected<'_>,
    ) -> Result<Claims, ProviderError> {
        let document = self.document(oidc, expected.now).await?;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect),
            ("code_verifier", verifier),
        ];
        let secret = oidc.client_secret.as_deref().map(|name| secret(vault, name, &document.token)).transpose()?;
        let (status, answer) = self.ask(outgoing(&document, oidc, secret.as_ref(), &form)?).await?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        if let Some(error) = text("error") {
            return Err(ProviderError::Refused(error.escape_debug().take(100).collect()));
        }
        let (Some(token), 200) = (text("id_token"), status) else {
            return Err(ProviderError::Unfit(format!("the provider answered {status} without an ID token")));
        };
        let mut claims = self.believe(&document, token, expected).await?;
        if let (None, Some(user), Some(access)) = (claims.all.get("email"), &document.user, text("access_token")) {
            let told = self.user(user, access, &claims.subject).await?;
            for (name, value) in told {
                claims.all.entry(name).or_insert(value);
            }
        }
        Ok(claims)
    }

    /// What a token says. Where it names a key that is not known, the keys are asked for again.
    async fn believe(
        &self,
        document: &Document,
        token: &str,
        expected: &Expected<'_>,
    ) -> Result<Claims, ProviderError> {
        let (keys, at) = self.keys(document, expected.now, KNOWN).await?;
        match jwt::verify(token, &keys, expected) {
            Err(TokenError::UnknownKey) if expected.now.since(at) >= AGAIN => {
                let (keys, _) = self.keys(document, expected.now, AGAIN).await?;
                Ok(jwt::verify(token, &keys, expected)?)
            }
            verified => Ok(verified?),
        }
    }

    /// What is told of a person, which must be the one of the token (Core, section 5.3.2).
    async fn user(&self, url: &Url, access: &str, subject: &str) -> Result<Map<String, Value>, ProviderError> {
        let mut headers = HeaderMap::new();
        let bearer = HeaderValue::from_str(&format!("Bearer {access}"));
        let mut bearer = bearer.map_err(|_| ProviderError::Unfit("the access token fits no header".to_owned()))?;
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
        let (status, told) = self.get(url, headers).await?;
        if status != 200 || told.get("sub").and_then(Value::as_str) != Some(subject) {
            return Err(ProviderError::Unfit(format!(
                "the provider answered {status}, or of somebody else, when asked who it is"
            )));
        }
        Ok(told)
    }

    async fn document(&self, oidc: &Oidc, now: Time) -> Result<Document, ProviderError> {
        let mut known = self.known.lock().await;
        if let Some((document, at)) = &known.document
            && now.since(*at) < KNOWN
        {
            return Ok(document.clone());
        }
        if let Some((error, at)) = &known.failed
            && now.since(*at) < REST
        {
            return Err(error.clone());
        }
        let asked = self.discover(oidc).await;
        match &asked {
            Ok(document) => known.document = Some((document.clone(), now)),
            Err(error) => known.failed = Some((error.clone(), now)),
        }
        asked
    }

    async fn discover(&self, oidc: &Oidc) -> Result<Document, ProviderError> {
        let place = format!("{}/.well-known/openid-configuration", oidc.issuer.trim_end_matches('/'));
        let place = Url::parse(&place).map_err(|error| ProviderError::Settings(error.to_string()))?;
        let (status, told) = self.get(&place, HeaderMap::new()).await?;
        if status != 200 {
            return Err(ProviderError::Unfit(format!("the provider answered {status} where it tells of itself")));
        }
        // Another one's document would lead the code and its secret there (Discovery, section 4.3).
        if told.get("issuer").and_then(Value::as_str) != Some(oidc.issuer.as_str()) {
            return Err(ProviderError::Unfit(
                "the provider calls itself otherwise than `oidc.issuer` does; it must be the same to the letter"
                    .to_owned(),
            ));
        }
        let is_plain = oidc.issuer.starts_with("http://");
        let url = |name: &str| {
            let url = told.get(name).and_then(Value::as_str).and_then(|text| Url::parse(text).ok());
            url.filter(|url| url.scheme() == "https" || (is_plain && url.scheme() == "http"))
        };
        let wanted = |name: &str| {
            url(name).ok_or_else(|| ProviderError::Unfit(format!("the provider tells no `{name}` with https")))
        };
        let ways = told.get("token_endpoint_auth_methods_supported").and_then(Value::as_array);
        let takes = |way: &str| ways.is_some_and(|ways| ways.iter().any(|known| known.as_str() == Some(way)));
        Ok(Document {
            authorize: wanted("authorization_endpoint")?,
            token: wanted("token_endpoint")?,
            keys: wanted("jwks_uri")?,
            user: url("userinfo_endpoint"),
            in_form: takes("client_secret_post") && !takes("client_secret_basic"),
            names_itself: told.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
        })
    }

    /// The keys, no older than `oldest`, and when they were asked for.
    async fn keys(&self, document: &Document, now: Time, oldest: Duration) -> Result<(Vec<Key>, Time), ProviderError> {
        let mut known = self.known.lock().await;
        if let Some((keys, at)) = &known.keys
            && now.since(*at) < oldest
        {
            return Ok((keys.clone(), *at));
        }
        let (status, set) = self.get(&document.keys, HeaderMap::new()).await?;
        let keys = jwt::keys_of(&set);
        if status != 200 || keys.is_empty() {
            return Err(ProviderError::Unfit(format!(
                "the provider answered {status} without a key where its keys are"
            )));
        }
        known.keys = Some((keys.clone(), now));
        Ok((keys, now))
    }

    async fn get(&self, url: &Url, mut headers: HeaderMap) -> Result<(u16, Map<String, Value>), ProviderError> {
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        self.ask(Outgoing { method: Method::GET, url: url.clone(), headers, body: None, timeout: TIMEOUT }).await
    }

    /// Status and object of an answer.
    async fn ask(&self, outgoing: Outgoing) -> Result<(u16, Map<String, Value>), ProviderError> {
        let reply = self.client.send(outgoing).await.map_err(|error| ProviderError::Unreachable(error.message))?;
        let unfit =
            || ProviderError::Unfit(format!("the provider answered {} without JSON, or at length", reply.status));
        if reply.truncated || reply.body.len() > LARGEST {
            return Err(unfit());
        }
        if reply.status >= 500 {
            return Err(ProviderError::Unreachable(format!("the provider answered {}", reply.status)));
        }
        let object = serde_json::from_slice(&reply.body).map_err(|_| unfit())?;
        Ok((reply.status, object))
    }
}

/// The secret of the client, which may be meant for other places than this one.
fn secret(vault: &Vault, name: &str, place: &Url) -> Result<Secret, ProviderError> {
    let secret = vault.get(name)?;
    let origins = vault.origins(name);
    let is_for = Origin::of(place).is_some_and(|origin| origins.iter().any(|known| known == origin.as_str()));
    if origins.is_empty() || is_for {
        return Ok(secret);
    }
    Err(ProviderError::Settings(format!(
        "secret `{name}` is not for the host of the provider; see `bellwire secrets set --for`"
    )))
}

fn outgoing(
    document: &Document,
    oidc: &Oidc,
    secret: Option<&Secret>,
    form: &[(&str, &str)],
) -> Result<Outgoing, ProviderError> {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(form);
    match secret {
        Some(secret) if !document.in_form => {
            // RFC 6749, section 2.3.1: both are encoded as in a form first.
            let encode = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
            let pair = Zeroizing::new(format!("{}:{}", encode(&oidc.client_id), encode(secret.expose())));
            let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
            let value = HeaderValue::from_str(&value);
            let mut value =
                value.map_err(|_| ProviderError::Settings("the client's secret fits no header".to_owned()))?;
            value.set_sensitive(true);
            headers.insert(header::AUTHORIZATION, value);
        }
        Some(secret) => {
            body.append_pair("client_id", &oidc.client_id).append_pair("client_secret", secret.expose());
        }
        None => {
            body.append_pair("client_id", &oidc.client_id);
        }
    }
    let body = Some(body.finish().into_bytes());
    Ok(Outgoing { method: Method::POST, url: document.token.clone(), headers, body, timeout: TIMEOUT })
}
