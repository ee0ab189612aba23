//! The rules of the storm, and what each of them owes to a delivery.

use std::collections::BTreeMap;

use super::receiver::Receiver;

/// Keys of `once`, and of `digest`.
pub const GROUPS: usize = 20;
/// Whose profile every delivery counts in.
pub const PERSON: &str = "storm@example.com";
/// What each delivery emits.
pub const EMITTED: &str = "storm.counted";

/// The rule that goes by the clock.
pub const TICK: &str = "tick";

/// Kinds of a delivery, by its number: the first rule that hears it.
const KINDS: [&str; 5] = ["retry", "ask", "loop", "wait", "verify"];

/// The kind of a delivery.
pub fn kind_of(number: usize) -> &'static str {
    KINDS[number % KINDS.len()]
}

/// The key of `once` and `digest`.
pub fn group_of(number: usize) -> usize {
    number % GROUPS
}

/// Paths that a delivery of this number makes the receiver know, each by exactly one key, once its runs have ended well.
pub fn owed(number: usize) -> Vec<String> {
    let mut paths = match kind_of(number) {
        "loop" => vec![
            format!("/items/{number}/a"),
            format!("/items/{number}/b"),
            format!("/items/{number}/c"),
            format!("/end/{number}"),
        ],
        "wait" => vec![format!("/before/{number}"), format!("/after/{number}/{number}")],
        _ => vec![note(number)],
    };
    paths.push(format!("/heard/{number}"));
    paths.push(format!("/once/{}", group_of(number)));
    paths
}

/// The path of the note that the main rule writes.
pub fn note(number: usize) -> String {
    format!("/v1/tickets/{number}/messages")
}

/// Id and text of every rule.
pub fn texts(receiver: &Receiver) -> BTreeMap<&'static str, String> {
    let retry = |unknown: &str| {
        format!("retry: {{ after: [1s, 1s, 1s, 2s, 2s, 5s, 5s, 5s, 5s, 5s, 5s, 5s], unknown: {unknown} }}")
    };
    let post = |path: &str| {
        format!(
            "http: {{ method: POST, url: \"http://{}{path}\", json: {{}} }}\n    {}",
            receiver.address,
            retry("retry")
        )
    };
    let post_in_turn = |path: &str| post(path).replace('\n', "\n    ");
    let on = |kind: &str| {
        format!(
            "on: gruveo.call\nwhen:\n  event.tracking.mode: {kind}\n  event.tracking.ticket: {{ matches: \"^[0-9]+$\" }}\ndo:\n"
        )
    };
    let every = "on: gruveo.call\nwhen:\n  event.tracking.ticket: { matches: \"^[0-9]+$\" }\n  event.tracking.group: { matches: \"^[0-9]+$\" }\n";
    let main = |kind: &str| {
        format!(
            "name: note ({kind})\n{}  - groove.add_note:\n      ticket: \"{{{{ event.tracking.ticket }}}}\"\n      body: missed\n    {}\n",
            on(kind),
            retry(kind)
        )
    };
    let ticket = "{{ event.tracking.ticket }}";
    let turns = format!(
        "name: a loop\n{}  - for_each: \"{{{{ 'a,b,c' | split: ',' }}}}\"\n    as: item\n    do:\n      - {}\n      - wait: 1s\n  - {}\n",
        on("loop"),
        post_in_turn(&format!("/items/{ticket}/{{{{ item }}}}")),
        post(&format!("/end/{ticket}")),
    );
    let wait = format!(
        "name: an answer\n{}  - {}\n  - wait: 1s\n  - id: answer\n    wait:\n      event: gruveo.call\n      when: {{ incoming.tracking.answers: \"{ticket}\" }}\n      for: 10m\n  - {}\n",
        on("wait"),
        post(&format!("/before/{ticket}")),
        post(&format!("/after/{ticket}/{{{{ steps.answer.result.tracking.answers | default: 'nobody' }}}}")),
    );
    let count = format!(
        "name: a count\n{every}do:\n  - profile: {{ email: {PERSON}, add: {{ calls: 1 }} }}\n  - emit: {{ type: {EMITTED}, data: {{ ticket: \"{ticket}\" }} }}\n"
    );
    let heard = format!("name: heard\non: {EMITTED}\ndo:\n  - {}\n", post("/heard/{{ event.ticket }}"));
    let once = format!(
        "name: once\n{every}once: {{ per: \"{{{{ event.tracking.group }}}}\", within: 1h }}\ndo:\n  - {}\n",
        post("/once/{{ event.tracking.group }}")
    );
    let digest = format!(
        "name: a digest\n{every}digest: {{ per: \"{{{{ event.tracking.group }}}}\", every: 2s, max: 50 }}\ndo:\n  - {}\n",
        post("/digest/{% for call in events %}{{ call.tracking.ticket }}-{% endfor %}")
    );
    // Every second is owed, also those in which no server ran.
    let tick = format!(
        "name: a tick\non: {{ schedule: {{ every: 1s, catch_up: all }} }}\ndo:\n  - {}\n",
        post("/tick/{{ event.slot | date: '%s' }}")
    );
    [
        (TICK, tick),
        ("retry", main("retry")),
        ("ask", main("ask")),
        ("verify", main("verify")),
        ("loop", turns),
        ("wait", wait),
        ("count", count),
        ("heard", heard),
        ("once", once),
        ("digest", digest),
    ]
    .into()
}
