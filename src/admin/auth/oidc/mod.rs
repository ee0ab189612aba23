//! Sign-in through a provider of `OpenID` Connect: the authorization code flow with PKCE, state and nonce, each of one browser and once.

mod flow;
mod jwt;
mod pages;
mod people;
mod provider;

pub(in crate::admin) use provider::Provider;

pub(super) use pages::{AGAIN, START, routes};

use crate::{config::Oidc, store::UserRow};

/// Whether a user is a person of the provider that is set now.
pub(in crate::admin) fn is_of(oidc: Option<&Oidc>, user: &UserRow) -> bool {
    let issuer = user.remote.as_ref().map(|(issuer, _)| issuer);
    oidc.is_some_and(|oidc| issuer == Some(&oidc.issuer))
}
