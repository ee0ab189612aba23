//! The examples of docs/templates.md, docs/rules.md, docs/deliveries.md and docs/services.md do what stands beside them.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may panic")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    process::Command,
    sync::Arc,
    time::Duration,
};

use bellwire::{
    app,
    clock::Time,
    matcher::{self, Subject},
    model::Verdict,
    rules::{OperatorKind, Texts},
    templates::{Context, Files, Limits, Sink, Template, filter_names, tag_names},
    value,
};
use serde_json::json;

/// The rows of the tables whose head begins with `first`: the text of each cell, without its backticks.
fn rows(text: &str, first: &str) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if !line.starts_with('|') {
            inside = false;
        } else if line.starts_with(&format!("| {first} |")) {
            inside = true;
        } else if inside && !line.starts_with("| ---") {
            let line = line.replace("\\|", "\u{0}");
            let cells = line.trim_matches('|').split('|').map(|cell| {
                let cell = cell.strip_prefix(' ').unwrap_or(cell);
                let cell = cell.strip_suffix(' ').unwrap_or(cell);
                cell.trim_matches('`').replace('\u{0}', "|")
            });
            rows.push(cells.collect());
        }
    }
    rows
}

fn rendered(template: &str) -> String {
    let data = json!({
        "list": [3, 1, 2],
        "words": ["cherry", "apple", "Banana"],
        "lines": "one\ntwo",
        "at": "2026-11-18T10:30:00Z",
        "people": [{"name": "Ann", "team": "sales"}, {"name": "Ben", "team": null}, {"name": "Cid", "team": "sales"}],
    });
    let template = Template::parse(template, &Files::default()).unwrap_or_else(|fault| panic!("{template}: {fault:?}"));
    let limits = Limits { steps: 100_000, bytes: 1 << 20, time: Duration::from_secs(5) };
    let mut context = Context::new(Time(0), limits);
    for (name, value) in data.as_object().unwrap() {
        context.set(name, value);
    }
    template.render(&context, Sink::Plain).unwrap_or_else(|error| panic!("{error:?}"))
}

#[test]
fn every_filter_and_tag_stands_in_the_reference_and_does_what_it_says() {
    let text = fs::read_to_string("docs/templates.md").unwrap();
    for (head, known) in [("filter", filter_names()), ("tag", tag_names())] {
        let rows = rows(&text, head);
        for row in &rows {
            // A line end is shown as a space.
            assert_eq!(rendered(&row[1]).replace('\n', " "), row[2], "{}", row[1]);
            assert!(row[1].contains(&row[0]), "the example of `{}` does not use it", row[0]);
        }
        let shown: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
        let known: BTreeSet<&str> = known.into_iter().collect();
        assert_eq!(shown, known, "each {head} once");
    }
}

/// The rules that stand in the reference.
fn rules(text: &str) -> Vec<&str> {
    let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.filter(|block| block.starts_with("name:")).collect()
}

#[test]
fn the_rules_of_the_reference_hold_and_their_tests_pass() {
    let text = fs::read_to_string("docs/rules.md").unwrap();
    let rules = rules(&text);
    assert!(rules.len() > 8, "{}", rules.len());
    let place = tempfile::tempdir().unwrap();
    fs::create_dir(place.path().join("rules")).unwrap();
    for (number, rule) in rules.iter().enumerate() {
        fs::write(place.path().join(format!("rules/r{number}.yaml")), rule).unwrap();
    }
    for verb in ["check", "test"] {
        let ended = Command::new(env!("CARGO_BIN_EXE_bellwire"))
            .args(["--workspace", place.path().to_str().unwrap(), verb])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{verb}: {said}{}", String::from_utf8_lossy(&ended.stderr));
    }
}

/// The blocks of a language in a page.
fn blocks<'p>(page: &'p str, language: &str) -> Vec<&'p str> {
    let opened = format!("```{language}\n");
    page.split(opened.as_str()).skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// A workspace with all that docs/services.md shows, and the path of each pack in it.
fn of_services() -> (tempfile::TempDir, Vec<String>) {
    let page = fs::read_to_string("docs/services.md").unwrap();
    let place = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = place.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let mut packs = Vec::new();
    for (number, block) in blocks(&page, "yaml").into_iter().enumerate() {
        let name = block.lines().next().unwrap().strip_prefix("name: ").unwrap_or_else(|| panic!("{block}"));
        if block.contains("\non: ") {
            write(&format!("rules/r{number}.yaml"), block);
        } else {
            packs.push(format!("templates/services/{name}.yaml"));
            write(packs.last().unwrap(), block);
        }
    }
    // A file's path stands in the line before its block.
    for (before, rest) in page.match_indices("```json\n").map(|(at, _)| page.split_at(at)) {
        let path = before.trim_end().lines().last().unwrap().trim_matches([':', '`']);
        write(path, rest.strip_prefix("```json\n").unwrap().split("```").next().unwrap());
    }
    write("bellwire.toml", &blocks(&page, "toml").join("\n"));
    (place, packs)
}

