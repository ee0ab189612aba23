//! Chooses tests, runs them on all cores, and again when the workspace changes.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, IsTerminal as _, Write as _},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
    time::{Duration, Instant},
};

use super::{junit, told};
use crate::{
    app::{self, Compiled},
    cli::{answer::Answer, arguments::Test, failure::Failure, open},
    config::{self, Config},
    model::Finding,
    rules::{self, Rule},
    trial::{Bench, Case, Report, read_suite, run_case},
};

/// What came of all tests.
pub(super) struct Tested {
    /// In order of files and places.
    pub(super) reports: Vec<Report>,
    /// Errors of files, which keep their tests from being run.
    pub(super) findings: Vec<Finding>,
    /// Ids of rules without tests.
    pub(super) without: Vec<String>,
    /// Rules with tests.
    pub(super) rules: usize,
    pub(super) took: Duration,
}

impl Tested {
    pub(super) fn failed(&self) -> usize {
        self.reports.iter().filter(|report| !report.passed()).count()
    }

    fn exit(&self) -> u8 {
        u8::from(self.failed() > 0 || !self.findings.is_empty())
    }
}

pub(in crate::cli) fn run(workspace: &Path, options: &Test) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    if options.watch {
        return watch(&config, options);
    }
    let tested = tested(&config, options)?;
    if let Some(file) = &options.junit {
        let text = junit::text(&tested);
        fs::write(file, text).map_err(|error| Failure::Storage(format!("{}: {error}", file.display())))?;
    }
    if options.json {
        return Ok(Answer::json(&told::json(&tested)).exit(tested.exit()));
    }
    Ok(Answer::text(told::text(&tested, colour())).exit(tested.exit()))
}

/// Colours for a terminal whose user has not turned them off.
fn colour() -> bool {
    io::stdout().is_terminal() && !config::environment().contains_key("NO_COLOR")
}

fn watch(config: &Config, options: &Test) -> Result<Answer, Failure> {
    let (tell, told_of) = mpsc::channel();
    let seen = rules::load(&config.workspace).texts.digest();
    let watching = rules::watch(&config.workspace, seen, move |_| tell.send(()).unwrap_or_default());
    let _watch = watching.map_err(|error| Failure::Storage(format!("the workspace cannot be watched: {error}")))?;
    loop {
        let text = told::text(&tested(config, options)?, colour());
        let screen = if io::stdout().is_terminal() { "\u{1b}[2J\u{1b}[H" } else { "" };
        let mut out = io::stdout();
        let written = write!(out, "{screen}{text}\nwatching rules/ and templates/; Ctrl-C ends it\n");
        if written.and_then(|()| out.flush()).is_err() || told_of.recv().is_err() {
            return Ok(Answer::default());
        }
    }
}

fn tested(config: &Config, options: &Test) -> Result<Tested, Failure> {
    let start = Instant::now();
    let compiled = app::check(config);
    let chosen = Chosen::new(&compiled, options)?;
    let vocabulary = app::vocabulary(&compiled.registry, config);
    let bench = Bench { set: &compiled.set, registry: &compiled.registry, vocabulary: &vocabulary, config };

    let mut tested =
        Tested { reports: Vec::new(), findings: chosen.findings, without: Vec::new(), rules: 0, took: Duration::ZERO };
    let read = each(&chosen.rules, |rule| read_suite(bench, rule));
    let mut all: Vec<(&Arc<Rule>, &Case)> = Vec::new();
    for (rule, read) in chosen.rules.iter().zip(&read) {
        match read {
            Ok(cases) if cases.is_empty() => tested.without.push(rule.id.to_string()),
            Ok(cases) => {
                tested.rules += 1;
                all.extend(cases.iter().filter(|case| is_wanted(options, case)).map(|case| (rule, case)));
            }
            Err(findings) => tested.findings.extend(findings.iter().cloned()),
        }
    }
    tested.reports = each(&all, |(rule, case)| run_case(bench, rule, case));
    tested.took = start.elapsed();
    if tested.reports.is_empty() && tested.findings.is_empty() && options.filter.is_some() {
        return Err(Failure::No(
            "no test has a name like that; see all of them with `bellwire test --json`".to_owned(),
        ));
    }
    Ok(tested)
}

