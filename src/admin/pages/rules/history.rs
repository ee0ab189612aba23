//! `/rules/versions`: what a rule was, by whom and why, and two of its texts beside each other.

use askama::Template;
use rocket::State;

use crate::{
    admin::{
        act::rules::{self as act},
        refused::Refused,
        rulefiles::{self, Line, LineKind, RuleFile, lines, standing},
        state::Admin,
        view::{Frame, Page, page},
    },
    clock::Time,
    model::Person,
};

/// Versions that are listed.
const LISTED: usize = 200;

/// A commit or a digest as people name it.
fn short(version: &str) -> String {
    version.chars().take(10).collect()
}

/// Something that a file was.
struct Version {
    /// A commit, or the digest of a text.
    name: String,
    short: String,
    at: Time,
    author: String,
    message: String,
    /// `git` or `in force`.
    from: &'static str,
    is_deleted: bool,
}

#[derive(Template)]
#[template(path = "rule_versions.html")]
struct VersionsPage {
    frame: Frame,
    id: String,
    encoded: String,
    path: String,
    /// There is a file now.
    is_there: bool,
    versions: Vec<Version>,
    is_cut: bool,
}

/// The file of a rule's id, whether or not it is there now.
async fn file_of(admin: &Admin, id: &str) -> Result<(RuleFile, Option<act::OnDisk>), Refused> {
    let disk = act::on_disk(admin, id).await?;
    let file = match &disk {
        Some(disk) => disk.file.clone(),
        None => RuleFile::known(&format!("rules/{id}.yaml"))
            .map_err(|why| Refused::new(404, "not_found", format!("{why}.")))?,
    };
    Ok((file, disk))
}

#[rocket::get("/rules/versions?<id>")]
pub(super) async fn versions(admin: &State<Admin>, person: &Person, id: &str) -> Page {
    let (file, disk) = file_of(admin, id).await?;
    let path = file.path();
    let kept = admin.store.text_versions(&path, LISTED).await?;
    let workspace = admin.config.workspace.clone();
    let known = tokio::task::spawn_blocking(move || rulefiles::history(&workspace, &file, LISTED));
    let (edits, mut is_cut) = known.await.unwrap_or_default();
    let mut versions: Vec<Version> = edits
        .into_iter()
        .map(|edit| Version {
            short: short(&edit.commit),
            name: edit.commit,
            at: edit.at,
            author: edit.author,
            message: edit.message,
            from: "git",
            is_deleted: edit.blob.is_none(),
        })
        .collect();
    versions.extend(kept.into_iter().map(|kept| Version {
        short: kept.digest.as_deref().map(short).unwrap_or_default(),
        is_deleted: kept.digest.is_none(),
        name: kept.digest.unwrap_or_default(),
        at: kept.at,
        author: String::new(),
        message: String::new(),
        from: "in force",
    }));
    if versions.is_empty() && disk.is_none() {
        return Err(Refused::missing(&format!("rule `{path}`, nor was there")));
    }
    versions.sort_by_key(|version| std::cmp::Reverse(version.at));
    is_cut |= versions.len() > LISTED;
    versions.truncate(LISTED);
    page(&VersionsPage {
        frame: Frame::new(admin, person, "/rules", format!("Versions of {id}")),
        encoded: url::form_urlencoded::byte_serialize(id.as_bytes()).collect(),
        id: id.to_owned(),
        path,
        is_there: disk.is_some(),
        versions,
        is_cut,
    })
}

/// A line of the two texts side by side; either side may be empty.
struct Pair {
    old: Option<Line>,
    new: Option<Line>,
}

#[derive(Template)]
#[template(path = "rule_diff.html")]
#[expect(clippy::struct_excessive_bools, reason = "what the page tells, each for itself")]
struct Diff {
    frame: Frame,
    id: String,
    encoded: String,
    path: String,
    from: String,
    to: String,
    /// Unified.
    lines: Vec<Line>,
    /// Side by side. Empty: unified is asked for.
    pairs: Vec<Pair>,
    is_side: bool,
    is_same: bool,
    /// Digest of the file as it is now. Empty: it is not there.
    base: String,
    /// The older one can be made what the file says now.
    can_restore: bool,
    /// Lines that would come back with it, and lines that would go.
    brings: usize,
    takes: usize,
    /// The file has changes that no commit holds; and what is written is committed.
    is_dirty: bool,
    is_committed: bool,
}

