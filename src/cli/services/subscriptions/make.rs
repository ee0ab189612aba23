//! `bellwire services subscribe`: webhooks are set up one after the other, and each that stands is kept at once.

use std::{collections::BTreeSet, time::Duration};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::json;

use super::{
    Subscribe,
    ask::{Not, values},
    way::{Way, inputs_of, written},
};
use crate::{
    cli::{
        answer::{Answer, clean},
        connections::Desk,
        failure::Failure,
        open,
    },
    secret::Secret,
    services::Each,
    store::Subscription,
    value::{Object, Value},
};

/// Bytes of a token that is made.
const TOKEN: usize = 32;
/// As long as deliveries are taken that a service has signed with the secret before: those that it tries again.
const OVERLAP: Duration = Duration::from_hours(24);

pub(super) async fn subscribe(desk: &Desk, options: &Subscribe) -> Result<Answer, Failure> {
    let way = Way::of(desk, &options.name, options.source.as_deref())?;
    let inputs = way.inputs(&options.inputs)?;
    let wanted = if options.events.is_empty() { way.needed() } else { way.named(&options.events)? };
    if wanted.is_empty() {
        return Err(Failure::No(format!(
            "no enabled rule hears an event of {}; name events: {}",
            way.pack.title,
            way.events_known()
        )));
    }
    // Before a secret is made: without an address there is no use for it.
    way.address(None, None)?;
    let kept = way.kept(Some(&inputs)).await?;
    let wishes = wishes(&way, &wanted, &kept, options.force)?;
    if options.dry {
        return dry(&way, &inputs, &wishes);
    }
    let mut told = Told::default();
    if !wishes.is_empty() {
        told.lines.extend(ready_secret(&way).await?);
    }
    for row in &kept {
        let here = row.events.iter().filter(|event| wanted.contains(*event)).cloned().collect::<Vec<_>>().join(", ");
        if here.is_empty() || options.force {
            continue;
        }
        let first = row.events.first().map(String::as_str);
        let token = way.token();
        let token = token.as_ref().map(Secret::expose);
        let same = row.digest == Way::digest(&way.address(first, token)?, token);
        match (same, row.certain) {
            (true, true) => told.lines.push(format!("{here}: subscribed already, since {}", row.created_at)),
            (false, _) => told.bad(format!(
                "{here}: subscribed already, with an address or secret that is ours no more; --force sets it up anew"
            )),
            (_, false) => told.bad(format!("{here}: perhaps subscribed: no answer came then; --force sets it up anew")),
        }
    }
    let mut left = wishes.iter();
    for wish in left.by_ref() {
        match one(&way, &inputs, &kept, wish, &mut told).await? {
            Some(not) if not.is_of_all() => break,
            _ => {}
        }
    }
    for wish in left {
        told.bad(format!("{}: not tried", wish.join(", ")));
    }
    if told.failed > 0 {
        told.lines.push("What was subscribed is kept; the same command again does what is missing.".to_owned());
    }
    Ok(Answer::text(told.lines.join("\n")).exit(u8::from(told.failed > 0)))
}

#[derive(Default)]
struct Told {
    lines: Vec<String>,
    failed: usize,
}

impl Told {
    fn bad(&mut self, line: String) {
        self.failed += 1;
        self.lines.push(line);
    }
}

/// The events of each webhook that is to be set up.
fn wishes(
    way: &Way<'_>,
    wanted: &BTreeSet<String>,
    kept: &[Subscription],
    force: bool,
) -> Result<Vec<Vec<String>>, Failure> {
    let there: BTreeSet<&String> = kept.iter().flat_map(|row| &row.events).collect();
    let missing: Vec<String> = wanted.iter().filter(|event| force || !there.contains(event)).cloned().collect();
    if way.subscribe.each == Each::Event {
        return Ok(missing.into_iter().map(|event| vec![event]).collect());
    }
    if missing.is_empty() {
        return Ok(Vec::new());
    }
    if force {
        let all: BTreeSet<String> = missing.into_iter().chain(there.into_iter().cloned()).collect();
        return Ok(vec![all.into_iter().collect()]);
    }
    if way.subscribe.secret.is_some() && !kept.is_empty() {
        return Err(Failure::No(format!(
            "{} has a webhook of ours for other events, and would sign a second one with another secret; --force puts one for all of \
             them in its place",
            way.pack.title
        )));
    }
    Ok(vec![missing])
}

/// Makes the secret that deliveries are verified with where there is none. What to tell of it.
async fn ready_secret(way: &Way<'_>) -> Result<Option<String>, Failure> {
    let Some(name) = &way.secret else { return Ok(None) };
    let vault = &way.desk.vault;
    if way.subscribe.secret.is_some() {
        if way.desk.config.secrets.environment.contains_key(name) {
            return Err(Failure::No(format!(
                "{} gives the secret `{name}` itself, and the one in the environment would count before it; take it out of the environment",
                way.pack.title
            )));
        }
        return Ok(None);
    }
    if vault.has(name) {
        vault.get(name)?;
        return Ok(None);
    }
    let mut bytes = zeroize::Zeroizing::new([0; TOKEN]);
    getrandom::fill(&mut *bytes).map_err(|error| Failure::Storage(format!("no random numbers: {error}")))?;
    vault.set(name, Secret::new(URL_SAFE_NO_PAD.encode(*bytes)), Vec::new()).await?;
    way.desk.keep("secret.set", name, json!({ "of": way.source })).await?;
    Ok(Some(format!("secret {name} was not set: one was made")))
}