fn is_wanted(options: &Test, case: &Case) -> bool {
    options.filter.as_ref().is_none_or(|text| case.name.to_lowercase().contains(&text.to_lowercase()))
}

/// The rules that were asked for, and what is wrong in their files and in those that they rest on.
struct Chosen {
    rules: Vec<Arc<Rule>>,
    findings: Vec<Finding>,
}

impl Chosen {
    fn new(compiled: &Compiled, options: &Test) -> Result<Self, Failure> {
        let wanted: Vec<String> = options.paths.iter().map(|path| tidy(path)).collect();
        let is_wanted = |file: &str| wanted.is_empty() || wanted.iter().any(|path| holds(path, file));
        let rules: Vec<Arc<Rule>> =
            compiled.set.rules.values().filter(|rule| is_wanted(&rule.file)).map(Arc::clone).collect();
        let files: BTreeSet<&str> = compiled.set.texts.0.keys().map(String::as_str).collect();
        if let Some(path) = wanted.iter().find(|path| !files.iter().any(|file| holds(path, file))) {
            let why = format!("no rule is called `{path}`, nor is one in a folder of this name; rules are in rules/");
            return Err(Failure::Usage(why));
        }
        // An error in a template or pack is one of every rule.
        let counts = |finding: &&Finding| {
            finding.is_error() && (!finding.file.starts_with("rules/") || is_wanted(&finding.file))
        };
        Ok(Self { rules, findings: compiled.findings.iter().filter(counts).cloned().collect() })
    }
}

/// A path as rules are named: without `./` and a slash at the end.
fn tidy(path: &str) -> String {
    let path = path.replace('\\', "/");
    let path = path.strip_prefix("./").unwrap_or(&path).trim_end_matches('/');
    if matches!(path, "" | ".") { "rules".to_owned() } else { path.to_owned() }
}

/// Whether `path` (a file, a folder or an id) is or holds the rule file `file`.
fn holds(path: &str, file: &str) -> bool {
    let id = file.strip_prefix("rules/").unwrap_or(file);
    [file, id].into_iter().any(|name| {
        name.strip_prefix(path)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || rest == ".yaml" || rest == ".yml")
    })
}

/// Does something with each, on all cores, and gives the results in their order.
fn each<T: Sync, R: Send>(all: &[T], act: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<(usize, R)>> = Mutex::new(Vec::with_capacity(all.len()));
    let work = || {
        let mut mine = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(one) = all.get(at) else { break };
            mine.push((at, act(one)));
        }
        done.lock().unwrap_or_else(PoisonError::into_inner).extend(mine);
    };
    let threads = thread::available_parallelism().map_or(1, usize::from).min(all.len()).max(1);
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_named_by_file_folder_or_id() {
        for (path, fits) in [
            ("rules", true),
            ("./rules/", true),
            (".", true),
            ("rules/calls", true),
            ("calls", true),
            ("calls/missed", true),
            ("rules/calls/missed.yaml", true),
            ("calls/miss", false),
            ("rules/call", false),
            ("missed", false),
        ] {
            assert_eq!(holds(&tidy(path), "rules/calls/missed.yaml"), fits, "{path}");
        }
    }

    #[test]
    fn results_stand_in_the_order_of_what_they_are_of() {
        let all: Vec<usize> = (0..1_000).collect();
        assert_eq!(each(&all, |number| number * 2), all.iter().map(|number| number * 2).collect::<Vec<_>>());
        assert_eq!(each(&[], |number: &usize| *number), Vec::<usize>::new());
    }
}
