//! The steps of a delivery: known source, unchanged bytes, proof, and only then what they say.

use std::time::Duration;

use rocket::{Data, Request};
use tokio::time::timeout;

use super::{
    answer::Answer,
    body, generic,
    kept::Parts,
    source::{Service, Way, find},
    state::Intake,
};
use crate::{
    clock::Time,
    model::{EventFlags, RefusalReason, RunStatus},
    secret::Secret,
    services::{self, Bodies, Refused},
    starts::{DEEPEST, Fresh, InForce, echo_of, started},
    store::{Accepted, Dedupe, NewEvent, VaultError},
    value::{Object, Value},
    web::Fault,
};

/// How long the store may take before the sender is told to come again. What it has in hand may still be kept: the next delivery is then a
/// duplicate.
const PATIENCE: Duration = Duration::from_millis(4_500);

/// What a sender is told where a secret is not there or does not open: which one is for the operator alone.
const UNCHECKED: &str = "this source cannot check deliveries for now";

/// A delivery that is refused.
pub(super) struct Refusal {
    pub(super) fault: Box<Fault>,
    /// The word that is counted and kept. The fault's own may say less: who guesses must not learn what was right.
    pub(super) reason: RefusalReason,
    pub(super) detail: String,
    pub(super) bytes: u64,
    /// The source is one of ours.
    pub(super) known: bool,
}

/// A delivery that was accepted, for its log line.
pub(super) struct Done {
    pub(super) answer: Answer,
    pub(super) kind: String,
    pub(super) runs: usize,
    pub(super) bytes: u64,
}

impl Refusal {
    fn of(fault: Fault, bytes: u64, known: bool) -> Self {
        Self { reason: fault.code, detail: fault.message.to_string(), fault: Box::new(fault), bytes, known }
    }
}

/// Takes one delivery.
pub(super) async fn take(
    intake: &Intake,
    source: &str,
    path: &[&str],
    request: &Request<'_>,
    data: Data<'_>,
) -> Result<Done, Refusal> {
    let state = &intake.state;
    let settings = state.config.sources.get(source);
    let most = settings.and_then(|settings| settings.max_body).unwrap_or(state.config.limits.body);
    let body = body::read(request, data, most).await.map_err(|(fault, bytes)| Refusal::of(fault, bytes, false))?;
    let bytes = u64::try_from(body.len()).unwrap_or(u64::MAX);
    let parts = Parts::of(request);
    if parts.headers.iter().any(|(name, value)| name == "content-encoding" && !value.eq_ignore_ascii_case(b"identity"))
    {
        return Err(Refusal::of(Fault::ENCODED, bytes, false));
    }
    let in_force = (state.in_force)();
    let now = state.clock.now();
    let way = find(&state.config, &in_force.registry, &state.vault, source);
    let taken = match way {
        None => return Err(Refusal { reason: "unknown_source", ..Refusal::of(Fault::NOT_FOUND, bytes, false) }),
        Some(Way::Broken(why)) => {
            intake.alerts.raise(source, &why);
            let fault = Fault::new(503, "source_broken", "this source cannot take deliveries for now").after(60);
            return Err(Refusal { detail: why, ..Refusal::of(fault, bytes, true) });
        }
        Some(Way::Public) => of_public(intake, source, path, &parts, body, now),
        Some(Way::Service(service)) => of_service(intake, &in_force, source, path, &service, &parts, body, now),
    };
    let taken = taken.map_err(|refusal| Refusal { bytes, known: true, ..refusal })?;
    let taken = know_own(intake, taken, now).await;
    if taken.depth > DEEPEST {
        return Err(Refusal::of(Fault::LOOP, bytes, true));
    }
    let event = started(&state.config, &state.ids, &in_force, taken, now);
    store(intake, event, bytes).await
}

/// Whether one of our own actions caused the delivery: it is then one deeper than the event that the action was for. An echo that cannot
/// be looked up is none, and never refuses a delivery.
async fn know_own(intake: &Intake, taken: Fresh, now: Time) -> Fresh {
    let Some(echo) = &taken.echo else { return taken };
    match intake.state.store.echo_depth(echo, now).await {
        Ok(Some(depth)) => Fresh {
            own: true,
            depth: taken.depth.max(depth.saturating_add(1)),
            flags: taken.flags.and(EventFlags::OWN),
            ..taken
        },
        Ok(None) => taken,
        Err(error) => {
            tracing::debug!(%error, source = taken.source, "whether a delivery is an echo of ours cannot be told");
            taken
        }
    }
}

