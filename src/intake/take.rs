//! The steps of a delivery: known source, unchanged bytes, proof, and only then what they say.

use std::time::Duration;

use rocket::{Data, Request};
use tokio::time::timeout;

use super::{
    answer::Answer,
    body, generic,
    kept::Parts,
    proof::prove,
    source::{Service, Way, find},
    state::Intake,
};
use crate::{
    clock::Time,
    model::{EventFlags, RefusalReason, RunStatus},
    services::{self, Bodies, Proof, Refused, TokenPlace, Verify},
    starts::{DEEPEST, Fresh, InForce, echo_of, started},
    store::{Accepted, Dedupe, NewEvent, PEER},
    value::{Object, Value},
    web::{Fault, peer_of},
};

/// How long the store may take before the sender is told to come again. What it has in hand may still be kept: the next delivery is then a
/// duplicate.
const PATIENCE: Duration = Duration::from_millis(4_500);

/// What a sender is told where a secret is not there or does not open: which one is for the operator alone.
pub(super) const UNCHECKED: &str = "this source cannot check deliveries for now";

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
    pub(super) fn of(fault: Fault, bytes: u64, known: bool) -> Self {
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
    let way = find(&state.config, &intake.generics, &in_force.registry, &state.vault, source);
    let came = Came { intake, source, path, request, parts: &parts, now };
    let taken = match way {
        None => return Err(Refusal { reason: "unknown_source", ..Refusal::of(Fault::NOT_FOUND, bytes, false) }),
        Some(Way::Broken(why)) => {
            intake.alerts.raise(source, &why);
            let fault = Fault::new(503, "source_broken", "this source cannot take deliveries for now").after(60);
            return Err(Refusal { detail: why, ..Refusal::of(fault, bytes, true) });
        }
        Some(Way::Public) => of_generic(&came, None, body).map(Taken::event),
        Some(Way::Checked(service)) => of_checked(&came, &service, body),
        Some(Way::Service(service)) => of_service(&came, &in_force, &service, body),
    };
    let taken = match taken.map_err(|refusal| Refusal { bytes, known: true, ..refusal })? {
        Taken::Event(fresh) => *fresh,
        Taken::Answered(text) => {
            return Ok(Done { answer: Answer::Challenge(text), kind: String::new(), runs: 0, bytes });
        }
    };
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

/// A delivery as it came, but for its body.
pub(super) struct Came<'c, 'r> {
    pub(super) intake: &'c Intake,
    pub(super) source: &'c str,
    pub(super) path: &'c [&'c str],
    pub(super) request: &'c Request<'r>,
    pub(super) parts: &'c Parts,
    pub(super) now: Time,
}

/// What came of a delivery that holds.
enum Taken {
    Event(Box<Fresh>),
    /// A handshake, with what it is answered with.
    Answered(String),
}

impl Taken {
    fn event(fresh: Fresh) -> Self {
        Self::Event(Box::new(fresh))
    }
}

/// A delivery to a generic source; `proof` and the names of what holds it, where it was checked.
fn of_generic(came: &Came<'_, '_>, proof: Option<(Proof, &[&str], usize)>, body: Vec<u8>) -> Result<Fresh, Refusal> {
    let in_path = proof.as_ref().map_or(0, |(_, _, taken)| *taken);
    let event = match came.path.get(in_path..).unwrap_or_default() {
        [] => None,
        [event] => Some(*event),
        _ => return Err(Refusal::of(Fault::NOT_FOUND, 0, true)),
    };
    let config = &came.intake.state.config;
    let window = config.limits.dedupe;
    let settings = config.sources.get(came.source);
    let bodies =
        settings.map_or(Bodies::DEFAULT, |settings| Bodies::of_source(&settings.body).with_files(settings.files));
    let read = generic::read(came.source, event, bodies, came.parts, &body, came.now, window)
        .map_err(|fault| Refusal::of(fault, 0, true))?;
    let dedupe = match &proof {
        Some((proof, _, _)) => generic::signed_dedupe(proof, &read.kind, &body, came.now, window, read.dedupe),
        None => read.dedupe,
    };
    let verified = proof.as_ref().map(|(proof, _, _)| proof.form).filter(|form| *form != "none").unwrap_or_default();
    let mut meta = came.parts.kept(proof.as_ref().map_or(&[], |(_, hidden, _)| hidden));
    read.reading.keep(&mut meta);
    meta.insert(PEER.to_owned(), peer_of(came.request).into());
    Ok(Fresh {
        kind: read.kind,
        source: came.source.to_owned(),
        service: None,
        verified: verified.to_owned(),
        depth: came.parts.depth(),
        own: false,
        echo: None,
        flags: read.flags,
        event: read.event,
        meta,
        body,
        dictionary: std::sync::Arc::default(),
        dedupe,
    })
}

