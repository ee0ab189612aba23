//! What a server keeps of people.

use http::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    client::{Query, Remote},
    seen::{ProfileSeen, read, read_all},
};
use crate::cli::{
    answer::{Answer, clean},
    check::count,
    failure::Failure,
    profiles::{self, Forget, Import, Preview, Set, email_of},
    progress::Progress,
};

/// People in one request.
const CHUNK: usize = 100;

/// People, by e-mail.
pub(super) async fn list(remote: &Remote, after: &str, limit: usize, json: bool) -> Result<Answer, Failure> {
    let after = after.trim().to_lowercase();
    let query: Query = (!after.is_empty()).then_some(("cursor", after)).into_iter().collect();
    let items = remote.list(&["profiles"], &query, limit).await?;
    let rows: Vec<_> = read_all::<ProfileSeen>(items)?.into_iter().map(ProfileSeen::row).collect();
    Ok(profiles::listed(&rows, limit, json))
}

/// What is known of a person.
pub(super) async fn get(remote: &Remote, email: &str, json: bool) -> Result<Answer, Failure> {
    let email = email_of(email)?;
    let seen: ProfileSeen = read(remote.get(&["profiles", &email]).await?)?;
    Ok(profiles::told(&seen.row(), json))
}

/// Changes attributes of a person.
pub(super) async fn set(remote: &Remote, options: &Set) -> Result<Answer, Failure> {
    let email = email_of(&options.email)?;
    let change = profiles::as_change(options)?;
    let body = json!({"set": change.set, "add": change.add, "append": change.append, "remove": change.remove});
    let now = remote.send(Method::PATCH, &["profiles", &email], &body).await?;
    let after = if now.is_null() { Map::new() } else { read::<ProfileSeen>(now)?.row().attributes };
    Ok(profiles::changed(&email, after, options.json))
}

/// Forgets a person: the server goes on with it in the background.
pub(super) async fn forget(remote: &Remote, options: &Forget) -> Result<Answer, Failure> {
    if options.dry {
        let why = "profiles forget --dry works on a workspace of this machine; the admin's page of the person shows what is kept";
        return Err(Failure::Usage(why.to_owned()));
    }
    let email = email_of(&options.email)?;
    let shown = clean(&email, 320);
    if !options.yes && !profiles::confirmed(&shown)? {
        return Err(Failure::No("nothing was deleted".to_owned()));
    }
    let begun = remote.send(Method::DELETE, &["profiles", &email], &json!({})).await?;
    if options.json {
        return Ok(Answer::json(&begun));
    }
    let events = begun["events"].as_u64().and_then(|events| usize::try_from(events).ok()).unwrap_or(0);
    Ok(Answer::text(format!(
        "{shown}: the attributes are gone; the server looks through {} for the rest, in the background",
        count(events, "stored event")
    )))
}

#[derive(Deserialize)]
struct Imported {
    imported: usize,
    faults: Vec<ImportFault>,
}

#[derive(Deserialize)]
struct ImportFault {
    at: usize,
    why: String,
}

/// Sets attributes of many people, of a file of this machine.
pub(super) async fn import(remote: &Remote, options: &Import) -> Result<Answer, Failure> {
    let (rows, mut faults) = profiles::rows(options)?;
    let (wanted, mut done) = (rows.len(), 0);
    if !options.dry {
        let mut progress = Progress::new("profiles", rows.len() as u64);
        for chunk in rows.chunks(CHUNK) {
            let sent: Vec<Value> =
                chunk.iter().map(|row| json!({"email": row.email, "attributes": row.attributes})).collect();
            let answer = remote.send(Method::POST, &["profiles", "import"], &json!({ "profiles": sent })).await?;
            let Imported { imported, faults: left_out } = read(answer)?;
            done += imported;
            let line = |at: usize| chunk.get(at).map_or(0, |row| row.line);
            faults.extend(left_out.iter().map(|fault| format!("line {}: {}", line(fault.at), clean(&fault.why, 300))));
            progress.add(chunk.len() as u64);
        }
    }
    Ok(profiles::imported(options, wanted, done, &faults))
}

/// Everybody, as a file.
pub(super) async fn export(remote: &Remote, as_csv: bool) -> Result<Answer, Failure> {
    let items = remote.list(&["profiles"], &Query::new(), usize::MAX).await?;
    let rows: Vec<_> = read_all::<ProfileSeen>(items)?.into_iter().map(ProfileSeen::row).collect();
    profiles::exported(&rows, as_csv)
}

#[derive(Deserialize)]
struct CardSeen {
    answer: Value,
    faults: Vec<String>,
    html: Option<String>,
    why: Option<String>,
}

/// A person's card, by the server's template.
pub(super) async fn preview(remote: &Remote, options: &Preview) -> Result<Answer, Failure> {
    let (Some(email), None, None) = (&options.email, &options.data, &options.template) else {
        let why = "profiles preview --data and --template work on a workspace of this machine, not by a server's API";
        return Err(Failure::Usage(why.to_owned()));
    };
    let query = vec![("full_name", options.full_name.clone()), ("status", options.status.clone())];
    let seen = remote.get_with(&["profiles", &email_of(email)?, "card"], &query).await?;
    let CardSeen { answer, faults, html, why } = read(seen)?;
    if options.json {
        return Ok(profiles::noted(Answer::json(&answer), &faults));
    }
    let out = html.ok_or_else(|| Failure::No(clean(&why.unwrap_or_default(), 400)))?;
    Ok(profiles::noted(Answer { out, ..Answer::default() }, &faults))
}
