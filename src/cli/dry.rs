//! `bellwire run RULE --event FILE|ID --dry`: what a run would send, and nothing sent.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead as _, IsTerminal as _},
    path::Path,
    sync::Arc,
};

use clap::Args;
use serde_json::{Value, json};

use super::{
    answer::{Answer, clean, clean_lines},
    event_given::{event_given, json_file},
    failure::Failure,
    open,
    run::{self, Run},
    secrets,
};
use crate::{
    actions::{Request, Target},
    app,
    config::Config,
    connections::{Destination, Preview, preview},
    egress::Egress,
    matcher::Subject,
    model::{StepError, Verdict},
    net,
    rules::Rule,
    services::Registry,
    starts,
    store::{Mode, SecretRow},
    trial::{Assumed, Call, Door, DryRun, Exchange, Given, Outgoing, Reply, TraceLine, Wire, dry_run},
    value::{JsonLimits, read_json},
};

/// Characters of a body that are shown on a terminal; the machine's form has it whole.
const SHOWN: usize = 64 * 1024;

/// What a dry run goes on with, where a run would go out.
#[derive(Debug, Args)]
pub(super) struct With {
    /// With --dry: the reply to a step, by its id or path; a body as JSON, or a reply as tests have it: {"status": 503}
    #[arg(long, value_name = "ID=FILE|JSON", requires = "dry")]
    pub(super) reply: Vec<String>,
    /// With --dry: ask for replies that are not given, on a terminal
    #[arg(long, requires = "dry")]
    pub(super) ask: bool,
    /// With --dry: go on where the rule does not match
    #[arg(long, requires = "dry")]
    pub(super) force: bool,
}

/// Renders what a run would send, and sends nothing.
pub(super) fn dry(workspace: &Path, options: &Run) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    let compiled = app::check(&config);
    let rule = chosen(&compiled, &options.rule)?;
    let subject = subject(&config, &compiled.registry, &rule, options)?;
    let known = Known::of(&config);
    let mut outside = Outside {
        config: &config,
        registry: &compiled.registry,
        egress: Egress::new(&config.egress, net::own_addresses()),
        replies: replies(options)?,
        ask: options.with.ask && io::stdin().is_terminal() && !options.json,
        missing: RefCell::default(),
        known,
    };
    let dry = dry_run(&rule, &compiled.registry, &config.vars, &subject, &mut outside, options.with.force);
    let exit = u8::from(dry.is_refused() || matches!(dry.outcome, "broken" | "unmatched"));
    let notes = outside.notes();
    if options.json {
        let value = json!({"rule": &*rule.id, "event": subject.trigger, "dry": dry, "notes": notes});
        return Ok(Answer::json(&value).exit(exit));
    }
    Ok(Answer::text(told(&rule, &subject, &dry, &notes)).exit(exit))
}

fn chosen(compiled: &app::Compiled, name: &str) -> Result<Arc<Rule>, Failure> {
    let id = name.strip_prefix("rules/").unwrap_or(name);
    let id = id.strip_suffix(".yaml").or_else(|| id.strip_suffix(".yml")).unwrap_or(id);
    if let Some(rule) = compiled.set.rules.get(id) {
        return Ok(Arc::clone(rule));
    }
    let file = |finding: &&crate::model::Finding| {
        finding.is_error() && finding.file.trim_start_matches("rules/").starts_with(&format!("{id}.y"))
    };
    let errors: Vec<String> = compiled.findings.iter().filter(file).map(ToString::to_string).collect();
    if !errors.is_empty() {
        return Err(Failure::No(format!("rule `{}` has errors:\n{}", clean(id, 200), errors.join("\n"))));
    }
    let help = crate::rules::suggestion(id, compiled.set.rules.keys().map(|id| &**id));
    Err(Failure::Usage(format!("there is no rule `{}`; {help}", clean(id, 200)).trim_end_matches("; ").to_owned()))
}

/// The event: of the store, a sample, or a file.
fn subject(config: &Config, registry: &Registry, rule: &Rule, options: &Run) -> Result<Subject, Failure> {
    let Some(written) = &options.event else {
        let now = open::clock().now();
        let made = starts::by_hand(rule, run::inputs(options)?, now).map_err(|faults| {
            let ways = "or name an event: --event FILE, --event evt_..., --event sample:gruveo.call/missed";
            Failure::Usage(format!("{}; {ways}", faults.join("; ")))
        })?;
        let given = Given::payload(&made.kind, made.event);
        return given.subject(registry, now, 1).map(|(subject, _)| subject).map_err(Failure::No);
    };
    event_given(config, registry, written, Given::only_type(rule))
}

