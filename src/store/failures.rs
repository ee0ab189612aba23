//! Runs that fail become problems, and runs that end well solve them: in the transaction that ends the run.

use std::collections::HashSet;

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    compress,
    dialect::{self, Conn, each},
    error::StoreError,
    json,
    names::Known,
    outputs,
    problems::{self, Common},
    schema::{attempts, events, names, outputs as rows, runs},
};
use crate::{
    clock::Time,
    ids::RunId,
    model::{AttemptOutcome, ErrorClass, Problem, StepError, StepOutcome},
};

/// The kind of these problems.
const KIND: &str = "run";

/// Attempts and outputs that are looked at for the step that failed: it is among the last.
const LOOKED_AT: i64 = 8;

/// What is known of a run that is over.
struct Ended {
    rule: i32,
    set: i64,
    event: i64,
}

fn ended(conn: &mut Conn, run: RunId) -> Result<Ended, StoreError> {
    let (rule, set, event) = each!(conn, c => runs::table
        .find(run.0)
        .select((runs::rule, runs::rule_set, runs::event))
        .get_result(c))?;
    Ok(Ended { rule, set, event })
}

/// Keeps that a run has finally failed: with its class, as a problem, and among the runs of that problem.
pub(super) fn failed(
    conn: &mut Conn,
    known: &mut Known,
    run: RunId,
    error: Option<&StepError>,
    at: Time,
) -> Result<(), StoreError> {
    let ended = ended(conn, run)?;
    let class = error.map_or(ErrorClass::Internal, |error| error.class);
    let number = known.name(conn, class.word())?;
    each!(conn, c => diesel::update(runs::table.find(run.0)).set(runs::class.eq(number)).execute(c))?;
    let step = error.map_or("run", |error| error.step.as_str());
    let (path, number) = place_of(conn, run, step)?.unwrap_or_default();
    let host = host_of(conn, run, number)?;
    let (rule, step) = (name_of(conn, ended.rule)?, plain(step));
    let mut digest = Sha256::new();
    for part in [&rule, &step, &host, class.word()] {
        digest.update(part.as_bytes());
        digest.update([0]);
    }
    let fingerprint = format!("{KIND}:{}", hex::encode(digest.finalize().get(..16).unwrap_or_default()));
    let message = error.map_or_else(|| "it failed without a word".to_owned(), |error| error.message.clone());
    let problem = Problem { fingerprint, kind: KIND, subject: rule.clone(), message };
    let common = Common {
        rule: Some(rule),
        step: Some(step),
        path: Some(path),
        host: Some(host),
        class: Some(class.word().to_owned()),
        run: Some(run.0),
        depth: depth_of(conn, ended.event)?,
    };
    let id = problems::raise(conn, &problem, &common, at)?;
    dialect::add_problem_run(conn, id, run.0)?;
    if let Some(troubled) = &mut known.troubled {
        troubled.insert(ended.rule);
    }
    Ok(())
}

/// Keeps that a run has ended well: problems of its rule are solved whose step it has passed, or whose text was another.
pub(super) fn succeeded(conn: &mut Conn, known: &mut Known, run: RunId, at: Time) -> Result<(), StoreError> {
    if troubled(conn, known)?.is_empty() {
        return Ok(());
    }
    let ended = ended(conn, run)?;
    if !troubled(conn, known)?.contains(&ended.rule) {
        return Ok(());
    }
    let rule = name_of(conn, ended.rule)?;
    let open = problems::open_of_rule(conn, &rule)?;
    let mut left = open.len();
    let mut passed = None;
    for (fingerprint, path, newest) in open {
        let path = path.unwrap_or_default();
        let is_gone = path.is_empty() || is_of_another_set(conn, newest, ended.set)? || {
            if passed.is_none() {
                passed = Some(paths_passed(conn, run)?);
            }
            passed.as_ref().is_some_and(|passed| passed.contains(&path))
        };
        if is_gone {
            let depth = depth_of(conn, ended.event)?;
            dialect::solve_problem(conn, &fingerprint, at.0, depth)?;
            left -= 1;
        }
    }
    if left == 0
        && let Some(troubled) = &mut known.troubled
    {
        troubled.remove(&ended.rule);
    }
    Ok(())
}

/// The rules that have problems of failed runs.
fn troubled<'k>(conn: &mut Conn, known: &'k mut Known) -> Result<&'k HashSet<i32>, StoreError> {
    let loaded = match known.troubled.take() {
        Some(loaded) => loaded,
        None => dialect::troubled_rules(conn)?.into_iter().collect(),
    };
    Ok(known.troubled.insert(loaded))
}

