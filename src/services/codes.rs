//! The codes of what can be wrong in a pack, with what each is about. Codes are stable: one is never given a new meaning.

/// Every code with its title, in order.
pub const CODES: &[(&str, &str)] = &[
    ("P001", "A pack's file is not YAML that is taken"),
    ("P002", "An unknown key in a pack"),
    ("P003", "A key of a pack is missing"),
    ("P004", "A value of the wrong kind in a pack"),
    ("P005", "An unknown word in a pack"),
    ("P006", "A file of a pack that is not there, or is not JSON"),
    ("P007", "A fault in a template of a pack"),
    ("P008", "A template of a pack looks at a name that it does not see"),
    ("P009", "A name of the wrong form in a pack"),
    ("P010", "Not a path, in a pack"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_in_the_sources_is_listed() {
        let mut seen = Vec::new();
        for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/src/services")).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "rs") {
                continue;
            }
            let text = std::fs::read_to_string(path).unwrap();
            let words = text.split('"').filter(|word| word.len() == 4 && word.starts_with('P'));
            seen.extend(words.filter(|word| word.bytes().skip(1).all(|b| b.is_ascii_digit())).map(str::to_owned));
        }
        let known = |code: &String| CODES.iter().any(|(known, _)| known == code);
        assert!(seen.len() > 30 && seen.iter().all(known), "{seen:?}");
    }
}
