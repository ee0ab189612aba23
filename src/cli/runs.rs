//! `bellwire runs`: one rule on one event, with every attempt.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    answer::{Answer, clean, clean_lines, machine},
    arguments::{Outcome, Resolve, RunsList, RunsVerb},
    events::body_of,
    failure::Failure,
    open, release,
    table::table,
    users,
};
use crate::{
    config::Config,
    ids::RunId,
    model::{AttemptKind, RunStatus, StepError, StepPath},
    store::{AttemptRow, Mode, Resolution, RunDetail, RunFilter, RunRow},
    web::exchange_lines,
};

/// Characters of a request or reply that are shown to people; the machine's form has all that is kept.
const SHOWN: usize = 4_096;

const NONE_YET: &str = "No runs yet: no event has matched a rule. See what came: bellwire events list";

pub(super) fn run(workspace: &Path, verb: &RunsVerb) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    match verb {
        RunsVerb::List(options) => list(&config, options),
        RunsVerb::Show { id, json } => show(&config, *id, *json),
        RunsVerb::Resolve(options) => resolve(&config, options),
        RunsVerb::Release { rule } => release::release(&config, rule),
        RunsVerb::Cancel { id } => release::cancel(&config, *id),
    }
}

fn list(config: &Config, options: &RunsList) -> Result<Answer, Failure> {
    let filter = RunFilter {
        before: options.before,
        limit: Some(usize::from(options.limit)),
        rule: options.rule.clone(),
        states: options.state.into_iter().collect(),
        event: options.event,
        ..RunFilter::default()
    };
    let narrowed =
        filter.before.is_some() || filter.rule.is_some() || !filter.states.is_empty() || filter.event.is_some();
    let rows = if open::is_unborn(config)? {
        Vec::new()
    } else {
        open::block_on(async { Ok(open::store(config, Mode::Read)?.runs(filter).await?) })?
    };
    Ok(listed(&rows, narrowed, options.json))
}

/// Runs, newest first. `narrowed`: not all were asked for.
pub(super) fn listed(rows: &[RunRow], narrowed: bool, json: bool) -> Answer {
    if json {
        return Answer::json(&machine(&rows));
    }
    if rows.is_empty() {
        return Answer::text(if narrowed { "No runs like that. All of them: bellwire runs list" } else { NONE_YET });
    }
    Answer::text(rows_as_text(rows))
}

/// The table of runs.
pub(super) fn rows_as_text(rows: &[RunRow]) -> String {
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                row.id.to_string(),
                clean(&row.rule, 60),
                row.status.to_string(),
                row.event.to_string(),
                row.created_at.to_string(),
                what_next(row),
            ]
        })
        .collect();
    table(&["ID", "RULE", "STATE", "EVENT", "CREATED", "NEXT OR WHY"], &lines)
}

fn what_next(row: &RunRow) -> String {
    let error = row.error.as_ref().map(|error| format!("{}: {}", error.class, clean(&error.message, 80)));
    let why = row.why.as_deref().map(|why| clean(why, 80));
    match row.status {
        RunStatus::Held => format!("bellwire runs show {}", row.id),
        _ => row.due_at.map(|at| format!("due {at}")).or(error).or(why).unwrap_or_default(),
    }
}

fn show(config: &Config, id: RunId, json: bool) -> Result<Answer, Failure> {
    Ok(shown(&load(config, id)?, json))
}

/// One run whole.
pub(super) fn shown(detail: &RunDetail, json: bool) -> Answer {
    if json { Answer::json(&as_json(detail)) } else { Answer::text(as_text(detail)) }
}

fn load(config: &Config, id: RunId) -> Result<RunDetail, Failure> {
    let missing = || Failure::No(format!("there is no run {id}; see `bellwire runs list`"));
    if open::is_unborn(config)? {
        return Err(missing());
    }
    open::block_on(async { Ok(open::store(config, Mode::Read)?.run(id).await?) })?.ok_or_else(missing)
}

