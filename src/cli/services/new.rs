//! `bellwire services new`: writes a pack from a delivery.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use clap::Args;
use serde_json::{Value, json};

use super::{
    delivered::{self, Delivered},
    guess::{self, Guess, Line, quoted},
    infer,
};
use crate::{
    app,
    cli::{
        answer::{Answer, clean},
        failure::Failure,
        open,
    },
    config::Config,
    ids::EventId,
    model::Finding,
    rules::Texts,
    services::{Registry, builtin_files},
    trial::save::Mask,
};

/// Where packs and their files are.
const FOLDER: &str = "templates/services";

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire services new shop\n  bellwire services new shop --from body.xml\n  \
    bellwire services new shop --from data/captures/shop-1.json --from data/captures/shop-2.json\n  \
    bellwire services new shop --event evt_01hf3y8a9d000\n\n\
    Without --from and --event it takes the newest capture of the source NAME; that of another source is taken with --from.\n\
    It writes templates/services/NAME.yaml, and beside it the event's sample and a JSON Schema of what was seen. How deliveries prove\n\
    where they come from is a guess, with its reason as a comment: look it through. Values of names such as token, password and\n\
    secret are masked in the sample."
)]
pub(in crate::cli) struct New {
    /// What the service is called: small letters, digits, - and _
    pub(in crate::cli) name: String,
    /// A delivery that was captured, or a file with a body; several make a better schema. The newest capture of NAME unless given
    #[arg(long, value_name = "FILE", conflicts_with = "event")]
    pub(in crate::cli) from: Vec<PathBuf>,
    /// A stored event
    #[arg(long, value_name = "EVENT")]
    pub(in crate::cli) event: Option<EventId>,
    /// Replace files that are there
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

pub(super) fn run(workspace: &Path, options: &New) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    let name = options.name.as_str();
    is_name(name)?;
    if !options.force {
        is_no_builtin(name)?;
    }
    let mut all = delivered::find(&config, name, &options.from, options.event)?;
    let Some(last) = all.pop() else { return Err(Failure::No("there is no delivery to make a pack of".to_owned())) };
    let made = Made::of(&config, name, last, &all)?;
    if !options.force {
        free(&config, &made)?;
    }
    for (path, text) in &made.files {
        let target = config.workspace.join(path);
        let failed = |error: std::io::Error| Failure::Storage(format!("{path} cannot be written: {error}"));
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).map_err(failed)?;
        }
        fs::write(&target, text).map_err(failed)?;
    }
    Ok(report(name, &made, options.json))
}

fn is_name(name: &str) -> Result<(), Failure> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
    if begins && name.len() <= 63 && name.bytes().all(known) {
        return Ok(());
    }
    Err(Failure::Usage(format!(
        "`{}` is no name of a service: small letters, digits, - and _, 63 at most, the first a letter or digit",
        clean(name, 80)
    )))
}

/// Whether nothing is there that would be replaced.
fn free(config: &Config, made: &Made) -> Result<(), Failure> {
    if let Some((path, _)) = made.files.iter().find(|(path, _)| config.workspace.join(path).exists()) {
        return Err(Failure::No(format!("{path} is there already; choose another name, or --force to replace it")));
    }
    Ok(())
}

/// Whether no service that is built in has the name.
fn is_no_builtin(name: &str) -> Result<(), Failure> {
    let own = format!("{FOLDER}/{name}.yaml");
    if builtin_files().iter().any(|(path, _)| *path == own) {
        return Err(Failure::No(format!(
            "`{name}` is a service that is built in, and a pack of that name would replace it; choose another name, or --force"
        )));
    }
    Ok(())
}

/// The files of a pack that holds.
struct Made {
    /// Path in the workspace and text; the pack is the first.
    files: Vec<(String, String)>,
    event: String,
    secret: String,
}

impl Made {
    fn of(config: &Config, name: &str, mut last: Delivered, earlier: &[Delivered]) -> Result<Self, Failure> {
        Mask::new(false).payload(&mut last.event, &[]);
        let secret = format!("{}{}", if name.starts_with(|c: char| c.is_ascii_digit()) { "s" } else { "" }, name);
        let verify = guess::verify(&last, &secret.replace('-', "_"));
        let kind = guess::kind(&last);
        let compiled = app::check(config);
        let texts = (*compiled.set.texts.0).clone();
        let mut why = Vec::new();
        // The best guesses first: of those that this version can read.
        for proof in &verify.lines {
            for event in &kind.lines {
                let draft = Draft { name, last: &last, earlier, verify: (&verify, proof), kind: (&kind, event) };
                let files = draft.files();
                match findings(config, &texts, name, &files) {
                    found if found.is_empty() => {
                        return Ok(Self { files, event: event.names.clone(), secret: proof.names.clone() });
                    }
                    found => why = found,
                }
            }
        }
        let why: Vec<String> = why.iter().map(Finding::to_string).collect();
        Err(Failure::No(format!("no pack can be made of this delivery:\n{}", why.join("\n"))))
    }
}

