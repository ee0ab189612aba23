//! `/rules/edit`: the text of a rule, beside what it does with an event; and the pages of codes that its findings lead to.

mod code;
mod seen;

use askama::Template;
use rocket::State;

use crate::{
    admin::{
        guard::{Access, Guarded, guard},
        refused::Refused,
        state::Admin,
        view::{Frame, Page, page},
    },
    model::{Person, Role},
};

/// The longest path, id or name that the address may hold.
const LONGEST: usize = 300;

pub(super) fn routes() -> Vec<Guarded> {
    guard(Access::Page(Role::Viewer), rocket::routes![show, seen::seen, code::show])
}

#[derive(Template)]
#[template(path = "editor.html")]
struct Editor<'a> {
    frame: Frame,
    may_save: bool,
    /// From the workspace; empty for a new rule.
    path: &'a str,
    /// The stored event that it is looked at with, or the sample; both may be empty.
    event: &'a str,
    sample: &'a str,
    /// What a new rule starts from.
    from: &'a str,
    /// Whose drafts a browser keeps.
    person: &'a str,
    /// Whether the file is in force, in words.
    force: &'static str,
    /// For browsers without scripts.
    text: String,
}

/// The editor. A path that is not in the workspace yet is a new rule.
#[rocket::get("/rules/edit?<path>&<event>&<sample>&<from>")]
async fn show(
    admin: &State<Admin>,
    person: &Person,
    path: Option<&str>,
    event: Option<&str>,
    sample: Option<&str>,
    from: Option<&str>,
) -> Page {
    let [path, event, sample, from] = [path, event, sample, from].map(Option::unwrap_or_default);
    if [path, event, sample, from].iter().any(|given| given.len() > LONGEST) {
        return Err(Refused::invalid("The address of the editor is too long. Open the rule from the list of rules."));
    }
    if !path.is_empty() && !is_rule(path) {
        return Err(Refused::invalid(
            "The editor opens files below rules/ that end in .yaml, such as rules/calls/missed.yaml.",
        ));
    }
    let text = text_of(admin, path).await?;
    let frame = Frame::new(admin, person, "/rules", title(path, text.is_some()));
    page(&Editor {
        may_save: frame.may_edit(),
        frame,
        path,
        event,
        sample,
        from,
        person: &person.name,
        force: force(admin, path, text.is_some()),
        text: text.unwrap_or_default(),
    })
}

/// Whether a path of the workspace can be a rule's.
fn is_rule(path: &str) -> bool {
    let is_plain = path.split('/').all(|part| !part.is_empty() && !part.starts_with('.')) && !path.contains('\\');
    let ending = path.rsplit_once('.').map(|(_, ending)| ending);
    path.starts_with("rules/") && is_plain && matches!(ending, Some("yaml" | "yml"))
}

fn title(path: &str, is_there: bool) -> String {
    let name = path.trim_start_matches("rules/").trim_end_matches(".yaml").trim_end_matches(".yml");
    match (name, is_there) {
        ("", _) => "New rule".to_owned(),
        (name, true) => format!("Edit {name}"),
        (name, false) => format!("New rule {name}"),
    }
}

/// The text of a file as it is on disk now. `None` where there is none.
async fn text_of(admin: &State<Admin>, path: &str) -> Result<Option<String>, Refused> {
    if path.is_empty() {
        return Ok(None);
    }
    let workshop = std::sync::Arc::clone(&admin.workshop);
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || workshop.texts().0.get(&path).cloned());
    read.await.map_err(|error| {
        tracing::error!(%error, "the files of the workspace cannot be read");
        Refused::new(500, "internal", "The files of the workspace cannot be read. The log of the server says why.")
    })
}

/// Whether a file is in force, in words.
fn force(admin: &State<Admin>, path: &str, is_there: bool) -> &'static str {
    let in_force = (admin.in_force)();
    let runs = in_force.set.rules.values().any(|rule| &*rule.file == path);
    let held = admin.workshop.held_back().iter().any(crate::model::Finding::is_error);
    match (is_there, runs, held) {
        (false, ..) => "not a file yet",
        (true, true, false) => "in force",
        (true, true, true) => "held back: an older text is in force",
        (true, false, true) => "held back: not in force",
        (true, false, false) => "not in force",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_of_rules_are_opened() {
        let table = [
            ("rules/calls/missed.yaml", true),
            ("rules/a.yml", true),
            ("rules/../bellwire.toml", false),
            ("rules/../secrets.yaml", false),
            ("rules/.hidden.yaml", false),
            ("rules//a.yaml", false),
            ("rules\\a.yaml", false),
            ("templates/a.yaml", false),
            ("/rules/a.yaml", false),
            ("rules/a.txt", false),
        ];
        for (path, wanted) in table {
            assert_eq!(is_rule(path), wanted, "{path}");
        }
    }
}
