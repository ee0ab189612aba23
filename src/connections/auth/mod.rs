//! Secrets on their way out: to their origins, and nowhere else.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;
use zeroize::Zeroizing;

use super::{
    address::refused,
    effective::{Effective, Settings},
};
use crate::{
    egress::Origin,
    model::{ErrorClass, StepError},
    secret::Secret,
    services::{AuthUse, Registry},
    store::{Vault, VaultError},
};

/// Where secrets come from.
pub(super) trait Secrets {
    fn get(&self, name: &str) -> Result<Secret, VaultError>;
    /// Origins set with `--for`. Empty: none of its own.
    fn origins(&self, name: &str) -> Vec<String>;
}

impl Secrets for Vault {
    fn get(&self, name: &str) -> Result<Secret, VaultError> {
        Self::get(self, name)
    }
    fn origins(&self, name: &str) -> Vec<String> {
        Self::origins(self, name)
    }
}

/// What an auth scheme is applied with.
pub(super) struct Keeper<'a, S> {
    pub(super) settings: Settings<'a>,
    pub(super) registry: &'a Registry,
    pub(super) secrets: &'a S,
}

impl<S: Secrets> Keeper<'_, S> {
    /// Puts what `auth` asks for into `url` and headers. `through` is the connection whose names of secrets it uses, if any.
    pub(super) fn apply(
        &self,
        auth: &AuthUse,
        through: Option<&Effective<'_>>,
        url: &mut Url,
    ) -> Result<HeaderMap, StepError> {
        let to = Origin::of(url).ok_or_else(|| refused(ErrorClass::Internal, "the URL has no host".into()))?;
        let secret = |name: &str| {
            let name = through.map_or(name, |connection| connection.secret(name));
            self.secret(name, &to)
        };
        let mut headers = HeaderMap::new();
        match auth {
            AuthUse::Bearer(name) => {
                let value = Zeroizing::new(format!("Bearer {}", secret(name)?.expose()));
                headers.insert(header::AUTHORIZATION, sensitive(name, &value)?);
            }
            AuthUse::Basic { user, password } => {
                let (user_value, password_value) = (secret(user)?, secret(password)?);
                if user_value.expose().contains(':') {
                    let why = format!("secret `{user}` holds `:`, which no user name of Basic auth may");
                    return Err(refused(ErrorClass::InvalidHeaderValue, why));
                }
                let pair = Zeroizing::new(format!("{}:{}", user_value.expose(), password_value.expose()));
                let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
                headers.insert(header::AUTHORIZATION, sensitive(password, &value)?);
            }
            AuthUse::BasicAs { name, password } => {
                let pair = Zeroizing::new(format!("{name}:{}", secret(password)?.expose()));
                let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
                headers.insert(header::AUTHORIZATION, sensitive(password, &value)?);
            }
            // It goes into the body: `member`.
            AuthUse::Json { .. } => {}
            AuthUse::Header { name, secret: of, prefix } => {
                let Ok(name) = HeaderName::from_bytes(name.as_bytes()) else {
                    return Err(refused(ErrorClass::InvalidHeaderValue, format!("`{name}` is no name of a header")));
                };
                let value = Zeroizing::new(format!("{prefix}{}", secret(of)?.expose()));
                headers.insert(name, sensitive(of, &value)?);
            }
            AuthUse::Query { name, secret: of } => {
                let value = secret(of)?;
                url.query_pairs_mut().append_pair(name, value.expose());
            }
            // CONTRACT STUB
            AuthUse::Path { .. } | AuthUse::Url(_) | AuthUse::Hmac(_) | AuthUse::OAuth2(_) => {
                return Err(refused(ErrorClass::Internal, "this auth is not built yet".to_owned()));
            }
            AuthUse::Connection(name) => return self.through(name, url),
        }
        Ok(headers)
    }

    /// The member of the JSON body that `auth` asks for, at `url`. `None` where it asks for none.
    pub(super) fn member(
        &self,
        auth: &AuthUse,
        through: Option<&Effective<'_>>,
        url: &Url,
    ) -> Result<Option<(String, Secret)>, StepError> {
        let AuthUse::Json { name, secret } = auth else { return Ok(None) };
        let to = Origin::of(url).ok_or_else(|| refused(ErrorClass::Internal, "the URL has no host".into()))?;
        let ours = through.map_or(secret.as_str(), |connection| connection.secret(secret));
        Ok(Some((name.clone(), self.secret(ours, &to)?)))
    }

    /// The auth of another connection.
    fn through(&self, name: &str, url: &mut Url) -> Result<HeaderMap, StepError> {
        let connection = Effective::find(self.settings, self.registry, name).ok_or_else(|| unknown(name))?;
        match &connection.pack.auth {
            // No further: the way ends here, and so cannot turn in a circle.
            Some(AuthUse::Connection(_)) | None => {
                Err(refused(ErrorClass::Internal, format!("connection `{name}` has no auth of its own to use")))
            }
            Some(auth) => self.apply(auth, Some(&connection), url),
        }
    }

    /// The secret, if it may go to `to`.
    fn secret(&self, name: &str, to: &Origin) -> Result<Secret, StepError> {
        let secret = self.secrets.get(name).map_err(|error| match error {
            VaultError::Store(error) => refused(ErrorClass::Internal, error.to_string()),
            missing => refused(ErrorClass::SecretMissing, missing.to_string()),
        })?;
        let origins = self.origins(name);
        if origins.iter().any(|origin| origin == to) {
            return Ok(secret);
        }
        let known: Vec<_> = origins.iter().map(Origin::as_str).collect();
        let meant = if known.is_empty() { "nowhere".into() } else { known.join(", ") };
        let why = format!(
            "secret `{name}` is for {meant}, not for {to}; `bellwire secrets set {name} --for {to}` changes that"
        );
        Err(refused(ErrorClass::SecretOrigin, why))
    }

    /// Where a secret may go: where `--for` says; else, if packs name it in their auth, to the base URLs of their connections.
    fn origins(&self, name: &str) -> Vec<Origin> {
        let set = self.secrets.origins(name);
        if !set.is_empty() {
            return set.iter().filter_map(|origin| Origin::parse(origin).ok()).collect();
        }
        let connections = Effective::names(self.settings, self.registry);
        connections
            .filter_map(|connection| Effective::find(self.settings, self.registry, connection))
            .filter(|connection| connection.uses(name))
            .filter_map(|connection| Origin::of(&Url::parse(connection.base_url?).ok()?))
            .collect()
    }
}

/// No connection of this name.
pub(super) fn unknown(name: &str) -> StepError {
    let why =
        format!("no connection `{name}`: neither `[connections.{name}]` in bellwire.toml nor a pack of this name");
    refused(ErrorClass::Internal, why)
}

fn sensitive(name: &str, value: &str) -> Result<HeaderValue, StepError> {
    let Ok(mut value) = HeaderValue::from_bytes(value.as_bytes()) else {
        let why = format!("secret `{name}` holds a line break or another control character, which no header may");
        return Err(refused(ErrorClass::InvalidHeaderValue, why));
    };
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests;
