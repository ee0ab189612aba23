//! `bellwire services unsubscribe`: webhooks are taken away where the service gave an id of them.

use serde_json::json;

use super::{
    Unsubscribe,
    ask::{Not, values},
    way::{Way, inputs_of},
};
use crate::{
    cli::{
        answer::{Answer, clean},
        connections::Desk,
        failure::Failure,
    },
    services::Each,
    store::Subscription,
    value::Object,
};

pub(super) async fn unsubscribe(desk: &Desk, options: &Unsubscribe) -> Result<Answer, Failure> {
    let way = Way::of(desk, &options.name, options.source.as_deref())?;
    let inputs = if options.inputs.is_empty() { None } else { Some(way.inputs(&options.inputs)?) };
    let named = way.named(&options.events)?;
    let mut kept = way.kept(inputs.as_ref()).await?;
    kept.retain(|row| named.is_empty() || row.events.iter().any(|event| named.contains(event)));
    if kept.is_empty() {
        return Err(Failure::No(format!("nothing of that is subscribed at {} by us", way.pack.title)));
    }
    let part = kept.iter().find(|row| {
        way.subscribe.each == Each::All && !named.is_empty() && !row.events.iter().all(|event| named.contains(event))
    });
    if let Some(row) = part {
        return Err(Failure::No(format!(
            "one webhook is for {} together; name all of them, or none for all",
            row.events.join(", ")
        )));
    }
    let mut lines = Vec::new();
    let mut failed = false;
    for row in &kept {
        let heard = row.events.join(", ");
        let forgotten = if options.forget { "; forgotten here" } else { "" };
        let line = match remove(&way, row, &inputs_of(row)).await {
            Ok(true) => format!("{heard}: unsubscribed"),
            Ok(false) => {
                failed |= !options.forget;
                let forget = if options.forget { "" } else { ", then forget it here with --forget" };
                format!("{heard}: {} gave no id of it; {}{forget}{forgotten}", way.pack.title, by_hand(&way))
            }
            Err(not) => {
                failed |= !options.forget;
                format!("{heard}: FAILED: {}{forgotten}", clean(not.message(), 600))
            }
        };
        if options.forget || line.ends_with(": unsubscribed") {
            way.desk.vault.store().forget_subscription(row).await?;
            let after = json!({ "events": row.events, "forgotten": options.forget });
            way.desk.keep("source.unsubscribe", &way.source, after).await?;
        }
        lines.push(line);
    }
    Ok(Answer::text(lines.join("\n")).exit(u8::from(failed)))
}

/// How a person removes it.
pub(super) fn by_hand(way: &Way<'_>) -> String {
    let place = way.subscribe.by_hand.as_ref().map(|place| format!(" ({place})")).unwrap_or_default();
    format!("remove it there by hand{place}")
}

/// Takes one away at the service. False: it gave no id, or its pack knows no way. One that is gone already is taken away.
pub(super) async fn remove(way: &Way<'_>, row: &Subscription, inputs: &Object) -> Result<bool, Not> {
    let (Some(id), Some(action)) = (&row.remote, &way.subscribe.remove) else { return Ok(false) };
    match way.ask(action, &values(inputs, vec![("id", id.as_str().into())])).await {
        Ok(_) | Err(Not::Refused { status: Some(404 | 410), .. }) => Ok(true),
        Err(not) => Err(not),
    }
}
