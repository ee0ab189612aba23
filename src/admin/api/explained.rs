//! Truth tables: what rules say to a stored event, and why.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{asked::Text, events::EventView, runs::RunView};
use crate::{
    admin::{
        gate::Turn,
        refused::Refused,
        state::Admin,
        workshop::{Checked, Draft},
    },
    matcher::{Explanation, Held, Line},
    model::{EventFlags, Person, Verdict},
    rules::Rule,
    starts,
    store::{EventDetail, Suppressed, SuppressedBy},
    trial::explain::explain_rule,
};

/// By which rules, and which of them.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ExplainAsked {
    /// Only this rule.
    #[param(value_type = String, required = false, example = "calls/missed")]
    rule: Option<String>,
    /// By the rules of the workspace as it is now, not by those that decided.
    #[param(value_type = bool, required = false)]
    current: Option<Text<bool>>,
    /// Also rules that do not listen to the event's type.
    #[param(value_type = bool, required = false)]
    all: Option<Text<bool>>,
}

impl ExplainAsked {
    /// The same question from a body.
    pub(super) fn new(rule: Option<String>, current: bool, all: bool) -> Self {
        Self { rule, current: Some(Text(current)), all: Some(Text(all)) }
    }
}

/// What rules say to an event.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Explained {
    event: EventView,
    /// `decided`: by the rules that decided it. `current`: by those of the workspace as it is now. `draft`: by the ones that were sent.
    by: &'static str,
    /// One of our own actions caused it: only rules with `own: true` hear it.
    own: bool,
    /// Deliveries after the first.
    duplicates: u32,
    rules: Vec<RuleSaid>,
    /// Rules that do not listen to it.
    not_listening: Vec<String>,
}

/// What one rule says.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RuleSaid {
    #[schema(example = "calls/missed")]
    rule: String,
    name: String,
    file: String,
    enabled: bool,
    /// It listens to the event's type at all.
    hears: bool,
    /// `matched`, `not_matched`, `error` or `undecided`.
    verdict: &'static str,
    /// Why it could not be decided. Empty: it could.
    message: String,
    conditions: Vec<ConditionView>,
    #[schema(value_type = Object)]
    vars: Value,
    /// Vars and keys that failed.
    faults: Vec<String>,
    /// Why it matched and started no run of its own. `null`: nothing kept it back.
    suppressed: Option<String>,
    /// Its runs on this event, newest first.
    runs: Vec<RunView>,
}

/// One line of a truth table.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ConditionView {
    /// How deep it stands: 0 for the entries of `when`.
    depth: usize,
    /// `all`, `any` or `not` of a group; empty for a test.
    group: &'static str,
    path: String,
    #[schema(example = "is")]
    operator: String,
    wanted: Value,
    /// Null where nothing was there.
    seen: Value,
    /// `yes`, `no` or `not_asked`.
    held: &'static str,
    /// It is the one that decided against the rule.
    decisive: bool,
    /// Why, where it is not plain.
    note: String,
    line: u32,
    column: u32,
}

impl From<Line> for ConditionView {
    fn from(line: Line) -> Self {
        let held = match line.held {
            Held::Yes => "yes",
            Held::No => "no",
            Held::NotAsked => "not_asked",
        };
        let Line { depth, group, path, operator, wanted, seen, decisive, note, place, .. } = line;
        let (line, column) = (place.line, place.column);
        Self { depth, group, path, operator, wanted, seen, held, decisive, note, line, column }
    }
}

/// The word of a verdict and why there is none.
pub(super) fn verdict(verdict: Verdict) -> (&'static str, String) {
    match verdict {
        Verdict::Matched => ("matched", String::new()),
        Verdict::NotMatched(evidence) => ("not_matched", evidence.note),
        Verdict::Error { message } => ("error", message),
        Verdict::Undecided => ("undecided", String::new()),
    }
}

fn suppressed(by: &SuppressedBy) -> String {
    by.to_string()
}

/// What the rules say to a stored event. With drafts: the workspace with these in place of its files.
pub(super) async fn explained(
    admin: &Admin,
    person: &Person,
    detail: EventDetail,
    asked: ExplainAsked,
    drafts: Vec<Draft>,
) -> Result<Explained, Refused> {
    let current = asked.current.is_some_and(|flag| flag.0) || !drafts.is_empty();
    let by = if !drafts.is_empty() {
        "draft"
    } else if current {
        "current"
    } else {
        "decided"
    };
    let (checked, turn) = if current {
        let (checked, turn) = check(admin, person, drafts).await?;
        (checked, Some(turn))
    } else {
        (decided(admin, &detail).await?, None)
    };
    let kept_back = admin.store.suppressed(detail.row.id).await?;
    let vars = admin.config.vars.clone();
    let explained = move || {
        let said = table(&checked, detail, asked, by, &kept_back, &vars);
        drop((checked, turn));
        said
    };
    tokio::task::spawn_blocking(explained).await.map_err(|_| died())?
}

