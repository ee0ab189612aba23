//! What was wanted against what came: effects side by side, verdicts, outcomes, steps.

use super::{
    report::{Miss, Row, seen, shown},
    suite::{Case, Wanted, WantedVerdict},
    timeline::{Outcome, Said},
    world::Done,
};
use crate::{
    clock::Time,
    model::Evidence,
    rules::Scope,
    templates::{Context, Leaf, Limits, RenderError, Sink},
    value::{Object, Segment, Value},
};

/// What the right sides of one test may use together: as much as a step.
const LIMITS: Limits = Limits { steps: 100_000, bytes: 1024 * 1024, time: std::time::Duration::from_secs(1) };

/// What the templates on right sides see.
pub(super) struct Sight<'a> {
    pub(super) event: &'a Value,
    pub(super) vars: &'a Value,
    pub(super) now: Time,
}

/// All that is not as the test wants it.
pub(super) fn judge(case: &Case, outcome: &Outcome, done: &[Done], sight: &Sight<'_>) -> Vec<Miss> {
    if let Some(why) = &outcome.broken {
        // What else was not as wanted follows from that.
        return vec![plain(why.clone())];
    }
    let mut misses = verdicts(case, &outcome.said);
    misses.extend(case.expect.as_ref().and_then(|wanted| effects(wanted, done, sight)));
    misses.extend(outcomes(case, outcome));
    if let Some(condition) = &case.steps {
        let steps = outcome.runs.last().map(|run| run.steps.clone()).unwrap_or_default();
        let roots = Object::from_iter([("steps".to_owned(), Value::Object(steps))]);
        if let Err(evidence) = condition.evaluate(&Over { roots: &roots, sight }) {
            misses.push(plain(told(&evidence)));
        }
    }
    misses
}

fn plain(message: String) -> Miss {
    Miss { message, rows: Vec::new() }
}

/// `steps.find.attempts: wanted 3, and 1 (number) was there`.
fn told(evidence: &Evidence) -> String {
    let wanted = if evidence.operator == "is" {
        shown(&evidence.wanted)
    } else {
        format!("{} {}", evidence.operator, shown(&evidence.wanted))
    };
    let note = if evidence.note.is_empty() { String::new() } else { format!("; {}", evidence.note) };
    format!("{}: wanted {wanted}, and {} was there{note}", evidence.path, seen(&evidence.seen))
}

/// The roots that a condition of a test looks at.
struct Over<'a> {
    roots: &'a Object,
    sight: &'a Sight<'a>,
}

impl Scope for Over<'_> {
    fn root(&self, name: &str, _rest: &[Segment]) -> Result<Option<&Value>, String> {
        Ok(self.roots.get(name))
    }

    fn render(&self, leaf: &Leaf) -> Result<Value, RenderError> {
        let mut context = Context::new(self.sight.now, LIMITS);
        let now = Value::String(self.sight.now.to_string());
        context.set("event", self.sight.event).set("vars", self.sight.vars).set("now", &now);
        leaf.render(&context, Sink::Plain)
    }

    fn in_hours(&self, name: &str, _at: &Value) -> Result<bool, String> {
        Err(format!("the hours `{name}` are not there"))
    }

    fn now(&self) -> Time {
        self.sight.now
    }
}

fn verdicts(case: &Case, said: &[Said]) -> Vec<Miss> {
    let pairs: Vec<(&WantedVerdict, Option<(usize, &Said)>)> = match &case.verdicts[..] {
        [] => return Vec::new(),
        [one] => {
            let heard = said.iter().enumerate().rev().find(|(_, said)| **said != Said::Deaf);
            vec![(one, heard.or_else(|| said.iter().enumerate().next_back()))]
        }
        several if several.len() != said.len() => {
            return vec![plain(format!("{} verdicts are expected, and {} events came", several.len(), said.len()))];
        }
        several => several.iter().zip(said.iter().enumerate().map(Some)).collect(),
    };
    let many = case.events.len() > 1;
    let judge = |(wanted, said): (&WantedVerdict, Option<(usize, &Said)>)| {
        let Some((at, said)) = said else { return Some(plain("no event came".to_owned())) };
        if fits(wanted, said) {
            return None;
        }
        let which = if many { format!(" on event {}", at + 1) } else { String::new() };
        let row = Row { wanted: wanted.shown(), got: verdict_word(said), differs: true };
        Some(Miss { message: format!("another verdict{which}: {}", verdict_text(said)), rows: vec![row] })
    };
    pairs.into_iter().filter_map(judge).collect()
}

