//! `bellwire profiles` and `bellwire calls`, as people use them.

use serde_json::{Value, json};

use crate::support::{
    journal::Journal,
    program::{Place, until},
};

/// Attributes of a person, by the command.
fn get(place: &Place, email: &str) -> Value {
    place.run(&["profiles", "get", email, "--json"]).fine().json()["attributes"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn attributes_are_set_imported_exported_and_shown() {
    let place = Place::workspace(&Journal::start([]).await);
    assert!(place.run(&["profiles", "list"]).fine().out.contains("No profiles"));
    assert_eq!(place.run(&["profiles", "get", "maria@example.com"]).code, 1);
    place
        .run(&["profiles", "set", "Maria@Example.com", "plan=Pro", "--set-json", "vip=true", "--add", "calls=2"])
        .fine();
    place
        .run(&["profiles", "set", "maria@example.com", "--add", "calls=1", "--append", "notes=tea", "--remove", "vip"])
        .fine();
    assert_eq!(get(&place, "MARIA@example.com"), json!({ "plan": "Pro", "calls": 3, "notes": ["tea"] }));
    let refused = place.run(&["profiles", "set", "maria@example.com", "status=vip", "plan=Free"]);
    assert!(refused.code == 1 && refused.err.contains("customer_status"), "{refused:?}");
    assert_eq!(get(&place, "maria@example.com")["plan"], "Pro", "a change is made whole or not at all");

    place.write(
        "c.csv",
        "Email,plan,name,seats\nanna@example.com,Free,Anna,3\nmaria@example.com,Team,Maria,10\nnobody,x,y,1\n",
    );
    let dry =
        place.run(&["profiles", "import", "c.csv", "--rename", "name=customer_name", "--typed", "--dry", "--json"]);
    assert_eq!((dry.code, &dry.json()["read"], &dry.json()["imported"]), (1, &json!(2), &json!(0)));
    let done = place.run(&["profiles", "import", "c.csv", "--rename", "name=customer_name", "--typed"]);
    assert!(done.code == 1 && done.out.contains("line 4"), "{done:?}");
    assert_eq!(
        get(&place, "maria@example.com"),
        json!({ "plan": "Team", "calls": 3, "notes": ["tea"], "customer_name": "Maria", "seats": 10 })
    );

    place.write("semicolons.csv", "email;seats;note\nMaria@example.com;12;'=1+1\nmaria@example.com;13;twice\n");
    let twice = place.run(&["profiles", "import", "semicolons.csv", "--typed"]);
    assert!(twice.code == 1 && twice.out.contains("line 3: maria@example.com stands in line 2 already"), "{twice:?}");
    assert_eq!(
        (&get(&place, "maria@example.com")["seats"], &get(&place, "maria@example.com")["note"]),
        (&json!(12), &json!("=1+1"))
    );
    let sheet = place.run(&["profiles", "export", "--csv"]).fine().out;
    assert!(sheet.contains("'=1+1") && !sheet.contains(",=1+1"), "{sheet}");
    place.run(&["profiles", "set", "maria@example.com", "seats=10", "--remove", "note"]).fine();
    place.run(&["profiles", "set", "maria@example.com", "--set-json", "seats=10"]).fine();

    let exported = place.run(&["profiles", "export"]).fine().out;
    let other = Place::workspace(&Journal::start([]).await);
    other.write("all.jsonl", &exported);
    other.run(&["profiles", "import", "all.jsonl"]).fine();
    assert_eq!(other.run(&["profiles", "export"]).fine().out, exported);
    assert!(place.run(&["profiles", "export", "--csv"]).fine().out.contains("maria@example.com,3,Maria,tea,Team,10"));

    let card = place.run(&["profiles", "preview", "maria@example.com"]).fine().out;
    assert_eq!(place.run(&["profile", "preview", "maria@example.com"]).fine().out, card, "by its other name too");
    assert!(card.contains("<dd>Team</dd>") && !card.contains("{{"), "{card}");
    assert_eq!(place.run(&["profiles", "preview", "x@example.com", "--json"]).fine().json(), json!({ "known": "no" }));
    place.write("nested.json", r#"{"stripe": {"customer_token": "cus_XdlkjDfljdl"}}"#);
    let nested = place.run(&["profiles", "preview", "--data", "nested.json"]);
    assert!(nested.code == 1 && nested.err.contains("nested keys do not work"), "{nested:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_is_forgotten_whole_and_nobody_else() {
    let journal = Journal::start([]).await;
    let place = Place::workspace(&journal);
    place.write("rules/calls.yaml", include_str!("../../../rules/calls.yaml"));
    let server = place.serve();
    for (ticket, email) in [("1", "maria@example.com"), ("2", "anna-maria@example.com"), ("3", "MARIA@example.com")] {
        let set =
            [format!("tracking.email={email}"), format!("tracking.ticket={ticket}"), format!("location=at {ticket}")];
        place.run(&["send", "gruveo.call", "--set", &set[0], "--set", &set[1], "--set", &set[2]]).fine();
    }
    until("all runs are over", || place.states().len() == 6 && place.states().iter().all(|state| state == "ok"));
    assert_eq!(place.run(&["calls", "--json"]).fine().json().as_array().map(Vec::len), Some(3));
    let missed = place.run(&["calls", "--tracking", "email=maria@example.com", "--csv"]).fine().out;
    assert!(missed.lines().count() == 2 && missed.contains("missed,0,32,at 1"), "{missed}");

    let capture = r#"{"captured_at": "2026-01-01T00:00:00Z", "source": "shop", "query": {}, "headers": {}, "bytes": 9, "body": "WHO"}"#;
    place.write("data/captures/shop-1.json", &capture.replace("WHO", r#"{\"to\":\"maria\\u0040example.com\"}"#));
    place.write("data/captures/shop-2.json", &capture.replace("WHO", "anna-maria@example.com"));
    place.write("rules/fixtures/a.json", r#"{"email": "maria@example.com"}"#);
    place.write("templates/services/shop/b.json", r#"{"xml": "<to>maria&#64;example.com</to>"}"#);
    let dry = place.run(&["profiles", "forget", "maria@example.com", "--dry", "--json"]).fine().json();
    assert_eq!(
        dry["files"],
        json!([
            "rules/calls.yaml",
            "rules/fixtures/a.json",
            "templates/profile/groove.liquid",
            "templates/services/shop/b.json"
        ])
    );
    assert!(place.path().join("data/captures/shop-1.json").exists(), "nothing is deleted yet");
    assert_eq!((&dry["attributes"], &dry["events"]), (&json!(true), &json!(2)));
    assert_eq!(place.run(&["profiles", "forget", "maria@example.com"]).code, 2, "nobody was asked");
    let done = place.run(&["profiles", "forget", "Maria@Example.com", "--yes", "--json"]).fine().json();
    assert_eq!((&done["events"], &done["open"]), (&json!(2), &json!([])), "{done}");
    assert_eq!((&done["captures"], done["files"].as_array().map(Vec::len)), (&json!(1), Some(4)), "{done}");
    assert!(!place.path().join("data/captures/shop-1.json").exists());
    assert!(
        place.path().join("data/captures/shop-2.json").exists() && place.path().join("rules/fixtures/a.json").exists()
    );
    assert_eq!(place.run(&["profiles", "get", "maria@example.com"]).code, 1);
    let left = place.run(&["calls", "--json"]).fine().json();
    assert_eq!(left.as_array().map(Vec::len), Some(1));
    assert_eq!(left[0]["tracking"]["email"], "anna-maria@example.com");
    assert_eq!(get(&place, "anna-maria@example.com")["calls_missed"], 1);
    drop(server);
}
