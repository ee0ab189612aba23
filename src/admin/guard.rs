//! Who may call a route: asked before its handler, for every route of the admin.

use rocket::{
    Data, Request, Route,
    http::Method,
    request::{FromRequest, Outcome as Found},
    route::{self, Handler},
};

use super::{auth, refused::Refused};
use crate::model::{Person, Role, Scope};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    /// Everybody: login, assets.
    Public,
    /// People who are signed in by a browser, from this role on.
    Page(Role),
    /// The same, with the password given a few minutes ago.
    Fresh(Role),
    /// Bearer tokens with this scope, whose person has this role at least.
    Api(Role, Scope),
}

/// A route that knows who may call it. Made by `guard` and `public` alone.
pub(super) struct Guarded(Route);

impl Guarded {
    /// The route as Rocket mounts it.
    pub(super) fn into_route(self) -> Route {
        self.0
    }
}

/// Routes that ask for `access` before their handlers run:
/// `guard(Access::Page(Role::Viewer), routes![list, show])`.
pub(super) fn guard(access: Access, routes: Vec<Route>) -> Vec<Guarded> {
    let guarded = |mut route: Route| {
        route.handler = Box::new(Door { access, inner: route.handler });
        Guarded(route)
    };
    routes.into_iter().map(guarded).collect()
}

/// Routes for everybody. Each is a row of the public list in the table of routes.
pub(super) fn public(routes: Vec<Route>) -> Vec<Guarded> {
    guard(Access::Public, routes)
}

#[derive(Clone)]
struct Door {
    access: Access,
    inner: Box<dyn Handler>,
}

/// What the door found out about a request, for the guards of its handler.
pub(super) struct Visitor(pub(super) Option<Person>);

#[rocket::async_trait]
impl Handler for Door {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> route::Outcome<'r> {
        let writes = !matches!(request.method(), Method::Get | Method::Head);
        match auth::admit(request, self.access, writes).await {
            Ok(person) => {
                request.local_cache(|| Visitor(person));
                self.inner.handle(request, data).await
            }
            Err(refused) => route::Outcome::from(request, refused),
        }
    }
}

/// The person who acts: `person: &Person` in a handler.
#[rocket::async_trait]
impl<'r> FromRequest<'r> for &'r Person {
    type Error = Refused;

    async fn from_request(request: &'r Request<'_>) -> Found<Self, Refused> {
        match &request.local_cache(|| Visitor(None)).0 {
            Some(person) => Found::Success(person),
            None => {
                Found::Error((rocket::http::Status::Unauthorized, Refused::new(401, "unauthorized", "Sign in first.")))
            }
        }
    }
}
