//! `bellwire services list`: every pack, a line each.

use std::path::Path;

use clap::Args;
use serde_json::json;

use super::standing::{From, Standing, broken, state};
use crate::{
    app,
    cli::{
        answer::{Answer, clean, machine},
        failure::Failure,
        open,
        table::table,
    },
    services::{Pack, WayIn},
};

/// Letters of a title, so that a line fits into 80.
const TITLE: usize = 20;

/// Below the table.
pub(in crate::cli) const MORE: &str = "\nHow to connect one, and what it offers: bellwire services show NAME\n";

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire services list\n  bellwire services list --json | jq -r '.[].name'\n  \
    bellwire services show groove          how to connect one, and what it offers\n\n\
    IN is its webhook, OUT its actions: `ready`, or what is missing. A pack of the workspace (templates/services/NAME.yaml)\n\
    stands for a built-in one of its name."
)]
pub(in crate::cli) struct List {
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

pub(super) fn run(workspace: &Path, options: &List) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    let registry = app::check(&config).registry;
    let standing = Standing::read(&config, &registry)?;
    let broken = broken(&config, &registry);
    let packs: Vec<&Pack> = registry.packs.values().map(AsRef::as_ref).collect();
    if options.json {
        let mut rows: Vec<serde_json::Value> = packs.iter().map(|pack| as_json(pack, &standing)).collect();
        rows.extend(broken.iter().map(|name| json!({"name": name, "from": "workspace", "broken": true})));
        return Ok(Answer::json(&rows.into()));
    }
    Ok(Answer::text(as_text(&packs, &standing, &broken)))
}

fn as_json(pack: &Pack, standing: &Standing) -> serde_json::Value {
    let connections: Vec<serde_json::Value> = standing.connections_of(&pack.name).map(machine).collect();
    json!({
        "name": pack.name, "title": pack.title, "from": standing.from(&pack.name), "broken": false,
        "events": pack.events.keys().collect::<Vec<_>>(), "actions": pack.actions.keys().collect::<Vec<_>>(),
        "in": way_in(pack, standing), "out": way_out(pack, standing),
        "sources": standing.sources_of(&pack.name), "connections": connections,
    })
}

/// How it stands with its deliveries. `None`: it sends none.
fn way_in(pack: &Pack, standing: &Standing) -> Option<&'static str> {
    best(standing.sources_of(&pack.name).iter().map(WayIn::state))
}

/// How it stands with its actions. `None`: it has none.
fn way_out(pack: &Pack, standing: &Standing) -> Option<&'static str> {
    if pack.actions.is_empty() {
        return None;
    }
    best(standing.connections_of(&pack.name).map(state))
}

/// `ready` where one of them is; else what is said of the first.
fn best(states: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let states: Vec<&str> = states.collect();
    states.iter().find(|state| **state == "ready").or(states.first()).copied()
}

/// What the table says of a service.
pub(in crate::cli) struct Row {
    pub(in crate::cli) name: String,
    pub(in crate::cli) title: String,
    pub(in crate::cli) events: usize,
    pub(in crate::cli) actions: usize,
    /// How it stands with its deliveries. `None`: it sends none.
    pub(in crate::cli) way_in: Option<String>,
    /// How it stands with its actions. `None`: it has none.
    pub(in crate::cli) way_out: Option<String>,
}

/// The table of services.
pub(in crate::cli) fn rows_as_text(rows: impl Iterator<Item = Row>) -> String {
    let number = |count: usize| if count == 0 { "-".to_owned() } else { count.to_string() };
    let way = |state: Option<String>| state.map_or_else(|| "-".to_owned(), |state| clean(&state, 40));
    let cells = |row: Row| {
        vec![
            clean(&row.name, 60),
            clean(&row.title, TITLE),
            number(row.events),
            number(row.actions),
            way(row.way_in),
            way(row.way_out),
        ]
    };
    let rows: Vec<Vec<String>> = rows.map(cells).collect();
    table(&["NAME", "TITLE", "EVENTS", "ACTIONS", "IN", "OUT"], &rows)
}

fn as_text(packs: &[&Pack], standing: &Standing, broken: &[String]) -> String {
    let rows = packs.iter().map(|pack| Row {
        name: pack.name.clone(),
        title: pack.title.clone(),
        events: pack.events.len(),
        actions: pack.actions.len(),
        way_in: way_in(pack, standing).map(str::to_owned),
        way_out: way_out(pack, standing).map(str::to_owned),
    });
    let mut text = rows_as_text(rows);
    let mut own = Vec::new();
    for pack in packs {
        match standing.from(&pack.name) {
            From::BuiltIn => {}
            From::Workspace => own.push(pack.name.clone()),
            From::Replaced => own.push(format!("{} (replaces the built-in one)", pack.name)),
        }
    }
    if !own.is_empty() {
        text.push_str(&super::wrap::wrapped("\nOf this workspace: ", "  ", &own.join(", ")));
    }
    for name in broken {
        text.push_str(&format!("\n{} is wrong: bellwire check names what.\n", clean(name, 60)));
    }
    text.push_str(MORE);
    text
}
