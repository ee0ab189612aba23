//! From an answer, or the lack of one, to what it means for its step.

use std::time::Duration;

use super::{
    prepare::step_name,
    reply::{Reply, class_of, location_host},
    retry::unknown_policy,
    retry_after,
};
use crate::{
    clock::Time,
    model::{ErrorClass, StepError},
    rules::{RetryWhen, Step, StepKind, Unknown},
    services::{Action, Errors, Pack, Registry, whole_echo},
    templates::{Context, Limits, Sink},
    value::Value,
};

/// What an echo's template may use, and those of `errors`: each makes one short text.
pub(super) const ECHO_LIMITS: Limits = Limits { steps: 10_000, bytes: 64 * 1024, time: Duration::from_millis(100) };

/// What came of one attempt.
#[derive(Debug)]
pub enum Answer<'a> {
    /// A whole answer.
    Reply {
        /// The HTTP status.
        status: u16,
        /// Names and values, in order.
        headers: &'a [(String, String)],
        /// As far as it was read.
        body: &'a [u8],
        /// The body was longer than what is read.
        truncated: bool,
    },
    /// None.
    None {
        /// What kind of failure.
        class: ErrorClass,
        /// False only where surely no byte of the request reached the target.
        maybe_executed: bool,
        /// One sentence.
        message: &'a str,
    },
}

/// What an answer means for its step.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    /// It took effect.
    Ok {
        /// What rules see as `steps.x.result`.
        result: Value,
        /// `{status, headers}`.
        response: Value,
        /// Equal to a hook's echo: we caused that event.
        echo: Option<String>,
    },
    /// Try again if the schedule has a delay left. `throttled`: the whole connection pauses.
    Retry {
        /// Why.
        error: StepError,
        /// What the target asks for, one hour at most.
        retry_after: Option<Duration>,
        /// Whether the target said "slow down".
        throttled: bool,
        /// `{status, headers}`; null where there was no answer.
        response: Value,
    },
    /// Final.
    Failed {
        /// Why.
        error: StepError,
        /// `{status, headers}`; null where there was no answer.
        response: Value,
    },
    /// Sent, no answer: what the step's policy says to do.
    Unknown {
        /// What is known.
        error: StepError,
        /// `verify` only where the action has a read-back.
        policy: Unknown,
    },
}

/// Reads an answer. `attempt` is the number of the attempt, from 1.
pub fn read(step: &Step, registry: &Registry, answer: &Answer<'_>, attempt: u32, now: Time) -> Reading {
    let reader = Reader { step, pack: pack_of(step, registry), attempt, now };
    match answer {
        Answer::Reply { status, headers, body, truncated } => {
            reader.reply(&Reply { status: *status, headers, body, truncated: *truncated })
        }
        Answer::None { class, maybe_executed: true, message } => Reading::Unknown {
            error: reader.error(*class, None, (*message).to_owned()),
            policy: unknown_policy(step, registry),
        },
        Answer::None { class, maybe_executed: false, message } => reader.not_sent(*class, message),
    }
}

/// Reads an answer to an action that no rule names. The same as [`read`] says of `step`, which is only asked for its name and its retries;
/// no answer is an unknown outcome where the request may have arrived.
pub fn read_action(step: &Step, pack: &Pack, action: &Action, answer: &Answer<'_>, now: Time) -> Reading {
    let reader = Reader { step, pack: Some((pack, action)), attempt: 1, now };
    match answer {
        Answer::Reply { status, headers, body, truncated } => {
            reader.reply(&Reply { status: *status, headers, body, truncated: *truncated })
        }
        Answer::None { class, maybe_executed: true, message } => {
            Reading::Unknown { error: reader.error(*class, None, (*message).to_owned()), policy: Unknown::Ask }
        }
        Answer::None { class, maybe_executed: false, message } => reader.not_sent(*class, message),
    }
}

/// Whether an answer means "slow down".
pub fn slows_down(step: &Step, registry: &Registry, answer: &Answer<'_>, now: Time) -> bool {
    let Answer::Reply { status, headers, body, truncated } = answer else { return false };
    let reply = Reply { status: *status, headers, body, truncated: *truncated };
    let reader = Reader { step, pack: pack_of(step, registry), attempt: 0, now };
    reader.is_throttled(*status) || reader.slows_down(&reply, &reply.parsed().unwrap_or_default()).is_some()
}

