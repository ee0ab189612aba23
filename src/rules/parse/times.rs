//! Reads the times of a `digest` and a `schedule`: `every`, or `cron` in a time zone.

use super::span::{WINDOW, read_duration};
use crate::{
    rules::{
        CatchUp, Cron, Every, On, Schedule, codes, keys,
        reader::{Node, Reader, has_template},
    },
    value::Value,
};

/// What other tools call the words of a schedule.
const FOREIGN: [(&str, &str); 8] = [
    ("interval", "`every`"),
    ("expression", "`cron`"),
    ("at", "`cron`"),
    ("tz", "`timezone`"),
    ("zone", "`timezone`"),
    ("time_zone", "`timezone`"),
    ("catchup", "`catch_up`"),
    ("misfire", "`catch_up`"),
];

/// Reads `schedule: { cron, timezone, catch_up }` or `{ every, catch_up }`. `None` where there are findings.
pub(super) fn read_schedule<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<On> {
    if node.value.is_string() || node.value.is_null() {
        let help =
            "write `schedule: { cron: \"0 9 * * mon-fri\", timezone: Europe/Athens }` or `schedule: { every: 10m }`";
        reader.error(codes::WRONG_TYPE, reader.place(node), "`schedule` must be a map", help);
        return None;
    }
    reader.object(node, "`schedule`")?;
    reader.only_keys(node, &["cron", "every", "timezone", "catch_up"], "`schedule`", &FOREIGN);
    let at = read_every(reader, node, "schedule");
    let catch_up = match node.get("catch_up") {
        Some(inner) => read_catch_up(reader, &inner),
        None => Some(CatchUp::Last),
    };
    Some(On::Schedule(Schedule { at: at?, catch_up: catch_up? }))
}

fn read_catch_up<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<CatchUp> {
    const FOREIGN: [(&str, &str); 6] =
        [("skip", "none"), ("false", "none"), ("one", "last"), ("latest", "last"), ("once", "last"), ("true", "all")];
    // `catch_up: false` is a boolean, and means what it says.
    let written = node
        .value
        .as_bool()
        .map_or_else(|| reader.text(node, "`catch_up`").map(str::to_owned), |flag| Some(flag.to_string()));
    let word = written?;
    let known = CatchUp::WORDS.into_iter().find(|(known, _)| *known == word);
    if known.is_none() {
        let message = format!("`catch_up: {}` is not known", keys::shortened(&word));
        let help = match FOREIGN.iter().find(|(theirs, _)| *theirs == word) {
            Some((_, ours)) => format!("here it is called `{ours}`"),
            None => keys::suggestion(&word, CatchUp::WORDS.map(|(known, _)| known)),
        };
        reader.error(codes::CHOICE, reader.place(node), message, help);
    }
    known.map(|(_, catch_up)| catch_up)
}

/// Reads `every`, or `cron` with its `timezone`, of a `digest` or a `schedule`.
pub(super) fn read_every<'a>(reader: &Reader<'a>, node: &Node<'a>, of: &str) -> Option<Every> {
    let timezone = node.get("timezone");
    if let (Some(zone), None) = (&timezone, node.get("cron")) {
        let at = reader.key_place(zone);
        let help = "leave it out, or name the times of day with `cron`";
        reader.error(codes::NO_MEANING, at, "`timezone` means nothing without `cron`", help);
    }
    match (node.get("every"), node.get("cron")) {
        (Some(every), None) => read_duration(reader, &every, &format!("`every` of `{of}`"), &WINDOW).map(Every::After),
        (None, Some(cron)) => read_cron(reader, &cron, timezone.as_ref()).map(Every::Cron),
        (Some(_), Some(cron)) => {
            let help = "`every` is a span of time, `cron` names the times of day: keep one";
            let at = reader.key_place(&cron);
            reader.error(codes::EXCLUSIVE, at, format!("a {of} has `every` or `cron`, not both"), help);
            None
        }
        (None, None) => {
            let help = "write `every: 1h`, or `cron: \"0 18 * * mon-fri\"` with a `timezone`";
            let at = reader.key_place(node);
            reader.error(codes::MISSING_KEY, at, format!("`{of}` needs `every` or `cron`"), help);
            None
        }
    }
}

/// Reads a cron expression with the time zone beside it.
fn read_cron<'a>(reader: &Reader<'a>, node: &Node<'a>, zone: Option<&Node<'a>>) -> Option<Cron> {
    let zone_name = match zone {
        Some(zone) => Some(read_timezone(reader, zone)?),
        None => None,
    };
    let expression = reader.text(node, "`cron`")?;
    if has_template(node.value) {
        let help = "write the five fields themselves, such as \"0 18 * * mon-fri\"";
        reader.error(codes::NOT_LITERAL, reader.place(node), "a cron expression must be literal", help);
        return None;
    }
    match Cron::parse(expression, zone_name) {
        Ok(cron) => Some(cron),
        Err(sentence) => {
            let help =
                "the five fields are minute, hour, day of the month, month and day of the week: \"0 18 * * mon-fri\"";
            reader.error(codes::CRON, reader.place(node), sentence, help);
            None
        }
    }
}

fn read_timezone<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<&'a str> {
    let name = reader.text(node, "`timezone`")?;
    if Cron::knows_timezone(name) {
        return Some(name);
    }
    let message = format!("`{}` is no time zone", keys::shortened(name));
    let near = Cron::nearest_timezone(name);
    let help = near.map_or_else(
        || "write one such as Europe/Athens, America/New_York or UTC".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    reader.error(codes::TIMEZONE, reader.place(node), message, help);
    None
}

/// JSON Schema of the payload of a fired schedule, for checks of `event.x`.
pub(crate) fn schedule_schema(schedule: &Schedule) -> Value {
    let word = match schedule.at {
        Every::After(_) => "every",
        Every::Cron(_) => "cron",
    };
    serde_json::json!({
        "type": "object",
        "properties": {
            "slot": { "type": "string" },
            "timezone": { "type": "string" },
            word: { "type": "string" },
            "missed": { "type": "integer" },
        },
        "required": ["slot", "timezone", word, "missed"],
        "additionalProperties": false,
    })
}
