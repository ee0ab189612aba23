//! `bellwire profiles forget`: the right to erasure.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use serde_json::{Value, json};

use super::{Forget, ask, change, email_of};
use crate::{
    admin::{Traces, audited_person},
    cli::{
        answer::{Answer, clean, machine},
        check::count,
        failure::Failure,
        open,
        progress::Progress,
        users,
    },
    config::Config,
    store::{Forgotten, Searched},
};

pub(super) fn run(config: &Config, options: &Forget) -> Result<Answer, Failure> {
    let email = email_of(&options.email)?;
    let shown = clean(&email, 320);
    if !options.dry && !options.yes && !confirmed(&shown)? {
        return Err(Failure::No("nothing was deleted".to_owned()));
    }
    let all = ask(config, async |store| Ok(store.counts(open::clock().now()).await?.events))?;
    let mut progress = Progress::new("events", all);
    let mut looked = 0;
    let mut seen = |searched: Searched| {
        progress.add(searched.events - looked);
        looked = searched.events;
    };
    let forgotten = if options.dry {
        ask(config, async |store| Ok(store.forget(&email, true, &mut seen).await?))?
    } else {
        change(config, async |store| {
            let forgotten = store.forget(&email, false, &mut seen).await?;
            let subject = audited_person(&email);
            users::keep(store, open::clock().now(), "person.forget", &subject, Value::Null).await?;
            Ok(forgotten)
        })?
    };
    drop(progress);
    let traces = Traces::of(config, &email);
    if !options.dry {
        let failed = |(file, error): (std::path::PathBuf, std::io::Error)| {
            Failure::No(format!("{} cannot be deleted: {error}", file.display()))
        };
        traces.delete().map_err(failed)?;
    }
    Ok(told(&shown, options, &forgotten, &traces))
}

fn told(email: &str, options: &Forget, forgotten: &Forgotten, traces: &Traces) -> Answer {
    let exit = u8::from(!forgotten.open.is_empty());
    if options.json {
        let mut value = machine(forgotten);
        if let Some(object) = value.as_object_mut() {
            object.insert("dry".to_owned(), json!(options.dry));
            object.insert("captures".to_owned(), json!(traces.captures.len()));
            object.insert("files".to_owned(), json!(traces.files));
        }
        return Answer::json(&value).exit(exit);
    }
    let Forgotten { attributes, records, events, runs, open } = forgotten;
    if !attributes && *records == 0 && *events == 0 && open.is_empty() && traces.is_empty() {
        return Answer::text(format!("nothing is stored of {email}"));
    }
    let mut things = vec![if *attributes { "the profile" } else { "no profile" }.to_owned()];
    let number = |n: u64, what: &str| count(usize::try_from(n).unwrap_or(usize::MAX), what);
    things.push(number(*records, "record"));
    things.push(number(*events, "event"));
    if !options.dry {
        things.push(number(*runs, "run"));
    }
    things.push(count(traces.captures.len(), "capture"));
    let verb = if options.dry { "would be deleted" } else { "deleted" };
    let mut text = format!("{email}: {} {verb}\n", things.join(", "));
    if !open.is_empty() {
        let runs: Vec<String> = open.iter().take(10).map(ToString::to_string).collect();
        text.push_str(&format!(
            "open runs still need events that name the person: {}\nlet them end, or end them with `bellwire runs cancel`; \
             then forget again\n",
            runs.join(", ")
        ));
    }
    if !traces.files.is_empty() {
        text.push_str(
            "these files of the workspace name the person, and are not changed; git keeps their history too:\n",
        );
        for file in &traces.files {
            text.push_str(&format!("  {}\n", clean(&file.display().to_string(), 300)));
        }
    }
    Answer::text(text).exit(exit)
}

/// Whether a person at a terminal says yes.
pub(in crate::cli) fn confirmed(email: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage("say --yes, or --dry to see what would be deleted".to_owned()));
    }
    let asked = format!("Delete all that is stored of {email}? It cannot be undone. Type yes: ");
    drop(std::io::stderr().write_all(asked.as_bytes()));
    let mut line = String::new();
    let read = std::io::stdin().lock().read_line(&mut line);
    read.map_err(|error| Failure::No(format!("standard input cannot be read: {error}")))?;
    Ok(line.trim().eq_ignore_ascii_case("yes"))
}
