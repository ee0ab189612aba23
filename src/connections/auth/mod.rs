//! Secrets on their way out: to their origins, and nowhere else.

mod place;
mod signing;

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use url::Url;
use zeroize::Zeroizing;

use super::{
    Message,
    address::refused,
    effective::{Effective, Settings},
};
use crate::{
    clock::Time,
    egress::{Egress, Origin},
    model::{ErrorClass, StepError},
    secret::Secret,
    services::{AuthUse, Registry, Signing},
    store::{Vault, VaultError},
};

/// Where secrets come from.
pub(super) trait Secrets {
    fn get(&self, name: &str) -> Result<Secret, VaultError>;
    /// Origins set with `--for`. Empty: none of its own.
    fn origins(&self, name: &str) -> Vec<String>;
    /// The access token of a connection. `None`: it was not asked for before.
    fn token(&self, connection: &str) -> Option<Secret>;
    /// A secret that is a whole address.
    fn address(&self, name: &str) -> Result<Secret, VaultError> {
        self.get(name)
    }
    /// The time as it is signed and sent: whole seconds since 1970.
    fn stamp(&self) -> String;
    /// The signature over bytes with the secret of this name.
    fn sign(&self, signing: &Signing, _name: &str, key: &Secret, bytes: &[u8]) -> String {
        signing::signature(signing, key, bytes)
    }
}

/// Secrets of the vault, and the access token that was had for this request.
pub(super) struct InUse<'a> {
    pub(super) vault: &'a Vault,
    pub(super) token: Option<&'a Secret>,
    pub(super) now: Time,
}

