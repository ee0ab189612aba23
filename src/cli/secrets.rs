//! `bellwire secrets`: sealed in the database, never shown.

use std::{
    io::{self, BufRead, IsTerminal, Read},
    path::Path,
    time::Duration,
};

use serde_json::{Value, json};

use super::{
    answer::{Answer, clean, machine},
    arguments::SecretsVerb,
    failure::Failure,
    open,
    table::table,
    users,
};
use crate::{
    admin::Needs,
    app,
    config::Config,
    egress::Origin,
    secret::{SHORTEST, Secret},
    store::{Mode, SecretRow, Store, Vault},
};

/// Bytes of a secret: more is a slip.
const LONGEST: u64 = 64 << 10;

pub(super) fn run(workspace: &Path, verb: SecretsVerb) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    match verb {
        SecretsVerb::Set { name, origins, overlap } => set(&config, &name, &origins, overlap),
        SecretsVerb::Retire { name } => retire(&config, &name),
        SecretsVerb::List { json } => list(&config, json),
        SecretsVerb::Remove { name } => remove(&config, &name),
    }
}

fn set(config: &Config, name: &str, origins: &[String], overlap: Duration) -> Result<Answer, Failure> {
    let origins = origins
        .iter()
        .map(|origin| Origin::parse(origin).map(|origin| origin.as_str().to_owned()))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| Failure::Usage(format!("--for: {error}")))?;
    let value = read(name)?;
    // The first thing that a stranger does after `init`: there is nothing yet to be careful about.
    if open::is_unborn(config)? {
        open::birth(config)?;
    }
    let kept = with_both(config, Mode::Write, async |store, vault| {
        let until = vault.rotate(name, value, origins.clone(), overlap).await?;
        let after = json!({ "origins": origins, "overlap_until": until.map(|at| at.to_string()) });
        users::keep(store, open::clock().now(), "secret.set", name, after).await?;
        Ok(until)
    })?;
    let mut note = Vec::new();
    if let Some(until) = kept {
        note.push(format!(
            "deliveries that are signed with the value before it are taken until {until}; to end that: bellwire secrets retire {name}"
        ));
    }
    if config.secrets.environment.contains_key(name) {
        note.push(format!(
            "BELLWIRE_SECRET_{} is set in this environment and wins over what was stored now",
            name.to_uppercase()
        ));
    }
    if origins.is_empty() && packs_send(config, name) == Some(false) {
        note.push(format!(
            "no pack sends `{name}`: it signs and verifies, and is sent nowhere; to let a rule send it: bellwire secrets set \
             {name} --for https://host"
        ));
    }
    let answer = Answer::text(format!("secret {name} is set"));
    Ok(if note.is_empty() { answer } else { answer.note(&note.join("\n")) })
}

/// Whether a pack uses the secret at all. `None` where the packs do not load.
fn packs_send(config: &Config, name: &str) -> Option<bool> {
    let compiled = app::check(config);
    Some(Needs::of_packs(&compiled.registry, config).contains_key(name))
}

fn list(config: &Config, json: bool) -> Result<Answer, Failure> {
    let rows = if open::is_unborn(config)? {
        let environment = config.secrets.environment.keys().map(|name| SecretRow {
            name: name.clone(),
            from: "environment",
            origins: Vec::new(),
            changed_at: None,
            healthy: true,
            overlap_until: None,
        });
        environment.collect()
    } else {
        with_vault(config, Mode::Read, async |vault| Ok(vault.list().await?))?
    };
    Ok(show(&rows, json))
}

/// Secrets, never their values.
pub(super) fn show(rows: &[SecretRow], json: bool) -> Answer {
    if json {
        return Answer::json(&machine(&rows));
    }
    if rows.is_empty() {
        return Answer::text(
            "No secrets yet. `bellwire doctor` says which ones your rules need; set one with\n\n  \
             bellwire secrets set gruveo_key < key.txt",
        );
    }
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let origins = row.origins.iter().map(|origin| clean(origin, 100)).collect::<Vec<_>>().join(" ");
            let state = if row.healthy { "ok" } else { "sealed with another key" };
            let changed = row.changed_at.map(|at| at.to_string()).unwrap_or_default();
            let overlap = row.overlap_until.map(|at| at.to_string()).unwrap_or_default();
            vec![row.name.clone(), row.from.to_owned(), state.to_owned(), changed, overlap, origins]
        })
        .collect();
    Answer::text(table(&["NAME", "FROM", "STATE", "CHANGED", "OLD ONE UNTIL", "SENT TO"], &lines))
}

