//! The steps of a run as its pinned rule has them: which were taken, which were not, and what is still to come.

use std::collections::HashMap;

use super::attempts::{Attempt, Delay, attempt_of, schedule};
use crate::{
    admin::{
        plural::counted,
        said::Said,
        state::Admin,
        view::{Frame, Markup},
    },
    clock::Time,
    config::forms::show_duration,
    model::{AttemptKind, RunStatus, StepOutcome, StepOutput, StepPath},
    rules::{OnStepError, Rule, Step, StepKind, WaitWhat},
    store::{AttemptRow, RunDetail, WaitRow},
};

/// Turns of a loop that are shown; and lines of a whole timeline.
const TURNS: usize = 50;
const LINES: usize = 1_000;
/// Characters of a result that are shown beside its step.
const SHOWN: usize = 4_096;

/// One line of the timeline.
pub(super) struct Entry {
    /// How deep it stands, from 0.
    pub(super) depth: usize,
    /// `then`, `else`, `on error`, `turn 3`: the list that begins with it. Empty within a list.
    pub(super) begins: String,
    pub(super) path: String,
    /// Its id. Empty where it has none.
    pub(super) name: String,
    /// What it does: `groove.add_note`, `POST https://...`, `wait 10m`.
    pub(super) what: String,
    /// A state, or `-` for one that was not reached.
    pub(super) state: &'static str,
    pub(super) is_taken: bool,
    /// Which branch it took, how long it waited, why it failed, what it waits for.
    pub(super) note: String,
    /// When its wait ends by itself. `None`: it is in none, or nobody knows.
    pub(super) until: Option<Markup>,
    pub(super) result: String,
    pub(super) attempts: Vec<Attempt>,
    /// Who said what became of an attempt that has no answer, and when.
    pub(super) said: Vec<(String, Markup, &'static str)>,
    pub(super) schedule: Vec<Delay>,
    /// It can be the step to go on from.
    pub(super) can_begin: bool,
    /// A sentence in place of a step: turns that are not shown.
    pub(super) left_out: String,
}

/// The timeline of a run by its pinned rule; `wait` is the one that it is in.
pub(super) fn timeline(
    (admin, frame): (&Admin, &Frame),
    rule: &Rule,
    detail: &RunDetail,
    wait: Option<&WaitRow>,
    said: &[Said],
) -> Vec<Entry> {
    let mut attempts: HashMap<&StepPath, Vec<&AttemptRow>> = HashMap::new();
    for attempt in &detail.attempts {
        attempts.entry(&attempt.step).or_default().push(attempt);
    }
    let outputs = detail.outputs.iter().map(|output| (&output.step, output)).collect();
    let mut drawing = Drawing { admin, frame, detail, wait, said, outputs, attempts, entries: Vec::new() };
    drawing.list(&rule.steps, "", 0, "", false);
    if !rule.on_error.is_empty() {
        drawing.list(&rule.on_error, "on error", 0, "", false);
    }
    drawing.entries
}

struct Drawing<'d> {
    admin: &'d Admin,
    frame: &'d Frame,
    detail: &'d RunDetail,
    wait: Option<&'d WaitRow>,
    said: &'d [Said],
    outputs: HashMap<&'d StepPath, &'d StepOutput>,
    attempts: HashMap<&'d StepPath, Vec<&'d AttemptRow>>,
    entries: Vec<Entry>,
}

