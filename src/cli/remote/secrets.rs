//! Secrets of a server: never shown, also not to whoever set them.

use std::time::Duration;

use http::Method;
use serde::Deserialize;
use serde_json::json;

use super::{
    client::Remote,
    seen::{At, read, read_all},
};
use crate::{
    cli::{answer::Answer, arguments::SecretsVerb, failure::Failure, secrets},
    store::SecretRow,
};

#[derive(Deserialize)]
struct SecretSeen {
    name: String,
    from: String,
    origins: Vec<String>,
    changed_at: Option<At>,
    healthy: bool,
    overlap_until: Option<At>,
}

impl From<SecretSeen> for SecretRow {
    fn from(seen: SecretSeen) -> Self {
        Self {
            name: seen.name,
            from: if seen.from == "environment" { "environment" } else { "database" },
            origins: seen.origins,
            changed_at: seen.changed_at.map(|at| at.0),
            healthy: seen.healthy,
            overlap_until: seen.overlap_until.map(|at| at.0),
        }
    }
}

/// One of the verbs.
pub(super) async fn run(remote: &Remote, verb: &SecretsVerb) -> Result<Answer, Failure> {
    match verb {
        SecretsVerb::List { json } => {
            let items = remote.all(&["secrets"]).await?;
            let rows: Vec<SecretRow> = read_all::<SecretSeen>(items)?.into_iter().map(SecretRow::from).collect();
            Ok(secrets::show(&rows, *json))
        }
        SecretsVerb::Set { name, origins, overlap } => set(remote, name, origins, *overlap).await,
        SecretsVerb::Retire { name } => {
            remote.send(Method::POST, &["secrets", name, "retire"], &json!({})).await?;
            Ok(Answer::text(format!("the earlier value of {name} counts no more")))
        }
        SecretsVerb::Remove { name } => {
            remote.send(Method::DELETE, &["secrets", name], &json!({})).await?;
            Ok(Answer::text(format!("secret {name} is removed")))
        }
    }
}

async fn set(remote: &Remote, name: &str, origins: &[String], overlap: Duration) -> Result<Answer, Failure> {
    let value = secrets::read(name)?;
    let mut body = json!({"value": value.expose(), "origins": origins});
    if let (Some(body), false) = (body.as_object_mut(), overlap.is_zero()) {
        body.insert("overlap".to_owned(), format!("{}s", overlap.as_secs().max(1)).into());
    }
    let now: SecretSeen = read(remote.send(Method::PUT, &["secrets", name], &body).await?)?;
    let row = SecretRow::from(now);
    let answer = Answer::text(format!("secret {name} is set"));
    let mut note = Vec::new();
    if let Some(until) = row.overlap_until {
        note.push(format!(
            "deliveries that are signed with the value before it are taken until {until}; to end that: bellwire secrets retire {name}"
        ));
    }
    if row.from == "environment" {
        note.push(format!(
            "BELLWIRE_SECRET_{} is set in the server's environment and wins over what was stored now",
            name.to_uppercase()
        ));
    }
    Ok(if note.is_empty() { answer } else { answer.note(&note.join("\n")) })
}
