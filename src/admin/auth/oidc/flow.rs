//! The way to the provider and back: what is kept of it meanwhile, and what comes back is checked against that.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    jwt::{Claims, Expected, TokenError},
    pages::BACK,
    provider::{ProviderError, Question},
};
use crate::{
    admin::{
        audit::Refusal,
        auth::{
            cookies::Cookie,
            keys::{self, digest},
            limits,
            signed::{Browser, too_often},
        },
        query::Query,
        refused::Refused,
        state::Admin,
    },
    clock::Time,
    config::{Config, Oidc},
    store::OneTime,
};

/// How long somebody may be at the provider.
const OPEN: Duration = Duration::from_mins(10);
/// Its kind among what counts once.
const KIND: &str = "oidc";
/// Bytes of a code.
const LONGEST_CODE: usize = 4096;

/// What somebody was sent to the provider for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Purpose {
    /// To sign in.
    SignIn,
    /// To prove anew who is signed in.
    Again,
    /// To say who a user is at the provider.
    Connect,
}

/// What is kept while somebody is at the provider. No secret: those are made of the browser's cookie.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Kept {
    pub(super) purpose: Purpose,
    /// Who was signed in.
    pub(super) user: Option<i64>,
    /// Where the browser goes on to.
    pub(super) next: String,
    issuer: String,
    at: i64,
}

impl Kept {
    /// When the browser was sent away.
    pub(super) fn begun(&self) -> Time {
        Time(self.at)
    }
}

/// The provider, where one is set.
pub(super) fn configured(admin: &Admin) -> Result<&Oidc, Refused> {
    let missing = || {
        Refused::new(404, "not_found", "Sign-in through a provider is not set up here: see `[oidc]` in the settings.")
    };
    admin.config.oidc.as_ref().ok_or_else(missing)
}

/// Where the provider sends browsers back to: where they reach the admin.
fn redirect(config: &Config) -> String {
    let base = match (config.server.admin_listen, &config.server.public_url) {
        (Some(listen), _) if listen.ip().is_loopback() => format!("http://{listen}"),
        (_, url) => url.clone().unwrap_or_default(),
    };
    format!("{base}{BACK}")
}

/// Something of one way there and back, which only the browser with this cookie can have.
fn derived(what: &str, cookie: &str, state: &str) -> [u8; 32] {
    digest(&format!("bellwire oidc {what} {cookie} {state}"))
}

fn nonce(cookie: &str, state: &str) -> String {
    hex::encode(derived("nonce", cookie, state))
}

fn verifier(cookie: &str, state: &str) -> String {
    URL_SAFE_NO_PAD.encode(derived("verifier", cookie, state))
}

/// Begins: where the browser is to go, and the cookie of it.
pub(super) async fn begin(
    admin: &Admin,
    browser: &Browser,
    purpose: Purpose,
    user: Option<i64>,
    next: &str,
) -> Result<(String, Vec<String>), Refused> {
    let (oidc, now) = (configured(admin)?, admin.clock.now());
    if let Err(wait) = admin.store.count_try(limits::of_provider(&browser.peer), now).await? {
        return Err(too_often(wait));
    }
    // A browser that has two pages of login open has one cookie for both.
    let cookie = match &browser.oidc {
        Some(cookie) => cookie.clone(),
        None => keys::fresh()?,
    };
    let state = keys::fresh()?;
    let redirect = redirect(&admin.config);
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier(&cookie, &state).as_bytes()));
    let question = Question {
        redirect: &redirect,
        state: &state,
        nonce: &nonce(&cookie, &state),
        challenge: &challenge,
        is_anew: purpose == Purpose::Again,
    };
    let page = admin.provider().page(oidc, &question, now).await;
    let page = match page {
        Ok(page) => page,
        Err(error) => return Err(told(admin, browser, &error).await),
    };
    let kept = Kept { purpose, user, next: next.to_owned(), issuer: oidc.issuer.clone(), at: now.0 };
    let data = serde_json::to_string(&kept).map_err(|error| {
        tracing::error!(%error, "a way to the provider cannot be written");
        Refused::new(500, "internal", "This did not work. The log of the server says why.")
    })?;
    let kept = OneTime { digest: derived("state", &cookie, &state), kind: KIND, data, until: now.plus(OPEN) };
    admin.store.put_one_time(kept, false, now).await?;
    Ok((page, vec![Cookie::Oidc.set(&cookie, &admin.config)]))
}

