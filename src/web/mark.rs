//! The mark by which Rocket knows that a request came through the gate.

use rocket::{
    Data, Request, Route,
    fairing::{Fairing, Info, Kind},
    http::{Method, uri::Origin},
    route,
};
use subtle::ConstantTimeEq;

use super::Fault;

/// The header that carries the mark; a client's own is stripped.
pub const MARK: &str = "x-bellwire-mark";

/// Where a request without the mark is sent. No name of a route of ours.
const ASIDE: &str = "/-/misdirected";

/// A mark: 128 random bits of this process.
pub(super) fn new_mark() -> Result<String, getrandom::Error> {
    let mut bits = [0_u8; 16];
    getrandom::fill(&mut bits)?;
    Ok(hex::encode(bits))
}

/// Sends every request without the mark to a route that answers 421.
#[derive(Debug)]
pub(super) struct MarkCheck(pub(super) String);

#[rocket::async_trait]
impl Fairing for MarkCheck {
    fn info(&self) -> Info {
        Info { name: "mark of the gate", kind: Kind::Request }
    }

    async fn on_request(&self, request: &mut Request<'_>, _data: &mut Data<'_>) {
        let given = request.headers().get_one(MARK).unwrap_or_default();
        if bool::from(given.as_bytes().ct_eq(self.0.as_bytes())) {
            return;
        }
        if let Ok(aside) = Origin::parse(ASIDE) {
            request.set_method(Method::Get);
            request.set_uri(aside);
        }
    }
}

/// The route that answers 421.
pub(super) fn aside() -> Route {
    #[derive(Clone)]
    struct Misdirected;

    #[rocket::async_trait]
    impl route::Handler for Misdirected {
        async fn handle<'r>(&self, request: &'r Request<'_>, _data: Data<'r>) -> route::Outcome<'r> {
            route::Outcome::from(request, Fault::MISDIRECTED)
        }
    }
    Route::ranked(-100, Method::Get, ASIDE, Misdirected)
}
