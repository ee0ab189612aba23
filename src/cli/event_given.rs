//! The event that a verb is to work on: stored, in a file, or a sample of a pack.

use std::{fs, path::Path};

use super::{failure::Failure, open};
use crate::{
    config::Config,
    ids::EventId,
    matcher::Subject,
    services::Registry,
    starts,
    store::Mode,
    trial::{Given, sample},
    value::{JsonLimits, Value, read_json},
};

/// Bytes of a file with an event or a reply.
const LARGEST: u64 = 1024 * 1024;

/// What `evt_...`, `sample:gruveo.call/missed` or a JSON file is. `only` is the type of an event in a file that does not say its own.
pub(super) fn event_given(
    config: &Config,
    registry: &Registry,
    written: &str,
    only: Option<&str>,
) -> Result<Subject, Failure> {
    if let Ok(id) = written.parse::<EventId>() {
        return stored(config, registry, id);
    }
    let wrong = |(why, help): (String, String)| Failure::Usage(format!("--event: {why}; {help}"));
    let given = if let Some(name) = written.strip_prefix("sample:") {
        sample(registry, name).map_err(wrong)?
    } else {
        let value = json_file(Path::new(written)).map_err(|why| Failure::Usage(format!("--event: {why}")))?;
        Given::from_file(value, only).map_err(wrong)?
    };
    let (subject, _) = given.subject(registry, open::clock().now(), 1).map_err(Failure::No)?;
    Ok(subject)
}

fn stored(config: &Config, registry: &Registry, id: EventId) -> Result<Subject, Failure> {
    let missing = || Failure::No(format!("there is no event {id}; see `bellwire events list`"));
    if open::is_unborn(config)? {
        return Err(missing());
    }
    let found = open::block_on(async { Ok(open::store(config, Mode::Read)?.event(id).await?) })?;
    starts::subject_of(&found.ok_or_else(missing)?.event, registry).map_err(Failure::No)
}

/// The JSON of a file. `Err` is one sentence.
pub(super) fn json_file(path: &Path) -> Result<Value, String> {
    let shown = path.display();
    let size = fs::metadata(path).map_err(|error| format!("{shown}: {error}"))?.len();
    if size > LARGEST {
        return Err(format!("{shown} has more than {LARGEST} bytes"));
    }
    let bytes = fs::read(path).map_err(|error| format!("{shown}: {error}"))?;
    read_json(&bytes, JsonLimits::default()).map(|parsed| parsed.value).map_err(|error| format!("{shown}: {error}"))
}
