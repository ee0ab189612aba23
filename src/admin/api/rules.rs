//! `/api/v1/rules`: the rule files of the workspace, and the rules in force.

use std::{collections::BTreeMap, sync::Arc};

use rocket::{State, get};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::{
    answer::{Answer, Listed, Reply},
    asked::{Asked, Limit, Nothing, Text},
    findings::FindingView,
    part::Part,
};
use crate::{
    admin::{refused::Refused, state::Admin},
    model::{Role, Scope},
    rules::{On, Rule, Texts},
};

/// What the resource is.
pub(super) const ABOUT: &str = "Rules: YAML files of the workspace. A slash in an id may stand as it is, or as `%2F`.";

#[derive(OpenApi)]
#[openapi(paths(list_rules, show_rule))]
struct Told;

pub(super) fn part() -> Part {
    Part::of::<Told>("rules", ABOUT).with(Role::Viewer, Scope::Read, rocket::routes![list_rules, show_rule])
}

/// A rule in the list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleView {
    #[schema(example = "calls/missed")]
    id: String,
    #[schema(example = "rules/calls/missed.yaml")]
    file: String,
    /// `null`: its file does not read.
    name: Option<String>,
    description: Option<String>,
    /// `null`: its file does not read.
    enabled: Option<bool>,
    /// What it listens to: `gruveo.call`, `groove.*`, `manual`, `schedule`, `poll`.
    on: Vec<String>,
    /// `in_force`: it decides as it stands in its file. `changed`: another text of it decides. `new`: none does yet. `gone`: its file is
    /// no longer there, and it decides until the workspace holds together.
    state: &'static str,
    /// SHA-256 of the file's text, in hex: give it as `If-Match` to change it. `null`: there is no file.
    digest: Option<String>,
}

/// A rule with its text.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleWhole {
    #[serde(flatten)]
    rule: RuleView,
    /// The text of its file. `null`: there is none.
    text: Option<String>,
    /// The text that decides. `null`: none does.
    in_force: Option<String>,
    /// What is wrong in the file. Empty: nothing is known to be.
    findings: Vec<FindingView>,
}

/// Which rules.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct RulesAsked {
    /// Items of a page: 50 unless set.
    #[param(value_type = u32, required = false, minimum = 1, maximum = 1000)]
    #[serde(default)]
    limit: Limit,
    /// `next` of the page before.
    #[param(value_type = String, required = false)]
    cursor: Option<String>,
    /// Only those that are enabled, or only those that are not.
    #[param(value_type = bool, required = false)]
    enabled: Option<Text<bool>>,
    /// Only those whose id begins so: a folder.
    #[param(value_type = String, required = false, example = "calls/")]
    under: Option<String>,
}

/// Rules, by id.
#[utoipa::path(params(RulesAsked), responses((status = 200, description = "A page of them.", body = Listed<RuleView>)))]
#[get("/api/v1/rules")]
async fn list_rules(admin: &State<Admin>, asked: Result<Asked<RulesAsked>, Refused>) -> Answer {
    let Asked(asked) = asked?;
    let book = Book::read(admin).await?;
    let under = asked.under.as_deref().unwrap_or_default();
    let fits = |rule: &RuleView| {
        rule.id.starts_with(under) && asked.enabled.is_none_or(|wanted| rule.enabled == Some(wanted.0))
    };
    let all = book.ids().into_iter().map(|id| book.view(&id)).filter(fits);
    Reply::ok(&Listed::of(all, asked.cursor.as_deref(), asked.limit.0, |rule| &rule.id))
}

/// One rule with its text. `ETag` is what `If-Match` wants.
#[utoipa::path(responses((status = 200, description = "The rule.", body = RuleWhole)))]
#[get("/api/v1/rules/<id>")]
async fn show_rule(admin: &State<Admin>, id: &str, asked: Result<Asked<Nothing>, Refused>) -> Answer {
    asked?;
    let whole = whole(admin, id).await?;
    let digest = whole.rule.digest.clone();
    let reply = Reply::ok(&whole)?;
    Ok(match digest {
        Some(digest) => reply.header("ETag", format!("\"{digest}\"")),
        None => reply,
    })
}

