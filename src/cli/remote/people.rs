//! What a server keeps of people.

use http::Method;
use serde_json::{Map, json};

use super::{
    client::{Query, Remote},
    seen::{ProfileSeen, read, read_all},
};
use crate::cli::{
    answer::{Answer, clean},
    check::count,
    failure::Failure,
    profiles::{self, Forget, Set, email_of},
};

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
