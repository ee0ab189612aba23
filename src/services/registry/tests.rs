//! Packs as files: the built-in ones hold together, and what is wrong with one is told with its place.

use super::*;
use crate::{
    clock::Time,
    services::{AuthUse, InputType, StampUnit},
    value::Value,
};

fn load(files: &[(&str, &str)]) -> Result<Registry, Vec<Finding>> {
    Registry::load(&files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect())
}

#[test]
fn the_built_in_packs_hold_together() {
    let registry = load(&[]).unwrap();
    for name in ["email", "github", "groove", "gruveo", "twilio"] {
        assert!(registry.packs.contains_key(name), "{name}");
    }
    let gruveo = registry.pack("gruveo").unwrap();
    assert_eq!(gruveo.events["call"].untrusted, ["tracking".parse().unwrap()]);
    let names: Vec<&str> = gruveo.events["call"].samples.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["missed", "answered", "declined"]);
    let groove = registry.pack("groove").unwrap();
    assert_eq!(groove.events.len(), 15);
    assert_eq!(groove.auth, Some(AuthUse::Bearer("groove_token".to_owned())));
    assert_eq!(groove.base_url.as_deref(), Some("https://api.groovehq.com/v1"));
    assert_eq!(groove.errors.throttled, [429, 503]);
    assert_eq!(groove.concurrent, Some(2));
    let (_, note) = registry.action("groove.add_note").unwrap();
    let targets: Vec<&str> = note.inputs.iter().filter(|i| i.target).map(|i| i.name.as_str()).collect();
    assert_eq!(targets, ["ticket", "author"]);
    assert_eq!(note.inputs[1].kind, InputType::Html);
    assert!(!note.read && registry.action("groove.find_tickets").unwrap().1.read);
    assert!(registry.action("groove.add_nte").is_none() && registry.action("add_note").is_none());
}

#[test]
fn every_sample_fits_its_schema() {
    for (service, pack) in &load(&[]).unwrap().packs {
        let has_sample = pack.events.values().any(|kind| !kind.samples.is_empty());
        assert!(has_sample || pack.events.is_empty(), "{service} has no sample of an event");
        for (event, kind) in &pack.events {
            let validator = jsonschema::validator_for(&kind.schema).unwrap();
            for (name, sample) in &kind.samples {
                let errors: Vec<String> = validator.iter_errors(sample).map(|error| error.to_string()).collect();
                assert!(errors.is_empty(), "{service}.{event}/{name}: {errors:?}");
            }
            assert!(!validator.is_valid(&Value::from(5)), "{service}.{event}: the schema takes anything");
        }
    }
}

#[test]
fn a_stamp_stands_in_every_sample_and_is_written_as_they_are() {
    let at = Time(1_598_619_431_871);
    for (service, pack) in &load(&[]).unwrap().packs {
        for (event, kind) in &pack.events {
            let Some(stamp) = &kind.stamp else { continue };
            for (name, sample) in &kind.samples {
                let found = stamp.path.find(sample).unwrap_or_else(|| panic!("{service}.{event}/{name} has no stamp"));
                let ours = stamp.unit.value(at);
                assert_eq!(ours.is_number(), found.is_number(), "{service}.{event}/{name}: {found}");
                assert_eq!(ours.is_number(), found.as_i64().is_some_and(|found| found > at.0 / 2), "the same unit");
            }
        }
    }
    let registry = load(&[]).unwrap();
    let stamp = registry.pack("gruveo").unwrap().events["call"].stamp.as_ref().unwrap();
    assert_eq!(stamp.unit.value(at), serde_json::json!(1_598_619_431_871_i64));
    assert_eq!(StampUnit::Seconds.value(at), serde_json::json!(1_598_619_431));
    assert_eq!(StampUnit::Text.value(at), serde_json::json!("2020-08-28T12:57:11.871Z"));
}

#[test]
fn samples_of_actions_hold_their_results() {
    for pack in load(&[]).unwrap().packs.values() {
        for action in pack.actions.values() {
            let whole = serde_json::json!({"status": 200, "headers": {}, "body": action.sample});
            let is_there = action.result.as_ref().is_none_or(|place| place.find(&whole).is_some());
            assert!(is_there && action.sample.is_some(), "{}.{}", pack.name, action.name);
        }
    }
}

#[test]
fn fields_are_part_of_the_schema_and_may_be_null() {
    let registry = load(&[]).unwrap();
    let schema = &registry.pack("groove").unwrap().events["note_added"].schema;
    assert_eq!(schema["properties"]["ticket_number"]["type"], serde_json::json!(["integer", "null"]));
    assert_eq!(schema["properties"]["author_email"]["type"], serde_json::json!(["string", "null"]));
}

