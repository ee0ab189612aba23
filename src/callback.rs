//! `GET /oauth/callback`: where a browser comes back from a service after somebody has agreed there.

use std::{fmt, sync::Arc};

use rocket::{State as Managed, fairing::AdHoc, http::Status, response::Redirect};

use crate::{
    connections::{Connections, LoginFrom},
    net::Client,
    services::Registry,
    store::Vault,
    web::{self, Fault},
};

/// The path below `server.public_url`.
pub const PATH: &str = "/oauth/callback";

/// What a login is ended with.
#[derive(Clone)]
pub struct State {
    pub connections: Connections,
    pub client: Client,
    pub vault: Arc<Vault>,
    /// The packs that are in force now.
    pub registry: Arc<dyn Fn() -> Arc<Registry> + Send + Sync>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State").finish_non_exhaustive()
    }
}

/// Puts the route into a Rocket.
pub fn stage(state: State) -> AdHoc {
    AdHoc::on_ignite("callback", |rocket| {
        Box::pin(async move {
            let routes = rocket::routes![callback].into_iter().chain(web::refuse_method(PATH, "GET, HEAD"));
            rocket.manage(state).mount("/", routes.collect::<Vec<_>>())
        })
    })
}

/// A login is not known: it is over, or it never was ours. Both look the same.
const UNKNOWN: Fault =
    Fault::new(400, "unknown_login", "this login is not known or over; begin again with `bellwire connections login`");

/// What the browser gets: of a login that was begun on a page the way back there, else a line of text.
#[derive(rocket::Responder)]
enum Ended {
    Page(Box<Redirect>),
    Text(String),
}

/// A page of the admin, and the word for what it says.
fn page(place: &str, did: &str) -> Ended {
    Ended::Page(Box::new(Redirect::to(format!("{place}?did={did}"))))
}

/// Ends the login that the state names, once.
#[rocket::get("/oauth/callback?<code>&<state>&<error>")]
async fn callback(
    code: Option<&str>,
    state: Option<&str>,
    error: Option<&str>,
    with: &Managed<State>,
) -> Result<Ended, Fault> {
    let state = state.filter(|state| !state.is_empty() && state.len() <= 200).ok_or(UNKNOWN)?;
    let is_page = LoginFrom::of(state) == LoginFrom::Admin;
    let taken = with.vault.take_login(state).await.map_err(|error| {
        tracing::error!(%error, "a login could not be looked up");
        Fault::BUSY
    })?;
    let login = match taken {
        Some(login) => login,
        None if is_page => return Ok(page("/connections", "login-unknown")),
        None => return Err(UNKNOWN),
    };
    let name = login.connection.as_str();
    let home = format!("/connections/{}", url::form_urlencoded::byte_serialize(name.as_bytes()).collect::<String>());
    let Some(code) = code.filter(|code| !code.is_empty()) else {
        // The word comes from whoever sent the browser here: it is not shown, and logged as a text.
        let error = error.unwrap_or("nothing").escape_debug().to_string();
        tracing::warn!(connection = name, error, "a login was not agreed to");
        if is_page {
            return Ok(page(&home, "login-refused"));
        }
        return Err(Fault::new(400, "not_agreed", "the service sent no code: the login was not agreed to"));
    };
    let registry = (with.registry)();
    let back = (&login.verifier, login.redirect.as_str());
    match with.connections.finish_login(&with.client, &registry, name, code, back).await {
        Ok(()) if is_page => Ok(page(&home, "logged-in")),
        Ok(()) => Ok(Ended::Text(format!("Connection {name} is logged in. You can close this window.\n"))),
        Err(error) => {
            tracing::error!(connection = name, why = error.message, "a login failed");
            if is_page {
                return Ok(page(&home, "login-failed"));
            }
            Err(Fault::new(
                Status::BadGateway.code,
                "login_failed",
                "the service gave no tokens for this login; the log of the server says why",
            ))
        }
    }
}