fn remove(config: &Config, name: &str) -> Result<Answer, Failure> {
    let missing = || Failure::No(format!("there is no secret `{name}` in the database; see `bellwire secrets list`"));
    if open::is_unborn(config)? {
        return Err(missing());
    }
    let was_there = with_both(config, Mode::Write, async |store, vault| {
        let was_there = vault.remove(name).await?;
        if was_there {
            users::keep(store, open::clock().now(), "secret.remove", name, Value::Null).await?;
        }
        Ok(was_there)
    })?;
    if !was_there {
        return Err(missing());
    }
    let answer = Answer::text(format!("secret {name} is removed"));
    if config.secrets.environment.contains_key(name) {
        return Ok(answer.note(&format!("BELLWIRE_SECRET_{} is still set in this environment", name.to_uppercase())));
    }
    Ok(answer)
}

fn retire(config: &Config, name: &str) -> Result<Answer, Failure> {
    let missing = || Failure::No(format!("no earlier value of `{name}` is kept; see `bellwire secrets list`"));
    if open::is_unborn(config)? {
        return Err(missing());
    }
    let was_there = with_both(config, Mode::Write, async |store, vault| {
        let was_there = vault.retire(name).await?;
        if was_there {
            users::keep(store, open::clock().now(), "secret.retire", name, Value::Null).await?;
        }
        Ok(was_there)
    })?;
    if !was_there {
        return Err(missing());
    }
    Ok(Answer::text(format!("the earlier value of {name} counts no more")))
}

/// Opens store and vault, works, and closes again.
pub(super) fn with_vault<T>(
    config: &Config,
    mode: Mode,
    work: impl AsyncFnOnce(&Vault) -> Result<T, Failure>,
) -> Result<T, Failure> {
    with_both(config, mode, async |_, vault| work(vault).await)
}

fn with_both<T>(
    config: &Config,
    mode: Mode,
    work: impl AsyncFnOnce(&Store, &Vault) -> Result<T, Failure>,
) -> Result<T, Failure> {
    open::block_on(async {
        let store: Store = open::store(config, mode)?;
        let vault = Vault::open(store.clone(), config, open::clock())?;
        let done = work(&store, &vault).await;
        store.close();
        done
    })
}

/// A value from standard input.
pub(super) fn read(name: &str) -> Result<Secret, Failure> {
    let stdin = io::stdin();
    let mut bytes = Vec::new();
    let read = if stdin.is_terminal() {
        eprintln!(
            "Value of {name}, ended by Enter. It shows on the screen; to avoid that: bellwire secrets set {name} < file"
        );
        stdin.lock().take(LONGEST + 1).read_until(b'\n', &mut bytes)
    } else {
        stdin.lock().take(LONGEST + 1).read_to_end(&mut bytes)
    };
    read.map_err(|error| Failure::Storage(format!("standard input cannot be read: {error}")))?;
    value_of(name, bytes)
}

/// The value without the line end at its end.
fn value_of(name: &str, bytes: Vec<u8>) -> Result<Secret, Failure> {
    if bytes.len() as u64 > LONGEST {
        return Err(Failure::Usage(format!("the value of {name} is longer than {LONGEST} bytes")));
    }
    let Ok(text) = String::from_utf8(bytes) else {
        return Err(Failure::Usage(format!("the value of {name} is no UTF-8 text; give it in hex or Base64")));
    };
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.chars().count() < SHORTEST {
        return Err(Failure::Usage(format!(
            "the value of {name} has under {SHORTEST} characters; a secret that short would be masked all over the logs"
        )));
    }
    Ok(Secret::new(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_end_is_no_part_of_a_secret() {
        for (bytes, value) in [
            ("12345678\n", "12345678"),
            ("12345678\r\n", "12345678"),
            ("1234567\n\n", "1234567\n"),
            (" 234567 ", " 234567 "),
        ] {
            assert_eq!(
                value_of("x", bytes.into()).ok().map(|secret| secret.expose().to_owned()).as_deref(),
                Some(value)
            );
        }
    }

    #[test]
    fn values_that_cannot_serve_are_wrong_use() {
        for bytes in [b"".to_vec(), b"1234567\n".to_vec(), vec![0xff; 9], vec![b'a'; 65_537]] {
            assert!(matches!(value_of("x", bytes), Err(Failure::Usage(_))));
        }
    }

    #[test]
    fn an_empty_list_teaches() {
        assert!(show(&[], false).out.contains("bellwire secrets set"));
        assert_eq!(show(&[], true).out, "[]\n");
    }
}
