//! `bellwire doctor`: what is well, what is not, and what to do about it.

use std::{collections::BTreeSet, net::TcpStream, path::Path, time::Duration};

use serde::Serialize;
use serde_json::json;

use super::{
    answer::{Answer, clean},
    arguments::Doctor,
    check::count,
    disk,
    failure::Failure,
    open, schedules,
};
use crate::{
    admin::Needs,
    app::{self, Compiled},
    clock::Time,
    config::{self, Config},
    model::Finding,
    secret::SealingKey,
    store::{Counts, Mode, ProblemRow, ScheduleRow, SecretRow, Store, Vault},
};

/// Less free room than this is a warning, and less than a tenth of it a failure.
const LITTLE_ROOM: u64 = 1 << 30;

/// A run that was due longer ago than this waits for a worker that does not come.
const LATE: Duration = Duration::from_mins(1);

/// How it stands with one thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warn,
    Fail,
}

/// One line of the answer.
#[derive(Debug, Serialize)]
struct Line {
    state: State,
    what: &'static str,
    says: String,
    /// The way out. Empty where nothing is wrong.
    #[serde(skip_serializing_if = "String::is_empty")]
    help: String,
}

#[derive(Debug, Default)]
struct Report(Vec<Line>);

impl Report {
    fn ok(&mut self, what: &'static str, says: impl Into<String>) {
        self.0.push(Line { state: State::Ok, what, says: says.into(), help: String::new() });
    }

    fn warn(&mut self, what: &'static str, says: impl Into<String>, help: impl Into<String>) {
        self.0.push(Line { state: State::Warn, what, says: says.into(), help: help.into() });
    }

    fn fail(&mut self, what: &'static str, says: impl Into<String>, help: impl Into<String>) {
        self.0.push(Line { state: State::Fail, what, says: says.into(), help: help.into() });
    }

    fn answer(&self, json: bool) -> Answer {
        let failed = self.0.iter().filter(|line| line.state == State::Fail).count();
        let warned = self.0.iter().filter(|line| line.state == State::Warn).count();
        let exit = u8::from(failed > 0);
        if json {
            return Answer::json(&json!({"checks": self.0, "failed": failed, "warnings": warned})).exit(exit);
        }
        let mut lines = Vec::new();
        for line in &self.0 {
            let word = match line.state {
                State::Ok => "ok  ",
                State::Warn => "warn",
                State::Fail => "FAIL",
            };
            lines.push(format!("{word}  {:<9} {}", line.what, line.says));
            if !line.help.is_empty() {
                lines.push(format!("                help: {}", line.help));
            }
        }
        let summary = match (failed, warned) {
            (0, 0) => "all is well".to_owned(),
            (failed, warned) => format!("{failed} failed, {}", count(warned, "warning")),
        };
        lines.push(format!("\n{summary}"));
        Answer::text(lines.join("\n")).exit(exit)
    }
}

pub(super) fn run(workspace: &Path, options: &Doctor) -> Result<Answer, Failure> {
    let mut report = Report::default();
    let config = match open::settings(workspace) {
        Ok(config) => config,
        Err(Failure::Configuration(errors)) => {
            for error in &errors {
                report.fail("config", error.to_string(), "`bellwire config defaults` explains every setting");
            }
            return Ok(report.answer(options.json));
        }
        Err(other) => return Err(other),
    };
    let file = config.workspace.join(config::FILE);
    let reads = if file.exists() { "reads" } else { "is not there; every setting is at its default" };
    report.ok("config", format!("{} {reads}", file.display()));
    for warning in &config.warnings {
        report.warn("config", warning, "");
    }
    let compiled = rules(&mut report, &config);
    key_file(&mut report, &config);
    let secrets = database(&mut report, &config, compiled.as_ref());
    // What is set is not known where the database does not answer.
    if let (Some(compiled), Some(secrets)) = (compiled, secrets) {
        needed_secrets(&mut report, &config, &compiled, &secrets);
    }
    room(&mut report, &config);
    server(&mut report, &config);
    Ok(report.answer(options.json))
}

fn rules(report: &mut Report, config: &Config) -> Option<Compiled> {
    let compiled = app::check(config);
    let (of_settings, of_files): (Vec<&Finding>, Vec<&Finding>) =
        compiled.findings.iter().partition(|finding| finding.file == config::FILE);
    for finding in of_settings {
        let line = if finding.place.line > 0 { format!(":{}", finding.place.line) } else { String::new() };
        report.fail("config", format!("{}{line}: {}", finding.file, finding.message), finding.help.as_str());
    }
    let errors = of_files.iter().filter(|finding| finding.is_error()).count();
    let warnings = of_files.len() - errors;
    let rules = compiled.set.rules.len();
    if errors > 0 {
        let says = format!("{} in rules or packs; the last good set stays in force", count(errors, "error"));
        report.fail("rules", says, "`bellwire check` names them");
    } else if warnings > 0 {
        let says = format!("{}, {}", count(rules, "rule"), count(warnings, "warning"));
        report.warn("rules", says, "`bellwire check` names them");
    } else if rules == 0 {
        report.warn("rules", "there are none", format!("write one in {}", config.workspace.join("rules").display()));
    } else {
        report.ok("rules", format!("{}, nothing wrong with any", count(rules, "rule")));
    }
    Some(compiled)
}