#[rocket::get("/rules/versions/diff?<id>&<from>&<to>&<view>")]
pub(super) async fn diff(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    from: &str,
    to: Option<&str>,
    view: Option<&str>,
) -> Page {
    let (file, disk) = file_of(admin, id).await?;
    let to = to.filter(|to| !to.is_empty()).unwrap_or("now");
    let text = async |version: &str| -> Result<String, Refused> {
        if version == "now" {
            return Ok(disk.as_ref().map(|disk| disk.text.clone()).unwrap_or_default());
        }
        let missing = || Refused::missing("version like this any more");
        act::text_of_version(admin, &file, version).await?.ok_or_else(missing)
    };
    let (old, new) = (text(from).await?, text(to).await?);
    let is_same = old == new;
    let workspace = admin.config.workspace.clone();
    let looked = tokio::task::spawn_blocking(move || (lines(&old, &new), standing(&workspace)));
    let (compared, standing) = looked.await.unwrap_or_default();
    let of_kind = |kind: LineKind| compared.iter().filter(|line| line.kind == kind).count();
    let (brings, takes) = (of_kind(LineKind::Del), of_kind(LineKind::Add));
    let is_side = view == Some("side");
    page(&Diff {
        frame: Frame::new(admin, person, "/rules", format!("What changed in {id}")),
        encoded: url::form_urlencoded::byte_serialize(id.as_bytes()).collect(),
        id: id.to_owned(),
        path: file.path(),
        from: from.to_owned(),
        to: to.to_owned(),
        pairs: if is_side { pairs(&compared) } else { Vec::new() },
        lines: compared,
        is_side,
        is_same,
        base: disk.as_ref().map(|disk| disk.digest.clone()).unwrap_or_default(),
        can_restore: to == "now" && from != "now" && !is_same,
        brings,
        takes,
        is_dirty: standing.dirty.contains(&file.path()),
        is_committed: standing.is_repository && standing.why_not.is_empty(),
    })
}

/// Lines that went away beside those that came in their place.
fn pairs(lines: &[Line]) -> Vec<Pair> {
    let mut pairs = Vec::new();
    let (mut gone, mut come): (Vec<Line>, Vec<Line>) = (Vec::new(), Vec::new());
    let settle = |gone: &mut Vec<Line>, come: &mut Vec<Line>, pairs: &mut Vec<Pair>| {
        let (mut gone, mut come) = (gone.drain(..), come.drain(..));
        loop {
            let pair = Pair { old: gone.next(), new: come.next() };
            if pair.old.is_none() && pair.new.is_none() {
                break;
            }
            pairs.push(pair);
        }
    };
    for line in lines {
        match line.kind {
            LineKind::Del => gone.push(line.clone()),
            LineKind::Add => come.push(line.clone()),
            LineKind::Same => {
                settle(&mut gone, &mut come, &mut pairs);
                pairs.push(Pair { old: Some(line.clone()), new: Some(line.clone()) });
            }
        }
    }
    settle(&mut gone, &mut come, &mut pairs);
    pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changed_lines_stand_beside_each_other() {
        let found = pairs(&lines("a\nb\nc\nd\n", "a\nx\nd\ne\n"));
        let text = |line: &Option<Line>| line.as_ref().map(|line| line.text.clone()).unwrap_or_default();
        let shown: Vec<(String, String)> = found.iter().map(|pair| (text(&pair.old), text(&pair.new))).collect();
        let wanted = [("a", "a"), ("b", "x"), ("c", ""), ("d", "d"), ("", "e")];
        assert_eq!(shown, wanted.map(|(old, new)| (old.to_owned(), new.to_owned())));
    }
}
