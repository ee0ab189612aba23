//! What every page has around it, and how it is sent.

use std::{fmt, io::Cursor};

use askama::Template;
use rocket::{
    Request, Response,
    http::{ContentType, Header},
    response::{self, Responder},
};

use super::{assets, refused::Refused, state::Admin};
use crate::{
    clock::Time,
    model::{Person, Role},
};

/// What the pages of the navigation are called and where they are.
pub(super) const SECTIONS: [(&str, &str, Role); 16] = [
    ("Overview", "/", Role::Viewer),
    ("Rules", "/rules", Role::Viewer),
    ("Events", "/events", Role::Viewer),
    ("Runs", "/runs", Role::Viewer),
    ("Problems", "/problems", Role::Viewer),
    ("Sources", "/sources", Role::Viewer),
    ("Services", "/services", Role::Viewer),
    ("Connections", "/connections", Role::Viewer),
    ("Schedules", "/schedules", Role::Viewer),
    ("People", "/people", Role::Viewer),
    ("Calls", "/calls", Role::Viewer),
    ("Secrets", "/secrets", Role::Owner),
    ("Settings", "/settings", Role::Owner),
    ("Users", "/users", Role::Owner),
    ("Audit", "/audit", Role::Owner),
    ("Account", "/account", Role::Viewer),
];

/// A page as it is sent.
pub(super) struct Html(pub(super) String);

impl<'r> Responder<'r, 'static> for Html {
    fn respond_to(self, _request: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::build();
        response.header(ContentType::HTML).header(policy());
        response.sized_body(self.0.len(), Cursor::new(self.0)).ok()
    }
}

/// What every handler of a page gives.
pub(super) type Page = Result<Html, Refused>;

/// What a page may load: from here alone, and nothing inline.
pub(super) fn policy() -> Header<'static> {
    Header::new(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; \
         frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
}

/// A template as a page.
pub(super) fn page(template: &impl Template) -> Page {
    template.render().map(Html).map_err(|error| {
        tracing::error!(%error, "a page cannot be rendered");
        Refused::new(500, "internal", "This page cannot be shown. The log of the server says why.")
    })
}

/// What stands around a page: `frame` in every template that extends `base.html`.
pub(super) struct Frame {
    /// Of the page, without the product's name.
    pub(super) title: String,
    /// The path of its entry in the navigation, `/runs`; empty for none.
    pub(super) section: &'static str,
    /// Who is signed in. `None` on the pages of login.
    pub(super) person: Option<Person>,
    /// The time that relative times are told from.
    pub(super) now: Time,
    /// A sentence that tells what the last request did. Empty for none.
    pub(super) notice: String,
}

impl Frame {
    /// The frame of a page for a person.
    pub(super) fn new(admin: &Admin, person: &Person, section: &'static str, title: impl Into<String>) -> Self {
        let person = Some(person.clone());
        Self { title: title.into(), section, person, now: admin.clock.now(), notice: String::new() }
    }

    /// The frame of a page for somebody who is not signed in.
    pub(super) fn outside(admin: &Admin, title: impl Into<String>) -> Self {
        Self { title: title.into(), section: "", person: None, now: admin.clock.now(), notice: String::new() }
    }

    /// What forms send back: `<input type="hidden" name="csrf" value="{{ frame.csrf() }}">`.
    pub(super) fn csrf(&self) -> &str {
        self.person.as_ref().map_or("", Person::csrf)
    }

    /// Whether the person may do what asks for this role.
    pub(super) fn may(&self, role: Role) -> bool {
        self.person.as_ref().is_some_and(|person| person.role >= role)
    }

    /// Whether rules and runs may be changed: buttons of those who may not are left out.
    pub(super) fn may_edit(&self) -> bool {
        self.may(Role::Editor)
    }

    /// Whether secrets, users and connections may be changed.
    pub(super) fn is_owner(&self) -> bool {
        self.may(Role::Owner)
    }

    /// The entries of the navigation that the person sees: name, path, whether it is this one.
    pub(super) fn sections(&self) -> Vec<(&'static str, &'static str, bool)> {
        let seen = SECTIONS.iter().filter(|(_, _, role)| self.may(*role));
        seen.map(|(name, path, _)| (*name, *path, *path == self.section)).collect()
    }

    /// The address of an asset, with its digest.
    pub(super) fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// An instant, told from now, with the whole of it on hover.
    pub(super) fn ago(&self, at: &Time) -> Markup {
        when(*at, self.now)
    }
}

/// HTML that is safe as it is: made here, of texts that were escaped.
pub(super) struct Markup(String);

impl fmt::Display for Markup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl askama::filters::HtmlSafe for Markup {}

/// `<time>`: told from `now`, the whole of it for scripts and on hover.
fn when(at: Time, now: Time) -> Markup {
    let span = relative(at, now);
    Markup(format!("<time datetime=\"{at}\" title=\"{at}\">{span}</time>"))
}

/// `5 min ago`, `in 2 h`, `now`.
pub(super) fn relative(at: Time, now: Time) -> String {
    let seconds = now.0.saturating_sub(at.0) / 1000;
    let size = seconds.unsigned_abs();
    let span = match size {
        0..=1 => return "now".to_owned(),
        2..=59 => format!("{size} s"),
        60..=3599 => format!("{} min", size / 60),
        3600..=86_399 => format!("{} h", size / 3600),
        _ => format!("{} d", size / 86_400),
    };
    if seconds > 0 { format!("{span} ago") } else { format!("in {span}") }
}

#[derive(Template)]
#[template(path = "refused.html")]
struct RefusedPage<'a> {
    frame: Frame,
    refused: &'a Refused,
}

/// The page of a refusal.
pub(super) fn refused(request: &Request<'_>, refused: &Refused) -> String {
    let title = match refused.status {
        404 => "Not found",
        403 => "Not for you",
        409 => "Changed meanwhile",
        429 => "Too often",
        400 | 413 | 415 | 422 => "That does not fit",
        _ => "Something went wrong",
    };
    let visitor = &request.local_cache(|| super::guard::Visitor(None)).0;
    let now = request.rocket().state::<Admin>().map(|admin| admin.clock.now()).unwrap_or_default();
    let frame = Frame { title: title.to_owned(), section: "", person: visitor.clone(), now, notice: String::new() };
    RefusedPage { frame, refused }.render().unwrap_or_else(|_| title.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_from_now() {
        let now = Time(10_000_000_000);
        let table = [
            (0, "now"),
            (45_000, "45 s ago"),
            (-120_000, "in 2 min"),
            (7_200_000, "2 h ago"),
            (172_800_000, "2 d ago"),
        ];
        for (before, wanted) in table {
            assert_eq!(relative(Time(now.0 - before), now), wanted);
        }
    }
}
