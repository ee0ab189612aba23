//! The mistakes of the catalogue of cases that can be seen in the file, each by its id: code, line and column of the first finding.

use std::time::{Duration, Instant};

use crate::{
    model::Finding,
    rules::{codes, fake::Fake, parse::read_rule},
    templates::Files,
};

const HEAD: &str = "name: x\non: gruveo.call\n";

/// Id, what stands below [`HEAD`], code, line, column.
type Case = (&'static str, String, &'static str, u32, u32);

fn found(text: &str) -> Vec<Finding> {
    read_rule("rules/a.yaml", text, &Files::default(), &Fake::new()).findings
}

fn case(id: &'static str, text: &str, code: &'static str, line: u32, column: u32) -> Case {
    (id, text.to_owned(), code, line, column)
}

/// One step.
fn step(id: &'static str, text: &str, code: &'static str, line: u32, column: u32) -> Case {
    (id, format!("do:\n- {text}\n"), code, line, column)
}

/// A step that says something.
fn said(id: &'static str, template: &str, code: &'static str, line: u32, column: u32) -> Case {
    (id, format!("do:\n- stop: \"{template}\"\n"), code, line, column)
}

fn of_yaml() -> Vec<Case> {
    let bomb: String = (1..10).fold("a0: &a0 [x]\n".to_owned(), |text, n| {
        let refs = vec![format!("*a{}", n - 1); 10].join(", ");
        format!("{text}a{n}: &a{n} [{refs}]\n")
    });
    let anchors: String = (0..1000).map(|n| format!("k{n}: &a{n} x\n")).collect();
    vec![
        case("R1", &bomb, codes::ANCHOR, 3, 5),
        case("R1", "vars: &v { a: *v }\ndo: []\n", codes::ANCHOR, 3, 7),
        case("R1", &anchors, codes::ANCHOR, 3, 5),
        case("R2", &format!("do: {}\n", "[".repeat(5000)), codes::DEPTH, 3, 0),
        case("R2", &format!("description: \"{}\"\ndo: []\n", "x".repeat(1_000_000)), codes::FILE_SIZE, 0, 0),
        case("R2", &"do: []\n---\n".repeat(1000), codes::DOCUMENTS, 4, 1),
        case("R3", "wehn: {}\ndo: []\n", codes::UNKNOWN_KEY, 3, 1),
        case("R3", "When: {}\ndo: []\n", codes::UNKNOWN_KEY, 3, 1),
        case("R3", "w\u{435}hn: {}\ndo: []\n", codes::UNKNOWN_KEY, 3, 1),
        step("R3", "groove.find_tickets: {}\n  retrys: 1", codes::UNKNOWN_KEY, 5, 3),
        step("R3", "http: { url: \"https://a.example/\", Headers: {} }", codes::UNKNOWN_KEY, 4, 38),
        case("R4", "do: []\ndo: []\n", codes::DUPLICATE_KEY, 4, 1),
        case("R5", "enabled: yes\ndo: []\n", codes::WRONG_TYPE, 3, 10),
        case("R5", "enabled: off\ndo: []\n", codes::WRONG_TYPE, 3, 10),
        case("R5", "when: { event.waitingTime: 012 }\ndo: []\n", codes::NEVER, 3, 28),
        case("R5", "when: { event.waitingTime: 1_000 }\ndo: []\n", codes::NEVER, 3, 28),
        case("R5", "when: { event.waitingTime: 0x1F }\ndo: []\n", codes::NEVER, 3, 28),
        case("R5", "when: { event.waitingTime: .inf }\ndo: []\n", codes::NEVER, 3, 28),
        case("R5", "when: { event.location: ~ }\ndo: []\n", codes::OPERAND, 3, 25),
        case("R6", "vars: { a: !!python/object x }\ndo: []\n", codes::TAG, 3, 12),
        case("R6", "vars: { a: !include x }\ndo: []\n", codes::TAG, 3, 12),
        case("R6", "vars:\n  <<: { a: 1 }\ndo: []\n", codes::MERGE_KEY, 4, 3),
        case("R7", "do:\n\t- stop: x\n", codes::CHARACTER, 4, 1),
        case("R7", "description: a\u{202e}b\ndo: []\n", codes::CHARACTER, 3, 15),
        case("R7", "description: a\u{200b}b\ndo: []\n", codes::CHARACTER, 3, 15),
        case("R7", "description: a\0b\ndo: []\n", codes::CHARACTER, 3, 15),
    ]
}

