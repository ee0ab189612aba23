//! Where a run is in its rule: the lists of steps that are open, and the turns of its loops.

use serde_json::Value;

use crate::{
    model::{StepError, StepPath},
    rules::{OnStepError, Rule, Step, StepKind},
};

/// Which list of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// `do` of the rule.
    Do,
    /// `on_error` of the rule.
    OnError,
    Then,
    Else,
    /// `do` of a `for_each`.
    Body,
    /// `on_error` of a step.
    Handler,
}

/// A list of steps that is open.
#[derive(Debug)]
struct Frame {
    part: Part,
    /// The step that is next, or whose own lists are open above.
    at: usize,
    /// Of a step's `on_error`: what it runs for.
    error: Value,
    turns: Option<Turns>,
}

/// The turns of a loop.
#[derive(Debug)]
struct Turns {
    /// Where its list is among the outputs.
    list: usize,
    length: usize,
    index: usize,
    /// The result of each turn that has ended.
    results: Vec<Value>,
    /// The result of the step of this turn that was executed last.
    last: Value,
    /// The ids that this turn alone sees.
    seen: Vec<String>,
    /// How long the turns of the loops around it are, as written in a path.
    outer: usize,
}

/// Where a run is in its rule.
#[derive(Debug)]
pub(super) struct Cursor {
    frames: Vec<Frame>,
    /// The turns as they stand in a path: `[3][0]`.
    turns: String,
}

/// What the end of a list of steps means.
#[derive(Debug, PartialEq)]
pub(super) enum Closed {
    /// Every step of `do` or `on_error` of the rule has ended.
    All,
    /// A branch or a step's `on_error`: the step after it is next.
    List,
    /// A turn; no step sees these ids any longer.
    Turn(Vec<String>),
    /// The last turn: the loop's result.
    Loop(Vec<Value>),
}

impl Cursor {
    /// At the first step of `do` or `on_error` of a rule.
    pub(super) fn at(part: Part) -> Self {
        let frame = Frame { part, at: 0, error: Value::Null, turns: None };
        Self { frames: vec![frame], turns: String::new() }
    }

