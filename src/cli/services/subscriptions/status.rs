//! `bellwire services status`: what is subscribed, and where that differs from what should be.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    Status,
    drift::{Drift, drift},
    way::Way,
};
use crate::{
    cli::{
        answer::{Answer, clean, machine},
        connections::Desk,
        failure::Failure,
        open,
        table::table,
    },
    model::Problem,
    store::Subscription,
};

/// The kind of the problem that a difference is.
const KIND: &str = "subscription";

pub(super) async fn status(desk: &Desk, options: &Status) -> Result<Answer, Failure> {
    let mut rows = Vec::new();
    let mut all = Vec::new();
    for way in ways(desk, options).await? {
        let kept = way.kept(None).await?;
        let found = drift(&way, &kept).await?;
        note(&way, &found).await?;
        rows.extend(kept);
        all.extend(found);
    }
    let exit = u8::from(!all.is_empty());
    if options.json {
        return Ok(Answer::json(&json!({ "subscriptions": machine(&rows), "drift": all })).exit(exit));
    }
    Ok(Answer::text(told(&rows, &all)).exit(exit))
}

/// The way that was named, or each that something is subscribed by.
async fn ways<'d>(desk: &'d Desk, options: &Status) -> Result<Vec<Way<'d>>, Failure> {
    let source = options.source.as_deref();
    if let Some(name) = &options.name {
        return Ok(vec![Way::of(desk, name, source)?]);
    }
    let kept = desk.vault.store().subscriptions().await?;
    let keys: BTreeSet<(String, String)> = kept.into_iter().map(|row| (row.connection, row.source)).collect();
    let keys = keys.iter().filter(|(_, known)| source.is_none_or(|source| source == known));
    keys.map(|(connection, source)| Way::of(desk, connection, Some(source))).collect()
}

/// Raises a problem where something differs, and solves it where nothing does.
async fn note(way: &Way<'_>, found: &[Drift]) -> Result<(), Failure> {
    let fingerprint = format!("{KIND}:{}/{}", way.source, way.connection);
    let (store, now) = (way.desk.vault.store(), open::clock().now());
    if found.is_empty() {
        store.solve(&fingerprint, now).await?;
        return Ok(());
    }
    let message = found.iter().map(|one| one.message.as_str()).collect::<Vec<_>>().join("; ");
    let problem = Problem { fingerprint, kind: KIND, subject: way.source.clone(), message };
    Ok(store.raise(problem, now).await?)
}

fn told(rows: &[Subscription], all: &[Drift]) -> String {
    if rows.is_empty() && all.is_empty() {
        return "Nothing is subscribed by `bellwire services subscribe`.".to_owned();
    }
    let cells: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            vec![
                row.source.clone(),
                clean(&row.events.join(", "), 60),
                row.remote.as_ref().map_or_else(|| "none given".to_owned(), |id| clean(id, 40)),
                row.created_at.to_string(),
                clean(row.url.split('?').next().unwrap_or_default(), 80),
            ]
        })
        .collect();
    let mut text =
        if rows.is_empty() { String::new() } else { table(&["SOURCE", "EVENTS", "ID", "SINCE", "ADDRESS"], &cells) };
    for one in all {
        text.push_str(&format!("\n{}: {}\n", one.kind, clean(&one.message, 1000)));
    }
    if all.is_empty() {
        text.push_str("\nAll that rules need is subscribed.\n");
    }
    text
}