fn of_public(
    intake: &Intake,
    source: &str,
    path: &[&str],
    parts: &Parts,
    body: Vec<u8>,
    now: Time,
) -> Result<Fresh, Refusal> {
    let event = match path {
        [] => None,
        [event] => Some(*event),
        _ => return Err(Refusal::of(Fault::NOT_FOUND, 0, true)),
    };
    let window = intake.state.config.limits.dedupe;
    let settings = intake.state.config.sources.get(source);
    let bodies =
        settings.map_or(Bodies::DEFAULT, |settings| Bodies::of_source(&settings.body).with_files(settings.files));
    let read =
        generic::read(source, event, bodies, parts, &body, now, window).map_err(|fault| Refusal::of(fault, 0, true))?;
    let mut meta = parts.kept(&[]);
    read.reading.keep(&mut meta);
    Ok(Fresh {
        kind: read.kind,
        source: source.to_owned(),
        service: None,
        verified: String::new(),
        depth: parts.depth(),
        own: false,
        echo: None,
        flags: read.flags,
        event: read.event,
        meta,
        body,
        dictionary: std::sync::Arc::default(),
        dedupe: read.dedupe,
    })
}

#[expect(
    clippy::too_many_arguments,
    reason = "each is another thing, and no two are of one type that could be mixed up"
)]
fn of_service(
    intake: &Intake,
    in_force: &InForce,
    source: &str,
    path: &[&str],
    service: &Service,
    parts: &Parts,
    body: Vec<u8>,
    now: Time,
) -> Result<Fresh, Refusal> {
    let state = &intake.state;
    let secrets = service.secrets(&state.vault).map_err(|error| {
        intake.alerts.raise(source, &error.to_string());
        let code = if matches!(error, VaultError::Missing(_)) { "secret_missing" } else { "secret_unhealthy" };
        let fault = Fault::new(503, code, UNCHECKED).after(60);
        Refusal { detail: error.to_string(), ..Refusal::of(fault, 0, true) }
    })?;
    let Some(hook) = &service.pack.hook else { return Err(Refusal::of(Fault::NOT_FOUND, 0, true)) };
    let path: Vec<String> = path.iter().map(|part| (*part).to_owned()).collect();
    let request = services::Request { headers: &parts.headers, query: &parts.query, path: &path, body: &body };
    let named = |name: &str| -> Vec<Secret> {
        secrets.iter().filter(|(known, _)| *known == name).map(|(_, secret)| secret.clone()).collect()
    };
    let verified = hook.verify(&request, &named, now).map_err(refused)?;
    let mut meta = parts.kept(&hook.hidden());
    let nothing = Object::new();
    let headers = meta.get("headers").and_then(Value::as_object).unwrap_or(&nothing);
    let files = state.config.sources.get(source).is_some_and(|settings| settings.files);
    let bodies = hook.body.with_files(files);
    let read = hook.read_as(bodies, &service.pack, source, &request, headers, now).map_err(refused)?;
    read.reading.keep(&mut meta);
    let pack = &service.pack;
    let kind = format!("{}.{}", pack.name, read.event);
    let dictionary = intake.dictionaries.of(&in_force.registry, pack, &read.event, &kind);
    Ok(Fresh {
        kind,
        source: source.to_owned(),
        service: Some(pack.name.clone()),
        verified: verified.to_owned(),
        depth: parts.depth(),
        own: false,
        echo: read.echo.map(|echo| echo_of(&pack.name, &echo)),
        flags: read.flags,
        event: services::payload(read.body, read.fields),
        meta,
        dictionary,
        dedupe: Some(Dedupe { key: read.dedupe, digest: read.digest, expires: now.plus(state.config.limits.dedupe) }),
        body,
    })
}

/// A pack's refusal. What it says is for the operator; a 404 looks like one of a source that does not exist.
fn refused(refused: Refused) -> Refusal {
    let fault = match refused.status {
        404 => Fault::NOT_FOUND,
        status @ 400 => Fault::new(status, refused.reason, "the delivery cannot be read"),
        status @ 503 => Fault::new(status, refused.reason, UNCHECKED).after(60),
        status @ 401 => Fault::new(status, refused.reason, "the delivery's proof is missing or does not hold"),
        status => Fault { code: refused.reason, ..Fault::of_status(status) },
    };
    Refusal { fault: Box::new(fault), reason: refused.reason, detail: refused.detail, bytes: 0, known: true }
}

/// Stores the event; the answer is right only once that is durable.
async fn store(intake: &Intake, event: NewEvent, bytes: u64) -> Result<Done, Refusal> {
    let state = &intake.state;
    let (id, kind, runs) = (event.id, event.kind.clone(), event.runs.len());
    let has_work = event.runs.iter().any(|run| run.status != RunStatus::Failed);
    let busy = |detail: String| Refusal { detail, reason: "store_busy", ..Refusal::of(Fault::BUSY, bytes, true) };
    match timeout(PATIENCE, state.store.accept(event)).await {
        Ok(Ok(Accepted::New { .. })) => {
            if has_work {
                state.wake.ring();
            }
            Ok(Done { answer: Answer::Accepted(id), kind, runs, bytes })
        }
        Ok(Ok(Accepted::Duplicate { first })) => Ok(Done { answer: Answer::Duplicate(first), kind, runs: 0, bytes }),
        Ok(Err(error)) => Err(busy(error.to_string())),
        Err(_) => {
            // It may be committed yet, and then its runs are waiting.
            state.wake.ring();
            Err(busy("the store took longer than 4.5 s".to_owned()))
        }
    }
}