fn of_checked(came: &Came<'_, '_>, service: &Service, body: Vec<u8>) -> Result<Taken, Refusal> {
    let Some(hook) = &service.pack.hook else { return Err(Refusal::of(Fault::NOT_FOUND, 0, true)) };
    let proof = prove(came, service, hook, &body)?;
    if let Some(text) = hook.challenge.as_ref().and_then(|challenge| challenge.of_body(&body)) {
        return Ok(Taken::Answered(text));
    }
    let in_path = usize::from(matches!(&hook.verify, Verify::Token(token) if token.place == TokenPlace::Path));
    of_generic(came, Some((proof, &hook.hidden(), in_path)), body).map(Taken::event)
}

fn of_service(came: &Came<'_, '_>, in_force: &InForce, service: &Service, body: Vec<u8>) -> Result<Taken, Refusal> {
    let Some(hook) = &service.pack.hook else { return Err(Refusal::of(Fault::NOT_FOUND, 0, true)) };
    let proof = prove(came, service, hook, &body)?;
    if let Some(text) = hook.challenge.as_ref().and_then(|challenge| challenge.of_body(&body)) {
        return Ok(Taken::Answered(text));
    }
    let Came { intake, source, parts, now, .. } = came;
    let path: Vec<String> = came.path.iter().map(|part| (*part).to_owned()).collect();
    let request = services::Request { headers: &parts.headers, query: &parts.query, path: &path, body: &body };
    let mut meta = parts.kept(&hook.hidden());
    let nothing = Object::new();
    let headers = meta.get("headers").and_then(Value::as_object).unwrap_or(&nothing);
    let files = intake.state.config.sources.get(*source).is_some_and(|settings| settings.files);
    let bodies = hook.body.with_files(files);
    let read = hook.read_as(bodies, &service.pack, source, &request, headers, *now).map_err(refused)?;
    read.reading.keep(&mut meta);
    meta.insert(PEER.to_owned(), peer_of(came.request).into());
    let pack = &service.pack;
    let kind = format!("{}.{}", pack.name, read.event);
    let dictionary = intake.dictionaries.of(&in_force.registry, pack, &read.event, &kind);
    let expires = now.plus(intake.state.config.limits.dedupe);
    Ok(Taken::event(Fresh {
        kind,
        source: (*source).to_owned(),
        service: Some(pack.name.clone()),
        verified: proof.form.to_owned(),
        depth: parts.depth(),
        own: false,
        echo: read.echo.map(|echo| echo_of(&pack.name, &echo)),
        flags: read.flags,
        event: services::payload(read.body, read.fields),
        meta,
        dictionary,
        dedupe: Some(Dedupe { key: read.dedupe, digest: read.digest, expires }),
        body,
    }))
}

/// A pack's refusal. What it says is for the operator; a 404 looks like one of a source that does not exist.
pub(super) fn refused(refused: Refused) -> Refusal {
    let fault = match refused.status {
        404 => Fault::NOT_FOUND,
        status @ 400 => Fault::new(status, refused.reason, "the delivery cannot be read"),
        status @ 503 => Fault::new(status, refused.reason, UNCHECKED).after(60),
        // What may be chosen instead is told to who has proven himself: he sets the webhook up.
        status @ 415 => Fault { message: refused.detail.clone().into(), ..Fault::new(status, refused.reason, "") },
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
