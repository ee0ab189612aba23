//! `bellwire services show NAME [ACTION|EVENT]`: all that a pack says of a service.

use std::path::Path;

use clap::Args;
use serde_json::{Value, json};

use super::{
    action, event,
    standing::{Standing, broken, state},
    wrap::wrapped,
};
use crate::{
    app,
    cli::{
        answer::{Answer, clean, machine},
        failure::Failure,
        open,
    },
    config::Config,
    connections::ConnectionRow,
    rules::suggestion,
    services::{AuthUse, Grant, Pack, WayIn, handshake_words, hook_address, proof_words},
};

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire services show groove                        how to connect it, its events and actions\n  \
    bellwire services show groove add_note               the inputs of an action, and a step to paste into a rule\n  \
    bellwire services show gruveo call                   an event: its values and samples\n  \
    bellwire services show gruveo call --sample missed   one sample, as JSON\n  \
    bellwire services show slack --json"
)]
pub(in crate::cli) struct Show {
    /// The service
    pub(in crate::cli) name: String,
    /// One of its actions or events
    #[arg(value_name = "ACTION OR EVENT")]
    pub(in crate::cli) part: Option<String>,
    /// Print this sample of the event
    #[arg(long, value_name = "NAME", requires = "part")]
    sample: Option<String>,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

pub(super) fn run(workspace: &Path, options: &Show) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    let registry = app::check(&config).registry;
    let name = options.name.as_str();
    // `groove.add_note` is how rules write it.
    let (name, part) = match (name.split_once('.'), &options.part) {
        (Some((service, part)), None) => (service, Some(part)),
        (_, part) => (name, part.as_deref()),
    };
    let Some(pack) = registry.pack(name) else {
        if broken(&config, &registry).iter().any(|broken| broken == name) {
            return Err(Failure::No(format!("the pack `{name}` is wrong; `bellwire check` names what")));
        }
        let help = suggestion(name, registry.packs.keys().map(String::as_str));
        let help = if help.is_empty() { "`bellwire services list` names all".to_owned() } else { help };
        return Err(Failure::Usage(format!("there is no service `{}`; {help}", clean(name, 100))));
    };
    if let Some(part) = part {
        return of_part(pack, part, options);
    }
    let standing = Standing::read(&config, &registry)?;
    let shown = Shown { config: &config, pack, standing: &standing };
    Ok(if options.json { Answer::json(&shown.json()) } else { Answer::text(shown.text()) })
}

fn of_part(pack: &Pack, part: &str, options: &Show) -> Result<Answer, Failure> {
    let (action, kind) = (pack.actions.get(part), pack.events.get(part));
    if let Some(sample) = &options.sample {
        let Some(kind) = kind else {
            return Err(Failure::Usage(format!("`{}` sends no event `{}`", pack.name, clean(part, 64))));
        };
        return event::sample(pack, part, kind, sample);
    }
    if action.is_none() && kind.is_none() {
        let known = pack.actions.keys().chain(pack.events.keys()).map(String::as_str);
        let help = suggestion(part, known);
        let help = if help.is_empty() { format!("`bellwire services show {}` names all", pack.name) } else { help };
        return Err(Failure::Usage(format!("`{}` has no action or event `{}`; {help}", pack.name, clean(part, 64))));
    }
    if options.json {
        let mut shown = serde_json::Map::new();
        if let Some(action) = action {
            shown.insert("action".to_owned(), action::as_json(pack, action));
        }
        if let Some(kind) = kind {
            shown.insert("event".to_owned(), event::as_json(pack, part, kind));
        }
        return Ok(Answer::json(&shown.into()));
    }
    let parts = action.map(|action| action::as_text(pack, action));
    let parts = parts.into_iter().chain(kind.map(|kind| event::as_text(pack, part, kind)));
    Ok(Answer::text(parts.collect::<Vec<_>>().join("\n")))
}

/// A pack as it is shown.
struct Shown<'a> {
    config: &'a Config,
    pack: &'a Pack,
    standing: &'a Standing,
}