fn of_steps() -> Vec<Case> {
    vec![
        step("R8", "http: { url: 5 }", codes::WRONG_TYPE, 4, 16),
        step("R8", "http: { url: \"https://a.example/\", method: [GET] }", codes::WRONG_TYPE, 4, 46),
        step("R8", "http: { url: \"https://a.example/\", headers: x }", codes::WRONG_TYPE, 4, 47),
        step("R8", "groove.find_tickets: {}\n  retry: -1", codes::RANGE, 5, 10),
        step("R8", "groove.find_tickets: {}\n  retry: 1000000000", codes::RANGE, 5, 10),
        step("R8", "groove.find_tickets: {}\n  timeout: 0s", codes::RANGE, 5, 12),
        step("R8", "groove.find_tickets: {}\n  timeout: 365d", codes::RANGE, 5, 12),
        said("R9", "{{ steps.nowhere.result }}", codes::UNKNOWN_STEP, 4, 13),
        step("R9", "http: { url: \"https://a.example/\", auth: { bearer: nowhere } }", codes::UNKNOWN_SECRET, 4, 54),
        step("R9", "http: { url: \"https://a.example/\", auth: nowhere }", codes::UNKNOWN_CONNECTION, 4, 44),
        step("R9", "groove.nothing: {}", codes::UNKNOWN_ACTION, 4, 3),
        case("R9", "vars: { a: \"{{ vars.a }}\" }\ndo: []\n", codes::VAR_CYCLE, 3, 12),
        step("R10", "id: \"\"\n  stop: x", codes::NAME, 4, 7),
        step("R10", "id: ../x\n  stop: x", codes::NAME, 4, 7),
        step("R10", "id: __proto__\n  stop: x", codes::NAME, 4, 7),
        step("R10", "id: \"a\\nb\"\n  stop: x", codes::NAME, 4, 7),
        step("R10", "id: <b>\n  stop: x", codes::NAME, 4, 7),
        step("R10", &format!("id: {}\n  stop: x", "x".repeat(10_000)), codes::NAME, 4, 7),
        step("R28", "http: { url: \"{{ event.link }}\" }", codes::URL_HOST, 4, 16),
        step("R29", "http: { url: \"https://a.example/\", method: \"{{ event.link }}\" }", codes::NOT_LITERAL, 4, 46),
        step(
            "R29",
            "http: { url: \"https://a.example/\", headers: { \"{{ event.link }}\": a } }",
            codes::NOT_LITERAL,
            4,
            49,
        ),
        step("R29", "http: { url: \"https://{{ event.link }}.example/\" }", codes::URL_HOST, 4, 16),
        step(
            "R29",
            "http: { url: \"https://a.example/\", headers: { Host: \"{{ event.link }}\" } }",
            codes::HEADER,
            4,
            49,
        ),
        step("R30", "http: { url: \"https://a.example/{{ secrets.x }}\" }", codes::SECRET, 4, 38),
        step("R30", "http: { url: \"https://a.example/\", query: { a: \"{{ secrets.x }}\" } }", codes::SECRET, 4, 54),
        step("R30", "http: { url: \"https://a.example/?token=abc\" }", codes::SECRET, 4, 16),
    ]
}