/// A thread that worked something out is gone.
pub(super) fn died() -> Refused {
    Refused::new(500, "internal", "This could not be worked out. The log of the server says why.")
}

/// The workspace with drafts in place of its files, compiled, and the turn in which that was done.
pub(super) async fn check(admin: &Admin, person: &Person, drafts: Vec<Draft>) -> Result<(Checked, Turn), Refused> {
    let turn = admin.trials().turn(person.id).await?;
    let workshop = Arc::clone(&admin.workshop);
    tokio::task::spawn_blocking(move || (workshop.check(&drafts), turn)).await.map_err(|_| died())
}

/// The rules that decided an event, with their packs.
async fn decided(admin: &Admin, detail: &EventDetail) -> Result<Checked, Refused> {
    let now = (admin.in_force)();
    if now.set_id == detail.event.set {
        return Ok(Checked { findings: Vec::new(), set: now.set, registry: now.registry });
    }
    let gone = || {
        let why = "The rule set that decided this event is no longer stored. Ask with `current=true` for what the workspace says.";
        Refused::new(404, "rule_set_gone", why)
    };
    let book = admin.workshop.stored(detail.event.set).await?.ok_or_else(gone)?;
    Ok(Checked { findings: Vec::new(), set: book.set, registry: book.registry })
}

fn table(
    checked: &Checked,
    detail: EventDetail,
    asked: ExplainAsked,
    by: &'static str,
    kept_back: &[Suppressed],
    vars: &crate::value::Object,
) -> Result<Explained, Refused> {
    let unread = |why: String| Refused::conflict(format!("{why}, so that nobody can say what rules saw."));
    let subject = starts::subject_of(&detail.event, &checked.registry).map_err(unread)?;
    let rules: Vec<&Arc<Rule>> = match &asked.rule {
        None => checked.set.rules.values().collect(),
        Some(wanted) => {
            let missing = || {
                Refused::missing(&format!("rule `{}` in this rule set", wanted.chars().take(128).collect::<String>()))
            };
            vec![checked.set.rules.get(wanted.as_str()).ok_or_else(missing)?]
        }
    };
    let scheduled = starts::scheduled_rule(&detail.event.kind, &detail.event.meta);
    let polled = starts::polled_rule(&detail.event.kind, &detail.event.meta);
    let all = asked.all.is_some_and(|flag| flag.0) || asked.rule.is_some();
    let (mut said, mut deaf) = (Vec::new(), Vec::new());
    for rule in rules {
        let mut table = explain_rule(rule, &subject, vars);
        table.hears |= scheduled == Some(&*rule.id) && rule.schedules().next().is_some();
        table.hears |= polled == Some(&*rule.id) && rule.polls().next().is_some();
        if (table.hears && rule.enabled) || all {
            said.push(rule_said(rule, table, &detail, kept_back));
        } else {
            deaf.push(rule.id.to_string());
        }
    }
    Ok(Explained {
        by,
        own: detail.event.flags.has(EventFlags::OWN),
        duplicates: detail.row.seen.saturating_sub(1),
        event: detail.row.into(),
        rules: said,
        not_listening: deaf,
    })
}

fn rule_said(rule: &Rule, table: Explanation, detail: &EventDetail, kept_back: &[Suppressed]) -> RuleSaid {
    let Explanation { name, hears, verdict: said, lines, vars, faults, .. } = table;
    let (word, message) = verdict(said);
    let runs = detail.runs.iter().filter(|run| *run.rule == *rule.id).cloned();
    RuleSaid {
        rule: rule.id.to_string(),
        name,
        file: rule.file.to_string(),
        enabled: rule.enabled,
        hears,
        verdict: word,
        message,
        conditions: lines.into_iter().map(ConditionView::from).collect(),
        vars: Value::Object(vars),
        faults,
        suppressed: kept_back.iter().find(|other| *other.rule == *rule.id).map(|other| suppressed(&other.by)),
        runs: runs.map(RunView::from).collect(),
    }
}
