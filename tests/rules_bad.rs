//! Wrong rules live as files in `tests/data/rules/bad`, each beside the findings it gets. `BLESS=1` writes the findings anew.

use std::{collections::BTreeSet, fs, path::Path as FilePath, sync::Arc};

use bellwire::{
    config,
    rules::{ActionInfo, EventInfo, Hours, InputInfo, Set, Texts, Vocabulary, codes},
    value::Path,
};

#[path = "../src/rules/fake.rs"]
mod fake;

fn found(texts: impl IntoIterator<Item = (String, String)>) -> Vec<String> {
    let compiled = Set::compile(Texts(Arc::new(texts.into_iter().collect())), &fake::Fake::new());
    compiled.findings.iter().map(ToString::to_string).collect()
}

/// A rule that holds, and a template for others to include: what stands around the bad file.
fn around() -> Vec<(String, String)> {
    vec![
        ("rules/taken.yaml".to_owned(), "name: Taken\non: gruveo.call\ndo: []\n".to_owned()),
        ("templates/notes/hello.liquid".to_owned(), "Hello {{ event.location }}".to_owned()),
    ]
}

#[test]
fn every_bad_rule_gets_the_findings_beside_it() {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rules/bad");
    #[expect(clippy::disallowed_methods, reason = "a test's own switch, not a setting of the program")]
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    let mut codes_seen = BTreeSet::new();
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "yaml") {
            continue;
        }
        count += 1;
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&path).unwrap();
        let found = found(around().into_iter().chain([(format!("rules/{name}"), text)]));
        assert!(!found.is_empty(), "{name} has no findings");
        codes_seen.extend(
            codes::ALL
                .iter()
                .map(|(code, _)| *code)
                .filter(|code| found.iter().any(|finding| finding.contains(&format!(" {code}: ")))),
        );
        let found = found.join("\n") + "\n";
        let beside = path.with_extension("findings");
        if bless {
            fs::write(&beside, &found).unwrap();
        } else if fs::read_to_string(&beside).unwrap_or_default() != found {
            wrong.push(format!("{name}:\n{found}"));
        }
    }
    assert!(wrong.is_empty(), "other findings than beside the file (BLESS=1 writes them):\n{}", wrong.join("\n"));
    assert!(count >= 30, "only {count} bad rules");
    // A file of 256 KiB, what is said of files before they are read, and what only several files can be.
    let elsewhere = ["R002", "R013", "R014", "R015", "R083"];
    let missing: Vec<&str> = codes::ALL
        .iter()
        .map(|(code, _)| *code)
        .filter(|code| !codes_seen.contains(code) && !elsewhere.contains(code))
        .collect();
    assert!(missing.is_empty(), "no bad rule shows {missing:?}");
}

#[test]
fn every_form_of_the_language_has_no_findings() {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/rules/good");
    let mut texts = Vec::new();
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        texts.push((
            format!("rules/{}", path.file_name().unwrap().to_str().unwrap()),
            fs::read_to_string(&path).unwrap(),
        ));
    }
    assert!(texts.len() >= 8, "only {} good rules", texts.len());
    let found = found(texts);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

/// Spoils the example and the bad rules in thousands of ways, the same ones on every run.
#[test]
fn no_rule_file_makes_the_reader_panic_or_hang() {
    let root = FilePath::new(env!("CARGO_MANIFEST_DIR"));
    let mut corpus = vec![fs::read_to_string(root.join("rules/calls/missed.yaml")).unwrap()];
    let mut names: Vec<_> =
        fs::read_dir(root.join("tests/data/rules/bad")).unwrap().map(|entry| entry.unwrap().path()).collect();
    names.sort();
    let yaml = names.iter().filter(|path| path.extension().is_some_and(|ending| ending == "yaml"));
    corpus.extend(yaml.map(|path| fs::read_to_string(path).unwrap()).filter(|text| text.len() < 1500));
    let lines: Vec<String> = corpus.iter().flat_map(|text| text.lines()).map(str::to_owned).collect();
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % u64::try_from(below.max(1)).unwrap()).unwrap()
    };
    let vocabulary = fake::Fake::new();
    for turn in 0..6000 {
        let mut text: Vec<String> = corpus[turn % corpus.len()].lines().map(str::to_owned).collect();
        for _ in 0..=next(3) {
            let at = next(text.len());
            match next(5) {
                0 => text.insert(at, lines[next(lines.len())].clone()),
                1 if !text.is_empty() => drop(text.remove(at)),
                2 if !text.is_empty() => {
                    let mut line: Vec<char> = text[at].chars().collect();
                    let column = next(line.len());
                    line.splice(
                        column..(column + next(4)).min(line.len()),
                        "{[}]:|'\" é%-".chars().skip(next(12)).take(1),
                    );
                    text[at] = line.into_iter().collect();
                }
                3 if !text.is_empty() => text[at].insert_str(0, "  "),
                _ => {
                    let other = next(lines.len());
                    text.push(lines[other].clone());
                }
            }
        }
        let texts = [("rules/a.yaml".to_owned(), text.join("\n"))];
        let start = std::time::Instant::now();
        let compiled = Set::compile(Texts(Arc::new(texts.into_iter().collect())), &vocabulary);
        assert_eq!(
            compiled.set.rules.is_empty(),
            !compiled.holds(),
            "a file is a rule, or has errors: {}",
            text.join("\n")
        );
        assert!(start.elapsed().as_secs() < 5, "{:?} for\n{}", start.elapsed(), text.join("\n"));
    }
}