/// Whether a run was decided by another rule set than this: what was wrong may have been mended since. One that is gone was.
fn is_of_another_set(conn: &mut Conn, run: Option<i64>, set: i64) -> Result<bool, StoreError> {
    let Some(run) = run else { return Ok(true) };
    let of: Option<i64> = each!(conn, c => runs::table.find(run).select(runs::rule_set).get_result(c).optional())?;
    Ok(of != Some(set))
}

/// The steps of a run that ended well, without the turns of loops.
fn paths_passed(conn: &mut Conn, run: RunId) -> Result<HashSet<String>, StoreError> {
    Ok(dialect::steps_passed(conn, run.0)?.iter().map(|step| plain(step)).collect())
}

/// The step that an error speaks of: its path without turns, and its number as it ran. `None`: no step failed.
fn place_of(conn: &mut Conn, run: RunId, step: &str) -> Result<Option<(String, i32)>, StoreError> {
    let tried: Vec<(i32, Option<Vec<u8>>)> = each!(conn, c => attempts::table
        .filter(attempts::run.eq(run.0))
        .filter(attempts::outcome.ne(AttemptOutcome::Ok.code()))
        .order(attempts::id.desc())
        .limit(LOOKED_AT)
        .select((attempts::step, attempts::error))
        .load(c))?;
    for (number, error) in tried {
        if json::open_error(error)?.is_some_and(|error| error.step == step) {
            return Ok(Some((plain(&name_of(conn, number)?), number)));
        }
    }
    let ended: Vec<(i32, Option<Vec<u8>>)> = each!(conn, c => rows::table
        .filter(rows::run.eq(run.0))
        .filter(rows::outcome.eq(StepOutcome::Failed.code()))
        .order(rows::seq.desc())
        .limit(LOOKED_AT)
        .select((rows::step, rows::data))
        .load(c))?;
    for (number, data) in ended {
        if outputs::error_in(data)?.is_some_and(|error| error.step == step) {
            return Ok(Some((plain(&name_of(conn, number)?), number)));
        }
    }
    Ok(None)
}

/// The host that a step called, or the connection it went through. Empty where it called none.
fn host_of(conn: &mut Conn, run: RunId, step: i32) -> Result<String, StoreError> {
    use super::schema::requests;
    let packed: Option<Vec<u8>> = each!(conn, c => requests::table
        .find((run.0, step))
        .select(requests::data)
        .get_result(c)
        .optional())?;
    let Some(packed) = packed else { return Ok(String::new()) };
    let request: Value = serde_json::from_slice(&compress::open(&packed)?).unwrap_or(Value::Null);
    Ok(host_in(&request))
}

fn host_in(request: &Value) -> String {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let target = request.get("target");
    if let Some(connection) = target.and_then(|target| target.get("connection")) {
        return text(connection.get("name"));
    }
    let url = text(target.and_then(|target| target.get("url")));
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    authority.rsplit('@').next().unwrap_or_default().to_ascii_lowercase()
}

fn depth_of(conn: &mut Conn, event: i64) -> Result<i16, StoreError> {
    let depth: Option<i16> =
        each!(conn, c => events::table.find(event).select(events::depth).get_result(c).optional())?;
    Ok(depth.unwrap_or(0))
}

fn name_of(conn: &mut Conn, number: i32) -> Result<String, StoreError> {
    Ok(each!(conn, c => names::table.find(number).select(names::name).get_result(c))?)
}

/// A path without the turns of loops: `do.2.do.0` of `do.2.do.0[3]`.
fn plain(path: &str) -> String {
    let mut depth = 0_usize;
    let mut plain = String::new();
    for character in path.chars() {
        match character {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            other if depth == 0 => plain.push(other),
            _ => {}
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_request_names_its_host_or_its_connection() {
        let table = [
            (json!({"target": {"connection": {"name": "groove", "path": "/x"}}}), "groove"),
            (json!({"target": {"url": "https://me:pw@API.example.com:8443/x?y#z"}}), "api.example.com:8443"),
            (json!({"target": {"url": "https://example.com?x"}}), "example.com"),
            (json!({"target": {"url": "none"}}), ""),
            (json!(null), ""),
        ];
        for (request, wanted) in table {
            assert_eq!(host_in(&request), wanted, "{request}");
        }
    }

    #[test]
    fn turns_of_a_loop_are_one_step() {
        assert_eq!(plain("do.2.do.0[3][12]"), "do.2.do.0");
        assert_eq!(plain("note"), "note");
    }
}
