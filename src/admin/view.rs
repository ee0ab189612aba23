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

/// A page of the navigation.
pub(super) struct Section {
    /// As people read it.
    pub(super) name: &'static str,
    /// Where it is.
    pub(super) path: &'static str,
    /// Behind `g` on the keyboard. Empty for none.
    pub(super) key: &'static str,
    /// Its symbol in `icons.svg`.
    pub(super) icon: &'static str,
}

const fn section(name: &'static str, path: &'static str, key: &'static str, icon: &'static str) -> Section {
    Section { name, path, key, icon }
}

/// The navigation in its groups, and from which role on each is seen.
const GROUPS: [(&str, Role, &[Section]); 4] = [
    (
        "Activity",
        Role::Viewer,
        &[
            section("Overview", "/", "o", "overview"),
            section("Rules", "/rules", "r", "rules"),
            section("Events", "/events", "e", "events"),
            section("Runs", "/runs", "u", "runs"),
            section("Problems", PROBLEMS, "p", "problems"),
        ],
    ),
    (
        "Integrations",
        Role::Viewer,
        &[
            section("Sources", "/sources", "s", "sources"),
            section("Services", "/services", "v", "services"),
            section("Connections", "/connections", "c", "connections"),
            section("Schedules", "/schedules", "h", "schedules"),
        ],
    ),
    ("People", Role::Viewer, &[section("People", "/people", "l", "people"), section("Calls", "/calls", "a", "calls")]),
    (
        "Administration",
        Role::Owner,
        &[
            section("Secrets", "/secrets", "t", "secrets"),
            section("Settings", "/settings", "i", "settings"),
            section("Users", "/users", "n", "users"),
            section("Audit", "/audit", "d", "audit"),
        ],
    ),
];

/// The page whose entry tells how many are open.
const PROBLEMS: &str = "/problems";

/// An entry of the navigation as a page shows it.
pub(super) struct Entry {
    /// As people read it.
    pub(super) name: &'static str,
    /// Where it is.
    pub(super) path: &'static str,
    /// Behind `g` on the keyboard. Empty for none.
    pub(super) key: &'static str,
    /// Its symbol in `icons.svg`.
    pub(super) icon: &'static str,
    /// Whether it is the one that is shown.
    pub(super) is_here: bool,
    /// How many of it ask for somebody.
    pub(super) count: u64,
}

/// Entries of the navigation under one heading.
pub(super) struct Group {
    /// The heading.
    pub(super) name: &'static str,
    /// What stands under it.
    pub(super) entries: Vec<Entry>,
}

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
    /// Problems that are open, as of a few seconds ago.
    pub(super) problems: u64,
    /// Files of the workspace that are held back.
    pub(super) held_back: usize,
    /// What an owner is warned of on the overview and among the settings: those that are risky.
    pub(super) warnings: Vec<String>,
}

impl Frame {
    /// The frame of a page for a person.
    pub(super) fn new(admin: &Admin, person: &Person, section: &'static str, title: impl Into<String>) -> Self {
        let warnings = if person.role == Role::Owner { admin.config.warnings.clone() } else { Vec::new() };
        Self {
            title: title.into(),
            section,
            person: Some(person.clone()),
            now: admin.clock.now(),
            notice: String::new(),
            problems: admin.glance().problems(),
            held_back: held_back(admin),
            warnings,
        }
    }

