//! Proofs that are sent as they are: a token, or a name and a password.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

use crate::{
    secret::Secret,
    services::{Refused, Request},
};

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// Where it stands.
    pub place: TokenPlace,
    /// Of the header or query parameter, in lower case; its case does not count. Unused for a path.
    pub name: String,
    /// What stands before it, such as `Bearer `. May be empty.
    pub prefix: String,
    /// The name of the secret.
    pub secret: String,
}

/// Where a token stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenPlace {
    /// In the query.
    Query,
    /// In a header.
    Header,
    /// It is the first segment of the path after the source.
    Path,
}

/// A user's name and a password, as HTTP's Basic authentication sends them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Basic {
    /// The name of the secret that holds the user's name.
    pub user: String,
    /// The name of the secret that holds the password.
    pub password: String,
}

impl Token {
    pub(super) fn check(&self, request: &Request<'_>, live: &[Secret]) -> Result<&'static str, Refused> {
        // The same answer as for a source that is not there: who has no token learns nothing.
        let refused = |detail: &str| Refused::new(404, "not_found", format!("token: {detail}"));
        let given: Vec<&[u8]> = match self.place {
            TokenPlace::Query => {
                let named = request.query.iter().filter(|(name, _)| name.eq_ignore_ascii_case(&self.name));
                named.map(|(_, value)| value.as_bytes()).collect()
            }
            TokenPlace::Header => request.header(&self.name).collect(),
            TokenPlace::Path => request.path.iter().take(1).map(String::as_bytes).collect(),
        };
        let value = match given.as_slice() {
            [] => return Err(refused("missing")),
            [value] => value,
            _ if self.place == TokenPlace::Header => {
                let detail = format!("header `{}` stands more than once", self.name);
                return Err(Refused::new(400, "duplicate_header", detail));
            }
            _ => return Err(refused("given more than once")),
        };
        let Some(value) = value.strip_prefix(self.prefix.as_bytes()) else {
            return Err(refused("its prefix is missing"));
        };
        if is_one_of(value, live) { Ok("token") } else { Err(refused("mismatch")) }
    }
}

impl Basic {
    pub(super) fn check(
        &self,
        request: &Request<'_>,
        users: &[Secret],
        passwords: &[Secret],
    ) -> Result<&'static str, Refused> {
        let wrong = |detail: &str| Refused::new(401, "credentials", format!("header `authorization`: {detail}"));
        let mut values = request.header("authorization");
        let value = values.next().ok_or_else(|| wrong("it is missing"))?;
        if values.next().is_some() {
            let detail = "header `authorization` stands more than once".to_owned();
            return Err(Refused::new(400, "duplicate_header", detail));
        }
        let (scheme, text) = value.split_at_checked(6).ok_or_else(|| wrong("it is not `Basic`"))?;
        if !scheme.eq_ignore_ascii_case(b"basic ") {
            return Err(wrong("it is not `Basic`"));
        }
        let pair = STANDARD.decode(text.trim_ascii()).map_err(|_| wrong("it is not standard Base64"))?;
        let at = pair.iter().position(|byte| *byte == b':').ok_or_else(|| wrong("it holds no `:`"))?;
        let (user, password) = pair.split_at(at);
        let password = password.get(1..).unwrap_or_default();
        // Both are compared, whichever is wrong.
        let (user, password) = (is_one_of(user, users), is_one_of(password, passwords));
        match (user, password) {
            (true, true) => Ok("basic"),
            _ => Err(wrong(&format!(
                "user and password are not those of secrets `{}` and `{}`",
                self.user, self.password
            ))),
        }
    }
}

/// Whether a value is that of a live secret. Digests have one length, so that comparing them tells nothing of the secret's.
pub(in crate::services) fn is_one_of(value: &[u8], live: &[Secret]) -> bool {
    let digest = Sha256::digest(value);
    let matched = live
        .iter()
        .map(|secret| Sha256::digest(secret.expose().as_bytes()).as_slice().ct_eq(digest.as_slice()))
        .fold(Choice::from(0), |any, one| any | one);
    bool::from(matched)
}
