//! `bellwire profiles`: what is known of people, by e-mail.

mod card;
mod exchange;
mod forget;
mod write;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};

pub(super) use self::{
    card::noted,
    exchange::{exported, imported, rows},
    forget::confirmed,
    write::{as_change, changed},
};

use super::{
    answer::{Answer, clean, machine},
    failure::Failure,
    open,
    table::table,
};
use crate::{
    config::Config,
    model::{Keeper, flat},
    store::{AttributesRow, Mode, Store},
};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ProfilesVerb {
    /// List people, by e-mail
    #[command(
        after_long_help = "Examples:\n  bellwire profiles list\n  bellwire profiles list --after m@example.com --json"
    )]
    List {
        /// Only those behind this e-mail: the next page
        #[arg(long, value_name = "EMAIL", default_value = "", hide_default_value = true)]
        after: String,
        /// How many
        #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Show what is known of a person, and where each attribute comes from
    #[command(after_long_help = "Example:\n  bellwire profiles get maria@example.com")]
    Get {
        /// The person's e-mail; its case does not count
        email: String,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Set or remove attributes of a person by hand
    #[command(after_long_help = "Examples:\n  bellwire profiles set maria@example.com plan=Pro\n  \
        bellwire profiles set maria@example.com --set-json vip=true --add calls_missed=1\n  \
        bellwire profiles set maria@example.com --append notes='likes tea' --remove old\n\n\
        All of it is one change: it is made whole or not at all.")]
    Set(Set),
    /// Take attributes of many people from a CSV or JSON file
    #[command(after_long_help = "Examples:\n  bellwire profiles import customers.csv\n  \
        bellwire profiles import customers.csv --typed --rename name=customer_name --skip phone\n  \
        bellwire profiles export | bellwire --workspace other profiles import -\n\n\
        A CSV has a head with a column `email`; its values are texts, unless --typed. JSON is a list of objects with `email`, or\n\
        one such object a line. Attributes that a person has and the file does not name stay as they are.")]
    Import(Import),
    /// Print everything that is known of people
    #[command(
        after_long_help = "Examples:\n  bellwire profiles export > profiles.jsonl\n  bellwire profiles export --csv > profiles.csv"
    )]
    Export {
        /// As CSV, a column an attribute, one level as Groove gets it; otherwise JSON, one object a line
        #[arg(long)]
        csv: bool,
    },
    /// Forget a person: attributes, and every stored payload, request and reply that names the e-mail
    #[command(after_long_help = "Examples:\n  bellwire profiles forget maria@example.com --dry\n  \
        bellwire profiles forget maria@example.com --yes\n\n\
        Events that name the person are deleted whole, with their runs; so are records and captured deliveries. What an open run\n\
        still needs stays, and is named: forget again when it has ended. Rules, fixtures and templates that name the person are\n\
        named too, and not changed: they are in git. Backups that were made before are not changed.")]
    Forget(Forget),
    /// Show a person's card as Groove would, from templates/profile/groove.liquid
    #[command(after_long_help = "Examples:\n  bellwire profiles preview maria@example.com > card.html\n  \
        bellwire profiles preview maria@example.com --json     the answer that Groove gets\n  \
        bellwire profiles preview --data answer.json           any answer: is it one that Groove takes?")]
    Preview(Preview),
}

/// Attributes by hand.
#[derive(Debug, Args)]
pub(in crate::cli) struct Set {
    /// The person's e-mail; its case does not count
    pub(in crate::cli) email: String,
    /// Attributes that become texts
    #[arg(value_name = "NAME=TEXT")]
    texts: Vec<String>,
    /// An attribute that becomes a JSON value
    #[arg(long = "set-json", value_name = "NAME=JSON")]
    values: Vec<String>,
    /// An attribute that is counted up
    #[arg(long, value_name = "NAME=NUMBER")]
    add: Vec<String>,
    /// A list that gets a text at its end; the last 100 are kept
    #[arg(long, value_name = "NAME=TEXT")]
    append: Vec<String>,
    /// An attribute that goes
    #[arg(long, value_name = "NAME")]
    remove: Vec<String>,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Attributes of many.
#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// The file; - is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Of a CSV: what looks like a number, true or false becomes one
    #[arg(long)]
    typed: bool,
    /// Call a column or key something else
    #[arg(long, value_name = "OLD=NEW")]
    rename: Vec<String>,
    /// Leave a column or key out
    #[arg(long, value_name = "NAME")]
    skip: Vec<String>,
    /// Say what is wrong with the file, and change nothing
    #[arg(long)]
    pub(in crate::cli) dry: bool,
    /// The machine's form
    #[arg(long)]
    json: bool,
}

