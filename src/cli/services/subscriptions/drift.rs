//! What is and what should be: where webhooks at a service differ from what rules need and from where we are.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    ask::values,
    way::{Way, inputs_of},
};
use crate::{
    cli::{answer::clean, failure::Failure},
    secret::Secret,
    services::{Each, Listing},
    store::Subscription,
    value::{Path, Value},
};

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub(super) struct Drift {
    pub(super) source: String,
    /// `missing`, `unheard`, `address`, `uncertain`, `gone`, `inactive`, `elsewhere`, `other_events` or `unanswered`.
    pub(super) kind: &'static str,
    pub(super) events: Vec<String>,
    pub(super) message: String,
}

/// All differences of a way.
pub(super) async fn drift(way: &Way<'_>, kept: &[Subscription]) -> Result<Vec<Drift>, Failure> {
    let mut all = here(way, kept)?;
    let Some(list) = &way.subscribe.list else { return Ok(all) };
    let mut by_inputs: BTreeMap<&str, Vec<&Subscription>> = BTreeMap::new();
    for row in kept {
        by_inputs.entry(&row.inputs).or_default().push(row);
    }
    for rows in by_inputs.values() {
        let inputs = rows.first().map(|row| inputs_of(row)).unwrap_or_default();
        match way.ask(&list.action, &values(&inputs, Vec::new())).await {
            Ok(whole) => {
                let items = list.items.find(&whole).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
                all.extend(rows.iter().filter_map(|row| there(way, list, row, items)));
            }
            Err(not) => {
                let message = format!("{} does not say what it has: {}", way.pack.title, clean(not.message(), 600));
                all.push(Drift { source: way.source.clone(), kind: "unanswered", events: Vec::new(), message });
            }
        }
    }
    Ok(all)
}

/// What can be told without asking the service.
fn here(way: &Way<'_>, kept: &[Subscription]) -> Result<Vec<Drift>, Failure> {
    let title = &way.pack.title;
    let again = format!("`bellwire services subscribe {}", way.connection);
    let mut all = Vec::new();
    let mut add = |kind, events: Vec<String>, message| {
        if !events.is_empty() {
            all.push(Drift { source: way.source.clone(), kind, events, message });
        }
    };
    let needed = way.needed();
    let there: BTreeSet<&String> = kept.iter().flat_map(|row| &row.events).collect();
    let missing: Vec<String> = needed.iter().filter(|event| !there.contains(event)).cloned().collect();
    let message = format!("rules hear {}, which {title} is not asked for: {again}`", missing.join(", "));
    add("missing", missing, message);
    let unheard: Vec<String> =
        there.iter().filter(|event| !needed.contains(**event)).map(|event| (*event).clone()).collect();
    let message = format!("no enabled rule hears {}, which {title} is asked for", unheard.join(", "));
    add("unheard", unheard, message);
    let token = way.token();
    for row in kept {
        let event = row.events.first().map(String::as_str);
        let names = row.events.join(", ");
        let token = token.as_ref().map(Secret::expose);
        if row.digest != Way::digest(&way.address(event, token)?, token) {
            let was = row.url.split('?').next().unwrap_or_default();
            let message = format!(
                "{names} goes to {}, and our address or secret is another by now: {again} --force`",
                clean(was, 300)
            );
            add("address", row.events.clone(), message);
        }
        if !row.certain {
            let message = format!(
                "whether {names} stands at {title} is unknown, since no answer came: look there, then {again} --force`"
            );
            add("uncertain", row.events.clone(), message);
        }
    }
    Ok(all)
}

/// What the service's list says of one of ours.
fn there(way: &Way<'_>, list: &Listing, row: &Subscription, items: &[Value]) -> Option<Drift> {
    let remote = row.remote.as_ref()?;
    let title = &way.pack.title;
    let names = row.events.join(", ");
    let again = format!("`bellwire services subscribe {} --force`", way.connection);
    let of = |kind, message| Some(Drift { source: way.source.clone(), kind, events: row.events.clone(), message });
    let Some(item) = items.iter().find(|item| text(&list.id, item).as_ref() == Some(remote)) else {
        return of("gone", format!("{title} has the webhook for {names} no more: {again}"));
    };
    if let Some((place, wanted)) = &list.active
        && place.find(item) != Some(wanted)
    {
        return of(
            "inactive",
            format!("{title} has switched the webhook for {names} off: switch it on there, or {again}"),
        );
    }
    if text(&list.url, item).is_none_or(|url| way.masked(&url) != row.url) {
        return of("elsewhere", format!("the webhook for {names} at {title} goes to another address: {again}"));
    }
    let place = list.events.as_ref()?;
    let found = match place.find(item) {
        Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(Value::String(one)) => vec![one.clone()],
        _ => Vec::new(),
    };
    let found: BTreeSet<String> = found.into_iter().collect();
    let wanted: BTreeSet<String> = row.events.iter().map(|event| way.subscribe.theirs(event).to_owned()).collect();
    if found.contains("*") || wanted.is_subset(&found) {
        return None;
    }
    let each = if way.subscribe.each == Each::All { "all of " } else { "" };
    of("other_events", format!("the webhook at {title} is not for {each}{names} any more: {again}"))
}

fn text(place: &Path, item: &Value) -> Option<String> {
    match place.find(item)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
