//! Writes of `/api/v1/rules`: saved, switched, deleted; never over another's text.

use rocket::{
    Request, State, delete, get,
    http::Status,
    post, put,
    request::{FromRequest, Outcome},
};
use serde::{Deserialize, Serialize};
use utoipa::{OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Moment, Reply},
    asked::{Asked, Nothing},
    body::{Body, Empty},
    findings::FindingView,
    once::Key,
    part::Part,
};
use crate::{
    admin::{
        act::rules::{self, Wish},
        refused::Refused,
        rulefiles::{self, RuleFile},
        state::Admin,
    },
    clock::Time,
    model::{Person, Role, Scope, Severity},
};

/// Characters of a message.
const MESSAGE: usize = 1000;
/// Versions of a rule that are told.
const VERSIONS: usize = 100;

#[derive(OpenApi)]
#[openapi(paths(list_versions, save_rule, delete_rule, enable_rule, disable_rule))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("rules", super::rules::ABOUT).with(Role::Viewer, Scope::Read, rocket::routes![list_versions]).with(
        Role::Editor,
        Scope::Rules,
        rocket::routes![save_rule, delete_rule, enable_rule, disable_rule],
    )
}

/// What a rule said once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct VersionView {
    /// `git`: a commit. `in_force`: a text that decided.
    from: &'static str,
    /// The commit, or the digest of the text, in hex. `null`: the file was not there then.
    version: Option<String>,
    at: Moment,
    /// Of a commit.
    author: Option<String>,
    /// Of a commit.
    message: Option<String>,
}

/// What a rule said before, newest first: 100 at most, from git and from what was in force.
#[utoipa::path(responses((status = 200, description = "Its versions.", body = Listed<VersionView>)))]
#[get("/api/v1/rules/<id>/versions")]
async fn list_versions(admin: &State<Admin>, id: &str, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let path = path_of(admin, id).await?;
    let file = RuleFile::known(&path).map_err(|_| missing(id))?;
    let kept = admin.store.text_versions(&path, VERSIONS).await?;
    let workspace = admin.config.workspace.clone();
    let known = tokio::task::spawn_blocking(move || rulefiles::history(&workspace, &file, VERSIONS));
    let (edits, _) = known.await.unwrap_or_default();
    let mut versions: Vec<(Time, VersionView)> = Vec::new();
    versions.extend(edits.into_iter().map(|edit| {
        let (author, message) = (Some(edit.author), Some(edit.message));
        (edit.at, VersionView { from: "git", version: Some(edit.commit), at: edit.at.into(), author, message })
    }));
    versions.extend(kept.into_iter().map(|kept| {
        let at = kept.at.into();
        (kept.at, VersionView { from: "in_force", version: kept.digest, at, author: None, message: None })
    }));
    if versions.is_empty() && rules::on_disk(admin, id).await?.is_none() {
        return Err(missing(id));
    }
    versions.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    versions.truncate(VERSIONS);
    Reply::ok(&Listed { items: versions.into_iter().map(|(_, version)| version).collect(), next: None })
}

fn missing(id: &str) -> Refused {
    Refused::missing(&format!("rule `{}`", id.chars().take(128).collect::<String>()))
}

/// The path of a rule's file: as it stands on disk, else the usual one.
async fn path_of(admin: &Admin, id: &str) -> Result<String, Refused> {
    let found = rules::on_disk(admin, id).await?;
    Ok(found.map_or_else(|| format!("rules/{id}.yaml"), |found| found.file.path()))
}

/// `If-Match`: the digest of the text that is changed. `None`: none is given.
#[derive(Debug)]
pub(super) struct IfMatch(Option<String>);

#[rocket::async_trait]
impl<'r> FromRequest<'r> for IfMatch {
    type Error = Refused;

    async fn from_request(request: &'r Request<'_>) -> Outcome<Self, Refused> {
        let mut given = request.headers().get("If-Match");
        let is_digest =
            |text: &str| text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        match (given.next(), given.next()) {
            (None, _) => Outcome::Success(Self(None)),
            (Some(text), None) => {
                let bare = text.trim().trim_start_matches('"').trim_end_matches('"');
                if is_digest(bare) {
                    return Outcome::Success(Self(Some(bare.to_owned())));
                }
                let why = "`If-Match` is the digest of the rule's text, 64 characters in hex, as `ETag` told it.";
                Outcome::Error((Status::BadRequest, Refused::invalid(why)))
            }
            _ => Outcome::Error((Status::BadRequest, Refused::invalid("`If-Match` stands twice."))),
        }
    }
}

impl IfMatch {
    /// A conflict is 412 where the request said what it took the text to be.
    fn told(&self, mut refused: Refused) -> Refused {
        if self.0.is_some() && refused.status == 409 && refused.code == "conflict" {
            refused.status = 412;
            refused.code = "changed";
        }
        refused
    }
}

