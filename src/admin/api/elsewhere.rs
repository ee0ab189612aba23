//! What no route of the API answers: another method is 405 with `Allow`, another path 404. And rule ids, which hold slashes.

use rocket::{
    Data, Request, Route,
    data::ByteUnit,
    fairing::AdHoc,
    http::{Header, Method, uri::Origin},
    response::Responder as _,
    route::{Handler, Outcome},
};

use crate::{
    admin::{
        guard::{Access, Guarded, guard},
        refused::Refused,
    },
    model::{Role, Scope},
};

/// Behind every route of the API.
const RANK: isize = 1000;
/// Before every route of the API.
const FIRST: isize = -100;
/// What may stand behind a rule's id in an address.
const BEHIND_RULES: [&str; 6] = ["versions", "run", "release", "enable", "disable", "restore"];

/// Routes that answer every request to `/api` that no other does. `known` are the others.
pub(super) fn routes(known: &[Route]) -> Vec<Guarded> {
    let known: Vec<(Method, Vec<String>)> = known
        .iter()
        .map(|route| (route.method, route.uri.path().split('/').skip(1).map(str::to_owned).collect()))
        .collect();
    // A HEAD that no route has is a GET: one here would stand before those. TRACE and CONNECT get no further than the gate.
    let methods = [Method::Get, Method::Post, Method::Put, Method::Patch, Method::Delete, Method::Options];
    let elsewhere = Elsewhere(known);
    let route = |method| Route::ranked(RANK, method, "/api/<path..>", elsewhere.clone());
    let mut routes: Vec<Route> = methods.into_iter().map(route).collect();
    routes.extend(
        elsewhere.hidden().into_iter().map(|(method, path)| Route::ranked(FIRST, method, &path, elsewhere.clone())),
    );
    // Behind the door: whoever has no token learns nothing of what is here.
    guard(Access::Api(Role::Viewer, Scope::Read), routes)
}

#[derive(Clone)]
struct Elsewhere(Vec<(Method, Vec<String>)>);

impl Elsewhere {
    /// The methods that a path is answered for, as in `Allow`. Empty: none.
    fn allowed(&self, path: &str) -> String {
        let path: Vec<&str> = path.split('/').skip(1).collect();
        // `events/replay` is no event: a path that is known as it stands is that and no other.
        let is_plain = self.0.iter().any(|(_, known)| *known == path);
        let fits = |known: &[String]| if is_plain { *known == path } else { fits(&path, known) };
        let found: Vec<Method> = self.0.iter().filter(|(_, known)| fits(known)).map(|(method, _)| *method).collect();
        let order = [Method::Get, Method::Head, Method::Post, Method::Put, Method::Patch, Method::Delete];
        let has = |method: &Method| found.contains(if *method == Method::Head { &Method::Get } else { method });
        order.iter().filter(|method| has(method)).map(|method| method.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl Elsewhere {
    /// Paths that stand as they are and have not a method which a path with an id in the same place has.
    fn hidden(&self) -> Vec<(Method, String)> {
        let plain = self.0.iter().filter(|(_, known)| !known.iter().any(|part| part.starts_with('<')));
        let mut hidden: Vec<(Method, String)> = Vec::new();
        for (_, path) in plain {
            let parts: Vec<&str> = path.iter().map(String::as_str).collect();
            let others = self.0.iter().filter(|(_, known)| known != path && fits(&parts, known));
            let missing =
                others.filter(|(method, _)| !self.0.iter().any(|(has, known)| has == method && known == path));
            hidden.extend(missing.map(|(method, _)| (*method, format!("/{}", path.join("/")))));
        }
        hidden.sort_by(|(one, path), (other, place)| (path, one.as_str()).cmp(&(place, other.as_str())));
        hidden.dedup();
        hidden
    }
}

/// Whether a path is one that a route is for.
fn fits(path: &[&str], known: &[String]) -> bool {
    let same = |(asked, known): (&&str, &String)| known.starts_with('<') && !asked.is_empty() || *asked == known;
    known.len() == path.len() && path.iter().zip(known).all(same)
}

#[rocket::async_trait]
impl Handler for Elsewhere {
    async fn handle<'r>(&self, request: &'r Request<'_>, data: Data<'r>) -> Outcome<'r> {
        // The body is read, so that the connection can serve the next request.
        if data.open(ByteUnit::Mebibyte(2)).stream_to(tokio::io::sink()).await.is_err() {
            tracing::debug!("the body of a request that nothing answers broke off");
        }
        let allowed = self.allowed(request.uri().path().as_str());
        if allowed.is_empty() {
            return Outcome::from(
                request,
                Refused::new(404, "not_found", "There is nothing here. What there is: GET /api/openapi.json"),
            );
        }
        let refused = Refused::new(405, "method_not_allowed", format!("Here are {allowed}."));
        let answer = refused.respond_to(request).map(|mut answer| {
            answer.set_header(Header::new("Allow", allowed));
            answer
        });
        answer.map_or_else(Outcome::Error, Outcome::Success)
    }
}

/// Makes one segment of a rule's id in the address, slashes and all: `/api/v1/rules/calls/missed/versions`.
pub(super) fn rule_ids() -> AdHoc {
    AdHoc::on_request("rule ids in addresses", |request, _| Box::pin(async move { join_rule_id(request) }))
}

fn join_rule_id(request: &mut Request<'_>) {
    let Some(joined) = joined(request.uri().path().as_str()) else { return };
    let query = request.uri().query().map(|query| format!("?{query}")).unwrap_or_default();
    if let Ok(uri) = Origin::parse_owned(format!("{joined}{query}")) {
        request.set_uri(uri);
    }
}

/// The same address with `%2F` in the id. `None`: it needs none.
fn joined(path: &str) -> Option<String> {
    let rest = path.strip_prefix("/api/v1/rules/")?;
    let mut parts: Vec<&str> = rest.split('/').collect();
    let verb = parts.pop_if(|last| BEHIND_RULES.contains(last) && rest.contains('/'));
    if parts.len() < 2 || parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    let id = parts.join("%2F");
    Some(match verb {
        Some(verb) => format!("/api/v1/rules/{id}/{verb}"),
        None => format!("/api/v1/rules/{id}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rules_id_is_one_segment_whatever_stands_behind_it() {
        let table = [
            ("/api/v1/rules/calls/missed", Some("/api/v1/rules/calls%2Fmissed")),
            ("/api/v1/rules/calls/missed/versions", Some("/api/v1/rules/calls%2Fmissed/versions")),
            ("/api/v1/rules/calls%2Fmissed/run", None),
            ("/api/v1/rules/missed/run", None),
            ("/api/v1/rules/run", None),
            ("/api/v1/rules//x", None),
            ("/api/v1/runs/a/b", None),
        ];
        for (path, wanted) in table {
            assert_eq!(joined(path).as_deref(), wanted, "{path}");
        }
    }
}
