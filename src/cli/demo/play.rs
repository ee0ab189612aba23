//! What the demo does and says beside the server: one call, then every note that arrives.

use std::{
    ffi::OsString,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::{sync::mpsc, time::Instant};

use crate::{
    app::App,
    cli::{
        answer::{clean, clean_lines},
        arguments::Send,
        init::quoted,
        send,
    },
    demo::groove::Note,
    ids::RunId,
    model::RunStatus,
    store::{RunFilter, RunRow},
};

/// How often it looks for runs that failed: no note tells of those.
const LOOK: Duration = Duration::from_millis(300);

/// After this long without the first note it says so.
const PATIENCE: Duration = Duration::from_secs(15);

/// Characters of a note that are shown.
const SHOWN: usize = 4_096;

/// The demo beside a running server.
pub(super) struct Play {
    /// The workspace, as the user names it.
    pub(super) folder: PathBuf,
    /// Whether it was made just now.
    pub(super) made: bool,
    /// The base URL of the stand-in.
    pub(super) groove: String,
    /// The stand-in's last ticket; its first is 1.
    pub(super) tickets: i64,
    pub(super) notes: mpsc::UnboundedReceiver<Note>,
}

impl Play {
    /// Sends one call and tells what becomes of it, then of every other one, for as long as the server runs. The exit code where
    /// the first note cannot come.
    pub(super) async fn run(mut self, app: &App) -> Result<(), u8> {
        say(&self.greeting(app))?;
        let mut seen = self.failed(app, None).await.first().map(|run| run.id);
        self.call().await?;
        let sent = Instant::now();
        let mut is_waiting = true;
        loop {
            tokio::select! {
                note = self.notes.recv() => {
                    let Some(note) = note else { return Ok(()) };
                    say(&shown(&note))?;
                    if is_waiting {
                        is_waiting = false;
                        say(&self.invitation())?;
                    }
                }
                () = tokio::time::sleep(LOOK) => {
                    for run in self.failed(app, seen).await.iter().rev() {
                        seen = Some(run.id);
                        say(&self.failure(run))?;
                        if is_waiting {
                            return Err(1);
                        }
                    }
                    if is_waiting && sent.elapsed() > PATIENCE {
                        is_waiting = false;
                        let bellwire = self.bellwire();
                        say(&format!("No note has come yet. What became of the call: {bellwire} runs list\n"))?;
                        say(&self.invitation())?;
                    }
                }
            }
        }
    }

    /// One missed call, by the very code of `bellwire send`.
    async fn call(&self) -> Result<(), u8> {
        let call = Send {
            event: "gruveo.call".to_owned(),
            sample: Some("missed".to_owned()),
            set: vec!["tracking.ticket=42".to_owned()],
            set_json: Vec::new(),
            as_is: false,
            source: None,
            url: None,
            json: false,
        };
        let folder = self.folder.clone();
        let sent = tokio::task::spawn_blocking(move || send::run(&folder, &call)).await;
        let why = match sent {
            Ok(Ok(answer)) if answer.exit == 0 => return say("A missed call was sent, as Gruveo would send it.\n\n"),
            Ok(Ok(answer)) => answer.out,
            Ok(Err(failure)) => failure.to_string(),
            Err(error) => error.to_string(),
        };
        say(&format!("The missed call was not taken:\n{why}"))?;
        Err(1)
    }

    /// Runs that failed after `seen`, the newest first.
    async fn failed(&self, app: &App, seen: Option<RunId>) -> Vec<RunRow> {
        let filter = RunFilter { states: vec![RunStatus::Failed], limit: Some(20), ..RunFilter::default() };
        // A store that does not answer ends the server, which says so itself.
        let mut runs = app.store().runs(filter).await.unwrap_or_default();
        runs.retain(|run| seen.is_none_or(|seen| run.id > seen));
        runs
    }

    fn greeting(&self, app: &App) -> String {
        format!(
            "Bellwire's demo. Nothing leaves this machine.\n\n  \
             workspace   {} ({})\n  deliveries  http://{}/hooks/gruveo\n  Groove      a stand-in at {}, with tickets 1 to {}\n\n",
            self.folder.display(),
            if self.made { "made just now" } else { "as it was left" },
            app.address(),
            self.groove,
            self.tickets
        )
    }

    fn invitation(&self) -> String {
        format!(
            "Make another one, from a second terminal in this same folder:\n\n  \
             {} send gruveo.call --sample missed --set tracking.ticket=43\n\n\
             Serving until Ctrl-C. The rule is {}: a change to it counts within a second.\n\n",
            self.bellwire(),
            self.folder.join("rules/calls/missed.yaml").display()
        )
    }

    fn failure(&self, run: &RunRow) -> String {
        let why = run.error.as_ref().map_or_else(
            || run.why.as_deref().map(|why| clean(why, 400)).unwrap_or_default(),
            |error| format!("{}: {}", error.class, clean(&error.message, 400)),
        );
        format!(
            "Run {} of {} has failed: {why}\nEvery attempt: {} runs show {}\n\n",
            run.id,
            clean(&run.rule, 128),
            self.bellwire(),
            run.id
        )
    }

    /// This program on this workspace, as a shell reads it.
    fn bellwire(&self) -> String {
        format!("{} --workspace {}", program(), quoted(&self.folder))
    }
}

/// How this program was called, as a shell reads it.
pub(super) fn program() -> String {
    quoted(Path::new(&std::env::args_os().next().unwrap_or_else(|| OsString::from("bellwire"))))
}

fn shown(note: &Note) -> String {
    let text = clean_lines(note.body.trim_end(), SHOWN);
    let lines: Vec<String> = text.lines().map(|line| format!("    {line}")).collect();
    format!("A note arrived on ticket {}:\n\n{}\n\n", note.ticket, lines.join("\n"))
}

/// Writes to standard output. A reader that went away ends the demo, and is no failure.
pub(super) fn say(text: &str) -> Result<(), u8> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => 0,
        _ => 74,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_shown_with_its_ticket_and_cannot_steer_the_terminal() {
        let note = Note { ticket: 42, author: String::new(), body: "Missed call\nfrom \u{1b}[2J.\n".to_owned() };
        assert_eq!(shown(&note), "A note arrived on ticket 42:\n\n    Missed call\n    from \\u{1b}[2J.\n\n");
    }
}
