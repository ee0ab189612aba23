//! `bellwire secrets`: set, listed, removed, and never shown.

use std::time::{Duration, Instant};

use crate::support::{
    app::{GROOVE_TOKEN, GRUVEO_KEY},
    journal::Journal,
    program::{Place, free_address, until},
};

const VALUE: &str = "correct-horse-battery";

#[test]
fn a_value_comes_from_standard_input_and_is_never_printed() {
    let place = Place::empty();
    place.run(&["init", "."]).fine();
    assert!(place.run(&["secrets", "list"]).fine().out.contains("No secrets yet"));
    let set = place.run_with(&["secrets", "set", "gruveo_key"], &format!("{VALUE}\n")).fine();
    assert_eq!((set.out.as_str(), set.err.as_str()), ("secret gruveo_key is set\n", ""));
    place.run_with(&["secrets", "set", "crm_token", "--for", "https://crm.example.com"], VALUE).fine();

    let list = place.run(&["secrets", "list"]).fine();
    assert!(list.out.contains("crm_token") && list.out.contains("https://crm.example.com"), "{}", list.out);
    let json = place.run(&["secrets", "list", "--json"]).fine();
    let names: Vec<_> = json.json().as_array().unwrap().iter().map(|row| row["name"].clone()).collect();
    assert_eq!(names, ["crm_token", "gruveo_key"]);
    let printed = place.run(&["config", "print"]).fine();
    for ended in [&set, &list, &json, &printed] {
        assert!(!ended.out.contains(VALUE) && !ended.err.contains(VALUE), "{ended:?}");
    }
    for entry in std::fs::read_dir(place.path().join("data")).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!bytes.windows(VALUE.len()).any(|window| window == VALUE.as_bytes()), "it is sealed");
    }

    place.run(&["secrets", "remove", "crm_token"]).fine();
    let again = place.run(&["secrets", "remove", "crm_token"]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("there is no secret `crm_token`"), "{again:?}");
}

#[test]
fn what_cannot_be_a_secret_is_refused_with_the_reason() {
    let place = Place::empty();
    place.run(&["init", "."]).fine();
    for (words, value, says) in [
        (vec!["secrets", "set", "short"], "1234567\n", "under 8 characters"),
        (vec!["secrets", "set", "none"], "", "under 8 characters"),
        (vec!["secrets", "set", "Bad-Name"], VALUE, "no name of a secret"),
        (vec!["secrets", "set", "crm", "--for", "crm.example.com"], VALUE, "--for"),
        (vec!["secrets", "set", "crm", "--for", "https://crm.example.com/path?a=1"], VALUE, "--for"),
    ] {
        let refused = place.run_with(&words, value);
        assert_eq!(refused.code, 2, "{words:?}: {refused:?}");
        assert!(refused.err.contains(says), "{words:?}: {refused:?}");
        assert!(!refused.err.contains(VALUE), "{refused:?}");
    }
    assert!(place.run(&["secrets", "list", "--json"]).fine().json().as_array().unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_server_takes_a_change_within_a_second_or_two() {
    let journal = Journal::start([]).await;
    let place = Place::empty().with("BELLWIRE_SERVER_LISTEN", &free_address().to_string()).leading_to(journal.address);
    place.run(&["init", "."]).fine();
    let serving = place.serve();
    place.run_with(&["secrets", "set", "gruveo_key"], GRUVEO_KEY).fine();
    place.run_with(&["secrets", "set", "groove_token"], GROOVE_TOKEN).fine();
    let began = Instant::now();
    until("the delivery is taken", || place.call("42").code == 0);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let requests = journal.wait_for(1).await;
    assert_eq!(requests[0].header("authorization"), Some(&*format!("Bearer {GROOVE_TOKEN}")));

    place.run(&["secrets", "remove", "gruveo_key"]).fine();
    let began = Instant::now();
    let known = place.with("BELLWIRE_SECRET_GRUVEO_KEY", GRUVEO_KEY);
    until("a delivery is refused", || known.call("42").code == 1);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    drop(serving);
}

#[test]
fn a_lost_key_file_is_repaired_as_the_program_says() {
    let place = Place::empty().with("BELLWIRE_SERVER_LISTEN", &free_address().to_string());
    place.run(&["init", "."]).fine();
    place.run_with(&["secrets", "set", "gruveo_key"], VALUE).fine();
    std::fs::rename(place.path().join("data/bellwire.key"), place.path().join("elsewhere")).unwrap();
    let sent = place.call("1");
    assert!(sent.code == 1 && sent.err.contains("cannot be unsealed"), "{sent:?}");
    let doctor = place.run(&["doctor"]);
    assert!(doctor.out.contains("bellwire secrets set gruveo_key"), "{doctor:?}");
    place.run_with(&["secrets", "set", "gruveo_key"], "new-key-123456").fine();
    assert!(!place.run(&["secrets", "list"]).fine().out.contains("another key"));
    assert!(place.call("1").err.contains("does not answer"));
}

#[test]
fn a_damaged_database_is_named_with_the_way_out_and_no_secret_is_said_to_be_missing() {
    let place = Place::empty();
    place.run(&["init", "."]).fine();
    place.run_with(&["secrets", "set", "groove_token"], VALUE).fine();
    let file = place.path().join("data/bellwire.db");
    let whole = std::fs::read(&file).unwrap();
    std::fs::write(&file, &whole[..4096]).unwrap();
    let doctor = place.run(&["doctor"]);
    assert!(doctor.code == 1 && doctor.out.contains("bellwire.db") && doctor.out.contains("backup"), "{doctor:?}");
    assert!(!doctor.out.contains("is not set"), "{doctor:?}");
    let served = place.run(&["serve"]);
    assert!(served.code == 74 && served.err.contains("bellwire.db") && served.err.contains("backup"), "{served:?}");
}

#[test]
fn the_earlier_value_is_kept_for_a_while_shown_and_ended() {
    let place = Place::empty();
    place.run(&["init", "."]).fine();
    place.run_with(&["secrets", "set", "gruveo_key"], "the-first-value").fine();
    let again = place.run_with(&["secrets", "set", "gruveo_key"], "the-second-value").fine();
    assert!(again.err.contains("bellwire secrets retire gruveo_key"), "{again:?}");
    let until = place.run(&["secrets", "list", "--json"]).fine().json()[0]["overlap_until"].as_i64();
    assert!(until.is_some());
    assert!(place.run(&["secrets", "list"]).fine().out.contains("OLD ONE UNTIL"));
    place.run(&["secrets", "retire", "gruveo_key"]).fine();
    assert_eq!(place.run(&["secrets", "retire", "gruveo_key"]).code, 1);
    let none = place.run_with(&["secrets", "set", "gruveo_key", "--overlap", "0"], "the-third-value").fine();
    assert_eq!(none.err, "");
    assert!(place.run(&["secrets", "list", "--json"]).fine().json()[0]["overlap_until"].is_null());
    assert_eq!(place.run_with(&["secrets", "set", "gruveo_key", "--overlap", "soon"], "the-fourth-value").code, 2);
}