#[test]
fn every_built_in_file_is_compiled_in() {
    let mut folders = vec![std::path::PathBuf::from(FOLDER)];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { found.push(path.to_string_lossy().into_owned()) }
        }
    }
    found.sort();
    let known: Vec<&str> = builtin::FILES.iter().map(|(path, _)| *path).collect();
    assert_eq!(known, found);
}

#[test]
fn a_pack_of_the_workspace_replaces_a_built_in_one() {
    let text = "name: gruveo\ntitle: Ours\nhook:\n  verify: none\n  type: path\nevents:\n  call: { title: A call, samples: [gruveo/missed.json] }\n";
    let registry = load(&[("templates/services/gruveo.yaml", text), ("templates/services/x/y.yaml", "nonsense: [")]);
    let registry = registry.unwrap();
    assert_eq!(registry.packs.len(), load(&[]).unwrap().packs.len());
    let pack = registry.pack("gruveo").unwrap();
    assert_eq!(pack.title, "Ours");
    assert_eq!(pack.events["call"].schema, serde_json::json!({}));
    assert_eq!(pack.events["call"].samples[0].1["location"], "Greece", "its files are found among the built-in ones");
}

/// The findings of one pack, one a line, without its file's name.
fn findings(text: &str) -> Vec<String> {
    let path = "templates/services/crm.yaml";
    let found = load(&[(path, text)]).unwrap_err();
    found
        .iter()
        .map(|f| {
            assert_eq!(f.file, path);
            let help = if f.help.is_empty() { String::new() } else { format!(" ({})", f.help) };
            format!("{}:{} {} {}{help}", f.place.line, f.place.column, f.code, f.message)
        })
        .collect()
}

#[test]
fn a_request_that_could_never_go_out_is_told_when_it_is_written() {
    let text = "name: crm\ntitle: CRM\nbase_url: https://crm.example.com\nactions:\n  drop:\n    title: Drop\n    read: true\n    \
                request:\n      method: DELETE\n      path: /a/../b\n      headers: { Host: other, x-one: a }\n";
    assert_eq!(
        findings(text),
        [
            "7:11 P004 an action that sends DELETE does not only read (leave `read` out; `idempotent: true` is for what may be sent twice)",
            "10:13 P004 a path has no `.` and `..` (write the path that is meant)",
            "11:18 P009 `Host` is made from the request itself (leave it out)",
        ]
    );
}

#[test]
fn each_fault_is_told_with_its_place() {
    let text = r#"name: crn
titel: CRM
base_url: "ftp://x"
auth: { bearer: Bad-Name, oauth2: {} }
limits: { rate: often, concurrent: 0 }
errors: { message: error, throttled: [200] }
hook:
  verify: { hmac: { header: X Y, algorithm: sha3, encoding: hex, over: [a], secret: k, timestamp: {} } }
  type: { or: path }
  body: forms
  subscribe: {}
  fields: { a: { type: date, value: "{{ event.x }}" } }
events:
  Call: { title: 5, samples: [none.json] }
  note: { title: A note, stamp: { path: "a.*", unit: min } }
"#;
    assert_eq!(
        findings(text),
        [
            "1:1 P003 the key `title` is missing",
            "1:7 P009 the name is not that of the file, `crm` (make them the same)",
            "2:1 P002 unknown key `titel` (did you mean `title`?)",
            "3:11 P004 an http or https URL without user, query and fragment wanted",
            "4:9 P009 `Bad-Name` is not a name of a-z, 0-9 and _ that starts with a letter",
            "5:17 P004 a rate such as `24/min`, `10/s`, `1000/h` or `unlimited` wanted, `often` seen",
            "5:36 P004 a whole number from 1 to 10000 wanted, number seen",
            "6:20 P010 `error` does not start at `body`, `headers` or `status`, or holds `*`",
            "6:39 P004 a whole number from 400 to 599 wanted, number seen",
            "8:29 P009 `X Y` is not the name of a header",
            "8:45 P005 `sha3` is not known here (did you mean `sha1`?)",
            "8:73 P005 `a` is not known here (known are `body`, `timestamp`, `id`, `url`, `path`, `method`, `form`)",
            "8:99 P004 one of `header`, `entry` and `body` wanted",
            "9:9 P004 `path`, `{header: NAME, or: path}`, `{body: PLACE}` or `{fixed: NAME}` wanted",
            "10:9 P005 `forms` is not known here (did you mean `form`?)",
            "11:14 P003 the key `each` is missing",
            "11:14 P003 the key `create` is missing",
            "11:14 P003 the key `result` is missing",
            "12:24 P005 `date` is not known here (known are `text`, `integer`, `number`, `boolean`, `email`)",
            "12:37 P008 `event.x` is not seen here (known are `body`, `headers`, `type`)",
            "14:3 P009 `Call` is not a name of a-z, 0-9 and _",
            "14:18 P004 a text wanted, number seen",
            "14:31 P006 there is no file `templates/services/none.json` (files are named from templates/services/)",
            "15:41 P010 `a.*` holds `*`: a time stands in one place",
            "15:54 P005 `min` is not known here (known are `ms`, `s`, `rfc3339`)",
        ]
    );
}