pub(super) fn as_json(detail: &RunDetail) -> Value {
    let mut value = machine(&detail.row);
    let Value::Object(map) = &mut value else { return value };
    let steps: Vec<Value> = detail
        .outputs
        .iter()
        .map(|output| {
            json!({
                "step": output.step, "outcome": output.outcome, "result": output.result, "error": output.error,
                "response": output.response,
            })
        })
        .collect();
    map.insert("rule_set".to_owned(), json!(detail.set_digest));
    map.insert("vars".to_owned(), Value::Object(detail.vars.clone()));
    map.insert("steps".to_owned(), Value::Array(steps));
    map.insert("attempts".to_owned(), detail.attempts.iter().map(attempt_as_json).collect());
    value
}

fn attempt_as_json(attempt: &AttemptRow) -> Value {
    machine(&json!({
        "id": attempt.id,
        "step": attempt.step,
        "kind": attempt.kind,
        "number": attempt.number,
        "started_at": attempt.started_at,
        "ended_at": attempt.ended_at,
        "outcome": attempt.outcome,
        "error": attempt.error,
        "status": attempt.status,
        "reason": attempt.reason,
        "request": attempt.request.as_deref().map(body_of),
        "reply": attempt.reply.as_deref().map(body_of),
    }))
}

pub(super) fn as_text(detail: &RunDetail) -> String {
    let row = &detail.row;
    let mut text = vec![
        format!("{}  {}  {}", row.id, clean(&row.rule, 128), row.status),
        format!("event     {}", row.event),
        format!("created   {}", row.created_at),
    ];
    text.extend(row.replay_of.map(|of| format!("repeats   {of}")));
    text.extend(row.ended_at.map(|at| format!("ended     {at}")));
    text.extend(row.due_at.map(|at| format!("next due  {at}")));
    text.push(format!("rule set  {}", detail.set_digest));
    if let Some(error) = &row.error {
        let step = step_of_error(detail, error);
        text.push(format!("error     {} in {step}: {}", error.class, clean(&error.message, 400)));
    }
    text.extend(row.why.as_deref().map(|why| format!("why       {}", clean(why, 400))));
    if !detail.vars.is_empty() {
        text.push(format!("vars      {}", clean(&Value::Object(detail.vars.clone()).to_string(), 400)));
    }
    for output in &detail.outputs {
        text.push(format!("\nstep {}  {}", named(&output.step, output.error.as_ref()), output.outcome.word()));
        match &output.error {
            Some(error) => text.push(format!("  {}: {}", error.class, clean(&error.message, 400))),
            None if output.result.is_null() => {}
            None => text.push(format!("  result  {}", clean(&output.result.to_string(), 400))),
        }
    }
    for attempt in &detail.attempts {
        text.extend(attempt_as_text(attempt));
    }
    if detail.is_held_by_source() {
        text.push("\nIt begins when its source is resumed, on the source's page of the admin UI.".to_owned());
    } else if detail.is_held_by_fuse() {
        text.push(format!(
            "\nLook at why so many came, then let them go:\n  bellwire runs release {}",
            clean(&row.rule, 128)
        ));
    } else if row.status == RunStatus::Held || detail.waits_for_read() {
        if row.status != RunStatus::Held {
            text.push("\nWhat comes next is a read that tells what became of the last attempt; that is not sent again before.".to_owned());
        }
        text.push(format!(
            "\nNobody knows whether the last attempt took effect. Look at the target, then say:\n  \
             bellwire runs resolve {id} --done     it did; go on with the next step\n  \
             bellwire runs resolve {id} --retry    it did not; try again\n  \
             bellwire runs resolve {id} --fail     it did not, and shall not",
            id = row.id
        ));
        if detail.can_be_read_back() {
            text.push(format!("  bellwire runs resolve {} --verify   let the service be asked", row.id));
        }
    }
    text.join("\n")
}