impl Shown<'_> {
    fn json(&self) -> Value {
        let pack = self.pack;
        let connections: Vec<Value> = self.connections().into_iter().map(machine).collect();
        let hook = pack.hook.as_ref().map(|hook| {
            json!({
                "addresses": self.addresses(), "verify": proof_words(&hook.verify), "secrets": hook.all_secret_names(),
                "handshake": handshake_words(hook.challenge.as_ref()),
                "sources": self.standing.sources_of(&pack.name),
            })
        });
        let events: Vec<Value> = pack.events.iter().map(|(name, kind)| event::as_json(pack, name, kind)).collect();
        let actions: Vec<Value> = pack.actions.values().map(|one| action::as_json(pack, one)).collect();
        json!({
            "name": pack.name, "title": pack.title, "description": pack.description, "docs": pack.docs,
            "from": self.standing.from(&pack.name), "base_url": pack.base_url, "base_url_example": pack.base_url_example,
            "hosts": pack.hosts, "rate": pack.rate.map(|rate| rate.to_string()), "concurrent": pack.concurrent,
            "test": pack.test, "connect": self.steps(), "connections": connections, "hook": hook,
            "events": events, "actions": actions,
        })
    }

    fn text(&self) -> String {
        let pack = self.pack;
        let mut text = wrapped("", "  ", &format!("{} - {}", pack.name, clean(&pack.title, 200)));
        if let Some(description) = &pack.description {
            text.push_str(&wrapped("", "", &clean(description, 2_000)));
        }
        if let Some(docs) = &pack.docs {
            text.push_str(&format!("{docs}\n"));
        }
        if !pack.actions.is_empty() {
            text.push_str(&self.connect());
        }
        if pack.hook.is_some() {
            text.push_str(&self.deliveries());
        }
        if !pack.events.is_empty() {
            text.push_str("\nEvents\n");
            for (name, kind) in &pack.events {
                text.push_str(&event::line(pack, name, kind));
            }
        }
        if !pack.actions.is_empty() {
            text.push_str("\nActions (* must be given)\n");
            for one in pack.actions.values() {
                text.push_str(&action::line(pack, one));
            }
            text.push_str(&format!("\nOne of them whole: bellwire services show {} NAME\n", pack.name));
        }
        text
    }

    fn connections(&self) -> Vec<&ConnectionRow> {
        self.standing.connections_of(&self.pack.name).collect()
    }

    /// What is to be done until its actions work, a line each: commands and settings.
    fn steps(&self) -> Vec<String> {
        let pack = self.pack;
        let own = self.connections().into_iter().find(|row| row.name == pack.name);
        let is_addressed = own.is_some_and(|row| row.base_url.is_some());
        let mut steps = Vec::new();
        if let (false, Some(example)) = (is_addressed, &pack.base_url_example) {
            steps.push(format!("bellwire.toml: [services.{}]", pack.name));
            steps.push(format!("bellwire.toml: base_url = \"{example}\""));
        }
        let secrets = pack.auth.as_ref().map(AuthUse::secret_names).unwrap_or_default();
        steps.extend(secrets.iter().map(|name| format!("bellwire secrets set {name}")));
        if let Some(AuthUse::OAuth2(oauth2)) = &pack.auth
            && oauth2.grant == Grant::AuthorizationCode
        {
            steps.push(format!("bellwire connections login {}", pack.name));
        }
        if pack.test.is_some() {
            steps.push(format!("bellwire services test {}", pack.name));
        }
        steps
    }

    fn connect(&self) -> String {
        let pack = self.pack;
        let mut text = "\nConnect\n".to_owned();
        let rows = self.connections();
        let set = |name: &str| rows.iter().flat_map(|row| &row.secrets).any(|secret| secret.name == name && secret.set);
        for step in self.steps() {
            let done = step.strip_prefix("bellwire secrets set ").is_some_and(&set);
            let step = step
                .strip_prefix("bellwire.toml: ")
                .map_or_else(|| step.clone(), |line| format!("{line}   # bellwire.toml"));
            let note = if done { "   # is set" } else { "" };
            text.push_str(&format!("  {step}{note}\n"));
        }
        if pack.auth.is_none() {
            text.push_str("  nothing is needed to prove who we are\n");
        }
        if matches!(pack.auth, Some(AuthUse::Url(_))) {
            text.push_str("  The secret is the whole address that the service gave you.\n");
        }
        if let Some(base_url) = &pack.base_url {
            text.push_str(&wrapped("  Requests go to ", "  ", base_url));
        }
        for (name, origin) in &pack.hosts {
            text.push_str(&wrapped("  and to ", "  ", &format!("{origin} ({name})")));
        }
        if let Some(limits) = limits(pack) {
            text.push_str(&wrapped("  At most ", "  ", &limits));
        }
        for row in rows {
            text.push_str(&wrapped("  Connection ", "    ", &format!("{}: {}", row.name, state(row))));
        }
        text
    }

    /// The address of each way in.
    fn addresses(&self) -> Vec<String> {
        let Some(hook) = &self.pack.hook else { return Vec::new() };
        let server = &self.config.server;
        let base = server.public_url.clone().unwrap_or_else(|| format!("http://{}", server.listen));
        let sources = self.standing.sources_of(&self.pack.name).iter();
        let address = |source: &WayIn| {
            let secret = source.secrets.first().map(|(name, _)| name.as_str());
            hook_address(&base, hook, &source.name, secret)
        };
        sources.map(address).collect()
    }

    fn deliveries(&self) -> String {
        let Some(hook) = &self.pack.hook else { return String::new() };
        let mut text = "\nDeliveries\n".to_owned();
        for (source, address) in self.standing.sources_of(&self.pack.name).iter().zip(self.addresses()) {
            text.push_str(&format!("  {address}   ({})\n", source.state()));
            for (name, set) in &source.secrets {
                let note = if *set { "   # is set" } else { "" };
                text.push_str(&format!("  bellwire secrets set {name}{note}\n"));
            }
        }
        text.push_str(&wrapped("  Checked: ", "    ", &format!("{}.", proof_words(&hook.verify))));
        if let Some(handshake) = handshake_words(hook.challenge.as_ref()) {
            text.push_str(&wrapped("  Set-up: ", "    ", &format!("{handshake}.")));
        }
        if self.config.server.public_url.is_none() {
            text.push_str(
                "  The address as the world sees it begins with server.public_url of\n  bellwire.toml, which is not set.\n",
            );
        }
        text
    }
}

/// `24/min, 2 requests at once`. `None`: as often as rules ask.
fn limits(pack: &Pack) -> Option<String> {
    let rate = pack.rate.map(|rate| rate.to_string());
    let concurrent = pack.concurrent.map(|most| format!("{most} requests at once"));
    let limits: Vec<String> = rate.into_iter().chain(concurrent).collect();
    (!limits.is_empty()).then(|| limits.join(", "))
}
