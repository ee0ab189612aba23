//! The words of the language, and the words that users of other tools type for them.

/// Keys of a rule.
pub(super) const RULE: &[&str] = &[
    "name",
    "description",
    "enabled",
    "on",
    "vars",
    "when",
    "threshold",
    "once",
    "digest",
    "concurrency",
    "timeout",
    "fuse",
    "do",
    "on_error",
    "tests",
];

/// Keys of `on`.
pub(super) const ON: &[&str] = &["event", "own", "schedule", "poll", "manual"];

/// Keys of `poll`; a service action is one more.
pub(super) const POLL: &[&str] =
    &["every", "http", "items", "key", "order", "cursor", "backfill", "connection", "timeout"];

/// Keys of a step, kinds included; a service action is one more.
pub(super) const STEP: &[&str] = &[
    "id",
    "if",
    "then",
    "else",
    "retry",
    "timeout",
    "on_error",
    "connection",
    "http",
    "stop",
    "fail",
    "for_each",
    "as",
    "limit",
    "do",
    "wait",
    "profile",
    "record",
    "emit",
    "vars",
];

/// Keys of a step of which one alone can stand in it, a service action being one more.
pub(super) const STEP_KINDS: &[&str] =
    &["http", "stop", "fail", "for_each", "wait", "profile", "record", "emit", "vars"];

/// Keys of `http`.
pub(super) const HTTP: &[&str] =
    &["method", "url", "auth", "headers", "query", "json", "form", "text", "xml", "multipart"];

/// Keys of `http` that are a body.
pub(super) const HTTP_BODIES: &[&str] = &["json", "form", "text", "xml", "multipart"];

/// Keys of a part of `multipart` that is more than its value.
pub(super) const PART: &[&str] = &["value", "filename", "content_type"];

/// Keys of a test.
pub(super) const TEST: &[&str] =
    &["name", "event", "events", "now", "replies", "profiles", "records", "vars", "expect", "verdict", "outcome"];

/// What other tools call the keys of a rule.
pub(super) const FOREIGN_RULE: &[(&str, &str)] = &[
    ("trigger", "`on`"),
    ("triggers", "`on`"),
    ("condition", "`when`"),
    ("conditions", "`when`"),
    ("filter", "`when`"),
    ("if", "`when`"),
    ("action", "`do`"),
    ("actions", "`do`"),
    ("steps", "`do`"),
    ("tasks", "`do`"),
    ("then", "`do`"),
    ("variables", "`vars`"),
    ("env", "`vars`"),
    ("alias", "`name`"),
    ("title", "`name`"),
    ("mode", "`concurrency`"),
    ("throttle", "`once`"),
    ("errors", "`on_error`"),
    ("on_failure", "`on_error`"),
    ("continue-on-error", "`on_error`"),
];

/// What other tools call the keys of a step.
pub(super) const FOREIGN_STEP: &[(&str, &str)] = &[
    ("delay", "`wait`"),
    ("sleep", "`wait`"),
    ("wait_for_trigger", "`wait`"),
    ("wait_template", "`wait`"),
    ("repeat", "`for_each`"),
    ("foreach", "`for_each`"),
    ("loop", "`for_each`"),
    ("choose", "`if`, with `then` and `else`"),
    ("switch", "`if`, with `then` and `else`"),
    ("when", "`if`"),
    ("condition", "`if`"),
    ("conditions", "`if`"),
    ("variables", "`vars`"),
    ("env", "`vars`"),
    ("alias", "`id`"),
    ("name", "`id`"),
    ("errors", "`on_error`"),
    ("on_failure", "`on_error`"),
    ("continue-on-error", "`on_error: continue`"),
    ("continue_on_error", "`on_error: continue`"),
    ("actions", "`then` below an `if`, `do` below a `for_each`"),
    ("steps", "`then` below an `if`, `do` below a `for_each`"),
    ("tasks", "`then` below an `if`, `do` below a `for_each`"),
    ("filter", "`if`"),
    ("attempts", "`retry`"),
    ("max_attempts", "`retry`"),
    ("retries", "`retry`"),
    ("with", "the map of the action itself, below its name"),
    ("data", "the map of the action itself, below its name"),
    ("outputs", "`result`: `steps.ID.result`"),
    ("action", "the action's own name, such as `groove.add_note:`"),
    ("service", "the action's own name, such as `groove.add_note:`"),
    ("uses", "the action's own name, such as `groove.add_note:`"),
];

