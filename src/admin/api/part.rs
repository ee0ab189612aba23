//! A resource of the API: its routes with who may call them, and what the document says of them.

use rocket::{Route, http::Method};
use utoipa::OpenApi;

use crate::{
    admin::guard::{Access, Guarded, guard},
    model::{Role, Scope},
};

/// A resource of the API.
pub(super) struct Part {
    /// The tag in the document.
    pub(super) name: &'static str,
    /// One sentence about it.
    pub(super) about: &'static str,
    /// What `utoipa` made of its handlers.
    pub(super) document: utoipa::openapi::OpenApi,
    routes: Vec<(Role, Scope, Vec<Route>)>,
}

/// A route as the document tells it.
pub(super) struct Told {
    pub(super) method: Method,
    /// With `{id}` for `<id>`.
    pub(super) path: String,
    pub(super) role: Role,
    pub(super) scope: Scope,
}

impl Part {
    /// A resource without routes yet.
    pub(super) fn of<D: OpenApi>(name: &'static str, about: &'static str) -> Self {
        Self { name, about, document: D::openapi(), routes: Vec::new() }
    }

    /// The same with routes for people of this role by tokens of this scope.
    #[must_use]
    pub(super) fn with(mut self, role: Role, scope: Scope, routes: Vec<Route>) -> Self {
        self.routes.push((role, scope, routes));
        self
    }

    /// Its routes, unguarded.
    pub(super) fn routes(&self) -> Vec<Route> {
        self.routes.iter().flat_map(|(_, _, routes)| routes.clone()).collect()
    }

    /// Its routes, as the document tells them.
    pub(super) fn told(&self) -> Vec<Told> {
        let told = |(role, scope, route): (Role, Scope, &Route)| Told {
            method: route.method,
            path: route.uri.path().replace('<', "{").replace('>', "}"),
            role,
            scope,
        };
        self.routes
            .iter()
            .flat_map(|(role, scope, routes)| routes.iter().map(|route| told((*role, *scope, route))))
            .collect()
    }

    /// Its routes, guarded.
    pub(super) fn into_guarded(self) -> Vec<Guarded> {
        self.routes.into_iter().flat_map(|(role, scope, routes)| guard(Access::Api(role, scope), routes)).collect()
    }
}
