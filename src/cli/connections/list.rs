//! The list of connections.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    app,
    cli::{
        answer::{Answer, clean, machine},
        failure::Failure,
        open,
        table::table,
    },
    config::Config,
    connections::{self, ConnectionRow, GrantRow},
    store::{GrantState, Mode, Store, Vault},
};

/// Open problems that are looked through.
const MOST_PROBLEMS: usize = 10_000;

/// What is known of connections beside their settings, by name.
#[derive(Default)]
pub(in crate::cli) struct Beside {
    /// Runs that wait for the grant.
    pub(in crate::cli) waiting: BTreeMap<String, i64>,
    /// Why no token can be had: open problems.
    pub(in crate::cli) refused: BTreeMap<String, String>,
}

/// Lists connections; without --json those alone that somebody has touched, and how many there are beside.
pub(super) fn list(config: &Config, json: bool) -> Result<Answer, Failure> {
    let registry = app::check(config).registry;
    if open::is_unborn(config)? {
        let has = |name: &str| config.secrets.environment.contains_key(name);
        return Ok(show(&connections::list(config, &registry, &has, &[]), &Beside::default(), json));
    }
    open::block_on(async {
        let store: Store = open::store(config, Mode::Read)?;
        let vault = Vault::open(store.clone(), config, open::clock())?;
        let rows = connections::list(config, &registry, &|name| vault.has(name), &vault.grants());
        let (waiting, problems) = (store.paused().await, store.problems(true, MOST_PROBLEMS).await);
        store.close();
        let refused = problems?.into_iter().filter(|problem| problem.kind == "grant");
        let refused = refused.map(|problem| (problem.subject, problem.message)).collect();
        Ok(show(&rows, &Beside { waiting: waiting?.into_iter().collect(), refused }, json))
    })
}

/// Connections as they are told.
pub(in crate::cli) fn show(rows: &[ConnectionRow], beside: &Beside, json: bool) -> Answer {
    let waits = |row: &ConnectionRow| beside.waiting.get(&row.name).copied().unwrap_or(0);
    if json {
        let rows = rows.iter().map(|row| {
            let mut shown = machine(row);
            if let Some(object) = shown.as_object_mut() {
                object.insert("waiting_runs".to_owned(), json!(waits(row)));
                object.insert("problem".to_owned(), json!(beside.refused.get(&row.name)));
            }
            shown
        });
        return Answer::json(&rows.collect());
    }
    let is_touched = |row: &&ConnectionRow| {
        let is_open = row.auth.is_none() && row.base_url.is_some();
        row.configured || row.secrets.iter().any(|secret| secret.set) || is_open
    };
    let lines: Vec<Vec<String>> = rows
        .iter()
        .filter(is_touched)
        .map(|row| {
            let base =
                row.base_url.as_deref().unwrap_or(if row.auth == Some("url") { "(a secret)" } else { "not set" });
            vec![
                row.name.clone(),
                row.service.clone(),
                clean(base, 60),
                row.auth.unwrap_or("none").to_owned(),
                row.rate.clone(),
                state(row, waits(row), beside.refused.get(&row.name).map(String::as_str)),
            ]
        })
        .collect();
    let others: Vec<&str> = rows.iter().filter(|row| !is_touched(row)).map(|row| row.name.as_str()).collect();
    let mut text = if lines.is_empty() {
        "No connection has a secret yet.\n".to_owned()
    } else {
        table(&["NAME", "SERVICE", "BASE URL", "AUTH", "RATE", "STATE"], &lines)
    };
    if !others.is_empty() {
        text.push_str(&format!("\nNot set up: {}. What they need: bellwire connections --json\n", others.join(", ")));
    }
    Answer::text(text)
}

