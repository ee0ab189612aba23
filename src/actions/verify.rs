//! What became of an attempt without an answer: the read that tells, and what is seen in its result.

use super::{Answer, pack_request::LIMITS, read::echo, reply::Reply};
use crate::{
    clock::Time,
    rules::{OnStepError, Retry, Step, StepKind},
    services::{Action, Next, Pack, Paging, ReadBack, Registry},
    templates::{Context, Sink},
    value::{JsonLimits, Object, Value, read_json},
};

/// Something that an attempt without an answer may have brought about.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The result of its step.
    pub result: Value,
    /// Equal to a hook's echo. `None`: no pack says.
    pub echo: Option<String>,
}

/// The read that tells what became of a step's attempts: a step of its own, in the same place, on the same connection and with the same
/// time, but with the standard retries. Its inputs see the inputs of the step. `None` where the step's action has no `verify`.
pub fn read_step(step: &Step, registry: &Registry) -> Option<Step> {
    let (pack, _, back) = read_back(step, registry)?;
    let StepKind::Action { connection, .. } = &step.kind else { return None };
    let name = format!("{}.{}", pack.name, back.action);
    registry.action(&name)?;
    // A request that names no connection goes through the service's own, and so does its read.
    let kind = StepKind::Action { name, inputs: back.inputs.clone(), connection: connection.clone() };
    Some(Step {
        path: step.path.clone(),
        // With an id its answer must be data: what cannot be read is no proof of anything.
        id: Some("verify".to_owned()),
        place: step.place,
        condition: None,
        kind,
        retry: Retry::default(),
        timeout: step.timeout,
        on_error: OnStepError::Stop,
    })
}

/// What in the read's result the attempt may have brought about, in the order of the read; empty where it did nothing. `inputs` are
/// those of the attempt, which began at `began_at`. `Err` is one sentence: some of it cannot be judged, and nothing else is it.
pub fn found(
    step: &Step,
    registry: &Registry,
    inputs: &Object,
    began_at: Time,
    result: &Value,
    now: Time,
) -> Result<Vec<Found>, String> {
    let Some((_, action, back)) = read_back(step, registry) else {
        return Err("the action has no `verify`".to_owned());
    };
    let began = Value::String(began_at.to_string());
    let items = match result {
        Value::Array(items) => items.as_slice(),
        // An answer of another shape proves nothing.
        Value::Null => return Err("the answer to the read has no result".to_owned()),
        one => std::slice::from_ref(one),
    };
    let (mut all, mut fault) = (Vec::new(), None);
    for item in items {
        let mut context = Context::new(now, LIMITS);
        for (name, value) in inputs {
            context.set(name, value);
        }
        context.set("item", item).set("began_at", &began);
        match back.found.render(&context, Sink::Plain) {
            Ok(value) => all.extend(as_data(value).map(|result| Found { echo: echo(action, &result, now), result })),
            Err(error) => fault = fault.or(Some(format!("`found` of the pack cannot be rendered: {error}"))),
        }
    }
    match fault {
        Some(why) if all.is_empty() => Err(why),
        _ => Ok(all),
    }
}

/// Whether an answer names a page behind it: what is not on this one may be on the next. A service that counts its pages without
/// naming the last has one behind each page that holds anything.
pub fn has_more(step: &Step, registry: &Registry, answer: &Answer<'_>) -> bool {
    let StepKind::Action { name, .. } = &step.kind else { return false };
    let Some(paging) = registry.action(name).and_then(|(_, action)| action.paging.as_ref()) else { return false };
    let Answer::Reply { status, headers, body, truncated } = answer else { return false };
    let reply = Reply { status: *status, headers, body, truncated: *truncated };
    let parsed = reply.parsed().unwrap_or_default();
    let says = |value: &Value| !matches!(value, Value::Null | Value::Bool(false)) && value.as_str() != Some("");
    match &paging.next {
        Next::Url(place) | Next::Cursor { from: place, .. } => says(&reply.at(place, parsed)),
        Next::Link => reply.header("link").is_some_and(|links| links.contains("next")),
        Next::Page { last: Some(last), .. } => reply.at(last, parsed).as_u64().is_none_or(|last| last > 1),
        Next::Page { last: None, .. } | Next::Offset { .. } => {
            reply.at(&paging.items, parsed).as_array().is_some_and(|items| !items.is_empty())
        }
    }
}

/// Whether an answer whose pages were gathered may have been cut: as many items, or as many pages, as are asked for at most.
pub fn may_be_cut(step: &Step, registry: &Registry, items: usize, pages: u32) -> bool {
    let StepKind::Action { name, .. } = &step.kind else { return false };
    let Some(paging) = registry.action(name).and_then(|(_, action)| action.paging.as_ref()) else { return false };
    pages >= paging.pages || items >= usize::try_from(Paging::LIMIT).unwrap_or(usize::MAX)
}

fn read_back<'r>(step: &Step, registry: &'r Registry) -> Option<(&'r Pack, &'r Action, &'r ReadBack)> {
    let StepKind::Action { name, .. } = &step.kind else { return None };
    let (pack, action) = registry.action(name)?;
    Some((pack.as_ref(), action, action.verify.as_ref()?))
}