/// `note (do.0)` where the step's error tells its id, else the path alone.
fn named(path: &StepPath, error: Option<&StepError>) -> String {
    let path = clean(&path.0, 128);
    match error.map(|error| clean(&error.step, 64)) {
        Some(id) if id != path && !id.is_empty() => format!("{id} ({path})"),
        _ => path,
    }
}

/// The step that the run's error speaks of, named as below: an output or attempt that failed with the same id has its path.
fn step_of_error(detail: &RunDetail, error: &StepError) -> String {
    let of_outputs = detail.outputs.iter().map(|output| (&output.step, output.error.as_ref()));
    let of_attempts = detail.attempts.iter().map(|attempt| (&attempt.step, attempt.error.as_ref()));
    let same = |(_, of_step): &(&StepPath, Option<&StepError>)| of_step.is_some_and(|known| known.step == error.step);
    let found = of_outputs.chain(of_attempts).find(same);
    found.map_or_else(|| clean(&error.step, 64), |(path, _)| named(path, Some(error)))
}

fn attempt_as_text(attempt: &AttemptRow) -> Vec<String> {
    let took =
        attempt.ended_at.map(|at| format!(", {} ms", at.since(attempt.started_at).as_millis())).unwrap_or_default();
    let status = attempt.status.map(|status| format!(" {status}")).unwrap_or_default();
    let what = match attempt.kind {
        AttemptKind::Try => "attempt",
        AttemptKind::Verify => "verify",
    };
    let mut text = vec![format!(
        "\n{what} {} of {}  {}{status}  {}{took}  {}",
        attempt.number,
        named(&attempt.step, attempt.error.as_ref()),
        attempt.outcome.word(),
        attempt.started_at,
        attempt.id
    )];
    if let Some(error) = &attempt.error {
        text.push(format!("  {}: {}", error.class, clean(&error.message, 400)));
    }
    match attempt.reason.as_str() {
        "" => {}
        "verify" => text.push("  a read tells what became of it".to_owned()),
        "found" => text.push("  it was found: the attempt took effect".to_owned()),
        "not_found" => text.push("  nothing was found: the attempt took no effect".to_owned()),
        reason => text.push(format!("  the next one waits: {}", clean(reason, 64))),
    }
    for (name, bytes) in [("request", &attempt.request), ("reply", &attempt.reply)] {
        let Some(bytes) = bytes else { continue };
        let shown = match body_of(bytes) {
            Value::String(text) => text,
            value => exchange_lines(&value),
        };
        text.push(format!("  {name}"));
        text.extend(clean_lines(&shown, SHOWN).lines().map(|line| format!("    {line}")));
    }
    text
}

fn resolve(config: &Config, options: &Resolve) -> Result<Answer, Failure> {
    let id = options.id;
    let detail = load(config, id)?;
    let status = detail.row.status;
    let resolution = chosen(&options.outcome);
    let not_held = |status: RunStatus| {
        Failure::No(format!(
            "run {id} is {status}, not held: there is nothing to resolve; see `bellwire runs show {id}`"
        ))
    };
    if status != RunStatus::Held && !detail.waits_for_read() {
        return Err(not_held(status));
    }
    if detail.is_held_by_source() {
        return Err(Failure::No(format!(
            "run {id} waits until its source is resumed, not for an attempt; resume the source in the admin UI"
        )));
    }
    if detail.is_held_by_fuse() {
        let rule = clean(&detail.row.rule, 128);
        return Err(Failure::No(format!(
            "run {id} is held by the blown fuse of its rule, not for an attempt; let it go with `bellwire runs release {rule}`"
        )));
    }
    if resolution == Resolution::Verify && !detail.can_be_read_back() {
        return Err(Failure::No(format!(
            "nothing can tell what became of the attempt: the action of that step has no `verify`; see `bellwire runs show {id}`"
        )));
    }
    let resolved = open::block_on(async {
        let store = open::store(config, Mode::Write)?;
        let now = open::clock().now();
        let resolved = store.resolve(id, resolution, now).await;
        let kept = match resolved {
            Ok(true) => users::keep(&store, now, "run.resolve", &id.to_string(), json!(word(resolution))).await,
            _ => Ok(()),
        };
        store.close();
        kept?;
        Ok(resolved?)
    })?;
    if !resolved {
        // Somebody was quicker, or the server took it on meanwhile.
        return Err(not_held(load(config, id)?.row.status));
    }
    Ok(resolved_as(id, resolution))
}