/// What other tools call the keys of `http`.
pub(super) const FOREIGN_HTTP: &[(&str, &str)] = &[
    ("uri", "`url`"),
    ("verb", "`method`"),
    ("body", "`json`, `form` or `text`"),
    ("data", "`json`, `form` or `text`"),
    ("payload", "`json`, `form` or `text`"),
    ("params", "`query`"),
    ("authentication", "`auth`"),
];

/// What other tools call our words, and our own words, wherever they stand: a hint that knows the place comes first.
pub(super) const ANYWHERE: &[(&str, &str)] = &[
    ("trigger", "`on`, at the top of the rule"),
    ("triggers", "`on`, at the top of the rule"),
    ("condition", "`when` for the rule, `if` for a step"),
    ("conditions", "`when` for the rule, `if` for a step"),
    ("filter", "`when` for the rule, `if` for a step"),
    ("action", "`do`, and in it the action's own name, such as `groove.add_note:`"),
    ("actions", "`do`, a list of steps"),
    ("steps", "`do`, a list of steps"),
    ("tasks", "`do`, a list of steps"),
    ("delay", "`wait`, a step"),
    ("sleep", "`wait`, a step"),
    ("wait_for_trigger", "`wait`, a step: `wait: { event: ... }`"),
    ("wait_template", "`wait`, a step: `wait: { event: ..., when: ... }`"),
    ("repeat", "`for_each`, a step"),
    ("foreach", "`for_each`, a step"),
    ("loop", "`for_each`, a step"),
    ("choose", "`if`, a step with `then` and `else`"),
    ("switch", "`if`, a step with `then` and `else`"),
    ("variables", "`vars`"),
    ("env", "`vars`"),
    ("alias", "`name` for the rule, `id` for a step"),
    ("mode", "`concurrency`, at the top of the rule"),
    ("throttle", "`once`, at the top of the rule"),
    ("errors", "`on_error`"),
    ("on_failure", "`on_error`"),
    ("continue-on-error", "`on_error: continue`, in the step"),
    ("continue_on_error", "`on_error: continue`, in the step"),
    ("attempts", "`retry`, in the step"),
    ("max_attempts", "`retry`, in the step"),
    ("retries", "`retry`, in the step"),
    ("uri", "`url`, in `http`"),
    ("body", "`json`, `form` or `text`, in `http`"),
    ("with", "the map of the action itself, below its name"),
    ("outputs", "`result`: `steps.ID.result`"),
    ("group", "`per`"),
];

/// Where our own words stand.
const HOME: &[(&[&str], &str)] = &[
    (
        &["on", "when", "threshold", "once", "digest", "concurrency", "fuse", "tests", "enabled", "description"],
        "it stands at the top of the rule",
    ),
    (
        &["retry", "timeout", "on_error", "if", "then", "else", "id", "connection", "as", "limit"],
        "it stands in the step, beside the name of what the step does",
    ),
    (&["for_each", "wait", "http", "profile", "record", "emit", "stop", "fail"], "it is a step of its own, in `do`"),
    (&["url", "method", "headers", "query", "auth", "json", "form", "text", "xml", "multipart"], "it stands in `http`"),
];

/// Where a word of ours stands. `None` for one that is not ours.
pub(super) fn home(name: &str) -> Option<&'static str> {
    HOME.iter().find(|(words, _)| words.contains(&name)).map(|(_, home)| *home)
}