/// A rule as it is now.
pub(super) async fn whole(admin: &Admin, id: &str) -> Result<RuleWhole, Refused> {
    let book = Book::read(admin).await?;
    if !book.ids().iter().any(|known| known == id) {
        return Err(Refused::missing(&format!("rule `{}`", id.chars().take(128).collect::<String>())));
    }
    let rule = book.view(id);
    let findings = admin.workshop.held_back();
    let findings = findings.into_iter().filter(|finding| finding.file == rule.file).map(FindingView::from).collect();
    let (text, in_force) = (book.files.0.get(&rule.file).cloned(), book.deciding.0.get(&rule.file).cloned());
    Ok(RuleWhole { rule, text, in_force, findings })
}

/// SHA-256 of a text, in hex.
pub(super) fn digest_of(text: &str) -> String {
    hex::encode(Sha256::digest(text.as_bytes()))
}

/// The rules on disk and those in force.
struct Book {
    files: Texts,
    deciding: Texts,
    rules: BTreeMap<Arc<str>, Arc<Rule>>,
}

impl Book {
    async fn read(admin: &Admin) -> Result<Self, Refused> {
        let workshop = Arc::clone(&admin.workshop);
        let files = tokio::task::spawn_blocking(move || workshop.texts()).await;
        let files =
            files.map_err(|_| Refused::new(500, "internal", "The workspace cannot be read. The log says why."))?;
        let set = (admin.in_force)().set;
        Ok(Self { files, deciding: set.texts.clone(), rules: set.rules.clone() })
    }

    /// The ids of rules on disk or in force, in order.
    fn ids(&self) -> Vec<String> {
        let paths = self.files.0.keys().chain(self.deciding.0.keys());
        let mut ids: Vec<String> = paths.filter_map(|path| id_of(path)).map(str::to_owned).collect();
        ids.sort();
        ids.dedup();
        ids
    }

    fn view(&self, id: &str) -> RuleView {
        let rule = self.rules.get(id);
        let named = || [format!("rules/{id}.yaml"), format!("rules/{id}.yml")];
        let known = |path: &String| self.files.0.contains_key(path) || self.deciding.0.contains_key(path);
        let file = rule.map(|rule| rule.file.to_string()).or_else(|| named().into_iter().find(known));
        let file = file.unwrap_or_else(|| format!("rules/{id}.yaml"));
        let (text, deciding) = (self.files.0.get(&file), self.deciding.0.get(&file));
        let state = match (text, deciding) {
            (None, _) => "gone",
            (Some(_), None) => "new",
            (Some(text), Some(deciding)) if text == deciding => "in_force",
            _ => "changed",
        };
        RuleView {
            id: id.to_owned(),
            name: rule.map(|rule| rule.name.clone()),
            description: rule.and_then(|rule| rule.description.clone()),
            enabled: rule.map(|rule| rule.enabled),
            on: rule.map(|rule| rule.on.iter().map(word).collect()).unwrap_or_default(),
            state,
            digest: text.map(|text| digest_of(text)),
            file,
        }
    }
}

fn id_of(path: &str) -> Option<&str> {
    let path = path.strip_prefix("rules/")?;
    path.strip_suffix(".yaml").or_else(|| path.strip_suffix(".yml"))
}

fn word(on: &On) -> String {
    match on {
        On::Type { event, .. } => event.clone(),
        On::Service { service, .. } => format!("{service}.*"),
        On::Manual { .. } => "manual".to_owned(),
        On::Schedule(_) => "schedule".to_owned(),
        On::Poll(_) => "poll".to_owned(),
    }
}