    /// The step that is next. `None`: the list has ended.
    pub(super) fn step<'r>(&self, rule: &'r Rule) -> Option<&'r Step> {
        // A turn that is not there has no steps.
        if self.frames.last()?.turns.as_ref().is_some_and(|turns| turns.index >= turns.length) {
            return None;
        }
        let mut here = None;
        for (frame, list) in self.lists(rule) {
            here = list.get(frame.at);
        }
        here
    }

    /// Every open list, outermost first, with the steps in it.
    fn lists<'c, 'r>(&'c self, rule: &'r Rule) -> impl Iterator<Item = (&'c Frame, &'r [Step])> + use<'c, 'r> {
        let mut above: Option<&'r Step> = None;
        self.frames.iter().map(move |frame| {
            let list = match (frame.part, above) {
                (Part::Do, _) => &rule.steps,
                (Part::OnError, _) => &rule.on_error,
                (part, Some(step)) => inner(step, part),
                (_, None) => &[],
            };
            above = list.get(frame.at);
            (frame, list)
        })
    }

    /// The path of a step of the list that is open, with its turns.
    pub(super) fn path(&self, step: &Step) -> StepPath {
        StepPath(format!("{}{}", step.path.0, self.turns))
    }

    /// Goes on to the step after this one.
    pub(super) fn step_on(&mut self) {
        if let Some(frame) = self.frames.last_mut() {
            frame.at += 1;
        }
    }

    /// Goes into a branch of the step that is next.
    pub(super) fn enter(&mut self, part: Part) {
        self.frames.push(Frame { part, at: 0, error: Value::Null, turns: None });
    }

    /// Goes into the `on_error` of the step that is next.
    pub(super) fn enter_handler(&mut self, error: &StepError) {
        let error = serde_json::json!(error);
        self.frames.push(Frame { part: Part::Handler, at: 0, error, turns: None });
    }

    /// Goes into the first turn of the loop that is next; `list` is where its list is among the outputs.
    pub(super) fn enter_loop(&mut self, list: usize, length: usize) {
        let outer = self.turns.len();
        let turns =
            Some(Turns { list, length, index: 0, results: Vec::new(), last: Value::Null, seen: Vec::new(), outer });
        self.frames.push(Frame { part: Part::Body, at: 0, error: Value::Null, turns });
        self.turns.push_str("[0]");
    }

    /// The list that is open has ended.
    pub(super) fn close(&mut self) -> Closed {
        let Some(frame) = self.frames.last_mut() else { return Closed::All };
        let Some(turns) = &mut frame.turns else {
            if matches!(frame.part, Part::Do | Part::OnError) {
                return Closed::All;
            }
            self.frames.pop();
            self.step_on();
            return Closed::List;
        };
        if turns.index < turns.length {
            turns.results.push(turns.last.take());
            turns.index += 1;
            frame.at = 0;
            self.turns.truncate(turns.outer);
            self.turns.push_str(&format!("[{}]", turns.index));
            return Closed::Turn(std::mem::take(&mut turns.seen));
        }
        let results = std::mem::take(&mut turns.results);
        self.turns.truncate(turns.outer);
        self.frames.pop();
        Closed::Loop(results)
    }

    /// The loop whose turn is under way; of several, the innermost.
    fn innermost(&mut self) -> Option<&mut Turns> {
        self.frames.iter_mut().rev().find_map(|frame| frame.turns.as_mut())
    }

    /// Whether a turn of a loop is under way.
    pub(super) fn in_turn(&self) -> bool {
        !self.turns.is_empty()
    }

    /// A step has been executed: the result of its turn, unless another one follows.
    pub(super) fn executed(&mut self, result: Value) {
        if let Some(turns) = self.innermost() {
            turns.last = result;
        }
    }

    /// An id is seen from here on; in a turn, until it ends.
    pub(super) fn sees(&mut self, id: &str) {
        if let Some(turns) = self.innermost() {
            turns.seen.push(id.to_owned());
        }
    }

    /// The ids that only turns see which are under way.
    pub(super) fn seen_in_turns(&mut self) -> Vec<String> {
        self.frames.iter_mut().filter_map(|frame| frame.turns.as_mut()).flat_map(|turns| turns.seen.drain(..)).collect()
    }

    /// What the innermost `on_error` of a step runs for. `None`: none is open.
    pub(super) fn error(&self) -> Option<&Value> {
        self.frames.iter().rev().find(|frame| frame.part == Part::Handler).map(|frame| &frame.error)
    }

    /// The name of the element of each turn under way, where its list is among the outputs, and its index.
    pub(super) fn elements<'r>(&self, rule: &'r Rule) -> Vec<(&'r str, usize, usize)> {
        if !self.in_turn() {
            return Vec::new();
        }
        let mut above: Option<&'r Step> = None;
        let mut found = Vec::new();
        for (frame, list) in self.lists(rule) {
            if let (Some(turns), Some(StepKind::ForEach { name, .. })) = (&frame.turns, above.map(|step| &step.kind)) {
                found.push((name.as_str(), turns.list, turns.index));
            }
            above = list.get(frame.at);
        }
        found
    }
}

/// A list of steps that a step holds.
fn inner(step: &Step, part: Part) -> &[Step] {
    match (part, &step.kind, &step.on_error) {
        (Part::Then, StepKind::Block { then, .. }, _) => then,
        (Part::Else, StepKind::Block { otherwise, .. }, _) => otherwise,
        (Part::Body, StepKind::ForEach { steps, .. }, _) | (Part::Handler, _, OnStepError::Steps(steps)) => steps,
        _ => &[],
    }
}

/// The rule's text of a step, by its path without turns.
pub(super) fn find<'r>(rule: &'r Rule, base: &str) -> Option<&'r Step> {
    let mut lists: Vec<&'r [Step]> = vec![&rule.steps, &rule.on_error];
    while let Some(list) = lists.pop() {
        for step in list {
            match base.strip_prefix(step.path.0.as_str()) {
                Some("") => return Some(step),
                Some(rest) if rest.starts_with('.') => {
                    lists = [Part::Then, Part::Else, Part::Body, Part::Handler].map(|part| inner(step, part)).to_vec();
                    break;
                }
                _ => {}
            }
        }
    }
    None
}