impl Drawing<'_> {
    /// A list of steps; `begins` names it, `turns` is what its paths end with.
    fn list(&mut self, steps: &[Step], begins: &str, depth: usize, turns: &str, in_loop: bool) {
        for (step, place) in steps.iter().zip(0_usize..) {
            if self.entries.len() >= LINES {
                return;
            }
            let begins = if place == 0 { begins } else { "" };
            self.step(step, begins, depth, turns, in_loop);
        }
    }

    fn step(&mut self, step: &Step, begins: &str, depth: usize, turns: &str, in_loop: bool) {
        let path = StepPath(format!("{}{turns}", step.path.0));
        let output = self.outputs.get(&path).copied();
        let rows = self.attempts.get(&path).cloned().unwrap_or_default();
        let is_open = self.detail.step.as_ref() == Some(&path) && output.is_none();
        let wait = self.wait.filter(|wait| wait.step == path && output.is_none());
        let state = match wait {
            Some(_) => RunStatus::Waiting.word(),
            None => self.state(step, &path, output, is_open, !rows.is_empty()),
        };
        let first = rows.first().map_or(self.detail.row.created_at, |row| row.started_at);
        let tries = rows.iter().filter(|row| row.kind == AttemptKind::Try).map(|row| row.number).max().unwrap_or(0);
        let is_tried = matches!(self.detail.row.status, RunStatus::Due | RunStatus::Running);
        let goes_on = is_open && is_tried && !self.detail.waits_for_read();
        let due = self.detail.row.due_at.filter(|_| is_open && self.detail.row.status == RunStatus::Due);
        self.entries.push(Entry {
            depth,
            begins: begins.to_owned(),
            path: path.0.clone(),
            name: step.id.clone().unwrap_or_default(),
            what: what(step),
            state,
            is_taken: state != "-" && state != "skipped",
            note: wait.map_or_else(|| note(step, output), |wait| waits(step, wait)),
            until: wait.and_then(|wait| wait.until).map(|until| self.frame.ago(&until)),
            result: output.map(result).unwrap_or_default(),
            attempts: rows.iter().map(|row| attempt_of(self.admin, self.frame, row, reached(row, first))).collect(),
            said: self.said_of(&path),
            schedule: if goes_on && (tries > 0 || due.is_some()) {
                schedule(self.frame, &step.retry, tries, due)
            } else {
                Vec::new()
            },
            can_begin: !in_loop && step.path.0.starts_with("do."),
            left_out: String::new(),
        });
        match &step.kind {
            StepKind::Block { then, otherwise } => {
                self.list(then, "then", depth + 1, turns, in_loop);
                self.list(otherwise, "else", depth + 1, turns, in_loop);
            }
            StepKind::ForEach { steps, .. } => self.turns(&path, steps, depth, turns),
            _ => {}
        }
        if let OnStepError::Steps(steps) = &step.on_error {
            self.list(steps, "on error", depth + 1, turns, in_loop);
        }
    }

    /// What was said of a step's attempts: a word is on the last one that was made before it.
    fn said_of(&self, path: &StepPath) -> Vec<(String, Markup, &'static str)> {
        let is_of_step = |said: &&Said| {
            let before = |row: &&AttemptRow| row.kind == AttemptKind::Try && row.started_at <= said.at;
            self.detail.attempts.iter().rev().find(before).is_some_and(|row| row.step == *path)
        };
        let said = self.said.iter().filter(is_of_step);
        said.map(|said| (said.who.clone(), self.frame.ago(&said.at), said.words())).collect()
    }

    fn turns(&mut self, path: &StepPath, steps: &[Step], depth: usize, turns: &str) {
        let list = self.outputs.get(&path.list()).and_then(|output| output.result.as_array().map(Vec::len));
        let Some(length) = list else {
            return self.list(steps, "each turn", depth + 1, turns, true);
        };
        for turn in 0..length.min(TURNS) {
            self.list(steps, &format!("turn {}", turn + 1), depth + 1, &format!("{turns}[{turn}]"), true);
        }
        if length > TURNS || self.entries.len() >= LINES {
            self.entries.push(Entry {
                depth: depth + 1,
                begins: String::new(),
                path: String::new(),
                name: String::new(),
                what: String::new(),
                state: "-",
                is_taken: false,
                note: String::new(),
                until: None,
                result: String::new(),
                attempts: Vec::new(),
                said: Vec::new(),
                schedule: Vec::new(),
                can_begin: false,
                left_out: format!(
                    "{length} turns in all; not all of them are shown here. Variables and results has every one."
                ),
            });
        }
    }

    fn state(
        &self,
        step: &Step,
        path: &StepPath,
        output: Option<&StepOutput>,
        is_open: bool,
        tried: bool,
    ) -> &'static str {
        if let Some(output) = output {
            return match output.outcome {
                StepOutcome::Ok => "ok",
                StepOutcome::Failed => "failed",
                StepOutcome::Skipped => "skipped",
                StepOutcome::TimedOut => "warning",
            };
        }
        let is_under_way = is_open
            || tried
            || (matches!(step.kind, StepKind::ForEach { .. }) && self.outputs.contains_key(&path.list()));
        if is_under_way { self.detail.row.status.word() } else { "-" }
    }
}