/// `--reply find=found.json` or `--reply find={"status": 503}`.
fn replies(options: &Run) -> Result<BTreeMap<String, Reply>, Failure> {
    let mut replies = BTreeMap::new();
    for written in &options.with.reply {
        let wrong = |why: String| Failure::Usage(format!("--reply {}: {why}", clean(written, 60)));
        let (id, text) = written.split_once('=').ok_or_else(|| wrong("ID=FILE or ID=JSON wanted".to_owned()))?;
        let value = if text.trim_start().starts_with(['{', '[']) {
            read_json(text.as_bytes(), JsonLimits::default()).map_err(|error| wrong(error.to_string()))?.value
        } else {
            json_file(Path::new(text)).map_err(wrong)?
        };
        replies.insert(id.to_owned(), reply(&value).map_err(wrong)?);
    }
    Ok(replies)
}

/// A reply as tests write it; any other JSON is the body of one.
fn reply(value: &Value) -> Result<Reply, String> {
    const WORDS: [&str; 6] = ["status", "json", "text", "headers", "error", "timeout"];
    let is_reply = value.as_object().is_some_and(|map| {
        let tells = ["status", "json", "text", "timeout"].iter().any(|word| map.contains_key(*word));
        (tells || map.get("error").is_some_and(Value::is_string)) && map.keys().all(|key| WORDS.contains(&key.as_str()))
    });
    if is_reply { Reply::from_value(value) } else { Ok(Reply::json(200, value)) }
}

/// What is known of secrets: never a value.
struct Known {
    rows: Vec<SecretRow>,
    environment: BTreeSet<String>,
    /// Why the database could not be asked. `None`: it was, or there is none.
    why: Option<String>,
}

impl Known {
    fn of(config: &Config) -> Self {
        let environment = config.secrets.environment.keys().cloned().collect();
        let ask = || {
            if open::is_unborn(config)? {
                return Ok(Vec::new());
            }
            secrets::with_vault(config, Mode::Read, async |vault| Ok(vault.list().await?))
        };
        match ask() {
            Ok(rows) => Self { rows, environment, why: None },
            Err(failure) => {
                Self { rows: Vec::new(), environment, why: Some(failure.to_string().trim_end().to_owned()) }
            }
        }
    }

    fn has(&self, name: &str) -> bool {
        self.environment.contains(name) || self.rows.iter().any(|row| row.name == name)
    }

    fn origins(&self, name: &str) -> Vec<String> {
        self.rows.iter().find(|row| row.name == name).map(|row| row.origins.clone()).unwrap_or_default()
    }
}

/// Addresses by the settings, replies by the command line.
struct Outside<'a> {
    config: &'a Config,
    registry: &'a Registry,
    egress: Egress,
    replies: BTreeMap<String, Reply>,
    /// A person sits there who can be asked for replies.
    ask: bool,
    known: Known,
    missing: RefCell<BTreeSet<String>>,
}

impl Outside<'_> {
    fn notes(&self) -> Vec<String> {
        let mut notes: Vec<String> = self
            .missing
            .borrow()
            .iter()
            .map(|name| format!("secret `{name}` is not set here; set it with `bellwire secrets set {name}`"))
            .collect();
        notes.extend(self.known.why.as_ref().map(|why| format!("the database was not asked for secrets: {why}")));
        notes
    }
}

impl Door for Outside<'_> {
    fn address(&self, request: &Request) -> Result<Outgoing, StepError> {
        let to = match &request.target {
            Target::Connection { name, host, path } => Destination::Connection { name, host: host.as_deref(), path },
            Target::Url(url) => Destination::Url(url),
        };
        let origins = |name: &str| self.known.origins(name);
        let Preview { url, headers, secrets } =
            preview(self.config, self.registry, &self.egress, &origins, &to, request.auth.as_ref())?;
        self.missing.borrow_mut().extend(secrets.into_iter().filter(|name| !self.known.has(name)));
        Ok(Outgoing { url, headers })
    }

    fn reply(&mut self, call: &Call<'_>, wire: &Wire) -> Result<Option<Reply>, String> {
        let names = [call.step.id.as_deref(), Some(call.step.path.0.as_str())];
        if let Some(reply) = names.into_iter().flatten().find_map(|name| self.replies.get(name)) {
            return Ok(Some(reply.clone()));
        }
        if !self.ask {
            return Ok(None);
        }
        eprintln!(
            "{} {} {}\nreply, as JSON; Enter for what the pack says:",
            call.path,
            wire.method,
            clean(&wire.url, 500)
        );
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(|error| format!("standard input cannot be read: {error}"))?;
        if line.trim().is_empty() {
            return Ok(None);
        }
        let value = read_json(line.as_bytes(), JsonLimits::default()).map_err(|error| error.to_string())?.value;
        reply(&value).map(Some)
    }
}

