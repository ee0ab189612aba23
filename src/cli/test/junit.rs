//! A report that CI systems read: the form that the `JUnit` task of Ant gave the world.

use std::collections::BTreeMap;

use super::run::Tested;
use crate::trial::Report;

/// The report as XML.
pub(super) fn text(tested: &Tested) -> String {
    let mut suites: BTreeMap<&str, Vec<&Report>> = BTreeMap::new();
    for report in &tested.reports {
        suites.entry(&report.file).or_default().push(report);
    }
    let mut text = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let (tests, errors) = (tested.reports.len() + tested.findings.len(), tested.findings.len());
    let took = tested.took.as_secs_f64();
    text.push_str(&format!(
        "<testsuites name=\"bellwire\" tests=\"{tests}\" failures=\"{}\" errors=\"{errors}\" time=\"{took:.3}\">\n",
        tested.failed()
    ));
    for (file, reports) in suites {
        suite(&mut text, file, &reports);
    }
    for finding in &tested.findings {
        let (file, message) = (escaped(&finding.file), escaped(&finding.to_string()));
        text.push_str(&format!(
            "  <testsuite name=\"{file}\" tests=\"1\" failures=\"0\" errors=\"1\" time=\"0\">\n    \
             <testcase classname=\"{file}\" name=\"{}\" time=\"0\"><error message=\"{message}\"/></testcase>\n  </testsuite>\n",
            finding.code
        ));
    }
    text.push_str("</testsuites>\n");
    text
}

fn suite(text: &mut String, file: &str, reports: &[&Report]) {
    let failures = reports.iter().filter(|report| !report.passed()).count();
    let took: f64 = reports.iter().map(|report| report.took.as_secs_f64()).sum();
    text.push_str(&format!(
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" time=\"{took:.3}\">\n",
        escaped(file),
        reports.len()
    ));
    for report in reports {
        text.push_str(&format!(
            "    <testcase classname=\"{}\" name=\"{}\" file=\"{}\" line=\"{}\" time=\"{:.3}\"",
            escaped(&report.rule),
            escaped(&report.name),
            escaped(file),
            report.place.line,
            report.took.as_secs_f64()
        ));
        match report.misses.first() {
            None => text.push_str("/>\n"),
            Some(miss) => {
                let (message, whole) = (escaped(&miss.message), escaped(&report.text(false)));
                text.push_str(&format!(">\n      <failure message=\"{message}\">{whole}</failure>\n    </testcase>\n"));
            }
        }
    }
    text.push_str("  </testsuite>\n");
}

/// A text in XML; what XML cannot hold at all becomes U+FFFD.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_leave_its_place_in_the_xml() {
        assert_eq!(escaped("a<b>&\"c\u{1b}\n"), "a&lt;b&gt;&amp;&quot;c\u{fffd}\n");
    }
}