/// The right to erasure.
#[derive(Debug, Args)]
pub(in crate::cli) struct Forget {
    /// The person's e-mail; its case does not count
    pub(in crate::cli) email: String,
    /// Say what would go, and delete nothing
    #[arg(long, conflicts_with = "yes")]
    pub(in crate::cli) dry: bool,
    /// Do not ask
    #[arg(long)]
    pub(in crate::cli) yes: bool,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// A card.
#[derive(Debug, Args)]
pub(in crate::cli) struct Preview {
    /// The person's e-mail
    #[arg(required_unless_present = "data")]
    pub(in crate::cli) email: Option<String>,
    /// A JSON file with an answer, in place of what is known of the person; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) data: Option<PathBuf>,
    /// The card's template; templates/profile/groove.liquid of the workspace unless set, else the one that Bellwire brings
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) template: Option<PathBuf>,
    /// The customer's name, as Groove fills it in
    #[arg(long, value_name = "NAME", default_value = "Maria Example")]
    pub(in crate::cli) full_name: String,
    /// The customer's status, as Groove fills it in
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(in crate::cli) status: String,
    /// Print the answer that Groove gets, and not the card
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

pub(in crate::cli) fn run(workspace: &Path, verb: &ProfilesVerb) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    match verb {
        ProfilesVerb::List { after, limit, json } => list(&config, after, usize::from(*limit), *json),
        ProfilesVerb::Get { email, json } => get(&config, email, *json),
        ProfilesVerb::Set(options) => write::set(&config, options),
        ProfilesVerb::Import(options) => exchange::import(&config, options),
        ProfilesVerb::Export { csv } => exchange::export(&config, *csv),
        ProfilesVerb::Forget(options) => forget::run(&config, options),
        ProfilesVerb::Preview(options) => card::preview(&config, options),
    }
}

/// An e-mail as it is kept. `Err` for what is none.
pub(in crate::cli) fn email_of(text: &str) -> Result<String, Failure> {
    let email = text.trim().to_lowercase();
    let is_email = email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        && email.len() <= 320
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if is_email {
        return Ok(email);
    }
    Err(Failure::Usage(format!("`{}` is no e-mail address", clean(text, 100))))
}

/// Asks the database of a workspace that has one.
fn ask<T: Default>(config: &Config, question: impl AsyncFnOnce(&Store) -> Result<T, Failure>) -> Result<T, Failure> {
    if open::is_unborn(config)? {
        return Ok(T::default());
    }
    open::block_on(async {
        let store = open::store(config, Mode::Read)?;
        question(&store).await
    })
}

/// Changes the database of a workspace; makes one where there is none.
fn change<T>(config: &Config, work: impl AsyncFnOnce(&Store) -> Result<T, Failure>) -> Result<T, Failure> {
    if open::is_unborn(config)? {
        open::birth(config)?;
    }
    open::block_on(async {
        let store = open::store(config, Mode::Write)?;
        let done = work(&store).await;
        store.close();
        done
    })
}

fn nothing_of(email: &str) -> Failure {
    Failure::No(format!(
        "nothing is known of {}; rules keep attributes with a `profile` step, or set some with `bellwire profiles set`",
        clean(email, 320)
    ))
}

fn list(config: &Config, after: &str, limit: usize, json: bool) -> Result<Answer, Failure> {
    let after = after.trim().to_lowercase();
    let rows = ask(config, async |store| Ok(store.attributes_page(Keeper::Profile, after, limit).await?))?;
    Ok(listed(&rows, limit, json))
}

/// A page of people.
pub(in crate::cli) fn listed(rows: &[AttributesRow], limit: usize, json: bool) -> Answer {
    if json {
        return Answer::json(&rows.iter().map(as_json).collect());
    }
    if rows.is_empty() {
        let hint = "No profiles. A `profile` step in a rule keeps attributes of a person (`bellwire help rules`); Bellwire's own \
                    rules/calls.yaml, which keeps calls, shows how. By hand: bellwire profiles set maria@example.com plan=Pro";
        return Answer::text(hint);
    }
    let line = |row: &AttributesRow| {
        let names: Vec<&str> = row.attributes.keys().map(String::as_str).collect();
        vec![clean(&row.key, 80), row.changed_at.to_string(), clean(&names.join(", "), 100)]
    };
    let lines: Vec<Vec<String>> = rows.iter().map(line).collect();
    let more = rows.last().filter(|_| rows.len() == limit);
    let more = more.map(|row| format!("\nMore: bellwire profiles list --after {}", clean(&row.key, 320)));
    Answer::text(table(&["E-MAIL", "CHANGED", "ATTRIBUTES"], &lines) + &more.unwrap_or_default())
}

fn get(config: &Config, email: &str, json: bool) -> Result<Answer, Failure> {
    let email = email_of(email)?;
    let key = email.clone();
    let row = ask(config, async |store| Ok(store.attributes_of(Keeper::Profile, key).await?))?;
    let row = row.ok_or_else(|| nothing_of(&email))?;
    Ok(told(&row, json))
}

/// What is known of a person.
pub(in crate::cli) fn told(row: &AttributesRow, json: bool) -> Answer {
    if json {
        return Answer::json(&as_json(row));
    }
    let line = |(name, value): (&String, &Value)| {
        let origin = row.origins.get(name).and_then(Value::as_str).unwrap_or("");
        vec![clean(name, 60), clean(&shown(value), 200), origin.to_owned()]
    };
    let lines: Vec<Vec<String>> = row.attributes.iter().map(line).collect();
    let head = format!("{}, changed {}\n\n", clean(&row.key, 320), row.changed_at);
    Answer::text(head + &table(&["ATTRIBUTE", "VALUE", "FROM"], &lines))
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn as_json(row: &AttributesRow) -> Value {
    json!({
        "email": row.key,
        "attributes": row.attributes,
        "from": row.origins,
        "changed_at": machine(&json!({ "at": row.changed_at }))["at"],
        "answer": flat(&row.attributes),
    })
}
