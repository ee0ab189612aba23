//! The ways of proof, and the checks that all of them share.

use super::{Basic, Proof, Scheme, StampPlace, Stamped, Target, Token, TokenPlace};
use crate::{
    clock::Time,
    secret::Secret,
    services::{Refused, Request, StampUnit},
    value::Path,
};

/// Values of one secret that are tried: the one in force and the one it replaces.
const LIVE: usize = 2;

/// How a delivery proves where it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verify {
    /// A signature over parts of it.
    Signed(Box<Scheme>),
    /// A text that only the sender knows.
    Token(Token),
    /// A user's name and a password.
    Basic(Basic),
    /// Nothing is checked: for public sources alone.
    None,
}

impl Verify {
    /// Checks a request.
    pub(in crate::services) fn check(
        &self,
        request: &Request<'_>,
        target: &Target<'_>,
        secrets: &dyn Fn(&str) -> Vec<Secret>,
        now: Time,
    ) -> Result<Proof, Refused> {
        // An empty key or token is one that everybody knows.
        let live = |name: &str| -> Result<Vec<Secret>, Refused> {
            let live: Vec<Secret> = secrets(name).into_iter().filter(|s| !s.expose().is_empty()).take(LIVE).collect();
            if live.is_empty() {
                return Err(Refused::new(503, "secret_missing", format!("secret `{name}` is not set")));
            }
            Ok(live)
        };
        match self {
            Self::Signed(scheme) => scheme.check(request, target, &live(&scheme.secret)?, now),
            Self::Token(token) => token.check(request, &live(&token.secret)?).map(Proof::of),
            Self::Basic(basic) => basic.check(request, &live(&basic.user)?, &live(&basic.password)?).map(Proof::of),
            Self::None => Ok(Proof::of("none")),
        }
    }

    /// The names of the secrets that are needed. Empty where nothing is checked.
    pub fn secrets(&self) -> Vec<&str> {
        match self {
            Self::Signed(scheme) => vec![&scheme.secret],
            Self::Token(token) => vec![&token.secret],
            Self::Basic(basic) => vec![&basic.user, &basic.password],
            Self::None => Vec::new(),
        }
    }

    /// Where the time of a signature stands in the body, and how it is written. `None`: it stands elsewhere, or there is none.
    pub fn stamp_of_body(&self) -> Option<(&Path, StampUnit)> {
        let Self::Signed(scheme) = self else { return None };
        let Some(Stamped { place: StampPlace::Body(path), unit, .. }) = &scheme.time else { return None };
        Some((path, *unit))
    }

    /// The header and query names that hold the proof, in lower case.
    pub(in crate::services) fn hidden(&self) -> Vec<&str> {
        match self {
            Self::Signed(scheme) => scheme.headers.iter().map(String::as_str).collect(),
            Self::Token(token) if token.place != TokenPlace::Path => vec![&token.name],
            Self::Basic(_) => vec!["authorization"],
            Self::Token(_) | Self::None => Vec::new(),
        }
    }
}