fn of_templates() -> Vec<Case> {
    let ifs = format!("{}{}", "{% if event.link %}".repeat(2000), "{% endif %}".repeat(2000));
    let many = format!("{}{}", "{% if event.link %}".repeat(9000), "{% endif %}".repeat(9000));
    let indexes = format!("{{{{ event{}{} }}}}", "[event".repeat(9000), "]".repeat(9000));
    vec![
        said("R11", "{{ event.link", codes::TEMPLATE, 4, 10),
        said("R11", "{% if event.link %}x", codes::TEMPLATE, 4, 10),
        said("R11", "{{ event.link | nothing }}", codes::TEMPLATE, 4, 26),
        said("R11", "{% nothing %}", codes::TEMPLATE, 4, 10),
        said("R11", "{{ event.link | default: }}", codes::TEMPLATE, 4, 35),
        said("R17", &ifs, codes::TEMPLATE, 4, 0),
        said("R17", &many, codes::FILE_SIZE, 0, 0),
        said("R17", &indexes, codes::TEMPLATE, 4, 0),
        case("R19", "when: { event.link: { matches: \"(?:a{1000}){1000}\" } }\ndo: []\n", codes::PATTERN, 3, 32),
        case(
            "R19",
            &format!("when: {{ event.link: {{ matches: \"{}\" }} }}\ndo: []\n", "a|".repeat(10_000)),
            codes::PATTERN,
            3,
            32,
        ),
        case("R19", "when: { event.link: { matches: \"(?=a)b\" } }\ndo: []\n", codes::PATTERN, 3, 32),
        case("R19", "when: { event.link: { matches: '(a)\\1' } }\ndo: []\n", codes::PATTERN, 3, 32),
        said("R20", "{{ self }}", codes::UNKNOWN_ROOT, 4, 13),
        said("R20", "{{ __class__ }}", codes::UNKNOWN_ROOT, 4, 13),
        said("R20", "{{ event.link.constructor }}", codes::NOT_IN_SCHEMA, 4, 13),
        said("R20", "{{ env.HOME }}", codes::UNKNOWN_ROOT, 4, 13),
        said("R22", "{% include '/etc/passwd' %}", codes::TEMPLATE, 4, 10),
        said("R22", "{% include '../secret' %}", codes::TEMPLATE, 4, 10),
        said("R22", "{% render 'https://a.example/x' %}", codes::TEMPLATE, 4, 10),
        said("R22", "{% include event.link %}", codes::TEMPLATE, 4, 0),
        said("R31", "{{ event.link | default: secrets.x }}", codes::SECRET, 4, 35),
        said("R31", "{{ secrets[event.link] }}", codes::SECRET, 4, 13),
        said("R31", "{% if true %}{{ event.link | append: secrets.x }}{% endif %}", codes::SECRET, 4, 47),
        said("R31", "{% assign a = secrets %}{{ a.x }}", codes::SECRET, 4, 24),
        step(
            "R31",
            "if: { event.link: a }\n  then:\n  - http: { url: \"https://a.example/\", method: POST, json: { a: [\"{{ secrets.x }}\"] } }",
            codes::SECRET,
            6,
            70,
        ),
    ]
}

#[test]
fn every_mistake_of_the_catalogue_is_told_at_its_place() {
    let mut wrong = Vec::new();
    for (id, text, code, line, column) in of_yaml().into_iter().chain(of_steps()).chain(of_templates()) {
        let start = Instant::now();
        let found = found(&format!("{HEAD}{text}"));
        let took = start.elapsed();
        let shown: String = text.chars().take(80).collect();
        let hit = found.iter().find(|finding| finding.code == code && finding.place.line == line);
        // Column 0 stands for wherever in the line.
        if hit.is_none_or(|hit| column > 0 && hit.place.column != column) {
            let told: Vec<String> = found.iter().take(3).map(ToString::to_string).collect();
            wrong.push(format!("{id}: {code} at {line}:{column} wanted for {shown:?}, told: {told:#?}"));
        }
        if let Some(hit) = hit.filter(|hit| hit.help.is_empty() && !matches!(hit.code, codes::TEMPLATE | codes::NEVER))
        {
            wrong.push(format!("{id}: no way out is named: {hit}"));
        }
        // A debug build on a busy machine; the promise is a second.
        assert!(took < Duration::from_secs(5), "{id}: {took:?} for {shown:?}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_secret_in_an_included_template_is_told_where_it_is_included() {
    let files = Files(std::sync::Arc::new([("a".to_owned(), "{{ secrets.x }}".to_owned())].into()));
    let text = format!("{HEAD}do:\n- stop: \"{{% include 'a' %}}\"\n");
    let found = read_rule("rules/a.yaml", &text, &files, &Fake::new()).findings;
    assert_eq!(found.iter().map(|f| (f.code, f.place.line)).collect::<Vec<_>>(), [(codes::SECRET, 4)]);
}

#[test]
fn marks_at_the_start_and_line_ends_of_another_system_are_fine() {
    let text = format!("\u{feff}{HEAD}do:\n- stop: x\n").replace('\n', "\r\n");
    assert_eq!(found(&text), []);
}
