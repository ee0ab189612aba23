//! `threshold`, `once`, `digest`, `concurrency` and `fuse`.

use serde_json::{Value, json};

use super::{described, duration, map};

fn per() -> Value {
    json!({ "type": "string", "description": "The key, as a template; without it the whole rule is one key." })
}

fn count(text: &str) -> Value {
    json!({ "type": "integer", "minimum": 1, "description": text })
}

pub(super) fn threshold() -> Value {
    let properties = json!({
        "per": per(),
        "count": count("So many events of a key start one run, which sees them as `events`."),
        "within": duration("The time in which they must come.")
    });
    described(map(&["count", "within"], properties), "The run starts at the `count`th event of a key within a time.")
}

pub(super) fn once() -> Value {
    let properties = json!({ "per": per(), "within": duration("From the event that started a run on.") });
    described(
        map(&["within"], properties),
        "A key's first event starts a run; others are dropped until the time has passed.",
    )
}

pub(super) fn digest() -> Value {
    let properties = json!({
        "per": per(),
        "every": duration("The run starts so long after a key's first event."),
        "cron": { "type": "string", "description": "The run starts at the next of these times: five fields as in crontab(5)." },
        "timezone": { "type": "string", "description": "Of `cron`, such as Europe/Athens; UTC unless given." },
        "max": count("At so many events the run starts at once; 1,000 unless given.")
    });
    described(map(&[], properties), "Events of a key are gathered into one run, which sees them as `events`.")
}

pub(super) fn concurrency() -> Value {
    let properties = json!({
        "per": per(),
        "limit": count("Runs of a key at once; 1 unless given."),
        "when_full": {
            "enum": ["queue", "skip", "cancel_oldest"],
            "default": "queue",
            "description": "A run that finds no place waits in order of arrival, ends as skipped, or has the oldest one cancelled."
        }
    });
    described(map(&[], properties), "How many runs of a key are under way at once, waits included.")
}

pub(super) fn fuse() -> Value {
    let properties = json!({ "count": count("More runs than that..."), "within": duration("...in that time...") });
    described(map(&["count", "within"], properties), "...hold the rule's runs until `bellwire runs release RULE`.")
}