/// A browser came back: what it was sent for, and what the provider says who it is.
pub(super) async fn end(admin: &Admin, browser: &Browser, query: &Query) -> Result<(Kept, Claims), Refused> {
    let (oidc, now) = (configured(admin)?, admin.clock.now());
    let state = query.short("state", 64)?.unwrap_or_default();
    let cookie = browser.oidc.as_deref().unwrap_or_default();
    let digest = derived("state", cookie, state);
    let kept = match admin.store.take_one_time(digest, KIND, now).await? {
        Some(data) if !cookie.is_empty() => serde_json::from_str::<Kept>(&data).ok(),
        _ => None,
    };
    let Some(kept) = kept.filter(|kept| kept.issuer == oidc.issuer) else {
        return Err(refuse(
            admin,
            browser,
            400,
            "an unknown way back from the provider",
            "This way back from the provider is not known, was used, or took longer than 10 minutes; or it was begun in another \
             browser. Begin again at the sign-in page."
                .to_owned(),
        )
        .await);
    };
    match admin.provider().is_back(oidc, query.text("iss")?, now).await {
        Ok(true) => {}
        Ok(false) => {
            let message = "Another provider has answered than the one that was asked. Begin again at the sign-in page.";
            return Err(refuse(admin, browser, 403, "another provider has answered", message.to_owned()).await);
        }
        Err(error) => return Err(told(admin, browser, &error).await),
    }
    let Some(code) = query.short("code", LONGEST_CODE)? else {
        return Err(not_agreed(admin, browser, query.text("error")?).await);
    };
    let (nonce, verifier) = (nonce(cookie, state), verifier(cookie, state));
    let expected =
        Expected { issuer: &oidc.issuer, client_id: &oidc.client_id, nonce: &nonce, begun: kept.begun(), now };
    let redirect = redirect(&admin.config);
    let redeemed = admin.provider().redeem(oidc, &admin.vault, (code, &verifier, &redirect), &expected).await;
    match redeemed {
        Ok(claims) => Ok((kept, claims)),
        Err(error) => Err(told(admin, browser, &error).await),
    }
}

/// The provider has sent no code. Its words come from whoever sent the browser here: they choose among sentences of ours.
async fn not_agreed(admin: &Admin, browser: &Browser, error: Option<&str>) -> Refused {
    let (status, message) = match error {
        Some("access_denied") => (
            403,
            "The provider did not let you through, or you have cancelled. Begin again, or sign in with a password.",
        ),
        Some("login_required" | "interaction_required" | "consent_required" | "account_selection_required") => {
            (403, "The provider wants to ask you something first. Sign in there, then begin again.")
        }
        Some("temporarily_unavailable" | "server_error") => {
            (502, "The provider cannot answer at the moment. Try again in a few minutes, or sign in with a password.")
        }
        _ => (
            502,
            "The provider has refused the question. Whoever runs this server compares `[oidc]` in the settings with what is \
                   registered there; the log of the server has its word.",
        ),
    };
    tracing::warn!(error = %error.unwrap_or("nothing").escape_debug(), "the provider sent no code");
    refuse(admin, browser, status, "the provider sent no code", message.to_owned()).await
}

/// The page for a fault of the provider. What it said is in the log alone.
async fn told(admin: &Admin, browser: &Browser, error: &ProviderError) -> Refused {
    tracing::warn!(error = %error.to_string().escape_debug(), "sign-in through the provider failed");
    let (status, reason, message) = match error {
        ProviderError::Unreachable(_) => (
            502,
            "the provider was not reached",
            "The provider of the sign-in does not answer. Try again in a moment, or sign in with a password. Whoever runs this server \
             finds why in its log.",
        ),
        ProviderError::Unfit(_) | ProviderError::Settings(_) => (
            502,
            "the provider does not fit the settings",
            "The provider of the sign-in and `[oidc]` in the settings do not fit each other; the log of the server says how. Sign in \
             with a password meanwhile.",
        ),
        ProviderError::Refused(_) => (
            403,
            "the provider refused the code",
            "The provider did not take its own code again: it is over, was used, or the client's secret is wrong; the log of the server \
             says which. Begin again at the sign-in page.",
        ),
        ProviderError::Token(TokenError::Claim("exp" | "iat" | "nbf" | "auth_time")) => (
            403,
            "the ID token is of another time",
            "What the provider says of you is of another time: its clock or that of this server is wrong. Begin again at the sign-in \
             page; the log of the server says more.",
        ),
        ProviderError::Token(_) => (
            403,
            "the ID token is not believed",
            "What the provider says of you cannot be believed; the log of the server says why. Begin again at the sign-in page, or sign \
             in with a password.",
        ),
    };
    refuse(admin, browser, status, reason, message.to_owned()).await
}

/// A refusal that stands in the audit log.
pub(super) async fn refuse(
    admin: &Admin,
    browser: &Browser,
    status: u16,
    reason: &'static str,
    message: String,
) -> Refused {
    admin.audit_refusal(None, Refusal { action: "login", subject: "", reason, peer: &browser.peer }).await;
    Refused::new(status, "login", message)
}
