//! A person agrees in a browser: the address to open, and what is made of the code that comes back (RFC 6749, section 4.1; RFC 7636).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use url::Url;

use super::endpoint::{Asked, Endpoint};
use crate::{
    clock::Time,
    connections::address::refused,
    model::{ErrorClass, StepError},
    net::Client,
    secret::Secret,
    store::NewGrant,
};

/// Where a login was begun, and so where it ends. The state tells, also one that is no longer known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginFrom {
    /// On a page of the admin.
    Admin,
    /// By the command line.
    CommandLine,
}

impl LoginFrom {
    /// What the states of logins from the admin begin with.
    const MARK: &str = "admin.";

    /// Where the login of this state was begun.
    pub fn of(state: &str) -> Self {
        if state.starts_with(Self::MARK) { Self::Admin } else { Self::CommandLine }
    }

    const fn mark(self) -> &'static str {
        match self {
            Self::Admin => Self::MARK,
            Self::CommandLine => "",
        }
    }
}

/// A login that begins.
#[derive(Debug)]
pub struct Login {
    /// What a person opens in a browser.
    pub url: Url,
    /// Comes back with the code: a code without it is not ours.
    pub state: String,
    /// Proves that whoever brings the code also asked for it.
    pub verifier: Secret,
    /// Where the browser is sent back to.
    pub redirect: String,
}

impl Login {
    /// A login at `page`, with new random values.
    pub(in crate::connections) fn begin(
        endpoint: &Endpoint,
        page: &str,
        redirect: &str,
        from: LoginFrom,
    ) -> Result<Self, StepError> {
        let mut url = Url::parse(page)
            .map_err(|error| refused(ErrorClass::Internal, format!("`authorize_url` of the pack: {error}")))?;
        let (state, verifier) = (format!("{}{}", from.mark(), random()?), Secret::new(random()?));
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose().as_bytes()));
        let scopes = endpoint.oauth2.scopes.join(" ");
        {
            let mut query = url.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", endpoint.client_id.expose())
                .append_pair("redirect_uri", redirect)
                .append_pair("state", &state)
                .append_pair("code_challenge", &challenge)
                .append_pair("code_challenge_method", "S256");
            if !scopes.is_empty() {
                query.append_pair("scope", &scopes);
            }
            query.extend_pairs(&endpoint.oauth2.authorize);
        }
        Ok(Self { url, state, verifier, redirect: redirect.to_owned() })
    }
}

/// 32 random bytes, as they may stand in a URL: as many as RFC 7636 recommends.
fn random() -> Result<String, StepError> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| refused(ErrorClass::Internal, format!("no random numbers from the system: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Tokens for a code. The sentence of an error holds neither the code nor the verifier.
pub(in crate::connections) async fn redeem(
    endpoint: &Endpoint,
    client: &Client,
    code: &str,
    verifier: &Secret,
    redirect: &str,
    now: Time,
) -> Result<NewGrant, StepError> {
    let form = [
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect),
        ("code_verifier", verifier.expose()),
    ];
    let why = match endpoint.ask(client, &form, now).await {
        Asked::Granted(mut new) => {
            if new.scopes.is_empty() {
                new.scopes = endpoint.oauth2.scopes.join(" ");
            }
            return Ok(*new);
        }
        Asked::Later(why) | Asked::Gone(why) | Asked::Refused(why) => why,
    };
    let why = if code.is_empty() { why } else { why.replace(code, "[code]") };
    let why = why.replace(verifier.expose(), "[verifier]");
    Err(refused(ErrorClass::Grant, format!("no tokens for connection `{}`: {why}", endpoint.connection)))
}
