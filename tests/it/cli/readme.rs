//! The README's commands, run as printed by somebody who follows it in an empty folder.

use std::path::Path;

use crate::support::{
    journal::Journal,
    program::{Place, free_address},
};

const README: &str = include_str!("../../../README.md");
const MAKEFILE: &str = include_str!("../../../Makefile");

/// Every line of every block that is for a shell, in order.
fn commands() -> Vec<&'static str> {
    let mut found = Vec::new();
    let mut is_inside = false;
    for line in README.lines() {
        match line {
            "```sh" => is_inside = true,
            "```" => is_inside = false,
            line if is_inside && !line.is_empty() => found.push(line),
            _ => {}
        }
    }
    found
}

/// One line of the session: it must end well. `make` needs the repository, and what it runs is looked at elsewhere; a server
/// goes on in its own terminal, and is waited for.
fn as_a_session(line: &str, listen: &str) -> String {
    let (_, port) = listen.rsplit_once(':').unwrap();
    if line.starts_with("make ") {
        return String::new();
    }
    if line == "bellwire serve" {
        return format!(
            "bellwire serve >\"$HOME/log\" 2>&1 &\nfor _ in {{1..300}}; do (: >/dev/tcp/127.0.0.1/{port}) 2>/dev/null && break; sleep 0.1; done\n"
        );
    }
    format!("{line} || {{ echo \"it ended with $?: \"{}; exit 1; }}\n", quoted(line))
}

fn quoted(line: &str) -> String {
    format!("'{}'", line.replace('\'', "'\\''"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_runs_as_printed_and_the_note_arrives() {
    let commands = commands();
    assert!(commands.contains(&"bellwire serve") && commands.len() > 10, "{commands:?}");
    let journal = Journal::start([]).await;
    let listen = free_address().to_string();
    let place = Place::empty()
        .with("BELLWIRE_SERVER_LISTEN", &listen)
        .with("GRUVEO_KEY", "the-key-of-the-webhook")
        .with("GROOVE_TOKEN", "the-token-of-groove")
        .with("GROOVE_HOOK_TOKEN", "the-token-of-my-own")
        .leading_to(journal.address);
    let session: String = commands.iter().map(|line| as_a_session(line, &listen)).collect();
    let ended =
        place.shell(&format!("{session}kill -TERM $!\nwait $! || {{ echo \"the server ended with $?\"; exit 1; }}\n"));
    assert_eq!(ended.code, 0, "{ended:?}\n{}", std::fs::read_to_string(place.path().join("log")).unwrap_or_default());

    let requests = journal.requests();
    assert_eq!(requests.len(), 1, "{ended:?}");
    assert_eq!(requests[0].path, "/v1/tickets/42/messages");
    assert_eq!(requests[0].header("authorization"), Some("Bearer the-token-of-groove"));
    assert!(requests[0].json()["body"].as_str().unwrap().starts_with("Missed call from Greece on @acme.sales"));
}

#[test]
fn what_it_makes_is_what_the_makefile_makes() {
    let recipe = |target: &str| {
        let rest = MAKEFILE.split_once(&format!("\n{target}:")).unwrap_or_else(|| panic!("no target {target}")).1;
        rest.lines().nth(1).unwrap().trim().trim_start_matches('@').to_owned()
    };
    assert_eq!(recipe("run"), "$(CARGO) run -- demo");
    assert_eq!(recipe("build"), "$(CARGO) build --release");
    for line in commands().iter().filter_map(|line| line.strip_prefix("make ")) {
        recipe(line);
    }
}

#[test]
fn the_rule_it_shows_is_the_one_that_init_makes() {
    let shown = README.split_once("```yaml\n").unwrap().1.split_once("```").unwrap().0;
    let place = Place::empty();
    place.run(&["init", "."]).fine();
    assert!(place.read("rules/calls/missed.yaml").contains(shown), "{shown}");
}

#[test]
fn every_file_it_links_to_is_there() {
    for (_, rest) in README.match_indices("](").map(|(at, _)| README.split_at(at + 2)) {
        let target = rest.split(')').next().unwrap();
        if !target.contains("://") {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(target).exists(), "{target}");
        }
    }
}