fn fits(wanted: &WantedVerdict, said: &Said) -> bool {
    let gate = match said {
        Said::Dropped { gate, .. } => Some(*gate),
        Said::Gathered => Some("digest"),
        Said::Own => Some("own"),
        _ => None,
    };
    let matched = match said {
        Said::Matched | Said::Gathered => true,
        // It matched, and came to nothing: who says so knows.
        Said::Dropped { .. } => wanted.suppressed.is_some(),
        Said::Deaf | Said::Own | Said::NotMatched(_) | Said::Error(_) => false,
    };
    let because = match said {
        Said::NotMatched(evidence) => Some(evidence.path.as_str()),
        Said::Deaf => Some("on"),
        _ => None,
    };
    wanted.matched.is_none_or(|wanted| wanted == matched)
        && wanted.because.as_deref().is_none_or(|path| because == Some(path))
        && wanted.suppressed.as_deref().is_none_or(|wanted| gate == Some(wanted))
}

/// A verdict in the words of `verdict`.
fn verdict_word(said: &Said) -> String {
    match said {
        Said::Deaf => "matched: false, because: on".to_owned(),
        Said::Own => "suppressed: own".to_owned(),
        Said::NotMatched(evidence) => format!("matched: false, because: {}", evidence.path),
        Said::Error(_) => "error".to_owned(),
        Said::Dropped { gate, .. } => format!("suppressed: {gate}"),
        Said::Gathered => "suppressed: digest".to_owned(),
        Said::Matched => "matched: true".to_owned(),
    }
}

/// A verdict in a sentence.
pub(super) fn verdict_text(said: &Said) -> String {
    match said {
        Said::Deaf => "the rule does not listen to such events".to_owned(),
        Said::Own => "one of our own actions caused the event, and the rule does not ask for such".to_owned(),
        Said::NotMatched(evidence) => format!("it did not match; {}", told(evidence)),
        Said::Error(message) => format!("the rule could not be evaluated: {message}"),
        Said::Dropped { gate, why } => format!("it matched, and `{gate}` did not let it through: {why}"),
        Said::Gathered => "it matched, and was gathered by `digest`".to_owned(),
        Said::Matched => "it matched".to_owned(),
    }
}

fn outcomes(case: &Case, outcome: &Outcome) -> Vec<Miss> {
    let ended = |at: usize| {
        let run = outcome.runs.get(at)?;
        let why = run.error.as_ref().map_or(String::new(), |error| format!(": {}", error.message));
        Some((run.outcome, why))
    };
    let wanted: Vec<(usize, &String)> = match &case.outcomes[..] {
        [] => return Vec::new(),
        _ if outcome.runs.is_empty() => return vec![plain("an outcome is expected, and no run started".to_owned())],
        [one] => (0..outcome.runs.len()).map(|at| (at, one)).collect(),
        several if several.len() != outcome.runs.len() => {
            let runs = outcome.runs.len();
            return vec![plain(format!("{} outcomes are expected, and {runs} runs started", several.len()))];
        }
        several => several.iter().enumerate().collect(),
    };
    let judge = |(at, wanted): (usize, &String)| {
        let (got, why) = ended(at).filter(|(got, _)| got != wanted)?;
        Some(plain(format!("the run ended {got}, and {wanted} was wanted{why}")))
    };
    wanted.into_iter().filter_map(judge).collect()
}

/// Whether an effect is what was wanted. `Err`: the first input that is not; `None` where the action is another.
fn compare(wanted: &Wanted, done: &Done, sight: &Sight<'_>) -> Result<(), Option<Box<Evidence>>> {
    if wanted.action != done.action {
        return Err(None);
    }
    let nothing = Object::new();
    let roots = done.inputs.as_object().unwrap_or(&nothing);
    wanted.condition.evaluate(&Over { roots, sight }).map_err(|evidence| Some(Box::new(evidence)))
}

/// Effects in their order. `None`: all are as wanted.
fn effects(wanted: &[Wanted], done: &[Done], sight: &Sight<'_>) -> Option<Miss> {
    let pairs = aligned(wanted, done, sight);
    let mut rows = Vec::new();
    let mut first: Option<String> = None;
    for pair in &pairs {
        let said = match pair {
            (Some(wanted), Some(done)) => match compare(wanted, done, sight) {
                Ok(()) => None,
                Err(Some(evidence)) => {
                    Some((format!("{} differs: {}", wanted.action, told(&evidence)), Some(evidence)))
                }
                Err(None) => Some((format!("{} was wanted, and {} came", wanted.action, done.action), None)),
            },
            (Some(wanted), None) => Some((format!("{} was wanted, and did not come", wanted.action), None)),
            (None, Some(done)) => Some((format!("{} came, and was not wanted", done.action), None)),
            (None, None) => None,
        };
        let evidence = said.as_ref().and_then(|(_, evidence)| evidence.as_deref());
        rows.extend(side_by_side(pair.0, pair.1, said.is_some(), evidence));
        first = first.or(said.map(|(message, _)| message));
    }
    Some(Miss { message: first?, rows })
}