/// A rendered `found` as a result: text that is a JSON object or list as data. `None` for what says nothing.
fn as_data(value: Value) -> Option<Value> {
    match value {
        Value::Null | Value::Bool(false) => None,
        Value::Array(list) if list.is_empty() => None,
        Value::Object(object) if object.is_empty() => None,
        Value::String(text) => {
            let bare = text.trim();
            if bare.is_empty() {
                return None;
            }
            let data = bare.starts_with(['{', '[']).then(|| read_json(bare.as_bytes(), JsonLimits::default()).ok());
            data.flatten().map_or_else(|| Some(Value::String(bare.to_owned())), |parsed| as_data(parsed.value))
        }
        other => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;
    use crate::{model::Place, model::StepPath, templates::Limits};

    const NOW: Time = Time(1_772_359_200_000);

    fn note() -> Step {
        let kind = StepKind::Action { name: "groove.add_note".to_owned(), inputs: Vec::new(), connection: None };
        Step {
            path: StepPath("do.0".to_owned()),
            id: None,
            place: Place::default(),
            condition: None,
            kind,
            retry: Retry::default(),
            timeout: std::time::Duration::from_secs(30),
            on_error: OnStepError::Stop,
        }
    }

    fn seen(body: &str, items: &Value) -> Result<Vec<Value>, String> {
        let registry = Registry::load(&BTreeMap::new()).unwrap();
        let Value::Object(inputs) = json!({"ticket": 42, "body": body, "author": null}) else { panic!() };
        let all = found(&note(), &registry, &inputs, NOW, items, NOW)?;
        Ok(all.into_iter().map(|found| json!([found.result["id"], found.echo])).collect())
    }

    fn item(id: &str, body: &str, note: bool, created_at: &str) -> Value {
        json!({"id": id, "body": body, "note": note, "created_at": created_at, "href": format!("https://x/messages/{id}")})
    }

    #[test]
    fn a_note_of_groove_is_known_again_by_its_text_and_time() {
        let at = NOW.to_string();
        let ours = json!([["7", "note_added:7"]]);
        for (case, body, items, wanted) in [
            ("the same", "Missed call", json!([item("7", "Missed call", true, &at)]), &ours),
            (
                "wrapped by Groove",
                "a &lt; b\n c",
                json!([item("7", "<div>a &lt; b<br />\r\n c</div>", true, &at)]),
                &ours,
            ),
            ("quotes are written in two ways", "it&#39;s", json!([item("7", "it's", true, &at)]), &ours),
            (
                "an older clock",
                "x",
                json!([item("7", "x", true, &NOW.minus(std::time::Duration::from_secs(119)).to_string())]),
                &ours,
            ),
            (
                "an older note",
                "x",
                json!([item("7", "x", true, &NOW.minus(std::time::Duration::from_secs(121)).to_string())]),
                &json!([]),
            ),
            ("another text", "x", json!([item("7", "y", true, &at)]), &json!([])),
            ("a reply", "x", json!([item("7", "x", false, &at)]), &json!([])),
            ("nothing", "x", json!([]), &json!([])),
            (
                "two of them",
                "x",
                json!([item("6", "y", true, &at), item("7", "x", true, &at), item("8", "x", true, &at)]),
                &json!([["7", "note_added:7"], ["8", "note_added:8"]]),
            ),
        ] {
            assert_eq!(json!(seen(body, &items).unwrap()), *wanted, "{case}");
        }
    }

    #[test]
    fn what_cannot_be_judged_is_no_proof_unless_another_is_found() {
        let odd = json!({"id": "6", "note": true, "body": "x"});
        assert!(seen("x", &json!([odd])).is_err());
        assert!(seen("x", &json!(null)).is_err(), "no list is no proof either");
        let both = json!([odd, item("7", "x", true, &NOW.to_string())]);
        assert_eq!(seen("x", &both).unwrap().len(), 1);
    }

    #[test]
    fn the_read_sees_the_inputs_of_the_attempt_and_takes_the_same_way() {
        let registry = Registry::load(&BTreeMap::new()).unwrap();
        let kind = StepKind::Action {
            name: "groove.add_note".to_owned(),
            inputs: Vec::new(),
            connection: Some("groove-eu".to_owned()),
        };
        let read = read_step(&Step { kind, ..note() }, &registry).unwrap();
        let limits = Limits { steps: 1000, bytes: 1000, time: std::time::Duration::from_secs(1) };
        let (ticket, mut context) = (json!(42), Context::new(NOW, limits));
        context.set("ticket", &ticket);
        let request = crate::actions::prepare(&read, &context, &registry).unwrap();
        assert_eq!(request.method, "GET");
        let crate::actions::Target::Connection { name, path, .. } = request.target else { panic!() };
        assert_eq!((name.as_str(), path.as_str()), ("groove-eu", "/tickets/42/messages?per_page=50"));
    }

    #[test]
    fn what_is_found_keeps_its_type_and_json_text_becomes_data() {
        for (value, wanted) in [
            (json!(null), None),
            (json!(false), None),
            (json!("  \n"), None),
            (json!([]), None),
            (json!({}), None),
            (json!("{}"), None),
            (json!(7), Some(json!(7))),
            (json!({"id": 7}), Some(json!({"id": 7}))),
            (json!(" {\"id\": 7}\n"), Some(json!({"id": 7}))),
            (json!(" msg-7 "), Some(json!("msg-7"))),
            (json!("{not json"), Some(json!("{not json"))),
        ] {
            assert_eq!(as_data(value.clone()), wanted, "{value}");
        }
    }
}
