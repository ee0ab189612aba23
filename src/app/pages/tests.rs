//! Every code has a page, and what the pages show is so.

use std::collections::BTreeMap;

use super::*;
use crate::{app, config};

/// What no text of a rule can show: a large file, one that cannot be read, too many of them; too many steps; and rules that emit to each other.
const NOT_SHOWN: [&str; 5] = ["R002", "R014", "R015", "R070", "R083"];

fn found(code: &str, examples: &[Example]) -> Vec<(&'static str, String)> {
    let place = tempfile::tempdir().unwrap();
    for example in examples {
        let Some(file) = &example.file else { continue };
        let path = place.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &example.text).unwrap();
    }
    let config = config::load(place.path(), &BTreeMap::new()).unwrap_or_else(|errors| panic!("{code}: {errors:?}"));
    let secrets = |_: &services::Registry| Some(vec!["crm_token".to_owned(), "crm_user".to_owned()]);
    let findings = app::check_with(&config, &secrets).findings;
    findings.into_iter().map(|finding| (finding.code, finding.to_string())).collect()
}

#[test]
fn every_code_has_a_page_with_its_title() {
    let pages: Vec<(&str, &str)> = PAGES.iter().map(|page| (page.code.as_str(), page.title.as_str())).collect();
    assert_eq!(pages, codes().collect::<Vec<_>>(), "docs/codes.md and the codes, in order");
    for page in PAGES.iter() {
        assert!(!page.meaning.is_empty() && !page.way_out.is_empty(), "{page:?}");
        assert!(!page.wrong.is_empty() && !page.right.is_empty(), "{page:?}");
    }
}

#[test]
fn what_a_page_calls_wrong_gets_its_code_alone_and_what_it_calls_right_gets_none() {
    let mut faults = Vec::new();
    for page in PAGES.iter().filter(|page| !NOT_SHOWN.contains(&page.code.as_str())) {
        let wrong = found(&page.code, &page.wrong);
        if wrong.is_empty() || wrong.iter().any(|(code, _)| *code != page.code) {
            faults.push(format!("{} wrong: {wrong:#?}", page.code));
        }
        let right = found(&page.code, &page.right);
        if !right.is_empty() {
            faults.push(format!("{} right: {right:#?}", page.code));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