/// The two lists laid side by side with the least that differs: what fits costs nothing, the same action with other inputs less than
/// two that stand alone.
fn aligned<'a>(
    wanted: &'a [Wanted],
    done: &'a [Done],
    sight: &Sight<'_>,
) -> Vec<(Option<&'a Wanted>, Option<&'a Done>)> {
    const ALONE: u32 = 2;
    /// Beyond this the plain order is shown: the table is that times as large.
    const LONGEST: usize = 200;
    let pair = |wanted: &Wanted, done: &Done| match compare(wanted, done, sight) {
        Ok(()) => 0,
        Err(Some(_)) => 1,
        Err(None) => 2 * ALONE + 1,
    };
    let (wanted, done) = (wanted.iter().collect::<Vec<_>>(), done.iter().collect::<Vec<_>>());
    let mut laid = Vec::new();
    if wanted.len() > LONGEST || done.len() > LONGEST {
        for at in 0..wanted.len().max(done.len()) {
            laid.push((wanted.get(at).copied(), done.get(at).copied()));
        }
        return laid;
    }
    // cost[w][d]: of what is left from there on.
    let width = done.len() + 1;
    let mut costs = vec![0_u32; (wanted.len() + 1) * width];
    let at = |w: usize, d: usize| w * width + d;
    let cost = |costs: &[u32], w: usize, d: usize| costs.get(at(w, d)).copied().unwrap_or(u32::MAX / 2);
    for w in (0..=wanted.len()).rev() {
        for d in (0..=done.len()).rev() {
            let both = match (wanted.get(w), done.get(d)) {
                (Some(one), Some(other)) => pair(one, other) + cost(&costs, w + 1, d + 1),
                (None, None) => 0,
                _ => u32::MAX / 2,
            };
            let left = if w < wanted.len() { ALONE + cost(&costs, w + 1, d) } else { u32::MAX / 2 };
            let right = if d < done.len() { ALONE + cost(&costs, w, d + 1) } else { u32::MAX / 2 };
            if let Some(here) = costs.get_mut(at(w, d)) {
                *here = both.min(left).min(right);
            }
        }
    }
    let (mut w, mut d) = (0, 0);
    while w < wanted.len() || d < done.len() {
        let here = cost(&costs, w, d);
        let (one, other) = (wanted.get(w).copied(), done.get(d).copied());
        if let (Some(one), Some(other)) = (one, other)
            && here == pair(one, other) + cost(&costs, w + 1, d + 1)
        {
            laid.push((Some(one), Some(other)));
            (w, d) = (w + 1, d + 1);
        } else if one.is_some() && here == ALONE + cost(&costs, w + 1, d) {
            laid.push((one, None));
            w += 1;
        } else {
            laid.push((None, other));
            d += 1;
        }
    }
    laid
}

/// An effect that was wanted beside one that came: the action, then each input.
fn side_by_side(wanted: Option<&Wanted>, done: Option<&Done>, differs: bool, evidence: Option<&Evidence>) -> Vec<Row> {
    let name = |name: Option<&str>| name.unwrap_or_default().to_owned();
    let mut rows = vec![Row {
        wanted: name(wanted.map(|wanted| wanted.action.as_str())),
        got: name(done.map(|done| done.action.as_str())),
        differs: differs && evidence.is_none(),
    }];
    let nothing = Object::new();
    let inputs = done.and_then(|done| done.inputs.as_object()).unwrap_or(&nothing);
    let mut told: Vec<String> = Vec::new();
    for (path, value) in wanted.map(|wanted| &wanted.written).into_iter().flatten() {
        let parsed: Option<crate::value::Path> = path.parse().ok();
        let root = parsed.as_ref().and_then(|path| path.root()).unwrap_or_default().to_owned();
        let got = match &parsed {
            Some(parsed) if done.is_some() && !matches!(path.as_str(), "all" | "any" | "not") => {
                let whole = Value::Object(inputs.clone());
                let found = parsed.find(&whole).map_or_else(|| "(nothing)".to_owned(), shown);
                format!("  {path}: {found}")
            }
            _ => String::new(),
        };
        if parsed.as_ref().is_some_and(|path| path.segments().len() == 1) {
            told.push(root);
        }
        let differs = evidence.is_some_and(|evidence| evidence.path == *path);
        rows.push(Row { wanted: format!("  {path}: {}", shown(value)), got, differs });
    }
    for (name, value) in inputs.iter().filter(|(name, _)| !told.contains(name)) {
        rows.push(Row { wanted: String::new(), got: format!("  {name}: {}", shown(value)), differs: false });
    }
    rows
}
