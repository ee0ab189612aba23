//! Who is who: sessions, tokens, login, the first owner.

mod admit;
mod answer;
mod cookies;
mod keys;
mod limits;
mod login;
mod next;
mod oidc;
mod origin;
mod password;
pub(super) mod qr;
pub(super) mod second;
mod setup;
mod signed;
pub(super) mod totp;

pub use keys::{digest, new_token};
pub use password::{fault as password_fault, hash_now as hash_password};
pub use setup::{LinkError, email, password_link, setup_link, user_name};

pub(super) use admit::{Ticket, admit, refuse};
pub(super) use answer::Answer;
pub(super) use limits::network;
pub(super) use oidc::{Provider, is_of as is_of_provider};
pub(super) use password::hash;
pub(super) use signed::{Browser, Tried, refused, too_often};

use super::guard::Guarded;

/// Login, logout, set-up.
pub(super) fn routes() -> Vec<Guarded> {
    let mut all = login::routes();
    all.extend(oidc::routes());
    all.extend(second::routes());
    all.extend(setup::routes());
    all
}