/// Reads an answer whose pages were gathered: `first` is the first page's, `body` what it says with the whole list in it.
pub fn read_gathered(
    step: &Step,
    registry: &Registry,
    first: &Answer<'_>,
    body: Value,
    attempt: u32,
    now: Time,
) -> Reading {
    let Answer::Reply { status, headers, body: bytes, truncated } = first else {
        return read(step, registry, first, attempt, now);
    };
    let reader = Reader { step, pack: pack_of(step, registry), attempt, now };
    reader.result(&Reply { status: *status, headers, body: bytes, truncated: *truncated }, body)
}

fn pack_of<'r>(step: &Step, registry: &'r Registry) -> Option<(&'r Pack, &'r Action)> {
    let StepKind::Action { name, .. } = &step.kind else { return None };
    registry.action(name).map(|(pack, action)| (pack.as_ref(), action))
}

struct Reader<'a> {
    step: &'a Step,
    pack: Option<(&'a Pack, &'a Action)>,
    attempt: u32,
    now: Time,
}

impl Reader<'_> {
    fn error(&self, class: ErrorClass, status: Option<u16>, message: String) -> StepError {
        StepError { step: step_name(self.step), class, status, message, attempt: self.attempt }
    }

    /// No byte went out: the network may be better later; what our own rules forbid stays forbidden.
    fn not_sent(&self, class: ErrorClass, message: &str) -> Reading {
        let error = self.error(class, None, message.to_owned());
        let passing = matches!(class, ErrorClass::Network | ErrorClass::Tls | ErrorClass::Timeout);
        if passing && self.step.retry.when.network {
            return Reading::Retry { error, retry_after: None, throttled: false, response: Value::Null };
        }
        Reading::Failed { error, response: Value::Null }
    }

    fn reply(&self, reply: &Reply<'_>) -> Reading {
        match reply.status {
            200..=299 => self.success(reply),
            300..=399 => {
                let to = reply.header("location").and_then(location_host);
                let to = to.map_or_else(|| "elsewhere on the same host".to_owned(), |host| format!("`{host}`"));
                self.refusal(reply, Some(format!("it redirects to {to}, and redirects are not followed")))
            }
            _ => self.refusal(
                reply,
                reply.message(self.errors().map(|errors| errors.message.as_slice()).unwrap_or_default()),
            ),
        }
    }

    fn refusal(&self, reply: &Reply<'_>, said: Option<String>) -> Reading {
        let status = reply.status;
        let body = reply.parsed().unwrap_or_default();
        let throttled = self.is_throttled(status) || self.slows_down(reply, &body).is_some();
        let said = said.map(|said| format!(": {said}")).unwrap_or_default();
        let message = format!("{} answered {}{said}", self.who(), reply.status_words());
        self.refused(reply, &body, self.error(class_of(status), Some(status), message), throttled)
    }

    /// The name of who answered.
    fn who(&self) -> &str {
        self.pack.map_or("the target", |(pack, _)| pack.title.as_str())
    }

    /// What follows a refusal: another attempt where the step's `when` has its status, or has 429 and the service throttles.
    fn refused(&self, reply: &Reply<'_>, body: &Value, error: StepError, throttled: bool) -> Reading {
        let response = reply.response();
        if !is_retried(&self.step.retry.when, reply.status, throttled) {
            return Reading::Failed { error, response };
        }
        let places = self.errors().filter(|_| throttled).map(|errors| errors.retry_after.as_slice());
        let in_body = places.unwrap_or_default().iter().find_map(|place| {
            let seconds = reply.at(place, body.clone());
            retry_after::of_value(&seconds)
        });
        let retry_after = retry_after::of(reply.headers, self.now).max(in_body);
        Reading::Retry { error, retry_after, throttled, response }
    }

    /// What `throttled_when` says. `None` where it says nothing, or cannot be rendered: then the status alone counts.
    fn slows_down(&self, reply: &Reply<'_>, body: &Value) -> Option<String> {
        let leaf = self.errors()?.throttled_when.as_ref()?;
        reply.said(leaf, body, self.now).ok()?
    }

    /// A success that is none: what the service says in its body. `None`: it has not refused.
    fn refused_within(&self, reply: &Reply<'_>, body: Result<&Value, &String>) -> Option<Reading> {
        let errors = self.errors()?;
        let bad = |why: String| {
            let error = self.error(ErrorClass::BadReply, Some(reply.status), why);
            Reading::Failed { error, response: reply.response() }
        };
        let nothing = Value::Null;
        let slows_down = self.slows_down(reply, body.unwrap_or(&nothing));
        let said = match (&errors.failed, body) {
            (None, _) => None,
            (Some(_), Err(why)) => return Some(bad(why.clone())),
            // Whether it took effect is the service's to say; what it said cannot be read.
            (Some(leaf), Ok(body)) => match reply.said(leaf, body, self.now) {
                Ok(said) => said,
                Err(why) => return Some(bad(format!("whether {} has refused cannot be read: {why}", self.who()))),
            },
        };
        let throttled = slows_down.is_some();
        let said = said.or(slows_down)?;
        let message = format!("{} answered {} and refused: {said}", self.who(), reply.status_words());
        let error = self.error(ErrorClass::Refused, Some(reply.status), message);
        Some(self.refused(reply, body.unwrap_or(&nothing), error, throttled))
    }

    /// How refusals are read: as the action says, else the pack.
    fn errors(&self) -> Option<&Errors> {
        self.pack.map(|(pack, action)| action.errors.as_ref().unwrap_or(&pack.errors))
    }

    /// Whether a status means "slow down".
    fn is_throttled(&self, status: u16) -> bool {
        status == 429 || self.errors().is_some_and(|errors| errors.throttled.contains(&status))
    }

    fn success(&self, reply: &Reply<'_>) -> Reading {
        let place = self.pack.and_then(|(_, action)| action.result.as_ref());
        let response = reply.response();
        let parsed = reply.parsed();
        if let Some(refused) = self.refused_within(reply, parsed.as_ref()) {
            return refused;
        }
        let body = match parsed {
            // What a service answers where its result is wanted must be data: a page of HTML is a login page or a proxy's.
            Ok(Value::String(_)) if place.is_some_and(|place| place.root() == Some("body")) => {
                Err("the answer is text where the action promises JSON".to_owned())
            }
            parsed => parsed,
        };
        let body = match body {
            Ok(body) => body,
            // Nothing can look at the result of a step without an id, and the step has taken effect.
            Err(_) if place.is_none() && self.step.id.is_none() => Value::Null,
            Err(why) => {
                let error = self.error(ErrorClass::BadReply, Some(reply.status), why);
                return Reading::Failed { error, response };
            }
        };
        self.result(reply, body)
    }

    /// What a parsed body means.
    fn result(&self, reply: &Reply<'_>, body: Value) -> Reading {
        let response = reply.response();
        let result = match self.pack.and_then(|(_, action)| action.result.as_ref()) {
            Some(place) => reply.at(place, body),
            None => body,
        };
        let echo = self.pack.and_then(|(_, action)| echo(action, &result, self.now));
        Reading::Ok { result, response, echo }
    }
}

/// The echo of an action that had this result. One that fails or is empty is none: an echo never fails a step.
pub(super) fn echo(action: &Action, result: &Value, now: Time) -> Option<String> {
    let mut context = Context::new(now, ECHO_LIMITS);
    context.set("result", result);
    match action.echo.as_ref()?.render(&context, Sink::Plain).ok()? {
        Value::String(text) => whole_echo(text),
        _ => None,
    }
}

/// Whether an answer with this status is worth another attempt.
fn is_retried(when: &RetryWhen, status: u16, throttled: bool) -> bool {
    let covers = |status: u16| when.statuses.iter().any(|(low, high)| (*low..=*high).contains(&status));
    // 408 and 425 say that the request was not dealt with; whatever else a service throttles with stands for 429.
    covers(status) || (when.network && matches!(status, 408 | 425)) || (throttled && covers(429))
}

#[cfg(test)]
mod tests;
