//! Finds the line of a key in a TOML text, for messages. A reading by lines: where it finds nothing it says 0.

/// The line of `path` in `text`, from 1: of the key itself, else of the nearest table or key that holds it; 0 where there is none.
pub(super) fn line_of(text: &str, path: &[&str]) -> usize {
    let mut table: Vec<String> = Vec::new();
    let mut best = (0, 0);
    for (at, line) in text.lines().enumerate() {
        let line = line.trim_start();
        let here = if let Some(header) = line.strip_prefix('[') {
            table = dotted(header.trim_start_matches('[').split(']').next().unwrap_or_default());
            table.clone()
        } else if let Some((key, _)) = line.split_once('=').filter(|_| !line.starts_with('#')) {
            table.iter().cloned().chain(dotted(key)).collect()
        } else {
            continue;
        };
        let holds = here.len() <= path.len() && here.iter().zip(path).all(|(a, b)| a == b);
        // A table that only holds others has no header of its own: the first one below it stands for it.
        let below = best.0 == 0 && here.len() > path.len() && path.iter().zip(&here).all(|(a, b)| a == b);
        if (holds && here.len() > best.0) || (below && best.1 == 0) {
            best = (if below { 0 } else { here.len() }, at + 1);
        }
    }
    best.1
}

fn dotted(key: &str) -> Vec<String> {
    key.split('.').map(|part| part.trim().trim_matches(['"', '\'']).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# server.listen = 1\ntop = 1\n[server]\nlisten = \"x\"\ngate=true\n\n[sources.\"a-b\"]\nservice = 'groove'\n[services]\ngroove.rate = \"1/s\"\negress = { allow = [] }\n";

    #[test]
    fn a_key_is_found_in_its_table() {
        for (path, line) in [
            (&["top"][..], 2),
            (&["server"], 3),
            (&["server", "listen"], 4),
            (&["server", "gate"], 5),
            (&["server", "missing"], 3),
            (&["sources", "a-b", "service"], 8),
            (&["sources"], 7),
            (&["services", "groove", "rate"], 10),
            (&["services", "egress", "allow"], 11),
            (&["nowhere"], 0),
        ] {
            assert_eq!(line_of(TEXT, path), line, "{path:?}");
        }
    }
}