#[test]
fn the_packs_and_rules_of_the_page_on_services_hold_and_their_tests_pass() {
    let (place, packs) = of_services();
    assert!(packs.len() > 5, "{packs:?}");
    for verb in [&["check", "--strict"][..], &["test"]] {
        let ended = Command::new(env!("CARGO_BIN_EXE_bellwire"))
            .args(["--workspace", place.path().to_str().unwrap()])
            .args(verb)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stdout);
        assert!(ended.status.success(), "{verb:?}: {said}{}", String::from_utf8_lossy(&ended.stderr));
    }
    let files = packs.iter().map(|path| (path.clone(), fs::read_to_string(place.path().join(path)).unwrap()));
    let mut files: BTreeMap<String, String> = files.collect();
    for name in ["shop/order.schema.json", "shop/order_paid.json"] {
        let path = format!("templates/services/{name}");
        let text = fs::read_to_string(place.path().join(&path)).unwrap();
        files.insert(path, text);
    }
    let registry = bellwire::services::Registry::load(&files).unwrap_or_else(|findings| panic!("{findings:#?}"));
    let validator = jsonschema::validator_for(&bellwire::services::schema()).unwrap();
    for path in &packs {
        let limits = value::YamlLimits::default();
        let pack = value::read_yaml(&files[path], limits).unwrap().value;
        let errors: Vec<String> = validator.iter_errors(&pack).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{path}: {errors:?}");
    }
    assert!(registry.action("desk.add_comment").is_some());
}

#[test]
fn the_settings_of_the_page_on_services_are_read_and_every_word_of_packs_stands_in_it() {
    let page = fs::read_to_string("docs/services.md").unwrap();
    for block in blocks(&page, "toml") {
        let place = tempfile::tempdir().unwrap();
        fs::write(place.path().join("bellwire.toml"), block).unwrap();
        let config = bellwire::config::load(place.path(), &BTreeMap::new());
        assert!(config.is_ok(), "{block}: {:?}", config.err());
    }
    for name in bellwire::services::preset_names() {
        assert!(page.contains(&format!("`{name}`")), "preset {name}");
    }
    for (word, _) in bellwire::services::InputType::ALL {
        assert!(page.contains(word), "input type {word}");
    }
    let mut keys = BTreeSet::new();
    words(&bellwire::services::schema(), &mut keys);
    for key in keys {
        assert!(page.contains(&key), "`{key}` is not in docs/services.md");
    }
}

/// The keys that a JSON Schema names.
fn words(schema: &serde_json::Value, found: &mut BTreeSet<String>) {
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    found.extend(properties.into_iter().flatten().map(|(name, _)| name.clone()));
    match schema {
        serde_json::Value::Object(map) => map.values().for_each(|inner| words(inner, found)),
        serde_json::Value::Array(list) => list.iter().for_each(|inner| words(inner, found)),
        _ => {}
    }
}

/// Whether a condition holds for a payload.
fn holds(condition: &str, payload: &str) -> bool {
    let rule = format!("name: n\non: doc.received\nwhen:\n  {condition}\ndo:\n  - stop: x\n");
    let place = tempfile::tempdir().unwrap();
    let settings = "[sources.doc]\npublic = true\n[hours.office]\ntimezone = \"UTC\"\nmon-fri = [\"09:00-17:00\"]\n";
    fs::write(place.path().join("bellwire.toml"), settings).unwrap();
    let config = bellwire::config::load(place.path(), &BTreeMap::new()).unwrap();
    let texts = Texts(Arc::new(BTreeMap::from([("rules/n.yaml".to_owned(), rule)])));
    let compiled = app::compile(&texts, &config);
    let rule = compiled.set.rules.get("n").unwrap_or_else(|| panic!("{condition}: {:?}", compiled.findings));
    let subject = Subject {
        kind: "doc.received".to_owned(),
        own: false,
        event: serde_json::from_str(payload).unwrap(),
        trigger: json!({}),
        received_at: Time(1_790_000_000_000),
    };
    let (verdict, _) = matcher::verdict(rule, &subject, &config.vars, Duration::from_secs(5));
    verdict == Verdict::Matched
}

#[test]
fn every_operator_stands_in_the_reference_and_does_what_it_says() {
    let rows = rows(&fs::read_to_string("docs/rules.md").unwrap(), "operator");
    for row in &rows {
        assert!(holds(&row[1], &row[2]), "{} should hold for {}", row[1], row[2]);
        assert!(!holds(&row[1], &row[3]), "{} should not hold for {}", row[1], row[3]);
    }
    let shown: BTreeSet<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    for (word, _) in OperatorKind::WORDS {
        assert!(shown.contains(word), "`{word}` is not in the reference");
    }
}

#[test]
fn the_page_on_deliveries_says_what_the_readers_do() {
    let text = fs::read_to_string("docs/deliveries.md").unwrap();
    let block = |kind: &str| {
        let (_, rest) = text.split_once(&format!("```{kind}\n")).unwrap();
        rest.split_once("\n```").unwrap().0.to_owned()
    };
    let said: serde_json::Value = serde_json::from_str(&block("json")).unwrap();
    assert_eq!(value::read_xml(block("xml").as_bytes()).unwrap(), said);
    let limits = value::JsonLimits::default();
    for bound in [
        format!("deeper than {} levels, in XML {} elements", limits.depth, value::XML_DEPTH),
        format!("{} files", value::MOST_FILES),
    ] {
        assert!(text.contains(&bound), "{bound}");
    }
    let plain = text.replace(',', "");
    for bound in [
        format!("more than {} names (in XML elements and attributes)", value::MOST_XML_NAMES),
        format!("{} pairs or parts", value::MOST_PAIRS),
        format!("longer than {} bytes", limits.key_bytes),
    ] {
        assert!(plain.contains(&bound), "{bound}");
    }
    assert_eq!((limits.keys, limits.key_bytes), (value::MOST_XML_NAMES, value::LONGEST_NAME));
}
