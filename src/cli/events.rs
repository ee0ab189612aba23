//! `bellwire events`: deliveries that were accepted.

use std::path::Path;

use serde_json::{Value, json};

use super::{
    answer::{Answer, clean, clean_lines, machine},
    arguments::{EventsList, EventsVerb},
    failure::Failure,
    open, refused, runs, save,
    table::table,
};
use crate::{
    config::Config,
    ids::EventId,
    store::{EventDetail, EventFilter, EventRow, Mode},
};

/// Characters of a body that are shown to people; the machine's form has it whole.
const SHOWN: usize = 16_384;

const NONE_YET: &str = "No events yet. With `bellwire serve` running in another terminal, send one:\n\n  \
                        bellwire send gruveo.call --sample missed --set tracking.ticket=42";

pub(super) fn run(workspace: &Path, verb: &EventsVerb) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    match verb {
        EventsVerb::List(options) => list(&config, options),
        EventsVerb::Show { id, json } => show(&config, *id, *json),
        EventsVerb::Refused { limit, json } => {
            if open::is_unborn(&config)? {
                return Ok(if *json { Answer::json(&json!([])) } else { refused::list(&[], false) });
            }
            let limit = usize::from(*limit);
            let found = open::block_on(async { Ok(open::store(&config, Mode::Read)?.refusals(limit).await?) })?;
            Ok(refused::list(&found, *json))
        }
        EventsVerb::Save(options) => save::run(&config, options),
    }
}

fn list(config: &Config, options: &EventsList) -> Result<Answer, Failure> {
    let filter = EventFilter {
        before: options.before,
        limit: Some(usize::from(options.limit)),
        kind: options.kind.clone(),
        source: options.source.clone(),
        matched: (options.matched || options.unmatched).then_some(options.matched),
    };
    let narrowed =
        filter.before.is_some() || filter.kind.is_some() || filter.source.is_some() || filter.matched.is_some();
    let rows = if open::is_unborn(config)? {
        Vec::new()
    } else {
        open::block_on(async { Ok(open::store(config, Mode::Read)?.events(filter).await?) })?
    };
    Ok(listed(&rows, narrowed, options.json))
}

/// Events, newest first. `narrowed`: not all were asked for.
pub(super) fn listed(rows: &[EventRow], narrowed: bool, json: bool) -> Answer {
    if json {
        return Answer::json(&machine(&rows));
    }
    if rows.is_empty() {
        return Answer::text(if narrowed {
            "No events like that. All of them: bellwire events list"
        } else {
            NONE_YET
        });
    }
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                row.id.to_string(),
                clean(&row.kind, 60),
                row.state.to_owned(),
                row.runs.to_string(),
                row.seen.to_string(),
                row.received_at.to_string(),
                row.flags.join(" "),
            ]
        })
        .collect();
    Answer::text(table(&["ID", "TYPE", "STATE", "RUNS", "SEEN", "RECEIVED", "FLAGS"], &lines))
}

fn show(config: &Config, id: EventId, json: bool) -> Result<Answer, Failure> {
    let missing = || Failure::No(format!("there is no event {id}; see `bellwire events list`"));
    if open::is_unborn(config)? {
        return Err(missing());
    }
    let found = open::block_on(async { Ok(open::store(config, Mode::Read)?.event(id).await?) })?;
    let detail = found.ok_or_else(missing)?;
    Ok(shown(&detail, json))
}

/// One event whole.
pub(super) fn shown(detail: &EventDetail, json: bool) -> Answer {
    if json { Answer::json(&as_json(detail)) } else { Answer::text(as_text(detail)) }
}

fn as_json(detail: &EventDetail) -> Value {
    let mut value = machine(&detail.row);
    if let Value::Object(map) = &mut value {
        map.insert("verified".to_owned(), json!(detail.event.verified));
        map.insert("trigger".to_owned(), Value::Object(detail.event.meta.clone()));
        map.insert("body".to_owned(), detail.event.body.as_deref().map_or(Value::Null, body_of));
        map.insert("runs".to_owned(), machine(&detail.runs));
    }
    value
}

/// JSON as it is; any other bytes as text.
pub(super) fn body_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| Value::String(String::from_utf8_lossy(bytes).into_owned()))
}

fn as_text(detail: &EventDetail) -> String {
    let row = &detail.row;
    let mut text = format!(
        "{}  {}  {}\nsource    {}\nreceived  {}\nverified  {}\nseen      {} time(s), {} bytes\n",
        row.id,
        clean(&row.kind, 128),
        row.state,
        clean(&row.source, 128),
        row.received_at,
        if detail.event.verified.is_empty() { "no: the source is public" } else { &detail.event.verified },
        row.seen,
        row.bytes
    );
    if !row.flags.is_empty() {
        text.push_str("flags     ");
        text.push_str(&row.flags.join(" "));
        text.push('\n');
    }
    text.push('\n');
    match &detail.event.body {
        None => text.push_str("The body was deleted by retention.\n"),
        Some(bytes) => {
            let pretty = match body_of(bytes) {
                Value::String(text) => text,
                value => serde_json::to_string_pretty(&value).unwrap_or_default(),
            };
            text.push_str(&clean_lines(&pretty, SHOWN));
            text.push('\n');
        }
    }
    text.push('\n');
    if detail.runs.is_empty() {
        text.push_str("No rule matched it.\n");
    } else {
        text.push_str(&runs::rows_as_text(&detail.runs));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Time;

    #[test]
    fn an_empty_list_teaches_and_is_an_empty_array_for_machines() {
        assert!(listed(&[], false, false).out.contains("bellwire send gruveo.call"));
        assert!(listed(&[], true, false).out.contains("like that"));
        assert_eq!(listed(&[], false, true).out, "[]\n");
    }

    #[test]
    fn machines_get_id_and_state() {
        let row = EventRow {
            id: EventId(1),
            kind: "gruveo.call".to_owned(),
            source: "gruveo".to_owned(),
            received_at: Time(0),
            state: "matched",
            runs: 1,
            seen: 2,
            bytes: 3,
            flags: Vec::new(),
        };
        let value: Value = serde_json::from_str(&listed(std::slice::from_ref(&row), false, true).out).unwrap();
        assert_eq!(value[0]["id"], "evt_0000000000001");
        assert_eq!(value[0]["state"], "matched");
        assert_eq!(value[0]["type"], "gruveo.call");
        assert!(listed(&[row], false, false).out.contains("evt_0000000000001  gruveo.call  matched"));
    }
}