fn key_file(report: &mut Report, config: &Config) {
    let file = &config.secrets.key_file;
    if !file.exists() {
        // A database that does not answer is told on its own line.
        if open::is_unborn(config).unwrap_or(false) {
            return report.ok("key", format!("{} will be made on the first start", file.display()));
        }
        let help = "put the file back from where you keep it, or set each secret again with `bellwire secrets set NAME`: the \
                    first one makes a new key file";
        return report.warn("key", format!("{} is not there", file.display()), help);
    }
    match SealingKey::load(file, false) {
        Ok(key) => report.ok("key", format!("{} (key {})", file.display(), key.id())),
        Err(error) => {
            let help = "put the right file back; or move this one away and set each secret again with `bellwire secrets set NAME`";
            report.fail("key", error.to_string(), help);
        }
    }
    if open_to_others(file) {
        let says = format!("{} can be read by other users", file.display());
        report.fail(
            "key",
            says,
            format!("chmod 600 {}, and set the secrets again if somebody may have read it", file.display()),
        );
    }
}

#[cfg(unix)]
fn open_to_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn open_to_others(_file: &Path) -> bool {
    false
}

/// Names of the secrets that are set. `None`: the database does not answer.
fn database(report: &mut Report, config: &Config, compiled: Option<&Compiled>) -> Option<BTreeSet<String>> {
    match open::is_unborn(config) {
        Ok(false) => {}
        Ok(true) => {
            report.ok("database", "there is none yet; the first `bellwire serve` or `bellwire secrets set` makes it");
            return Some(config.secrets.environment.keys().cloned().collect());
        }
        Err(failure) => {
            unanswered(report, &failure);
            return None;
        }
    }
    let now = open::clock().now();
    let asked = open::block_on(async {
        let store: Store = open::store(config, Mode::Read)?;
        store.ping().await?;
        let counts = store.counts(now).await?;
        let problems = store.problems(true, usize::MAX).await?;
        let schedules = store.schedules().await?;
        let rows = match Vault::open(store.clone(), config, open::clock()) {
            Ok(vault) => vault.list().await.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        store.close();
        Ok((counts, rows, problems, schedules))
    });
    match asked {
        Err(failure) => {
            unanswered(report, &failure);
            None
        }
        Ok((counts, rows, problems, schedules)) => {
            counted(report, &counts, now);
            troubled(report, &problems);
            if let Some(compiled) = compiled {
                late(report, compiled, &schedules, now);
            }
            listed(report, rows)
        }
    }
}

fn unanswered(report: &mut Report, failure: &Failure) {
    let says = failure.to_string().trim().trim_start_matches("bellwire: ").to_owned();
    report.fail("database", says, "");
}

fn counted(report: &mut Report, counts: &Counts, now: Time) {
    report.ok(
        "database",
        format!(
            "{}, {}, {} MiB",
            plural(counts.events, "event"),
            plural(counts.runs_open, "open run"),
            counts.bytes / (1 << 20)
        ),
    );
    if counts.runs_held > 0 {
        let says = format!("{} held runs wait for a person", counts.runs_held);
        report.warn("runs", says, "`bellwire runs list --state held`, then `bellwire runs show RUN`");
    }
    match counts.oldest_due {
        Some(due) if now.since(due) > LATE => {
            let says = format!("the oldest due run waits since {due}");
            report.warn(
                "runs",
                says,
                "is `bellwire serve` running, with runner.enabled? Is a target slow or rate-limited?",
            );
        }
        _ => report.ok("runs", format!("none is late; {} have failed", counts.runs_failed)),
    }
}

/// Problems that are open.
fn troubled(report: &mut Report, problems: &[ProblemRow]) {
    if problems.is_empty() {
        return;
    }
    let named: Vec<String> = problems.iter().map(|row| format!("{} of {}", row.kind, row.subject)).collect();
    let says = format!("{} open: {}", count(problems.len(), "problem"), clean(&named.join(", "), 300));
    report.warn("problems", says, "`bellwire problems` says what to do about each");
}

/// Schedules whose slots nobody fires, a server that does not run included.
fn late(report: &mut Report, compiled: &Compiled, rows: &[ScheduleRow], now: Time) {
    let all = schedules::lines(compiled.set.rules.values().map(AsRef::as_ref), rows, now);
    if all.is_empty() {
        return;
    }
    let late: Vec<String> =
        all.iter().filter_map(|line| line.overdue.map(|slot| format!("{} since {slot}", line.rule.id))).collect();
    if late.is_empty() {
        return report.ok("schedules", format!("{}, none overdue", count(all.len(), "schedule")));
    }
    let says = format!("overdue: {}", clean(&late.join(", "), 300));
    report.warn("schedules", says, "is `bellwire serve` running, with runner.enabled? See `bellwire schedules`");
}

/// `1 event`, `2 events`, `no events`, for what the database counts.
fn plural(number: u64, thing: &str) -> String {
    count(usize::try_from(number).unwrap_or(usize::MAX), thing)
}

fn listed(report: &mut Report, rows: Result<Vec<SecretRow>, String>) -> Option<BTreeSet<String>> {
    let rows = match rows {
        Ok(rows) => rows,
        Err(why) => {
            report.fail("secrets", why, "");
            return None;
        }
    };
    for row in rows.iter().filter(|row| !row.healthy) {
        let says = format!("`{}` does not open with the key in the key file", row.name);
        let help = format!("put the right key file back, or `bellwire secrets set {}` again", row.name);
        report.fail("secrets", says, help);
    }
    Some(rows.into_iter().map(|row| row.name).collect())
}

fn needed_secrets(report: &mut Report, config: &Config, compiled: &Compiled, set: &BTreeSet<String>) {
    let (rules, registry) = (&compiled.set, &compiled.registry);
    let mut missing = false;
    let mut needs = Needs::of_rules(rules, registry, config);
    for (name, uses) in Needs::of_sources(registry, config, set) {
        let known = needs.entry(name).or_default();
        for what in uses {
            if !known.contains(&what) {
                known.push(what);
            }
        }
    }
    for (name, uses) in needs {
        if !set.contains(&name) {
            missing = true;
            let says = format!("`{name}` is not set; {} need it", uses.join(" and "));
            report.warn("secrets", says, format!("bellwire secrets set {name}"));
        }
    }
    if missing {
        return;
    }
    let from = |name: &String| {
        let place = if config.secrets.environment.contains_key(name) { "environment" } else { "database" };
        format!("{name} ({place})")
    };
    let names: Vec<String> = set.iter().map(from).collect();
    let says = if names.is_empty() {
        "none is set, and no rule and no source needs one".to_owned()
    } else {
        clean(&names.join(", "), 400)
    };
    report.ok("secrets", says);
}

fn room(report: &mut Report, config: &Config) {
    let folder = if config.data.dir.exists() { &config.data.dir } else { &config.workspace };
    let Some(free) = disk::free(folder) else { return };
    let says = format!("{} MiB free at {}", free / (1 << 20), folder.display());
    let help = "make room, or lower retention.days";
    match free {
        _ if free < LITTLE_ROOM / 10 => report.fail("disk", says, help),
        _ if free < LITTLE_ROOM => report.warn("disk", says, help),
        _ => report.ok("disk", says),
    }
}

fn server(report: &mut Report, config: &Config) {
    let listen = config.server.listen;
    match TcpStream::connect_timeout(&listen, Duration::from_secs(1)) {
        Ok(_) => report.ok("server", format!("something answers at {listen}")),
        Err(_) => report.ok("server", format!("nothing answers at {listen}; `bellwire serve` is not running")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_makes_the_answer_no_and_a_warning_does_not() {
        let mut report = Report::default();
        report.ok("config", "reads");
        report.warn("rules", "odd", "look");
        assert_eq!(report.answer(false).exit, 0);
        report.fail("key", "gone", "put it back");
        let answer = report.answer(false);
        assert_eq!(answer.exit, 1);
        assert!(answer.out.contains("FAIL  key       gone\n                help: put it back\n"), "{}", answer.out);
        assert!(answer.out.ends_with("1 failed, 1 warning\n"), "{}", answer.out);
        let json: serde_json::Value = serde_json::from_str(&report.answer(true).out).unwrap();
        assert_eq!(json["checks"][2]["state"], "fail");
    }

    #[test]
    fn a_late_run_and_a_held_one_are_named() {
        let mut report = Report::default();
        let counts = Counts { runs_held: 2, oldest_due: Some(Time(0)), ..Counts::default() };
        counted(&mut report, &counts, Time(61_000));
        let text = report.answer(false).out;
        assert!(text.contains("2 held runs") && text.contains("waits since 1970"), "{text}");
    }
}
