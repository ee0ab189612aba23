//! A request of a run to paste into a shell, with variables of the shell where secrets stand.

use std::fmt::Write as _;

use crate::admin::Posted;

/// Bytes of a body that a command line holds.
const IN_COMMAND: usize = 16 * 1024;

/// The command. Empty: curl does not send this, or not in a line.
pub(super) fn curl(posted: &Posted) -> String {
    let is_web = ["http://", "https://", "‹"].iter().any(|start| posted.url.starts_with(start));
    if !is_web || posted.body.as_ref().is_some_and(|body| body.len() > IN_COMMAND || body.contains('\0')) {
        return String::new();
    }
    let mut command = format!("curl -X {} {}", posted.method, word(&posted.url));
    for (name, value) in &posted.headers {
        let pair = value.strip_prefix("Basic base64(").and_then(|rest| rest.strip_suffix(')'));
        let _infallible = match pair {
            Some(pair) => write!(command, " \\\n  -u {}", word(pair)),
            None => write!(command, " \\\n  -H {}", word(&format!("{name}: {value}"))),
        };
    }
    if let Some(body) = &posted.body {
        let _infallible = write!(command, " \\\n  --data-raw {}", quoted(body));
    }
    command
}

/// A text as one word of a shell: `‹groove_token›` is `$GROOVE_TOKEN` in it, and all else means itself.
fn word(text: &str) -> String {
    if !text.contains('‹') {
        return quoted(text);
    }
    let mut out = "\"".to_owned();
    let mut rest = text;
    while let Some((before, name, behind)) = rest
        .split_once('‹')
        .and_then(|(before, from)| from.split_once('›').map(|(name, behind)| (before, name, behind)))
    {
        escape(before, &mut out);
        let name: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect();
        let goes_on = behind.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        let _infallible = if goes_on { write!(out, "${{{name}}}") } else { write!(out, "${name}") };
        rest = behind;
    }
    escape(rest, &mut out);
    out.push('"');
    out
}

/// What means itself between double quotes.
fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
}

/// What means itself, whatever stands in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_variables_and_all_else_means_itself() {
        let posted = Posted {
            method: "POST".to_owned(),
            url: "https://api.example.com/bot‹the_token›x?a=$(rm)".to_owned(),
            headers: vec![
                ("Content-Type".to_owned(), "application/json".to_owned()),
                ("authorization".to_owned(), "Bearer ‹groove_token›".to_owned()),
                ("authorization".to_owned(), "Basic base64(‹user›:‹pass›)".to_owned()),
            ],
            body: Some("{\"a\": \"it's ‹not one›\"}".to_owned()),
        };
        assert_eq!(
            curl(&posted),
            "curl -X POST \"https://api.example.com/bot${THE_TOKEN}x?a=\\$(rm)\" \\\n  -H 'Content-Type: application/json' \\\n  \
             -H \"authorization: Bearer $GROOVE_TOKEN\" \\\n  -u \"$USER:$PASS\" \\\n  --data-raw '{\"a\": \"it'\\''s ‹not one›\"}'"
        );
        assert_eq!(curl(&Posted { url: "smtps://smtp.example.com".to_owned(), ..posted }), "");
    }
}
