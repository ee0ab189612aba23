//! Settings: what is printed of them, what is wrong with them, and `bellwire doctor`.

use crate::support::{
    app::{GRUVEO_KEY, MISSED},
    program::Place,
};

#[test]
fn what_is_in_force_is_printed_with_its_origin_and_without_secrets() {
    let place = Place::empty()
        .with("BELLWIRE_SECRET_GRUVEO_KEY", GRUVEO_KEY)
        .with("BELLWIRE_DATABASE_URL", "postgresql://bellwire:a-database-password@/var/run/bellwire")
        .with("BELLWIRE_SERVER_LISTEN", "127.0.0.1:8017");
    place.write("bellwire.toml", "[log]\nlevel = \"debug\"\n");
    let text = place.run(&["config", "print"]).fine().out;
    let line =
        |start: &str| text.lines().find(|line| line.starts_with(start)).unwrap_or_else(|| panic!("{text}")).to_owned();
    assert!(line("listen = \"127.0.0.1:8017\"").ends_with("# BELLWIRE_SERVER_LISTEN"));
    assert!(line("level = \"debug\"").ends_with("# bellwire.toml:2"));
    assert!(line("gate = true").ends_with("# default"));
    assert!(line("# gruveo_key").contains("BELLWIRE_SECRET_GRUVEO_KEY"));
    let json = place.run(&["config", "print", "--json"]).fine();
    assert_eq!(json.json()["settings"]["server"]["listen"]["from"], "BELLWIRE_SERVER_LISTEN");
    for secret in [GRUVEO_KEY, "a-database-password"] {
        assert!(!text.contains(secret) && !json.out.contains(secret), "{text}");
    }
}

#[test]
fn the_printed_defaults_are_settings_that_hold() {
    let place = Place::empty();
    let defaults = place.run(&["config", "defaults"]).fine().out;
    place.write("bellwire.toml", &defaults);
    place.run(&["check"]).fine();
}

#[test]
fn a_wrong_setting_ends_with_78_and_names_key_and_place() {
    for (text, variable, says) in [
        ("[server]\nlisten = \"8000\"\n", None, vec!["bellwire.toml:2: `server.listen`", "127.0.0.1:8000"]),
        (
            "[server]\nlisen = \"127.0.0.1:1\"\n",
            None,
            vec!["bellwire.toml:2", "unknown key `server.lisen`", "did you mean `listen`?"],
        ),
        ("[server\n", None, vec!["bellwire.toml:1: not TOML"]),
        ("", Some(("BELLWIRE_SERVER_GATE", "perhaps")), vec!["BELLWIRE_SERVER_GATE: `server.gate`", "true or false"]),
        (
            "",
            Some(("BELLWIRE_SERVER_LISEN", "x")),
            vec!["BELLWIRE_SERVER_LISEN", "did you mean `BELLWIRE_SERVER_LISTEN`?"],
        ),
        ("", Some(("BELLWIRE_SECRET_X", "short")), vec!["BELLWIRE_SECRET_X"]),
        (
            "[limits]\nbody = \"1 TB\"\n",
            Some(("BELLWIRE_EGRESS_PORTS", "0")),
            vec!["bellwire.toml:2: `limits.body`", "BELLWIRE_EGRESS_PORTS: `egress.ports`"],
        ),
    ] {
        let mut place = Place::empty();
        if let Some((name, value)) = variable {
            place = place.with(name, value);
        }
        place.write("bellwire.toml", text);
        for verb in [vec!["check"], vec!["serve"], vec!["config", "print"], vec!["runs", "list"]] {
            let refused = place.run(&verb);
            assert_eq!(refused.code, 78, "{text} {variable:?} {verb:?}: {refused:?}");
            for part in &says {
                assert!(refused.err.contains(part), "{part}: {}", refused.err);
            }
        }
        assert_eq!(place.run(&["doctor"]).code, 1, "{text} {variable:?}");
    }
}

#[test]
fn doctor_says_what_is_missing_and_what_to_do() {
    let place = Place::empty();
    place.run(&["init", "."]).fine();
    let fresh = place.run(&["doctor"]).fine().out;
    assert!(
        fresh.contains("warn  secrets   `gruveo_key` is not set")
            && fresh.contains("help: bellwire secrets set gruveo_key"),
        "{fresh}"
    );
    for name in ["gruveo_key", "groove_token", "groove_hook_token"] {
        place.run_with(&["secrets", "set", name], "a-value-for-this-one").fine();
    }
    let well = place.run(&["doctor"]).fine().out;
    assert!(well.ends_with("\nall is well\n"), "{well}");
    place.write("rules/calls/missed.yaml", &MISSED.replace("gruveo.call", "gruveo.cal"));
    let ill = place.run(&["doctor", "--json"]);
    assert_eq!(ill.code, 1);
    let checks = ill.json();
    let rules = checks["checks"].as_array().unwrap().iter().find(|check| check["what"] == "rules").unwrap();
    assert_eq!(rules["state"], "fail");
    assert!(rules["help"].as_str().unwrap().contains("bellwire check"));
}