/// What is wrong with the pack's files, were they in the workspace.
fn findings(config: &Config, texts: &BTreeMap<String, String>, name: &str, files: &[(String, String)]) -> Vec<Finding> {
    // Packs first, which is quick; then everything, as `check` would.
    let packs: BTreeMap<String, String> = files.iter().cloned().collect();
    let own = |finding: &Finding| {
        let path = finding.file.as_str();
        finding.is_error()
            && (path == format!("{FOLDER}/{name}.yaml") || path.starts_with(&format!("{FOLDER}/{name}/")))
    };
    if let Err(found) = Registry::load(&packs) {
        return found;
    }
    let mut texts = texts.clone();
    texts.extend(packs);
    app::compile(&Texts(Arc::new(texts)), config).findings.into_iter().filter(own).collect()
}

struct Draft<'d> {
    name: &'d str,
    last: &'d Delivered,
    earlier: &'d [Delivered],
    verify: (&'d Guess, &'d Line),
    kind: (&'d Guess, &'d Line),
}

impl Draft<'_> {
    fn files(&self) -> Vec<(String, String)> {
        let (name, event) = (self.name, self.kind.1.names.as_str());
        let seen: Vec<&Value> = self.earlier.iter().map(|one| &one.event).chain([&self.last.event]).collect();
        let mut schema = infer::schema(&seen);
        if let Some(object) = schema.as_object_mut() {
            let of = if seen.len() == 1 { "one delivery".to_owned() } else { format!("{} deliveries", seen.len()) };
            let whose = format!("What was seen in {of} of `{event}`.");
            object.insert("description".to_owned(), whose.into());
        }
        let pretty = |value: &Value| format!("{}\n", serde_json::to_string_pretty(value).unwrap_or_default());
        vec![
            (format!("{FOLDER}/{name}.yaml"), self.pack(event)),
            (format!("{FOLDER}/{name}/{event}.json"), pretty(&self.last.event)),
            (format!("{FOLDER}/{name}/{event}.schema.json"), pretty(&schema)),
        ]
    }

    fn pack(&self, event: &str) -> String {
        let name = self.name;
        let mut text = format!(
            "# Made of {}. Guesses have their reasons beside them: look them through.\n\
             # Every key that can stand here: bellwire schema packs\n\
             name: {}\ntitle: {}\nhook:\n",
            clean(&self.last.of, 200),
            quoted(name),
            quoted(&titled(name)),
        );
        text.push_str(&guessed("verify", self.verify.0, self.verify.1));
        text.push_str(&guessed("type", self.kind.0, self.kind.1));
        text.push_str(&format!("  body: {}\n", self.last.format.word()));
        if self.last.files {
            text.push_str("  files: true\n");
        }
        text.push_str(&self.dedupe());
        text.push_str(
            "  # Places that a stranger can write, so that rules guard what they do with them.\n  untrusted: []\n",
        );
        text.push_str(&format!(
            "events:\n  {}:\n    title: {}\n    schema: {}\n    samples: [{}]\n",
            quoted(event),
            quoted(&titled(event)),
            quoted(&format!("{name}/{event}.schema.json")),
            quoted(&format!("{name}/{event}.json")),
        ));
        text
    }

    /// Which value may be the service's own id of a delivery.
    fn dedupe(&self) -> String {
        let is_id =
            |name: &str| name.contains("delivery") || name.ends_with("webhook-id") || name.ends_with("event-id");
        let header = self.last.headers.keys().find(|name| is_id(name) && !super::captured::proves(name));
        let id = header.map(|name| format!("headers[\"{name}\"]")).or_else(|| {
            let known = ["event_id", "delivery_id", "eventId"];
            let found = known.iter().find(|name| self.last.event.get(**name).is_some())?;
            Some(format!("body.{found}"))
        });
        id.map(|place| {
            format!("  # Where that is the same whenever the service sends a delivery again:\n  # dedupe: '{{{{ {place} }}}}'\n")
        })
        .unwrap_or_default()
    }
}

/// A key with what was guessed, and why.
fn guessed(key: &str, guess: &Guess, line: &Line) -> String {
    let best = guess.lines.first().is_none_or(|best| best.text == line.text);
    let instead = guess.lines.first().and_then(|best| best.instead.as_ref()).filter(|_| !best);
    let because = guess.because.iter().chain(instead);
    let comments: String = because.map(|why| format!("  # {}\n", clean(why, 300))).collect();
    format!("{comments}  {key}: {}\n", line.text)
}

/// A name for people: `order_created` is `Order created`.
fn titled(name: &str) -> String {
    let words = name.replace(['-', '_'], " ");
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

fn report(name: &str, made: &Made, json: bool) -> Answer {
    let kind = format!("{name}.{}", made.event);
    if json {
        let files: Vec<&str> = made.files.iter().map(|(path, _)| path.as_str()).collect();
        return Answer::json(&json!({"files": files, "type": kind, "secret": made.secret}));
    }
    let files: String = made.files.iter().map(|(path, _)| format!("wrote {path}\n")).collect();
    let hook = if name.contains('_') {
        let source = name.replace('_', "-");
        format!(
            "a source for it in bellwire.toml, taken at /hooks/{source}:\n\n  [sources.{source}]\n  service = \"{name}\"\n"
        )
    } else {
        format!("its deliveries are taken at /hooks/{name}\n")
    };
    Answer::text(format!(
        "{files}\nNext: look at what was guessed, then\n\n  bellwire check\n  bellwire secrets set {}\n\n{hook}\n\
         A rule on it, such as rules/{name}.yaml:\n\n  name: {}\n  on: {kind}\n  do:\n    - stop: seen\n",
        made.secret,
        titled(name),
    ))
}