/// What is still missing, or how it stands with the grant.
fn state(row: &ConnectionRow, waiting: i64, refused: Option<&str>) -> String {
    let missing: Vec<&str> =
        row.secrets.iter().filter(|secret| !secret.set).map(|secret| secret.name.as_str()).collect();
    if !missing.is_empty() {
        return format!(
            "missing: {} (bellwire secrets set {})",
            missing.join(", "),
            missing.first().copied().unwrap_or_default()
        );
    }
    if row.base_url.is_none() && row.auth != Some("url") {
        return format!("missing: base_url (connections.{} in bellwire.toml)", row.name);
    }
    let Some(grant) = &row.grant else { return "ok".to_owned() };
    let waits = if waiting > 0 { format!("; {waiting} runs wait") } else { String::new() };
    format!("{}{waits}", of_grant(row, grant, refused))
}

fn of_grant(row: &ConnectionRow, grant: &GrantRow, refused: Option<&str>) -> String {
    let name = &row.name;
    let needs_login = grant.state == GrantState::Lost || (grant.state == GrantState::None && !grant.by_itself);
    if let Some(why) = refused.filter(|_| !needs_login) {
        return format!("REFUSED ({})", clean(why, 200));
    }
    match (grant.state, grant.expires_at) {
        (GrantState::Ok, Some(ends)) => format!("ok; the token ends {ends} and is renewed before"),
        (GrantState::Ok, None) => "ok".to_owned(),
        (GrantState::Lost, _) => {
            let why = grant.why.as_deref().map(|why| format!(" ({})", clean(why, 80))).unwrap_or_default();
            format!("LOST{why}; bellwire connections login {name}")
        }
        (GrantState::None, _) if grant.by_itself => "ok; a token is had with the first request".to_owned(),
        (GrantState::None, _) => format!("not logged in; bellwire connections login {name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connections::SecretUse;

    fn row(name: &str, set: bool, grant: Option<GrantState>) -> ConnectionRow {
        ConnectionRow {
            name: name.to_owned(),
            service: "crm".to_owned(),
            base_url: Some("https://crm.example.com".to_owned()),
            auth: Some("oauth2"),
            secrets: vec![SecretUse { name: format!("{name}_id"), set }],
            grant: grant.map(|state| GrantRow {
                by_itself: false,
                state,
                expires_at: None,
                scopes: String::new(),
                changed_at: None,
                why: None,
            }),
            rate: "unlimited".to_owned(),
            configured: false,
        }
    }

    #[test]
    fn what_is_missing_comes_with_the_way_out() {
        let rows = [
            row("a", true, Some(GrantState::Lost)),
            row("b", true, Some(GrantState::None)),
            row("c", true, Some(GrantState::Ok)),
            ConnectionRow { configured: true, ..row("d", false, None) },
            row("e", false, None),
            ConnectionRow { auth: None, secrets: Vec::new(), base_url: None, ..row("f", true, None) },
        ];
        let beside = Beside { waiting: BTreeMap::from([("a".to_owned(), 3)]), ..Beside::default() };
        let text = show(&rows, &beside, false).out;
        assert!(text.contains("LOST; bellwire connections login a; 3 runs wait"), "{text}");
        assert!(text.contains("not logged in; bellwire connections login b"), "{text}");
        assert!(text.contains("missing: d_id (bellwire secrets set d_id)"), "{text}");
        assert!(text.contains("Not set up: e, f."), "{text}");
    }

    #[test]
    fn a_client_that_is_refused_is_not_ok_and_one_that_was_never_asked_needs_no_login() {
        let by_itself = |name: &str, state| {
            let mut row = row(name, true, Some(state));
            row.grant = row.grant.map(|grant| GrantRow { by_itself: true, ..grant });
            row
        };
        let rows =
            [by_itself("a", GrantState::None), by_itself("b", GrantState::None), row("c", true, Some(GrantState::Ok))];
        let refused = ["b", "c"].map(|name| (name.to_owned(), "invalid_client: who are you".to_owned()));
        let beside = Beside { refused: BTreeMap::from(refused), ..Beside::default() };
        let text = show(&rows, &beside, false).out;
        assert!(text.contains("ok; a token is had with the first request") && !text.contains("login"), "{text}");
        assert_eq!(text.matches("REFUSED (invalid_client: who are you)").count(), 2, "{text}");
    }
}
