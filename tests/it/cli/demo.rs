//! `bellwire demo`: a stranger's first minute.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Stdio},
    sync::mpsc::{Receiver, channel},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::program::{PROGRAM, Place, wait_for};

/// A demo whose lines are read as they come.
struct Demo {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
}

impl Demo {
    fn start(place: &Place, words: &[&str]) -> Self {
        let log = std::fs::File::create(place.path().join("log")).unwrap();
        let mut child =
            place.command(PROGRAM).arg("demo").args(words).stdout(Stdio::piped()).stderr(log).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let (tell, lines) = channel();
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).try_for_each(|line| tell.send(line))
        });
        Self { child, lines, said: Vec::new() }
    }

    /// The next line with this in it.
    fn wait(&mut self, part: &str) -> String {
        while let Ok(line) = self.lines.recv_timeout(Duration::from_secs(30)) {
            self.said.push(line.clone());
            if line.contains(part) {
                return line;
            }
        }
        panic!("`{part}` was not said, but:\n{}", self.said.join("\n"));
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn a_note_arrives_and_the_printed_command_makes_another_each_time() {
    let place = Place::empty();
    let mut demo = Demo::start(&place, &["--listen", "0", "--groove", "0"]);
    demo.wait("made just now");
    demo.wait("A note arrived on ticket 42:");
    demo.wait("    Missed call from Greece on @acme.sales");
    demo.wait("after 32 seconds.");
    let command = demo.wait(" send gruveo.call --sample missed --set tracking.ticket=43");
    let said = demo.said.join("\n").replace(PROGRAM, "target/debug/bellwire");
    assert!(said.contains(shown_in_readme()), "the README shows what it says:\n{said}");
    for _ in 0..2 {
        place.shell(&command).fine();
        demo.wait("A note arrived on ticket 43:");
    }
    place.shell(&command.replace("=43", "=4200")).fine();
    demo.wait("Groove answered 404 Not Found: ticket not found");
    let show = demo.wait(" runs show run_").replace("Every attempt: ", "");
    assert!(place.shell(&show).fine().out.contains("POST"));
    let secrets = place.run(&["-w", "bellwire-demo", "secrets", "list"]).fine().out;

    demo.signal(Signal::INT);
    demo.wait("Stopped.");
    assert!(wait_for(&mut demo.child).success());
    assert_eq!(place.read("log"), "", "a calm demo says nothing else");

    let mut demo = Demo::start(&place, &[]);
    demo.wait("as it was left");
    demo.wait("A note arrived on ticket 42:");
    assert_eq!(place.run(&["-w", "bellwire-demo", "secrets", "list"]).fine().out, secrets, "its secrets are kept");
    demo.signal(Signal::TERM);
    assert!(wait_for(&mut demo.child).success());
}

#[test]
fn the_stand_in_is_reached_by_the_visible_settings_alone() {
    let place = Place::empty();
    let mut demo = Demo::start(&place, &["--listen", "0", "--groove", "0"]);
    demo.wait("A note arrived");
    demo.signal(Signal::TERM);
    wait_for(&mut demo.child);

    let settings = place.read("bellwire-demo/bellwire.toml");
    let (before, rest) = settings.split_once("[egress]\n").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    place.write("bellwire-demo/bellwire.toml", &format!("{before}\n{after}"));

    let mut demo = Demo::start(&place, &[]);
    demo.wait("has failed: egress_denied: address 127.0.0.1 is not public");
    assert_eq!(wait_for(&mut demo.child).code(), Some(1));
    let runs = place.run(&["-w", "bellwire-demo", "runs", "list", "--json"]).fine().json();
    let states: Vec<_> = runs.as_array().unwrap().iter().map(|run| run["state"].clone()).collect();
    assert_eq!(states, ["failed", "ok"]);
    assert_eq!(runs[0]["error"]["class"], "egress_denied");
    assert!(!demo.said.iter().any(|line| line.contains("A note arrived")), "{:?}", demo.said);
}

#[test]
fn a_port_in_use_is_told_with_a_command_that_works() {
    let place = Place::empty();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let refused = place.run(&["demo", "--listen", &address, "--groove", "0"]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains(&format!("{address} is in use by another program")), "{refused:?}");
    let command = refused.err.lines().find(|line| line.contains(" demo --dir bellwire-demo --listen ")).unwrap();
    let words: Vec<&str> = command.split_whitespace().skip(2).collect();
    let mut demo = Demo::start(&place, &words);
    demo.wait("A note arrived on ticket 42:");

    let again = place.run(&["demo"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains(" demo --dir bellwire-demo-2 --listen "), "the folder is in use too: {again:?}");
}

fn shown_in_readme() -> &'static str {
    let readme = include_str!("../../../README.md");
    readme.split_once("```text\n").unwrap().1.split_once("\n```").unwrap().0
}