/// The address of a webhook, and what its request's templates see.
#[expect(clippy::type_complexity, reason = "a list of names with their values")]
fn ready<'v>(
    way: &Way<'_>,
    inputs: &'v Object,
    events: &[String],
    token: Option<&str>,
) -> Result<(String, Vec<(&'v str, Value)>), Failure> {
    let first = events.first().map(String::as_str);
    let address = way.address(first, token)?;
    let theirs: Vec<Value> = events.iter().map(|event| way.subscribe.theirs(event).into()).collect();
    let more = vec![
        ("event", first.map_or(Value::Null, |event| way.subscribe.theirs(event).into())),
        ("events", Value::Array(theirs)),
        ("url", address.as_str().into()),
        ("secret", token.map_or(Value::Null, Value::from)),
    ];
    Ok((address, values(inputs, more)))
}

fn dry(way: &Way<'_>, inputs: &Object, wishes: &[Vec<String>]) -> Result<Answer, Failure> {
    let mut lines = Vec::new();
    for events in wishes {
        let shown = way.secret.as_ref().map(|name| format!("[secret {name}]"));
        let (_, values) = ready(way, inputs, events, shown.as_deref())?;
        let request =
            way.request(&way.subscribe.create, &values).map_err(|not| Failure::No(not.message().to_owned()))?;
        let crate::actions::Target::Connection { name, path, .. } = &request.target else { continue };
        let body = request.body.unwrap_or_default().replace("%5B", "[").replace("%5D", "]").replace("%20", " ");
        lines.push(format!("{}: {} {path} through {name}: {}", events.join(", "), request.method, clean(&body, 4000)));
    }
    if lines.is_empty() {
        lines.push("Nothing would be sent: all of it is subscribed.".to_owned());
    }
    Ok(Answer::text(lines.join("\n")))
}

/// Sets one webhook up. What kept it from standing.
async fn one(
    way: &Way<'_>,
    inputs: &Object,
    kept: &[Subscription],
    events: &[String],
    told: &mut Told,
) -> Result<Option<Not>, Failure> {
    let names = events.join(", ");
    for row in kept.iter().filter(|row| row.events.iter().any(|event| events.contains(event))) {
        match super::unmake::remove(way, row, &inputs_of(row)).await {
            Ok(true) => drop(way.desk.vault.store().forget_subscription(row).await?),
            Ok(false) => told.lines.push(format!(
                "{}: the one before stays at {}, which gave no id of it; {}",
                row.events.join(", "),
                way.pack.title,
                super::unmake::by_hand(way)
            )),
            Err(not) => {
                told.bad(format!("{names}: the one before cannot be removed: {}", clean(not.message(), 600)));
                return Ok(Some(not));
            }
        }
    }
    let token = way.token();
    let token = token.as_ref().map(Secret::expose);
    let (address, values) = ready(way, inputs, events, token)?;
    let came = way.ask(&way.subscribe.create, &values).await;
    let mut row = Subscription {
        source: way.source.clone(),
        connection: way.connection.clone(),
        inputs: written(inputs),
        events: events.to_vec(),
        remote: None,
        url: way.masked(&address),
        digest: Way::digest(&address, token),
        answer: "null".to_owned(),
        created_at: open::clock().now(),
        certain: true,
    };
    match came {
        Ok(whole) => {
            if let (Some(place), Some(name)) = (&way.subscribe.secret, &way.secret) {
                let Some(given) = place.find(&whole).and_then(Value::as_str) else {
                    return Err(Failure::No(format!(
                        "{} has answered yes and given no secret at `{place}`; set {name} by hand",
                        way.pack.title
                    )));
                };
                way.desk.vault.rotate(name, Secret::new(given.to_owned()), Vec::new(), OVERLAP).await?;
                way.desk.keep("secret.set", name, json!({ "of": way.source })).await?;
            }
            row.remote = remote_id(way, &whole, &values);
            row.answer = way.masked(&way.subscribe.result.find(&whole).unwrap_or(&Value::Null).to_string());
            let id = row.remote.as_ref().map_or_else(
                || format!("{} gave no id of it", way.pack.title),
                |id| format!("its id is {}", clean(id, 100)),
            );
            told.lines.push(format!("{names}: subscribed at {}; {id}", clean(&row.url, 300)));
            let after = json!({ "events": row.events, "url": row.url });
            way.desk.vault.store().keep_subscription(row).await?;
            way.desk.keep("source.subscribe", &way.source, after).await?;
            Ok(None)
        }
        Err(not) => {
            if matches!(not, Not::Unknown(_)) {
                row.certain = false;
                let after = json!({ "events": row.events, "url": row.url, "certain": false });
                way.desk.vault.store().keep_subscription(row).await?;
                way.desk.keep("source.subscribe", &way.source, after).await?;
            }
            told.bad(format!("{names}: FAILED: {}", clean(not.message(), 600)));
            Ok(Some(not))
        }
    }
}

/// The service's id: a text or number at one of the pack's places; of an address the last part, unless that is the address of all.
fn remote_id(way: &Way<'_>, whole: &Value, values: &[(&str, Value)]) -> Option<String> {
    let request = way.request(&way.subscribe.create, values).ok()?;
    let all = match &request.target {
        crate::actions::Target::Connection { path, .. } => {
            path.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned()
        }
        crate::actions::Target::Url(_) => String::new(),
    };
    way.subscribe.id.iter().find_map(|place| {
        let text = match place.find(whole)? {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        let last = text.split(['?', '#']).next()?.trim_end_matches('/').rsplit('/').next()?;
        (!last.is_empty() && last != all).then(|| last.to_owned())
    })
}