/// When an attempt was to begin, where that is not kept: the first one of a step at once, as any that was begun before it was kept.
fn reached(row: &AttemptRow, first: Time) -> Time {
    if row.number == 1 && row.kind == AttemptKind::Try { first } else { row.started_at }
}

fn note(step: &Step, output: Option<&StepOutput>) -> String {
    let Some(output) = output else { return String::new() };
    if let Some(error) = &output.error {
        return format!("{}: {}", error.class, error.message);
    }
    match (&step.kind, output.outcome) {
        (_, StepOutcome::Skipped) => "not taken: its `if` was false, or its branch was not taken".to_owned(),
        (_, StepOutcome::TimedOut) => "nothing came in time".to_owned(),
        (StepKind::Block { .. }, _) => match output.result.as_str() {
            Some(branch) => format!("took `{branch}`"),
            None => "took no branch".to_owned(),
        },
        (StepKind::Wait(_), _) if !output.waited.is_zero() => {
            format!("waited {}", super::words::span(output.waited.as_millis()))
        }
        (StepKind::ForEach { .. }, _) => {
            output.result.as_array().map(|all| counted(&all.len(), "turn")).unwrap_or_default()
        }
        _ => String::new(),
    }
}

/// What a step that waits waits for, up to its time.
fn waits(step: &Step, wait: &WaitRow) -> String {
    let kinds = match &step.kind {
        StepKind::Wait(step) => match &step.what {
            WaitWhat::Event { kinds, .. } => kinds.join(" or "),
            WaitWhat::For(_) | WaitWhat::Until(_) => String::new(),
        },
        _ => String::new(),
    };
    match (kinds.is_empty(), wait.until.is_some()) {
        (true, _) => "waits, and goes on".to_owned(),
        (false, true) => format!("waits for {kinds}, and goes on without it"),
        (false, false) => format!("waits for {kinds}, however long it takes"),
    }
}

fn result(output: &StepOutput) -> String {
    if output.result.is_null() {
        return String::new();
    }
    serde_json::to_string_pretty(&output.result).unwrap_or_default().chars().take(SHOWN).collect()
}

/// What a step does, in a few words.
fn what(step: &Step) -> String {
    match &step.kind {
        StepKind::Action { name, .. } => name.clone(),
        StepKind::Http(http) => format!("http {}", http.method),
        StepKind::Block { .. } => "if".to_owned(),
        StepKind::ForEach { name, .. } => format!("for_each {name}"),
        StepKind::Wait(wait) => match &wait.what {
            WaitWhat::For(span) => format!("wait {}", show_duration(*span)),
            WaitWhat::Until(_) => "wait until a time".to_owned(),
            WaitWhat::Event { kinds, .. } => format!("wait for {}", kinds.join(", ")),
        },
        StepKind::Attributes(_) => "keep attributes".to_owned(),
        StepKind::Emit { kind, .. } => format!("emit {kind}"),
        StepKind::Vars(_) => "vars".to_owned(),
        StepKind::Stop(_) => "stop".to_owned(),
        StepKind::Fail(_) => "fail".to_owned(),
    }
}