/// What other tools call the keys of `retry`.
pub(super) const FOREIGN_RETRY: &[(&str, &str)] = &[
    ("attempts", "`after`, a list of delays; its length is the number of retries"),
    ("max_attempts", "`after`, a list of delays; its length is the number of retries"),
    ("count", "`after`, a list of delays; its length is the number of retries"),
    ("times", "`after`, a list of delays; its length is the number of retries"),
    ("retries", "`after`, a list of delays; its length is the number of retries"),
    ("backoff", "`after`, a list of delays"),
    ("delay", "`after`, a list of delays"),
    ("on", "`when`"),
];

/// What is nearest to `name` among `known`. `None` where nothing is near.
pub(super) fn nearest<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> Option<&'k str> {
    let lower = name.to_lowercase();
    let near = |word: &&str| {
        let distance = strsim::damerau_levenshtein(&lower, &word.to_lowercase());
        // A third of the letters may differ: `add_nte`, `resolutoin`, not `foo` for `for`.
        let allowed = (word.chars().count().max(lower.chars().count()) / 3).max(1);
        (distance <= allowed).then_some(distance)
    };
    if name.len() > 200 {
        return None;
    }
    known.into_iter().filter_map(|word| near(&word).map(|distance| (distance, word))).min().map(|(_, word)| word)
}

/// `did you mean ...?`, or the known ones where nothing is near and they are few.
pub(crate) fn suggestion<'k>(name: &str, known: impl IntoIterator<Item = &'k str>) -> String {
    const FEW: usize = 20;
    let known: Vec<&str> = known.into_iter().collect();
    match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => String::new(),
        None if known.len() == 1 => format!("known is {} alone", known.join("")),
        None if known.len() <= FEW => format!("known are {}", known.join(", ")),
        None => String::new(),
    }
}

/// A text as a message shows it.
pub(crate) fn shortened(text: &str) -> String {
    shortened_to(text, 60)
}

/// The same, cut to `most` characters.
pub(super) fn shortened_to(text: &str, most: usize) -> String {
    let escaped = text.chars().take(most + 1).flat_map(|character| {
        let plain = !character.is_control();
        let escape: Vec<char> = if plain { vec![character] } else { character.escape_default().collect() };
        escape
    });
    let shown: String = escaped.take(most).collect();
    if text.chars().nth(most).is_some() { shown + "…" } else { shown }
}

/// Whether `name` is an id: `[a-z][a-z0-9_]*`, 64 characters at most.
pub(super) fn is_id(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_foreign_word_of_the_language_has_a_hint_wherever_it_stands() {
        // The last list of the language's page. `data`, `key` and `name` are words of ours too, and told by their place alone.
        for word in [
            "trigger",
            "triggers",
            "condition",
            "conditions",
            "filter",
            "action",
            "actions",
            "steps",
            "tasks",
            "delay",
            "wait_for_trigger",
            "wait_template",
            "repeat",
            "choose",
            "switch",
            "variables",
            "env",
            "alias",
            "mode",
            "throttle",
            "errors",
            "on_failure",
            "continue-on-error",
            "attempts",
            "max_attempts",
            "uri",
            "body",
            "with",
            "outputs",
            "group",
        ] {
            assert!(ANYWHERE.iter().any(|(theirs, _)| *theirs == word), "{word}");
        }
    }

    #[test]
    fn the_nearest_word_is_a_near_one() {
        assert_eq!(nearest("Wehn", ["when", "do"]), Some("when"));
        assert_eq!(nearest("resolutoin", ["resolution", "link"]), Some("resolution"));
        assert_eq!(nearest("zzz", ["when", "do"]), None);
        assert_eq!(shortened("a\nb"), "a\\nb");
        assert!(shortened(&"x".repeat(10_000)).chars().count() < 70);
    }
}
