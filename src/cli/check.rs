//! `bellwire check`: every fault of settings, packs and rules.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};

use super::{answer::Answer, arguments::Check, code_pages, failure::Failure, open, secrets::with_vault};
use crate::{
    admin::Needs,
    app::{self, Compiled},
    config::Config,
    model::Finding,
    services::Registry,
    store::Mode,
};

pub(super) fn run(workspace: &Path, options: &Check) -> Result<Answer, Failure> {
    if let Some(code) = &options.explain {
        return code_pages::run(code.as_deref(), options.json);
    }
    let config = open::settings(workspace)?;
    let unasked = AtomicBool::new(false);
    let compiled = app::check_with(&config, &|registry| {
        let known = known_secrets(&config, registry);
        unasked.store(known.is_none(), Ordering::Relaxed);
        known
    });
    let answer = report(&compiled, options);
    let note = "the database does not answer, so nobody knows which secrets are set: `bellwire doctor` says why";
    Ok(if unasked.load(Ordering::Relaxed) { answer.note(note) } else { answer })
}

/// The secrets that packs use, and those that are set. `None` where the database does not answer.
fn known_secrets(config: &Config, registry: &Registry) -> Option<Vec<String>> {
    let mut known: Vec<String> = Needs::of_packs(registry, config).into_keys().collect();
    known.extend(config.secrets.environment.keys().cloned());
    if !open::is_unborn(config).ok()? {
        let rows = with_vault(config, Mode::Read, async |vault| Ok(vault.list().await?)).ok()?;
        known.extend(rows.into_iter().map(|row| row.name));
    }
    Some(known)
}

fn report(compiled: &Compiled, options: &Check) -> Answer {
    let rules = compiled.set.rules.len();
    let packs = compiled.registry.packs.len();
    let errors = compiled.findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = compiled.findings.len() - errors;
    let exit = u8::from(errors > 0 || (options.strict && warnings > 0));
    if options.json {
        let findings: Vec<Value> = compiled.findings.iter().map(machine).collect();
        let value = json!({
            "rules": rules, "packs": packs, "errors": errors, "warnings": warnings, "findings": findings,
        });
        return Answer::json(&value).exit(exit);
    }
    let mut lines = grouped(&compiled.findings);
    if let Some(worst) = compiled.findings.iter().min_by_key(|finding| finding.severity) {
        lines.push(format!("`{}` tells more of it; so for each code", code_pages::command(worst.code)));
    }
    lines.push(if errors > 0 {
        broken(compiled, errors, warnings)
    } else {
        let strictly = if exit > 0 { ", which count here (--strict)" } else { "" };
        whole(rules, packs, warnings) + strictly
    });
    Answer::text(lines.join("\n")).exit(exit)
}

/// The findings, with an empty line after those of each file.
fn grouped(findings: &[Finding]) -> Vec<String> {
    let of_files = findings.chunk_by(|one, next| one.file == next.file);
    of_files.flat_map(|group| group.iter().map(Finding::to_string).chain([String::new()])).collect()
}

/// A finding in the machine's form, with the command that explains it.
fn machine(finding: &Finding) -> Value {
    let mut value = json!(finding);
    if let Some(map) = value.as_object_mut() {
        map.insert("explain".to_owned(), Value::String(code_pages::command(finding.code)));
    }
    value
}

/// The last line where nothing is wrong.
fn whole(rules: usize, packs: usize, warnings: usize) -> String {
    let (rules, packs) = (count(rules, "rule"), count(packs, "pack"));
    format!("{rules} and {packs} hold together; no errors, {}", count(warnings, "warning"))
}

/// The last line where something is wrong: how much of it, and what of the rules is left.
fn broken(compiled: &Compiled, errors: usize, warnings: usize) -> String {
    let files: BTreeSet<&str> = compiled.findings.iter().map(|finding| finding.file.as_str()).collect();
    let is_rule = |path: &&String| path.starts_with("rules/");
    let (hold, all) = (compiled.set.rules.len(), compiled.set.texts.0.keys().filter(is_rule).count());
    let verb = if all == 1 { "holds" } else { "hold" };
    format!(
        "{} and {} in {}; {hold} of {} {verb}",
        count(errors, "error"),
        count(warnings, "warning"),
        count(files.len(), "file"),
        if all == 1 { "1 rule".to_owned() } else { format!("{all} rules") },
    )
}

/// `1 rule`, `2 rules`, `no rules`.
pub(super) fn count(number: usize, thing: &str) -> String {
    match number {
        0 => format!("no {thing}s"),
        1 => format!("1 {thing}"),
        _ => format!("{number} {thing}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Config, model::Place, rules::Texts};

    #[test]
    fn errors_make_the_answer_no_and_warnings_do_not() {
        let warning = Finding::warning("R002", "rules/a.yaml", Place { line: 1, column: 2 }, "odd");
        let mut compiled =
            Compiled { findings: vec![warning], ..app::compile(&Texts::default(), &Config::defaults(Path::new("/"))) };
        let plain = Check { explain: None, strict: false, json: false };
        assert_eq!(report(&compiled, &plain).exit, 0);
        let strict = report(&compiled, &Check { strict: true, ..plain });
        assert_eq!(strict.exit, 1);
        assert!(strict.out.ends_with("1 warning, which count here (--strict)\n"), "{}", strict.out);
        let plain = Check { explain: None, strict: false, json: false };
        compiled.findings.push(Finding::error("R001", "rules/b.yaml", Place::default(), "wrong").help("mend it"));
        let text = report(&compiled, &plain);
        assert_eq!(text.exit, 1);
        assert_eq!(
            text.out,
            "rules/a.yaml:1:2: warning R002: odd\n\nrules/b.yaml: error R001: wrong\n    help: mend it\n\n\
             `bellwire check --explain R001` tells more of it; so for each code\n1 error and 1 warning in 2 files; 0 of 0 rules hold\n"
        );
        let json: Value = serde_json::from_str(&report(&compiled, &Check { json: true, ..plain }).out).unwrap();
        assert_eq!(json["findings"][1]["code"], "R001");
        assert_eq!(json["errors"], 1);
        assert_eq!(json["findings"][1]["explain"], "bellwire check --explain R001");
    }
}
