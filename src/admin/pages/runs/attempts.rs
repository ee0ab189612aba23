//! Attempts as the trace shows them: when they were planned, what was sent, what came back, and when the next one comes.

use serde_json::{Value, json};

use super::{curl::curl, words::span};
use crate::{
    admin::{
        state::Admin,
        view::{Frame, Markup},
    },
    clock::Time,
    config::forms::show_duration,
    model::{AttemptKind, AttemptOutcome, ErrorClass, StepError},
    rules::Retry,
    store::AttemptRow,
    web::exchange_lines,
};

/// Characters of a request or reply that are shown.
const SHOWN: usize = 64 * 1024;

/// One attempt.
pub(super) struct Attempt {
    pub(super) id: String,
    pub(super) is_read: bool,
    pub(super) number: u32,
    pub(super) outcome: &'static str,
    pub(super) state: &'static str,
    pub(super) status: Option<u16>,
    pub(super) planned: Markup,
    /// How much later than planned it began. Empty where that is not worth a word.
    pub(super) late: String,
    pub(super) started: Markup,
    pub(super) took: String,
    pub(super) class: String,
    pub(super) message: String,
    pub(super) reason: String,
    pub(super) exchange: Exchange,
}

/// A request and its reply, as people read HTTP. Empty where there is none.
#[derive(Default)]
pub(in crate::admin::pages) struct Exchange {
    pub(in crate::admin::pages) request: String,
    pub(in crate::admin::pages) bytes: usize,
    pub(in crate::admin::pages) reply: String,
    /// The request as a command. Empty: there is none, or curl does not send it.
    pub(in crate::admin::pages) curl: String,
}

/// One delay of a step's schedule.
pub(super) struct Delay {
    /// Of the attempt that follows it.
    pub(super) number: u32,
    pub(super) after: String,
    /// The attempt was made.
    pub(super) is_past: bool,
    /// When it comes. `None`: it has come, or is not next.
    pub(super) at: Option<Markup>,
}

/// What was kept of an attempt's request and reply; the request with the whole address that its connection has today.
pub(in crate::admin::pages) fn exchange_of(admin: &Admin, row: &AttemptRow) -> Exchange {
    let posted = row.request.as_deref().and_then(|kept| admin.outward.posted(kept));
    let request = row.request.as_deref().and_then(|bytes| serde_json::from_slice::<Value>(bytes).ok());
    let bytes = request.as_ref().and_then(|request| request.get("body")).and_then(Value::as_str).map_or(0, str::len);
    let whole = request.map(|mut request| {
        if let (Some(posted), Some(fields)) = (&posted, request.as_object_mut()) {
            fields.insert("target".to_owned(), json!({ "url": posted.url }));
        }
        cut(exchange_lines(&request))
    });
    let plain = || row.request.as_deref().map(shown).unwrap_or_default();
    Exchange {
        request: whole.unwrap_or_else(plain),
        bytes,
        reply: row.reply.as_deref().map(shown).unwrap_or_default(),
        curl: posted.as_ref().map(curl).unwrap_or_default(),
    }
}

fn shown(bytes: &[u8]) -> String {
    cut(match serde_json::from_slice::<Value>(bytes) {
        Ok(value) => exchange_lines(&value),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    })
}

fn cut(text: String) -> String {
    if text.len() <= SHOWN { text } else { text.chars().take(SHOWN).collect() }
}

/// An attempt; `reached` is when its step was.
pub(super) fn attempt_of(admin: &Admin, frame: &Frame, row: &AttemptRow, reached: Time) -> Attempt {
    let planned = row.planned_at.unwrap_or_else(|| reached.min(row.started_at));
    let late = row.started_at.since(planned).as_millis();
    let until = row.ended_at.or((row.outcome == AttemptOutcome::Started).then_some(frame.now));
    Attempt {
        id: row.id.to_string(),
        is_read: row.kind == AttemptKind::Verify,
        number: row.number,
        outcome: row.outcome.word(),
        state: state_of(row.outcome),
        status: row.status,
        planned: frame.ago(&planned),
        late: if late >= 100 { span(late) } else { String::new() },
        started: frame.ago(&row.started_at),
        took: until.map(|until| span(until.since(row.started_at).as_millis())).unwrap_or_default(),
        class: row.error.as_ref().map(|error| error.class.word().to_owned()).unwrap_or_default(),
        message: row.error.as_ref().map(message_of).unwrap_or_default(),
        reason: reason(&row.reason),
        exchange: exchange_of(admin, row),
    }
}

/// What a failure says. `timeout` is the class of all that was sent and not answered, however soon that was known.
fn message_of(error: &StepError) -> String {
    match error.class {
        ErrorClass::Timeout => format!("{} (sent, and not answered: it may have taken effect)", error.message),
        _ => error.message.clone(),
    }
}

/// The badge of an outcome.
pub(super) fn state_of(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Started => "running",
        AttemptOutcome::Ok => "ok",
        AttemptOutcome::Retry => "warning",
        AttemptOutcome::Failed => "failed",
        AttemptOutcome::Unknown => "held",
    }
}

fn reason(word: &str) -> String {
    match word {
        "" => "",
        "verify" => "a read tells what became of it",
        "found" => "it was found: the attempt took effect",
        "not_found" => "nothing was found: the attempt took no effect",
        "schedule" => "the next one waits by the schedule",
        "retry_after" => "the next one waits as long as the service asked",
        "grant" => "the next one waits for a login of the connection",
        "late" => "its end came after somebody else had taken the run",
        other => other,
    }
    .to_owned()
}

/// The whole schedule of a step that has been tried `tries` times; `due` is when the next one comes.
pub(super) fn schedule(frame: &Frame, retry: &Retry, tries: u32, due: Option<Time>) -> Vec<Delay> {
    let delays = retry.after.iter().zip(2_u32..);
    delays
        .map(|(after, number)| Delay {
            number,
            after: show_duration(*after),
            is_past: number <= tries,
            at: due.filter(|_| number == tries + 1).map(|due| frame.ago(&due)),
        })
        .collect()
}
