//! `--help` of every verb.

use crate::support::program::Place;

#[test]
fn every_verb_explains_itself_with_an_example() {
    let place = Place::empty();
    let mut wanted = vec![Vec::new()];
    let mut verbs = 0;
    while let Some(verb) = wanted.pop() {
        let help = place
            .run(&[verb.as_slice(), &["--help".to_owned()]].concat().iter().map(String::as_str).collect::<Vec<_>>());
        let text = help.fine().out;
        let below: Vec<String> = text
            .split_once("Commands:\n")
            .map(|(_, rest)| rest.lines().take_while(|line| !line.is_empty()))
            .into_iter()
            .flatten()
            // Continued lines of a description are indented further.
            .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')))
            .filter_map(|line| line.split_whitespace().next().map(str::to_owned))
            .filter(|name| name != "help")
            .collect();
        if verb.is_empty() || below.is_empty() {
            verbs += 1;
            assert!(text.contains("Example") && text.contains("  bellwire "), "{verb:?}: {text}");
        }
        wanted.extend(below.into_iter().map(|name| [verb.as_slice(), &[name]].concat()));
    }
    assert!(verbs > 14, "{verbs}");
    assert!(place.run(&["--version"]).fine().out.starts_with("bellwire "));
}
