//! A condition that stands alone: what events are searched by.

use super::{Condition, Operand, parse_condition};
use crate::{
    model::Finding,
    rules::{ActionInfo, EventInfo, Vocabulary, codes, reader::Reader, reader::yaml_finding},
    templates::Files,
    value::{Object, Path, Segment, Value, YamlLimits, read_yaml},
};

/// What findings of a search name as their file.
const FILE: &str = "search";
/// Bytes of a search.
const LONGEST: usize = 4_096;

/// Reads a condition such as `event.resolution: missed`. It may look at `event`, `trigger` and `now`; there are no vars and templates.
pub fn read_search(text: &str) -> Result<Condition, Vec<Finding>> {
    let limits = YamlLimits { bytes: LONGEST, ..YamlLimits::default() };
    let document = read_yaml(text, limits)
        .map_err(|faults| faults.into_iter().map(|fault| yaml_finding(FILE, fault)).collect::<Vec<_>>())?;
    let (files, nothing) = (Files::default(), Nothing(Object::new()));
    let reader = Reader::new(FILE, &document, &files, &nothing);
    let condition = parse_condition(&reader, &reader.root(), "a search");
    let condition = condition.map(|mut condition| {
        lower_headers(&mut condition);
        condition
    });
    if let Some(condition) = &condition {
        condition.each_test(&mut |test| check(&reader, test));
    }
    let findings: Vec<Finding> = reader.into_findings().into_iter().filter(Finding::is_error).collect();
    match condition {
        Some(condition) if findings.is_empty() => Ok(condition),
        _ => Err(findings),
    }
}

/// Headers are kept in small letters, and their names mean the same whatever the case (RFC 9110, section 5.1).
fn lower_headers(condition: &mut Condition) {
    match condition {
        Condition::All(list) | Condition::Any(list) => list.iter_mut().for_each(lower_headers),
        Condition::Not(inner) => lower_headers(inner),
        Condition::Test(test) => {
            let mut segments = test.path.segments().to_vec();
            if let [Segment::Name(root), Segment::Name(part), Segment::Name(name), ..] = segments.as_mut_slice()
                && root == "trigger"
                && part == "headers"
            {
                *name = name.to_lowercase();
                test.path = Path::new(segments);
            }
        }
    }
}

fn check(reader: &Reader<'_>, test: &super::Test) {
    if !matches!(test.path.root(), Some("event" | "trigger" | "now")) {
        let message = format!("`{}` is not known of a stored event", test.path);
        let help = "begin with `event.` for the body, or `trigger.headers.` for a header";
        reader.error(codes::PATH, test.place, message, help);
    }
    for operator in &test.operators {
        operator.each(&mut |operator| {
            if matches!(operator.operand, Operand::Template(_) | Operand::Tree(_)) {
                let help = "write the value itself";
                reader.error(codes::OPERAND, operator.place, "a search has no templates", help);
            }
        });
    }
}

/// A search knows no names.
struct Nothing(Object);

impl Vocabulary for Nothing {
    fn event(&self, _kind: &str) -> Option<EventInfo<'_>> {
        None
    }
    fn event_types(&self) -> Vec<String> {
        Vec::new()
    }
    fn has_service(&self, _name: &str) -> bool {
        false
    }
    fn action(&self, _name: &str) -> Option<ActionInfo> {
        None
    }
    fn action_names(&self) -> Vec<String> {
        Vec::new()
    }
    fn has_connection(&self, _name: &str) -> bool {
        false
    }
    fn vars(&self) -> &serde_json::Map<String, Value> {
        &self.0
    }
    fn hours(&self) -> Vec<String> {
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_is_read_as_a_rule_would_and_faults_say_where() {
        for good in [
            "event.resolution: missed",
            "trigger.headers.user-agent: {contains: x}\nevent.n: {gt: 3}",
            "any: [{event.a: 1}, {event.b: 2}]",
            "event.link: {matches: \"^@acme\", ignore_case: true}",
        ] {
            assert!(read_search(good).is_ok(), "{good}: {:?}", read_search(good).err());
        }
        let found = read_search("any: [{trigger.headers.Content-Type: x}, {event.Content-Type: y}]").unwrap();
        let mut paths = Vec::new();
        found.each_test(&mut |test| paths.push(test.path.to_string()));
        assert_eq!(paths, ["trigger.headers.content-type", "event.Content-Type"]);
        for (bad, says) in [
            ("", "map"),
            ("event.resolution", "map"),
            ("event.x: {contians: y}", "contians"),
            ("vars.x: 1", "not known of a stored event"),
            ("event.x: \"{{ event.y }}\"", "templates"),
            ("event.x: {matches: \"(\"}", ""),
            ("event.x: [", ""),
        ] {
            let findings = read_search(bad).expect_err(bad);
            let text: String =
                findings.iter().map(|finding| format!("{} {}\n", finding.message, finding.help)).collect();
            assert!(!findings.is_empty() && text.contains(says), "{bad}: {text}");
        }
        assert!(read_search(&format!("event.x: {}", "y".repeat(5000))).is_err());
    }
}
