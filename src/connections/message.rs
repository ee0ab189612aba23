//! What a request is addressed with, and why it may not be.

use http::HeaderMap;
use url::Url;

use crate::{clock::Time, model::StepError};

/// What of a request its auth may need to see: a signature is over these.
#[derive(Debug, Clone, Copy)]
pub struct Message<'a> {
    /// The method, in upper case.
    pub method: &'a str,
    /// The bytes of the body. `None`: no body.
    pub body: Option<&'a [u8]>,
}

/// Where a request goes, with what proves who we are.
#[derive(Debug)]
pub struct Addressed {
    /// It may hold a secret: mask it before it is stored.
    pub url: Url,
    /// Those of the auth alone.
    pub headers: HeaderMap,
    /// The access token in it. `None`: it is sent with none.
    pub token: Option<TokenUsed>,
}

/// Which access token a request was sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenUsed {
    /// The connection whose token it is.
    pub connection: String,
    /// Of its grant.
    pub generation: i64,
}

/// Why a request cannot go out. Steps and attempts of the errors are the caller's to fill in.
#[derive(Debug, Clone, PartialEq)]
pub enum Unready {
    /// As it is, it never can.
    Refused(StepError),
    /// An access token cannot be had now, and may be later: nothing of the request went out.
    Later(StepError),
    /// Its connection has no grant: it waits for a person.
    Paused(Pause),
}

impl Unready {
    /// What to tell.
    pub fn error(self) -> StepError {
        match self {
            Self::Refused(error) | Self::Later(error) => error,
            Self::Paused(pause) => pause.error,
        }
    }
}

impl From<StepError> for Unready {
    fn from(error: StepError) -> Self {
        Self::Refused(error)
    }
}

/// A connection that waits for a person.
#[derive(Debug, Clone, PartialEq)]
pub struct Pause {
    /// The connection.
    pub connection: String,
    /// Of the grant that does not serve; 0 where there was none.
    pub generation: i64,
    /// When to look again, if nothing changes before.
    pub until: Time,
    /// What is wrong, with the way out.
    pub error: StepError,
}