/// What a word on a held run's attempt leads to.
pub(super) fn resolved_as(id: RunId, resolution: Resolution) -> Answer {
    let what = match resolution {
        Resolution::Done => "taken as done; the run goes on with its next step",
        Resolution::Retry => "tried again",
        Resolution::Fail => "taken as failed",
        Resolution::Verify => "looked up at the service",
    };
    Answer::text(format!("{id}: the step is {what} (by a running server within a second)"))
}

/// The word of the audit log.
fn word(resolution: Resolution) -> &'static str {
    match resolution {
        Resolution::Done => "done",
        Resolution::Retry => "retry",
        Resolution::Fail => "fail",
        Resolution::Verify => "verify",
    }
}

/// What a person says became of the attempt.
pub(super) fn chosen(outcome: &Outcome) -> Resolution {
    match (outcome.done, outcome.retry, outcome.verify) {
        (true, ..) => Resolution::Done,
        (_, true, _) => Resolution::Retry,
        (.., true) => Resolution::Verify,
        _ => Resolution::Fail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clock::Time,
        ids::{AttemptId, EventId},
        model::{AttemptOutcome, ErrorClass},
    };

    fn held() -> RunDetail {
        let error = StepError {
            step: "note".to_owned(),
            class: ErrorClass::Timeout,
            status: None,
            message: "no answer in 30 s\u{1b}[2J".to_owned(),
            attempt: 1,
        };
        RunDetail {
            row: RunRow {
                id: RunId(2),
                rule: "calls/missed".to_owned(),
                status: RunStatus::Held,
                event: EventId(1),
                created_at: Time(0),
                ended_at: None,
                due_at: None,
                error: Some(error.clone()),
                why: None,
                replay_of: None,
            },
            set: 1,
            set_digest: "abc".to_owned(),
            started_at: Some(Time(0)),
            step: None,
            cancelled: false,
            said: None,
            vars: serde_json::Map::new(),
            outputs: Vec::new(),
            attempts: vec![AttemptRow {
                id: AttemptId(3),
                step: StepPath("do.0".to_owned()),
                kind: AttemptKind::Try,
                number: 1,
                planned_at: None,
                started_at: Time(0),
                ended_at: Some(Time(30_000)),
                outcome: AttemptOutcome::Unknown,
                error: Some(error),
                status: None,
                request: Some(br#"{"method":"POST"}"#.to_vec()),
                reply: None,
                reason: String::new(),
            }],
        }
    }

    #[test]
    fn a_held_run_says_what_to_do() {
        let text = as_text(&held());
        assert!(text.contains("bellwire runs resolve run_0000000000002 --retry"), "{text}");
        assert!(text.contains("attempt 1 of note (do.0)  unknown  1970-01-01T00:00:00Z, 30000 ms"), "{text}");
        assert!(text.contains("error     timeout in note (do.0): "), "{text}");
        assert!(text.contains("\"method\": \"POST\""), "{text}");
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn machines_get_id_state_and_attempts() {
        let value = as_json(&held());
        assert_eq!(value["id"], "run_0000000000002");
        assert_eq!(value["state"], "held");
        assert_eq!(value["attempts"][0]["outcome"], "unknown");
        assert_eq!(value["attempts"][0]["request"]["method"], "POST");
        assert_eq!(value["attempts"][0]["started_at"], "1970-01-01T00:00:00Z");
    }
}