/// A dry run as people read it.
pub(super) struct Told {
    /// The rule's id.
    pub(super) rule: String,
    /// What it is tried on.
    pub(super) on: String,
    /// What the rule says to that.
    pub(super) verdict: String,
    pub(super) outcome: String,
    pub(super) message: String,
    /// As texts.
    pub(super) exchanges: Vec<String>,
    /// Action and inputs.
    pub(super) effects: Vec<(String, Value)>,
    /// Step, action, outcome, and why.
    pub(super) steps: Vec<[String; 4]>,
    pub(super) notes: Vec<String>,
}

fn told(rule: &Rule, subject: &Subject, dry: &DryRun, notes: &[String]) -> String {
    let step =
        |step: &TraceLine| [step.step.clone(), step.action.clone(), step.outcome.to_owned(), step.message.clone()];
    let told = Told {
        rule: rule.id.to_string(),
        on: subject.kind.clone(),
        verdict: verdict(&dry.verdict),
        outcome: dry.outcome.to_owned(),
        message: dry.message.clone(),
        exchanges: dry.exchanges.iter().map(told_exchange).collect(),
        effects: dry.effects.clone(),
        steps: dry.steps.iter().map(step).collect(),
        notes: notes.to_vec(),
    };
    told.text()
}

impl Told {
    /// The text.
    pub(super) fn text(&self) -> String {
        let mut text = format!("{} on {}: {}\n", clean(&self.rule, 200), clean(&self.on, 128), self.verdict);
        if self.outcome == "unmatched" {
            text.push_str("It would not run; --force shows what it would do all the same.\n");
            return text;
        }
        for (number, exchange) in (1..).zip(&self.exchanges) {
            text.push_str(&format!("\n{number}. {exchange}"));
        }
        for (action, inputs) in &self.effects {
            text.push_str(&format!("\n   {} {}\n", clean(action, 128), clean(&inputs.to_string(), SHOWN)));
        }
        if !self.steps.is_empty() {
            text.push('\n');
        }
        for [step, action, outcome, message] in &self.steps {
            let why = if message.is_empty() { String::new() } else { format!(": {}", clean(message, 400)) };
            text.push_str(&format!("   {}  {}  {}{why}\n", clean(step, 200), clean(action, 128), clean(outcome, 40)));
        }
        let message = if self.message.is_empty() { String::new() } else { format!(": {}", clean(&self.message, 400)) };
        text.push_str(&format!("\nThe run would end {}{message}. Nothing was sent.\n", clean(&self.outcome, 40)));
        if !self.exchanges.is_empty() {
            text.push_str("Each run has an Idempotency-Key of its own; names are not looked up, so the addresses they lead to are not checked.\n");
        }
        for note in &self.notes {
            text.push_str(&format!("note: {}\n", clean(note, 400)));
        }
        text
    }
}

/// What a rule says, as people read it.
pub(super) fn verdict(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Matched => "it matches".to_owned(),
        Verdict::NotMatched(evidence) => {
            let note = if evidence.note.is_empty() { String::new() } else { format!(" ({})", evidence.note) };
            format!(
                "it does not match: {} {} {}, and {} was seen{note}",
                evidence.path,
                evidence.operator,
                clean(&evidence.wanted.to_string(), 200),
                clean(&evidence.seen.to_string(), 200)
            )
        }
        Verdict::Error { message } => format!("it cannot be decided: {}", clean(message, 400)),
        Verdict::Undecided => "it was not decided in its time".to_owned(),
    }
}

/// An attempt as people read it.
pub(super) fn told_exchange(exchange: &Exchange) -> String {
    let id = exchange.id.as_ref().map_or_else(String::new, |id| format!(" ({id})"));
    let mut text = format!("{}{id} {}\n", exchange.step, exchange.action);
    if let Some(error) = &exchange.refused {
        text.push_str(&format!("   REFUSED  {}: {}\n", error.class.word(), clean(&error.message, 400)));
        return text;
    }
    let Some(wire) = &exchange.request else { return text };
    if exchange.attempt > 1 {
        text.push_str(&format!("   attempt {}: the same bytes\n", exchange.attempt));
    } else {
        text.push_str(&format!("   {} {}\n", wire.method, clean(&wire.url, 8 * 1024)));
        for (name, value) in &wire.headers {
            text.push_str(&format!("   {name}: {}\n", clean(value, 8 * 1024)));
        }
        if let Some(body) = &wire.body {
            text.push('\n');
            for line in clean_lines(body, SHOWN).lines() {
                text.push_str(&format!("   {line}\n"));
            }
        }
    }
    let status = exchange.status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let name = exchange.id.as_deref().unwrap_or(&exchange.step);
    let from = match exchange.reply {
        Assumed::Given => "as given".to_owned(),
        Assumed::Sample => format!("assumed: the sample of the pack; --reply {name}=FILE gives another"),
        Assumed::Empty | Assumed::Refused => format!("assumed, with {{}}; --reply {name}=FILE gives another"),
    };
    text.push_str(&format!("   -> {status} ({from})\n"));
    text
}
