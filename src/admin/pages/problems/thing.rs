//! What a problem is about: its pages in the admin, and the button that may help.

use crate::{
    admin::{here::encoded, refused::Refused, state::Admin},
    store::ProblemRow,
};

/// What a problem is about.
#[derive(Default)]
pub(super) struct Thing {
    /// What it is, as people read it. Empty: nothing that has a page.
    pub(super) what: &'static str,
    /// Its pages: address and name.
    pub(super) pages: Vec<(String, String)>,
    /// Further pages that help: address and name.
    pub(super) more: Vec<(String, &'static str)>,
    /// What may help at once.
    pub(super) button: Option<Button>,
}

/// A form without fields that people see.
pub(super) struct Button {
    /// Where it is sent.
    pub(super) action: String,
    /// The rule that it names. Empty: none.
    pub(super) rule: String,
    pub(super) label: &'static str,
    /// What it does, before it does it.
    pub(super) says: &'static str,
    /// Owners alone may press it; else editors may.
    pub(super) is_owners: bool,
}

/// What a problem is about.
pub(super) async fn of(admin: &Admin, row: &ProblemRow) -> Result<Thing, Refused> {
    let subject = row.subject.as_str();
    Ok(match row.kind.as_str() {
        "run" => Thing {
            more: vec![(format!("/runs?rule={}", encoded(row.rule.as_deref().unwrap_or(subject))), "Its runs")],
            ..rule(admin, row.rule.as_deref().unwrap_or(subject))
        },
        "poll" => Thing {
            more: vec![("/schedules".to_owned(), "Schedules and polls")],
            button: Some(Button {
                action: "/schedules/poll".to_owned(),
                rule: subject.to_owned(),
                label: "Ask for real",
                says: "Asks the service now; new items start the rule, for real",
                is_owners: false,
            }),
            ..rule(admin, subject)
        },
        "schedule" => Thing { more: vec![("/schedules".to_owned(), "Schedules and polls")], ..rule(admin, subject) },
        "silence" => Thing {
            more: vec![(format!("/events?source={}&state=refused", encoded(subject)), "Deliveries that were refused")],
            ..one("Source", "/sources", subject)
        },
        "subscription" => one("Source", "/sources", subject),
        "grant" => Thing {
            button: Some(Button {
                action: format!("/connections/{}/login", encoded(subject)),
                rule: String::new(),
                label: "Log in again",
                says: "Leads to the service, where you agree once more",
                is_owners: true,
            }),
            ..one("Connection", "/connections", subject)
        },
        "circuit" => {
            let links = admin.outward.links().await?;
            let there = links.into_iter().filter(|link| link.hosts.iter().any(|host| host.origin == subject));
            let pages = there.map(|link| (format!("/connections/{}", encoded(&link.name)), link.name)).collect();
            let more = vec![("/connections".to_owned(), "All connections")];
            Thing { what: "Connection", pages, more, button: None }
        }
        _ => Thing::default(),
    })
}

fn one(what: &'static str, place: &str, name: &str) -> Thing {
    let pages = vec![(format!("{place}/{}", encoded(name)), name.to_owned())];
    Thing { what, pages, ..Thing::default() }
}

/// A rule; one that is no longer there has no page and no button.
fn rule(admin: &Admin, id: &str) -> Thing {
    let is_there = (admin.in_force)().set.rules.contains_key(id);
    let pages = is_there.then(|| (format!("/rules/show?id={}", encoded(id)), id.to_owned()));
    Thing { what: "Rule", pages: pages.into_iter().collect(), ..Thing::default() }
}
