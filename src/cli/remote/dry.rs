//! What a run of a server's rule would send. Nothing is sent.

use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    client::Remote,
    seen::{read, read_all},
    starts::not_there,
};
use crate::{
    cli::{
        answer::{Answer, clean},
        dry::{Told, told_exchange, verdict},
        failure::Failure,
        run::{self, Run},
    },
    ids::EventId,
    model::{Evidence, Verdict},
    trial::{Assumed, Exchange, Wire},
};

#[derive(Deserialize)]
struct Tried {
    ok: bool,
    findings: Vec<Finding>,
    explain: Value,
    dry: Value,
    notes: Vec<String>,
}

#[derive(Deserialize)]
struct Finding {
    severity: String,
    code: String,
    message: String,
}

#[derive(Deserialize)]
struct DrySeen {
    outcome: String,
    message: String,
    exchanges: Vec<ExchangeSeen>,
    effects: Vec<Effect>,
    steps: Vec<Step>,
    notes: Vec<String>,
}

#[derive(Deserialize)]
struct Effect {
    action: String,
    inputs: Value,
}

#[derive(Deserialize)]
struct Step {
    #[serde(rename = "step")]
    path: String,
    action: String,
    outcome: String,
    attempts: u32,
    #[serde(default)]
    message: String,
}

#[derive(Deserialize)]
struct ExchangeSeen {
    step: String,
    id: Option<String>,
    action: String,
    attempt: u32,
    method: Option<String>,
    url: Option<String>,
    headers: Vec<(String, String)>,
    body: Option<String>,
    status: Option<u16>,
    reply: String,
    refused: Option<String>,
}

impl ExchangeSeen {
    fn text(self) -> String {
        if let Some(why) = self.refused {
            let id = self.id.map(|id| format!(" ({id})")).unwrap_or_default();
            return format!(
                "{}\n   REFUSED  {}\n",
                clean(&format!("{}{id} {}", self.step, self.action), 300),
                clean(&why, 400)
            );
        }
        let (headers, body) = (self.headers, self.body);
        let request = self.method.zip(self.url).map(|(method, url)| Wire { method, url, headers, body });
        let reply = match self.reply.as_str() {
            "given" => Assumed::Given,
            "sample" => Assumed::Sample,
            "empty" => Assumed::Empty,
            _ => Assumed::Refused,
        };
        let Self { step, id, action, attempt, status, .. } = self;
        told_exchange(&Exchange { step, id, action, attempt, request, reply, status, refused: None })
    }
}

/// Asks a server what a run would send.
pub(super) async fn run(remote: &Remote, options: &Run) -> Result<Answer, Failure> {
    if !options.with.reply.is_empty() || options.with.ask {
        return Err(not_there("run --dry with --reply or --ask"));
    }
    if !run::inputs(options)?.is_empty() {
        return Err(not_there("run --dry with inputs"));
    }
    let (event, sample) = match options.event.as_deref() {
        None => (None, None),
        Some(text) => match (text.strip_prefix("sample:"), text.parse::<EventId>()) {
            (Some(sample), _) => (None, Some(sample)),
            (None, Ok(id)) => (Some(id), None),
            (None, Err(_)) => return Err(not_there("run --dry on an event in a file")),
        },
    };
    let rule = remote.get(&["rules", &options.rule]).await?;
    let body = json!({"path": rule["file"], "event": event, "sample": sample, "force": options.with.force});
    let value = remote.send(Method::POST, &["dry-run"], &body).await?;
    let tried: Tried = read(value.clone())?;
    if tried.dry.is_null() {
        let found = tried.findings.iter().filter(|finding| finding.severity == "error");
        let found = found.map(|finding| format!("{}: {}", finding.code, clean(&finding.message, 400)));
        let why: Vec<String> = found.chain(tried.notes.iter().map(|note| clean(note, 400))).collect();
        let nothing =
            "there is nothing to try it on; name a stored event or a sample: --event sample:gruveo.call/missed";
        let why = if why.is_empty() { nothing.to_owned() } else { why.join("\n") };
        return Err(Failure::No(why));
    }
    let dry: DrySeen = read(tried.dry)?;
    let unmade = |step: &Step| step.outcome == "failed" && step.attempts == 0 && step.action != "fail";
    let is_refused = dry.exchanges.iter().any(|exchange| exchange.refused.is_some()) || dry.steps.iter().any(unmade);
    let exit = u8::from(!tried.ok || is_refused || matches!(dry.outcome.as_str(), "broken" | "unmatched"));
    if options.json {
        return Ok(Answer::json(&value).exit(exit));
    }
    let told = Told {
        rule: options.rule.clone(),
        on: options.event.clone().unwrap_or_else(|| "a start by hand".to_owned()),
        verdict: said(&tried.explain)?,
        outcome: dry.outcome,
        message: dry.message,
        exchanges: dry.exchanges.into_iter().map(ExchangeSeen::text).collect(),
        effects: dry.effects.into_iter().map(|effect| (effect.action, effect.inputs)).collect(),
        steps: dry.steps.into_iter().map(|step| [step.path, step.action, step.outcome, step.message]).collect(),
        notes: dry.notes.into_iter().chain(tried.notes).collect(),
    };
    Ok(Answer::text(told.text()).exit(exit))
}

#[derive(Deserialize)]
struct Condition {
    path: String,
    operator: String,
    wanted: Value,
    seen: Value,
    decisive: bool,
    note: String,
}

/// What the rule says to the event, in a sentence.
fn said(explain: &Value) -> Result<String, Failure> {
    let text = |name: &str| explain[name].as_str().unwrap_or_default().to_owned();
    Ok(verdict(&match text("verdict").as_str() {
        "matched" => Verdict::Matched,
        "error" => Verdict::Error { message: text("message") },
        "not_matched" => {
            let lines = explain["conditions"].as_array().cloned().unwrap_or_default();
            let mut lines = read_all::<Condition>(lines)?.into_iter();
            let Some(line) = lines.find(|line| line.decisive) else { return Ok("it does not match".to_owned()) };
            let Condition { path, operator, wanted, seen, note, .. } = line;
            Verdict::NotMatched(Evidence { path, operator, wanted, seen, note })
        }
        _ => Verdict::Undecided,
    }))
}
