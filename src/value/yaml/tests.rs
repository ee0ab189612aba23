//! What is read, where it stands, what is refused; and that nothing panics.

use std::{fmt::Write as _, time::Instant};

use serde_json::json;

use super::*;

fn read(text: &str) -> Value {
    match read_yaml(text, YamlLimits::default()) {
        Ok(document) => document.value,
        Err(faults) => panic!("{text}: {faults:?}"),
    }
}

fn faults(text: &str) -> Vec<(YamlFaultKind, u32, u32)> {
    let faults = read_yaml(text, YamlLimits::default()).err().unwrap_or_default();
    faults.into_iter().map(|fault| (fault.kind, fault.line, fault.column)).collect()
}

#[test]
fn only_true_false_null_and_json_numbers_are_not_text() {
    let text = "on: no\nyes: y\noff: off\na: 012\nb: 1_000\nc: 0x1F\nd: 1e3\ne: .inf\nf: 2026-01-01\ng: ~\nh: True\n\
                i: null\nj:\nk: \"1\"\nl: 'true'\nm: -1.5\nn: 18446744073709551615\no: NULL\np: 1.\nq: +1\nr: true";
    assert_eq!(
        read(text),
        json!({
            "on": "no", "yes": "y", "off": "off", "a": "012", "b": "1_000", "c": "0x1F", "d": 1e3, "e": ".inf",
            "f": "2026-01-01", "g": null, "h": "True", "i": null, "j": null, "k": "1", "l": "true", "m": -1.5,
            "n": u64::MAX, "o": "NULL", "p": "1.", "q": "+1", "r": true
        })
    );
    assert_eq!(read(""), json!(null));
    assert_eq!(read("\u{feff}a: 1\r\nb: |\r\n  x\r\n  y\r\n"), json!({"a": 1, "b": "x\ny\n"}));
    assert_eq!(read("a: \"\\u202e\""), json!({"a": "\u{202e}"}), "an escape can be seen, so it is taken");
}

#[test]
fn a_fault_at_the_end_of_a_text_stands_in_its_last_line() {
    assert_eq!(faults("a: 1\nb:10m []"), [(YamlFaultKind::Syntax, 2, 9)]);
    assert_eq!(faults("a: 1\rb:10m []"), [(YamlFaultKind::Syntax, 2, 9)]);
    assert_eq!(faults("a: 1\nb:10m []\n"), [(YamlFaultKind::Syntax, 3, 1)]);
}

#[test]
fn every_key_and_value_has_its_place() {
    let text = "# first\nname: x\ndo:\n  - groove.add_note:\n      ticket: \"{{ a }}\"\n      \"a/b\": [1, 22]\n      body: |\n        one\n        two {{ x }}\n";
    let document = read_yaml(text, YamlLimits::default()).unwrap();
    assert_eq!(document.place("/name"), (2, 7));
    assert_eq!(document.key_place("/name"), (2, 1));
    assert_eq!(document.key_place("/do/0/groove.add_note"), (4, 5));
    assert_eq!(document.place("/do/0/groove.add_note/ticket"), (5, 15));
    assert_eq!(document.place("/do/0/groove.add_note/a~1b/1"), (6, 18));
    assert_eq!(document.place("/do/0/groove.add_note/none/of/it"), document.place("/do/0/groove.add_note"));
    assert_eq!(document.text_place("/do/0/groove.add_note/body", 2, 8), (9, 16));
    assert_eq!(document.text_place("/do/0/groove.add_note/ticket", 1, 4), (5, 19));
    assert_eq!(document.text_place("/name", 1, 1), (2, 7));
    let document = read_yaml("a: |\n\n  x\n  y\nb: |2\n   z\n", YamlLimits::default()).unwrap();
    assert_eq!(document.text_place("/a", 3, 1), (4, 3));
    assert_eq!(document.text_place("/b", 1, 2), (6, 4));
}