    /// The frame of a page that nobody needs to be signed in for.
    pub(super) fn outside(now: Time, title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            section: "",
            person: None,
            now,
            notice: String::new(),
            problems: 0,
            held_back: 0,
            warnings: Vec::new(),
        }
    }

    /// The settings that are risky by their names: the first words of what is warned of.
    pub(super) fn risky(&self) -> String {
        let names = self.warnings.iter().map(|warning| warning.split(' ').next().unwrap_or_default());
        names.collect::<Vec<_>>().join(", ")
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

    /// The navigation as the person sees it.
    pub(super) fn groups(&self) -> Vec<Group> {
        let seen = GROUPS.iter().filter(|(_, role, _)| self.may(*role));
        seen.map(|(name, _, sections)| Group {
            name,
            entries: sections.iter().map(|section| self.entry(section)).collect(),
        })
        .collect()
    }

    fn entry(&self, section: &Section) -> Entry {
        Entry {
            name: section.name,
            path: section.path,
            key: section.key,
            icon: section.icon,
            is_here: section.path == self.section,
            count: if section.path == PROBLEMS { self.problems } else { 0 },
        }
    }

    /// Of this program.
    #[expect(clippy::unused_self, reason = "templates ask the frame for all that stands around a page")]
    pub(super) fn version(&self) -> &'static str {
        env!("CARGO_PKG_VERSION")
    }

    /// The address of an asset, with its digest.
    #[expect(clippy::unused_self, reason = "templates ask the frame for all that stands around a page")]
    pub(super) fn asset(&self, name: &str) -> String {
        assets::address(name)
    }

    /// An instant, told from now, with the whole of it on hover.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass what they loop over")]
    pub(super) fn ago(&self, at: &Time) -> Markup {
        when(*at, self.now)
    }

    /// An instant to the second: in the viewer's zone, and in UTC where no script runs.
    #[expect(clippy::unused_self, clippy::trivially_copy_pass_by_ref, reason = "templates ask the frame for all times")]
    pub(super) fn at(&self, at: &Time) -> Markup {
        Markup(moment(*at))
    }

    /// A sentence that was stored with the instants that were known then: each of them as an element of its own.
    #[expect(clippy::unused_self, reason = "templates ask the frame for all times")]
    pub(super) fn timed(&self, sentence: &str) -> Markup {
        Markup(timed(sentence))
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

/// How many files of the workspace are held back.
fn held_back(admin: &Admin) -> usize {
    let findings = admin.workshop.held_back();
    let mut files: Vec<&str> = findings.iter().map(|finding| finding.file.as_str()).collect();
    files.sort_unstable();
    files.dedup();
    files.len()
}

/// `<time>`: told from `now`, the whole of it for scripts and on hover.
fn when(at: Time, now: Time) -> Markup {
    let span = relative(at, now);
    Markup(format!("<time datetime=\"{at}\" title=\"{at}\" data-ago>{span}</time>"))
}

/// `<time>`: the instant itself, to the second.
fn moment(at: Time) -> String {
    let whole = at.to_string();
    let seconds = whole.get(..19).unwrap_or(&whole).replace('T', " ");
    format!("<time datetime=\"{whole}\" title=\"{whole}\" data-local=\"moment\">{seconds} UTC</time>")
}

/// A text as HTML, in which whatever reads as an instant of UTC is a `<time>`.
fn timed(text: &str) -> String {
    let mut made = String::with_capacity(text.len() + 64);
    for (place, word) in text.split(' ').enumerate() {
        if place > 0 {
            made.push(' ');
        }
        let bare = word.trim_end_matches(['.', ',', ';', ':', ')']);
        match Time::parse(bare).filter(|_| bare.ends_with('Z') && bare.contains('T')) {
            Some(at) => {
                made.push_str(&moment(at));
                escape(word.strip_prefix(bare).unwrap_or_default(), &mut made);
            }
            None => escape(word, &mut made),
        }
    }
    made
}

fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        match c {
            '&' => into.push_str("&amp;"),
            '<' => into.push_str("&lt;"),
            '>' => into.push_str("&gt;"),
            '"' => into.push_str("&quot;"),
            '\'' => into.push_str("&#39;"),
            c => into.push(c),
        }
    }
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
        // "In 1 d" would be a day early at worst.
        86_400..=259_199 if size % 86_400 >= 3600 => format!("{} d {} h", size / 86_400, size % 86_400 / 3600),
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
    let admin = request.rocket().state::<Admin>();
    let frame = match (admin, visitor) {
        (Some(admin), Some(person)) => Frame::new(admin, person, "", title),
        _ => Frame::outside(admin.map(|admin| admin.clock.now()).unwrap_or_default(), title),
    };
    RefusedPage { frame, refused }.render().unwrap_or_else(|_| title.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_in_a_sentence_are_elements_and_all_else_is_escaped() {
        let told = timed("<b>\"x\"</b> & 'y' since 2026-03-01T10:00:00.5Z, at 2026-03-01 or 2026-03-01T10:00:00Z.");
        let of = |whole: &str| {
            format!("<time datetime=\"{whole}\" title=\"{whole}\" data-local=\"moment\">2026-03-01 10:00:00 UTC</time>")
        };
        let (first, last) = (of("2026-03-01T10:00:00.5Z"), of("2026-03-01T10:00:00Z"));
        let wanted =
            format!("&lt;b&gt;&quot;x&quot;&lt;/b&gt; &amp; &#39;y&#39; since {first}, at 2026-03-01 or {last}.");
        assert_eq!(told, wanted);
    }

    #[test]
    fn times_are_told_from_now() {
        let now = Time(10_000_000_000);
        let table = [
            (0, "now"),
            (45_000, "45 s ago"),
            (-120_000, "in 2 min"),
            (7_200_000, "2 h ago"),
            (172_800_000, "2 d ago"),
            (-140_400_000, "in 1 d 15 h"),
            (-86_400_000, "in 1 d"),
            (259_199_000, "2 d 23 h ago"),
            (262_900_000, "3 d ago"),
        ];
        for (before, wanted) in table {
            assert_eq!(relative(Time(now.0 - before), now), wanted);
        }
    }
}