/// What came of a write.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SavedView {
    /// SHA-256 of the text as it is now. Empty: the file is gone.
    digest: String,
    /// The commit in hex. `null`: none was made.
    commit: Option<String>,
    /// Why it was not committed. Empty where it was.
    why_not: String,
    /// What was written decides now.
    in_force: bool,
    /// Warnings of the file, and errors of others that hold everything back.
    findings: Vec<FindingView>,
}

macro_rules! saved {
    ($saved:expr) => {{
        let saved = $saved;
        let findings = saved.findings.into_iter().map(|finding| {
            let severity = if finding.severity == Severity::Error { "error" } else { "warning" };
            FindingView::new(
                finding.code,
                severity,
                finding.file,
                (finding.line, finding.column),
                finding.message,
                finding.help,
            )
        });
        SavedView {
            findings: findings.collect(),
            digest: saved.digest,
            commit: saved.commit,
            why_not: saved.why_not,
            in_force: saved.in_force,
        }
    }};
}

/// A text to be saved.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RuleSent {
    #[schema(example = "name: Missed call\non: gruveo.call\ndo:\n  - groove.add_note: { ticket: 1, body: Called }\n")]
    text: String,
    /// For the commit. Made up unless set.
    #[serde(default)]
    #[schema(required = false, max_length = 1000)]
    message: String,
    /// It may hold what looks like a secret.
    #[serde(default)]
    #[schema(required = false)]
    confirm_secret: bool,
    /// Its tests may fail.
    #[serde(default)]
    #[schema(required = false)]
    force_tests: bool,
}

/// Save a rule: checked, tested, written, committed, in force. Without `If-Match` it is a new one. `details` of a 409 or 412 hold the text
/// that was opened, the one that is there, and yours.
#[utoipa::path(
    request_body = RuleSent,
    params(("If-Match" = Option<String>, Header, description = "SHA-256 of the text that is changed, as `ETag` told it.",
        pattern = "^[0-9a-f]{64}$")),
    responses((status = 200, description = "It is saved.", body = SavedView))
)]
#[put("/api/v1/rules/<id>", data = "<sent>")]
async fn save_rule(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    matches: Result<IfMatch, Refused>,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<RuleSent>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let matches = matches?;
    if sent.value.message.chars().count() > MESSAGE {
        return Err(Refused::new(422, "invalid", format!("`message`: {MESSAGE} characters at most.")));
    }
    let RuleSent { text, message, confirm_secret, force_tests } = sent.value;
    let path = path_of(admin, id).await?;
    let base = matches.0.clone().unwrap_or_default();
    let wish = Wish { path, text, base, message, confirm_secret, force_tests };
    let save = async {
        let saved = saved!(rules::save(admin, person, wish).await.map_err(|refused| matches.told(refused))?);
        let etag = format!("\"{}\"", saved.digest);
        Ok(Reply::ok(&saved)?.header("ETag", etag))
    };
    key?.once(admin, person, sent.digest, save).await
}

/// Delete a rule's file, if it is still the text of `If-Match`; without that it stays, as it does where one is saved.
#[utoipa::path(
    request_body = Empty,
    params(("If-Match" = Option<String>, Header, description = "SHA-256 of the text that is deleted, as `ETag` told it.",
        pattern = "^[0-9a-f]{64}$")),
    responses((status = 200, description = "It is gone.", body = SavedView))
)]
#[delete("/api/v1/rules/<id>", data = "<sent>")]
async fn delete_rule(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    matches: Result<IfMatch, Refused>,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let matches = matches?;
    let delete = async {
        let Some(digest) = &matches.0 else {
            let there = rules::on_disk(admin, id).await?.ok_or_else(|| missing(id))?;
            let why = format!(
                "Say which text is deleted: send `If-Match` with its digest, as `ETag` of `{}` tells it.",
                there.file.id()
            );
            return Err(Refused::conflict(why));
        };
        let deleted = rules::delete(admin, person, id, digest, "").await;
        Reply::ok(&saved!(deleted.map_err(|refused| matches.told(refused))?))
    };
    key?.once(admin, person, sent.digest, delete).await
}

/// Switch a rule on.
#[utoipa::path(request_body = Empty, responses((status = 200, description = "It is on.", body = SavedView)))]
#[post("/api/v1/rules/<id>/enable", data = "<sent>")]
async fn enable_rule(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let switch = async { Reply::ok(&saved!(rules::switch(admin, person, &[id.to_owned()], true).await?)) };
    key?.once(admin, person, sent.digest, switch).await
}

/// Switch a rule off.
#[utoipa::path(request_body = Empty, responses((status = 200, description = "It is off.", body = SavedView)))]
#[post("/api/v1/rules/<id>/disable", data = "<sent>")]
async fn disable_rule(
    admin: &State<Admin>,
    person: &Person,
    id: &str,
    key: Result<Key, Refused>,
    asked: Result<Asked<Nothing>, Refused>,
    sent: Result<Body<Empty>, Refused>,
) -> Answer {
    let sent = sent?;
    asked?;
    let switch = async { Reply::ok(&saved!(rules::switch(admin, person, &[id.to_owned()], false).await?)) };
    key?.once(admin, person, sent.digest, switch).await
}
