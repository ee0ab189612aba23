//! `bellwire check`: every fault of settings, packs and rules.

use std::{collections::BTreeSet, path::Path};

use serde_json::json;

use super::{answer::Answer, arguments::Check, failure::Failure, open};
use crate::{
    app::{self, Compiled},
    model::Finding,
};

pub(super) fn run(workspace: &Path, options: &Check) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    Ok(report(&app::check(&config), options.json))
}

fn report(compiled: &Compiled, json: bool) -> Answer {
    let rules = compiled.set.rules.len();
    let packs = compiled.registry.packs.len();
    let errors = compiled.findings.iter().filter(|finding| finding.is_error()).count();
    let warnings = compiled.findings.len() - errors;
    let exit = u8::from(errors > 0);
    if json {
        let value = json!({
            "rules": rules, "packs": packs, "errors": errors, "warnings": warnings, "findings": compiled.findings,
        });
        return Answer::json(&value).exit(exit);
    }
    let mut lines: Vec<String> = compiled.findings.iter().map(Finding::to_string).collect();
    lines.push(if errors > 0 { broken(compiled, errors, warnings) } else { whole(rules, packs, warnings) });
    Answer::text(lines.join("\n")).exit(exit)
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
        assert_eq!(report(&compiled, false).exit, 0);
        compiled.findings.push(Finding::error("R001", "rules/b.yaml", Place::default(), "wrong").help("mend it"));
        let text = report(&compiled, false);
        assert_eq!(text.exit, 1);
        assert_eq!(
            text.out,
            "rules/a.yaml:1:2: warning R002: odd\nrules/b.yaml: error R001: wrong\n    help: mend it\n\
             1 error and 1 warning in 2 files; 0 of 0 rules hold\n"
        );
        let json: serde_json::Value = serde_json::from_str(&report(&compiled, true).out).unwrap();
        assert_eq!(json["findings"][1]["code"], "R001");
        assert_eq!(json["errors"], 1);
    }
}
