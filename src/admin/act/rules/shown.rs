//! Findings as the editor takes them, and which of them a change is to blame for.

use std::collections::HashSet;

use serde::Serialize;

use crate::model::{Finding, Severity};

/// A finding as the editor takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(in crate::admin) struct Shown {
    pub(in crate::admin) code: &'static str,
    pub(in crate::admin) severity: Severity,
    pub(in crate::admin) file: String,
    pub(in crate::admin) line: u32,
    pub(in crate::admin) column: u32,
    /// The column after the last one that is meant. `None`: nobody can say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::admin) end_column: Option<u32>,
    pub(in crate::admin) message: String,
    pub(in crate::admin) help: String,
}

/// Findings with the word that each of `path` is about, where that can be told from its text.
pub(in crate::admin) fn shown(findings: &[Finding], path: &str, text: &str) -> Vec<Shown> {
    let lines: Vec<&str> = text.strip_prefix('\u{feff}').unwrap_or(text).lines().collect();
    let one = |finding: &Finding| {
        let (line, column) = (finding.place.line, finding.place.column);
        let end = || {
            let row = usize::try_from(line).ok()?.checked_sub(1)?;
            let before = usize::try_from(column).ok()?.checked_sub(1)?;
            let rest = lines.get(row)?.chars().skip(before);
            let length = rest.take_while(|sign| !sign.is_whitespace() && !matches!(sign, ',' | ']' | '}')).count();
            Some(column + u32::try_from(length.max(1)).ok()?)
        };
        Shown {
            code: finding.code,
            severity: finding.severity,
            file: finding.file.clone(),
            line,
            column,
            end_column: (finding.file == path).then(end).flatten(),
            message: finding.message.clone(),
            help: finding.help.clone(),
        }
    };
    findings.iter().map(one).collect()
}

/// Those of these files, and those of others that were not there before.
pub(super) fn caused(after: &[Finding], before: &[Finding], files: &[String]) -> Vec<Finding> {
    let key = |finding: &Finding| (finding.code, finding.file.clone(), finding.place, finding.message.clone());
    let known: HashSet<_> = before.iter().map(key).collect();
    let is_ours = |finding: &&Finding| files.contains(&finding.file) || !known.contains(&key(finding));
    after.iter().filter(is_ours).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Place;

    #[test]
    fn a_finding_of_another_file_counts_where_it_is_new() {
        let at = |line| Place { line, column: 1 };
        let old = Finding::error("R030", "rules/b.yaml", at(1), "unknown");
        let own = Finding::error("R030", "rules/a.yaml", at(1), "unknown");
        let new = Finding::error("R030", "rules/b.yaml", at(2), "unknown");
        let found = caused(&[own.clone(), old.clone(), new.clone()], &[own.clone(), old], &["rules/a.yaml".to_owned()]);
        assert_eq!(found, [own, new]);
    }

    #[test]
    fn the_word_that_is_meant_ends_where_it_does() {
        let place = Place { line: 2, column: 5 };
        let found =
            shown(&[Finding::error("R030", "rules/a.yaml", place, "x")], "rules/a.yaml", "é: 1\non: gruveo.cal # x\n");
        assert_eq!((found[0].column, found[0].end_column), (5, Some(15)));
        let nowhere = Finding::error("R030", "rules/a.yaml", Place { line: 9, column: 1 }, "x");
        assert_eq!(shown(&[nowhere], "rules/a.yaml", "a")[0].end_column, None);
    }
}
