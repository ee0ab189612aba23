//! `bellwire services list` and `show`: packs as people look for them.

use crate::support::{journal::Journal, program::Place};

#[tokio::test(flavor = "multi_thread")]
async fn the_list_says_what_is_in_use_and_whose_pack_it_is() {
    let place = Place::workspace(&Journal::start([]).await);
    let own = "name: own\ntitle: Our own\nbase_url_example: https://YOU.example.com\nauth: { bearer: own_token }\nactions:\n  \
               go: { title: Go, request: { method: POST, path: /go }, sample: {} }\n";
    place.write("templates/services/own.yaml", own);
    place.write("templates/services/broken.yaml", "name: broken\n");
    place.write("templates/services/gruveo.yaml", "name: gruveo\ntitle: Replaced\n");
    let rows = place.run(&["services", "list", "--json"]).fine().json();
    let row = |name: &str| rows.as_array().unwrap().iter().find(|row| row["name"] == name).unwrap().clone();
    assert_eq!((&row("groove")["from"], &row("groove")["out"]), (&"built-in".into(), &"ready".into()));
    assert_eq!(row("groove")["in"], "no secret");
    assert_eq!((&row("own")["from"], &row("own")["out"]), (&"workspace".into(), &"no secret".into()));
    assert_eq!(row("gruveo")["from"], "workspace, replaces the built-in");
    assert_eq!(row("broken")["broken"], true);
    let text = place.run(&["services", "list"]).fine().out;
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert!(text.contains("gruveo (replaces the built-in one)") && text.contains("broken is wrong"), "{text}");

    let shown = place.run(&["services", "show", "own"]).fine().out;
    for says in
        ["[services.own]", "base_url = \"https://YOU.example.com\"", "bellwire secrets set own_token", "own.go: Go"]
    {
        assert!(shown.contains(says), "{says}: {shown}");
    }
    let broken = place.run(&["services", "show", "broken"]);
    assert!(broken.code == 1 && broken.err.contains("bellwire check"), "{broken:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_an_action_an_event_and_a_sample_are_shown() {
    let place =
        Place::workspace(&Journal::start([]).await).with("BELLWIRE_SERVER_PUBLIC_URL", "https://bw.example.com");
    let groove = place.run(&["services", "show", "groove"]).fine().out;
    assert!(groove.contains("https://bw.example.com/hooks/groove?token=<groove_hook_token>"), "{groove}");
    assert!(groove.contains("bellwire secrets set groove_token   # is set"), "{groove}");
    let action = place.run(&["services", "show", "groove", "add_note"]).fine().out;
    assert!(
        action.contains("POST /tickets/<ticket>/messages (json)") && action.contains("  - groove.add_note:\n"),
        "{action}"
    );
    assert_eq!(action, place.run(&["services", "show", "groove.add_note"]).fine().out);
    let event = place.run(&["services", "show", "gruveo", "call"]).fine().out;
    assert!(event.contains("event.assignedUsers.*.email: text") && event.contains("--sample missed"), "{event}");
    let sample = place.run(&["services", "show", "gruveo", "call", "--sample", "missed"]).fine().json();
    assert_eq!(sample["resolution"], "missed");
    for (words, says) in [
        (&["grove"][..], "did you mean `groove`?"),
        (&["groove", "add_nte"], "did you mean `add_note`?"),
        (&["gruveo", "call", "--sample", "mised"], "did you mean `missed`?"),
    ] {
        let refused = place.run(&[&["services", "show"], words].concat());
        assert!(refused.code == 2 && refused.err.contains(says), "{refused:?}");
    }
    assert!(place.run(&["help", "services"]).fine().out.starts_with("# Services"));
    assert!(place.run(&["help", "services", "list"]).fine().out.contains("bellwire services list"));
}