impl Secrets for InUse<'_> {
    fn get(&self, name: &str) -> Result<Secret, VaultError> {
        self.vault.get(name)
    }
    fn origins(&self, name: &str) -> Vec<String> {
        self.vault.origins(name)
    }
    fn token(&self, _connection: &str) -> Option<Secret> {
        self.token.cloned()
    }
    fn stamp(&self) -> String {
        self.now.0.div_euclid(1000).to_string()
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
        message: Message<'_>,
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
            AuthUse::Path { secret: of, prefix } => {
                let value = secret(of)?;
                place::in_path(url, through.and_then(|connection| connection.base_url), prefix, &value);
            }
            AuthUse::Url(of) => {
                let why = format!(
                    "secret `{of}` is a whole address, which cannot be sent to another one; use an action of its service"
                );
                return Err(refused(ErrorClass::SecretOrigin, why));
            }
            AuthUse::Hmac(signing) => {
                let key = secret(&signing.secret)?;
                self.sign(signing, through, &key, (url, message), &mut headers)?;
            }
            AuthUse::OAuth2(_) => {
                let Some(connection) = through else {
                    return Err(refused(ErrorClass::Internal, "a grant belongs to a connection; name one".into()));
                };
                let value = Zeroizing::new(format!("Bearer {}", self.token(connection, &to)?.expose()));
                headers.insert(header::AUTHORIZATION, sensitive(&connection.name, &value)?);
            }
            AuthUse::Connection(name) => return self.through(name, url, message),
        }
        Ok(headers)
    }

    /// Adds the signature, and the time where it has a header.
    fn sign(
        &self,
        signing: &Signing,
        through: Option<&Effective<'_>>,
        key: &Secret,
        (url, message): (&Url, Message<'_>),
        headers: &mut HeaderMap,
    ) -> Result<(), StepError> {
        let stamp = self.secrets.stamp();
        let ours = through.map_or(signing.secret.as_str(), |connection| connection.secret(&signing.secret));
        let bytes = signing::signed(signing, url, message, &stamp);
        let made = format!("{}{}", signing.prefix, self.secrets.sign(signing, ours, key, &bytes));
        let name = |name: &str| {
            HeaderName::from_bytes(name.as_bytes())
                .map_err(|_| refused(ErrorClass::InvalidHeaderValue, format!("`{name}` is no name of a header")))
        };
        if let Some(header) = &signing.timestamp {
            headers.insert(name(header)?, sensitive(&signing.secret, &stamp)?);
        }
        headers.insert(name(&signing.header)?, sensitive(&signing.secret, &made)?);
        Ok(())
    }

    /// The address that a secret of the connection is, with a path below it.
    pub(super) fn at_secret(
        &self,
        egress: &Egress,
        connection: &Effective<'_>,
        name: &str,
        path: &str,
    ) -> Result<Url, StepError> {
        let name = connection.secret(name);
        let secret = self.secrets.address(name).map_err(unread)?;
        let url = place::at_secret(egress, name, &secret, path)?;
        let to = Origin::of(&url).ok_or_else(|| refused(ErrorClass::Internal, "the URL has no host".into()))?;
        // Its origin is its own; `--for` narrows it.
        match self.set_origins(name) {
            Some(set) if !set.contains(&to) => Err(elsewhere(name, &set, &to)),
            _ => Ok(url),
        }
    }

    /// The access token of a connection, if it may go to `to`.
    fn token(&self, connection: &Effective<'_>, to: &Origin) -> Result<Secret, StepError> {
        let (name, origins) = (&connection.name, connection.origins());
        if !origins.contains(to) {
            let known: Vec<_> = origins.iter().map(Origin::as_str).collect();
            let why = format!("the access token of connection `{name}` is for {}, not for {to}", known.join(", "));
            return Err(refused(ErrorClass::SecretOrigin, why));
        }
        let missing = || refused(ErrorClass::Grant, format!("connection `{name}` has no access token"));
        self.secrets.token(name).ok_or_else(missing)
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
    fn through(&self, name: &str, url: &mut Url, message: Message<'_>) -> Result<HeaderMap, StepError> {
        let connection = Effective::find(self.settings, self.registry, name).ok_or_else(|| unknown(name))?;
        match &connection.pack.auth {
            // No further: the way ends here, and so cannot turn in a circle.
            Some(AuthUse::Connection(_)) | None => {
                Err(refused(ErrorClass::Internal, format!("connection `{name}` has no auth of its own to use")))
            }
            Some(auth) => self.apply(auth, Some(&connection), url, message),
        }
    }

    /// The secret, if it may go to `to`.
    pub(super) fn secret(&self, name: &str, to: &Origin) -> Result<Secret, StepError> {
        let secret = self.secrets.get(name).map_err(unread)?;
        let origins = self.origins(name);
        if origins.contains(to) { Ok(secret) } else { Err(elsewhere(name, &origins, to)) }
    }

    /// Where a secret may go: where `--for` says; else, if packs name it in their auth, where they send it.
    fn origins(&self, name: &str) -> Vec<Origin> {
        if let Some(set) = self.set_origins(name) {
            return set;
        }
        let connections = Effective::names(self.settings, self.registry);
        connections
            .filter_map(|connection| Effective::find(self.settings, self.registry, connection))
            .flat_map(|connection| connection.origins_of(name))
            .collect()
    }

    /// Where `--for` says. `None`: it says nothing.
    fn set_origins(&self, name: &str) -> Option<Vec<Origin>> {
        let set = self.secrets.origins(name);
        (!set.is_empty()).then(|| set.iter().filter_map(|origin| Origin::parse(origin).ok()).collect())
    }
}

fn unread(error: VaultError) -> StepError {
    match error {
        VaultError::Store(error) => refused(ErrorClass::Internal, error.to_string()),
        missing => refused(ErrorClass::SecretMissing, missing.to_string()),
    }
}

fn elsewhere(name: &str, origins: &[Origin], to: &Origin) -> StepError {
    let known: Vec<_> = origins.iter().map(Origin::as_str).collect();
    let meant = if known.is_empty() { "nowhere".into() } else { known.join(", ") };
    let why =
        format!("secret `{name}` is for {meant}, not for {to}; `bellwire secrets set {name} --for {to}` changes that");
    refused(ErrorClass::SecretOrigin, why)
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