#[test]
fn what_is_not_taken_is_named_with_its_place() {
    use YamlFaultKind as Kind;
    for (text, expected) in [
        ("a: 1\nb: 2\na: 3\n", vec![(Kind::DuplicateKey, 3, 1)]),
        (
            "a: {b: 1, b: 2}\nc: !x y\n<<: 1\n7: x\n",
            vec![(Kind::DuplicateKey, 1, 11), (Kind::Tag, 2, 4), (Kind::MergeKey, 3, 1), (Kind::Key, 4, 1)],
        ),
        ("a: &x 1\nb: *x\n", vec![(Kind::Anchor, 1, 4), (Kind::Anchor, 2, 4)]),
        ("a: 1\n---\nb: 1\n", vec![(Kind::Documents, 2, 1)]),
        ("a: {{ x }}\nb: [{{ y.z | default: 1 }}]\n", vec![(Kind::Unquoted, 1, 4), (Kind::Unquoted, 2, 5)]),
        ("a: {{ x }}/more\n", vec![(Kind::Unquoted, 1, 4)]),
        ("a: {% if x %}\n", vec![(Kind::Unquoted, 1, 4)]),
        ("? [a, b]\n: 1\nc: 99999999999999999999\n", vec![(Kind::Key, 1, 3), (Kind::Number, 3, 4)]),
        ("a:\n\tb: 1\n", vec![(Kind::Character, 2, 1)]),
        (
            "a: x\0y\nb: \u{202e}z\nc: \u{200b}",
            vec![(Kind::Character, 1, 5), (Kind::Character, 2, 4), (Kind::Character, 3, 4)],
        ),
        ("a: !!python/object x\n", vec![(Kind::Tag, 1, 4)]),
    ] {
        assert_eq!(faults(text), expected, "{text}");
    }
    assert!(matches!(faults("a: [1, 2\nb: 3\n")[..], [(Kind::Syntax, _, _)]));
    assert!(matches!(faults("a: b: c\n")[..], [(Kind::Syntax, 1, _)]));
    assert!(matches!(faults("a: 'x\n")[..], [(Kind::Syntax, _, _)]));
}

#[test]
fn size_depth_and_aliases_are_bounded_and_quick() {
    let start = Instant::now();
    assert_eq!(faults(&"a".repeat(256 * 1024 + 1)), [(YamlFaultKind::TooLarge, 0, 0)]);
    assert!(read_yaml(&format!("a: {}", "x".repeat(200_000)), YamlLimits::default()).is_ok());
    for deep in ["[".repeat(20_000), "- ".repeat(100_000), "{a: ".repeat(20_000), "? ".repeat(50_000)] {
        assert!((1..=2).contains(&faults(&deep).len()), "{:?}", faults(&deep));
    }
    let mut maps = String::new();
    for level in 0..600 {
        writeln!(maps, "{}a:", " ".repeat(level)).unwrap();
    }
    assert_eq!(faults(&maps), [(YamlFaultKind::TooDeep, 33, 33)]);
    let mut bomb = "a0: &a0 [x]\n".to_owned();
    for level in 1..10 {
        let names = vec![format!("*a{}", level - 1); 10].join(", ");
        writeln!(bomb, "a{level}: &a{level} [{names}]").unwrap();
    }
    assert_eq!(faults(&bomb)[0], (YamlFaultKind::Anchor, 1, 5));
    assert_eq!(faults(&"- &a x\n".repeat(30_000)).len(), MOST_FAULTS);
    assert_eq!(faults(&"---\na: 1\n".repeat(1000)).len(), 1);
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

/// Spoils known texts in some 20,000 ways, the same ones on every run.
#[test]
fn no_text_makes_the_reader_panic() {
    const SEEDS: [&str; 5] = [
        "name: x\non: gruveo.call\nwhen:\n  event.a: { matches: \"^[0-9]+$\" }\ndo:\n  - groove.add_note:\n      ticket: \"{{ event.t }}\"\n      body: |\n        x {{ y }}\n",
        "a: &x [1, 2, {b: c}]\nb: *x\n? complex\n: - 1\n  - >-\n    folded\n    text\n",
        "{{ x }}\n--- !tag\n'quo''ted': \"\\u0041\\x42\"\n...\n",
        "- - - a\n    - b\n- ? {a: b}\n  : [c, d: e]\n- |2+\n   x\n\n# end",
        "%YAML 1.2\n---\na: [x, y]\r\nb: é\u{1f600}\n<<: ~\n1.5e3: -0\n",
    ];
    const PIECES: [&str; 24] = [
        "{", "}", "[", "]", ":", ": ", "- ", "? ", "\n", "  ", "\t", "&a ", "*a", "!!t ", "|", ">", "'", "\"", "#",
        ",", "%", "---\n", "é", "\\u",
    ];
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below.max(1) as u64).unwrap()
    };
    for turn in 0..20_000 {
        let mut text: Vec<char> = SEEDS[turn % SEEDS.len()].chars().collect();
        for _ in 0..=next(4) {
            let at = next(text.len() + 1);
            match next(4) {
                0 => drop(text.splice(at..at, PIECES[next(PIECES.len())].chars())),
                1 => text.truncate(at),
                2 => drop(text.drain(at..(at + next(5)).min(text.len()))),
                _ => {
                    let from = next(text.len() + 1);
                    let piece: Vec<char> = text[from..(from + next(20)).min(text.len())].to_vec();
                    text.splice(at..at, piece);
                }
            }
        }
        let text: String = text.into_iter().collect();
        if let Err(faults) = read_yaml(&text, YamlLimits::default()) {
            assert!(!faults.is_empty() && faults.len() <= MOST_FAULTS);
        }
    }
}