#[test]
fn faults_of_actions_are_told_with_their_place() {
    let text = r#"name: crm
title: CRM
actions:
  add:
    title: Add
    paging: {}
    inputs:
      a: { type: integr }
      b: { type: enum }
      c: { type: integer, default: x, choices: [y] }
      d: { type: text, requird: true }
    request:
      method: get
      path: "calls/{{ x }}?a=1"
      headers: { "X Y": "{{ b | }}" }
      xml: {}
      json: { a: "{{ d }}", b: { c: "{{ y }}" } }
      text: x
    echo: "add:{{ d }}"
    result: result
  get:
    title: Get
    request: { method: GET, path: /x, json: {} }
"#;
    let found = findings(text);
    for wanted in [
        "1:1 P003 the key `base_url` is missing (actions need one; where every account has its own, show what it looks like in `base_url_example`)",
        "6:13 P004 one of `next`, `link`, `cursor`, `page` and `offset` wanted (it says how the next page is asked for)",
        "8:18 P005 `integr` is not known here (did you mean `integer`?)",
        "9:10 P003 the key `choices` is missing (an enum is one of its choices)",
        "10:36 P004 a whole number wanted, text seen",
        "10:39 P002 only an enum has `choices`",
        "11:24 P002 unknown key `requird` (did you mean `required`?)",
        "13:15 P005 `get` is not known here (known are `GET`, `HEAD`, `POST`, `PUT`, `PATCH`, `DELETE`)",
        "14:13 P004 a path that starts with `/`, without `?` and `#`, wanted (use `query`)",
        "15:18 P009 `X Y` is not the name of a header",
        "13:7 P004 one of `json`, `form`, `text`, `xml` and `multipart` wanted, several seen",
        "19:11 P008 `d` is not seen here (known are `result`)",
        "20:13 P010 `result` does not start at `body`, `headers` or `status`, or holds `*`",
        "23:39 P004 GET and HEAD have no body (use `query`, or another method)",
    ] {
        assert!(found.iter().any(|line| line == wanted), "{wanted} is not in\n{}", found.join("\n"));
    }
    assert!(found.iter().any(|line| line.starts_with("15:") && line.contains(" P007 ")), "{}", found.join("\n"));
    assert!(found.iter().any(|line| line.contains("P008 `x` is not seen here")), "{}", found.join("\n"));
    assert!(found.iter().any(|line| line.contains("P008 `y` is not seen here")), "{}", found.join("\n"));
}

#[test]
fn a_name_of_basic_auth_may_be_the_same_for_everybody() {
    let auth = |auth: &str| {
        let text = format!("name: crm\ntitle: CRM\nbase_url: https://crm.example.com\nauth: {auth}\n");
        load(&[("templates/services/crm.yaml", &text)])
            .map(|registry| registry.pack("crm").and_then(|pack| pack.auth.clone()))
            .map_err(|findings| findings.iter().map(|finding| finding.message.clone()).collect::<Vec<_>>().join("\n"))
    };
    let named = AuthUse::BasicAs { name: "api".to_owned(), password: "crm_key".to_owned() };
    assert_eq!(auth("{ basic: { name: api, password: crm_key } }"), Ok(Some(named.clone())));
    assert_eq!(named.secret_names(), ["crm_key"]);
    let member = AuthUse::Json { name: "key".to_owned(), secret: "crm_key".to_owned() };
    assert_eq!(auth("{ json: { name: key, secret: crm_key } }"), Ok(Some(member.clone())));
    assert_eq!(member.secret_names(), ["crm_key"]);
    let both = auth("{ basic: { name: api, user: crm_user, password: crm_key } }").unwrap_err();
    assert!(both.contains("one of `user` and `name` wanted"), "{both}");
    let neither = auth("{ basic: { password: crm_key } }").unwrap_err();
    assert!(neither.contains("the key `user` is missing"), "{neither}");
}

#[test]
fn what_is_not_a_pack_at_all_is_told() {
    assert!(findings("name: [")[0].contains(" P001 "));
    assert!(findings("").iter().any(|line| line.contains(" P004 a map wanted, null seen")));
    assert!(findings("name: crm\nname: crm\ntitle: x\n")[0].contains("stands twice"));
}
