//! Signatures that other people's programs made (`tests/data/signatures/vectors.json` says which), and times that do not hold.

use serde::Deserialize;
use serde_json::json;

use super::*;
use crate::{
    clock::Time,
    secret::Secret,
    services::{Pack, Refused, Request, preset_names},
};

/// One delivery that a client library or a page of the service shows.
#[derive(Debug, Clone, Deserialize)]
struct Vector {
    preset: String,
    by: String,
    secret: String,
    headers: std::collections::BTreeMap<String, String>,
    body: String,
    now: String,
    #[serde(default)]
    origin: String,
    #[serde(default)]
    path: String,
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("../../../tests/data/signatures/vectors.json")).unwrap()
}

impl Vector {
    fn check(&self, verify: &serde_json::Value) -> Result<Proof, Refused> {
        let pack = Pack::of_source("x", verify).unwrap_or_else(|faults| panic!("{faults:?}"));
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.to_lowercase(), v.clone().into_bytes())).collect();
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let query: Vec<_> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let request = Request { headers: &headers, query: &query, path: &[], body: self.body.as_bytes() };
        let target = Target { method: "POST", origin: &self.origin, path: &self.path, is_set: true };
        let now = Time::parse(&self.now).unwrap();
        pack.hook.unwrap().verify(&request, &target, &|_| vec![Secret::new(self.secret.clone())], now)
    }

    fn refused(&self) -> (u16, &'static str) {
        let refused = self.check(&self.preset.as_str().into()).unwrap_err();
        (refused.status, refused.reason)
    }
}

#[test]
fn what_clients_sign_is_taken_and_nothing_near_it() {
    for vector in vectors() {
        let verify = vector.preset.as_str().into();
        vector.check(&verify).unwrap_or_else(|refused| panic!("{} by {}: {refused:?}", vector.preset, vector.by));
        let key = if vector.preset == "discord" { "07".repeat(32) } else { "bm90LXRoZS1rZXktYXQtYWxs".to_owned() };
        let other = Vector { secret: key, ..vector.clone() };
        assert!(other.check(&verify).is_err(), "{} under another key", vector.preset);
        if vector.preset != "gitlab" {
            let body = Vector { body: format!("{} ", vector.body), ..vector.clone() };
            assert!(body.check(&verify).is_err(), "{}: another body", vector.preset);
        }
        for name in vector.headers.keys().filter(|name| !name.eq_ignore_ascii_case("content-type")) {
            let mut without = vector.clone();
            without.headers.remove(name);
            assert!(without.check(&verify).is_err(), "{} without {name}", vector.preset);
        }
    }
    let missing: Vec<_> =
        preset_names().into_iter().filter(|name| vectors().iter().all(|vector| vector.preset != *name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// A delivery of Stripe's, signed with this time; the clock stands at 2026-03-01T10:00:00.400Z.
fn stripe(time: &str) -> Result<Proof, Refused> {
    let pack = Pack::of_source("x", &"stripe".into()).unwrap();
    let Verify::Signed(scheme) = &pack.hook.as_ref().unwrap().verify else { unreachable!() };
    let body = b"{}";
    let request = Request { headers: &[], query: &[], path: &[], body };
    let message = scheme.messages(&request, &Target::default(), Some(time), None).unwrap();
    let signature = hex::encode(scheme.seal.sign(b"the-secret-of-stripe", &message[0]).unwrap());
    let headers = [("stripe-signature".to_owned(), format!("t={time},v1={signature}").into_bytes())];
    let request = Request { headers: &headers, query: &[], path: &[], body };
    let secrets = |_: &str| vec![Secret::new("the-secret-of-stripe".to_owned())];
    pack.hook.as_ref().unwrap().verify(&request, &Target::default(), &secrets, Time(1_772_359_200_400))
}

#[test]
fn a_time_holds_up_to_the_second() {
    for (time, skew) in [("1772359200", 0), ("1772358900", 300), ("1772359500", -300), ("1772359201", -1)] {
        assert_eq!(stripe(time).map(|proof| proof.skew), Ok(Some(skew)), "{time}");
    }
    for (time, skew) in [
        ("1772358899", Some(301)),
        ("1772359501", Some(-301)),
        ("1772358840", Some(360)),
        ("1772359560", Some(-360)),
        ("0", Some(1_772_359_200)),
        ("1772359200000", Some(-1_770_586_840_800)),
        ("-1772359200", None),
        ("+1772359200", None),
        ("1772359200.0", None),
        ("", None),
        ("now", None),
        ("2026-03-01T10:00:00Z", None),
        ("9223372036854775808", None),
        ("99999999999999999999999", None),
    ] {
        let refused = stripe(time).unwrap_err();
        assert_eq!(
            (refused.status, refused.reason, refused.skew),
            (401, "timestamp", skew),
            "{time}: {}",
            refused.detail
        );
    }
    assert_eq!(
        stripe("1772355600").unwrap_err().detail,
        "the time of the signature is 3600 s behind our clock, 300 s are allowed; the signature itself holds"
    );
}

#[test]
fn only_who_holds_the_key_says_something_of_clocks() {
    let vector = vectors().into_iter().find(|vector| vector.preset == "slack").unwrap();
    let late = Vector { now: "2030-01-01T00:00:00Z".to_owned(), ..vector };
    let refused = late.check(&"slack".into()).unwrap_err();
    assert!(refused.skew.is_some(), "{refused:?}");
    let forged = Vector { secret: "another-key-of-slack".to_owned(), ..late };
    let refused = forged.check(&"slack".into()).unwrap_err();
    assert_eq!((refused.reason, refused.skew), ("timestamp", None));
}

#[test]
fn of_many_signatures_eight_are_looked_at() {
    let good = vectors().into_iter().find(|vector| vector.preset == "pagerduty").unwrap();
    let whole = good.headers["X-PagerDuty-Signature"].clone();
    let right = whole.rsplit(',').next().unwrap();
    let wrong = format!("v1={}", "0".repeat(64));
    let with = |value: String| {
        let headers = [("X-PagerDuty-Signature".to_owned(), value)].into_iter().collect();
        Vector { headers, ..good.clone() }
    };
    let after = |number: usize| with(format!("{}{right}", format!("{wrong},").repeat(number)));
    assert!(after(MOST - 1).check(&"pagerduty".into()).is_ok());
    assert_eq!(after(MOST).refused(), (401, "signature_mismatch"));
    assert_eq!(after(1_000).refused(), (401, "signature_mismatch"));
    for value in ["", "v1=", "v1", ",", ",,,", "v2=00", "v1=zz,v1=", &right.replace("v1=", "V1=")] {
        assert_eq!(with(value.to_owned()).refused(), (401, "signature_mismatch"), "{value}");
    }
}

#[test]
fn an_entry_that_stands_twice_is_no_time() {
    let good = vectors().into_iter().find(|vector| vector.preset == "calendly").unwrap();
    let value = &good.headers["Calendly-Webhook-Signature"];
    for value in [format!("t=1772359200,{value}"), value.replacen("t=1772359200,", "", 1)] {
        let headers = [("Calendly-Webhook-Signature".to_owned(), value)].into_iter().collect();
        assert_eq!(Vector { headers, ..good.clone() }.refused(), (401, "timestamp"));
    }
}

#[test]
fn a_body_that_nothing_vouches_for_is_refused() {
    let good = vectors().into_iter().find(|v| v.preset == "twilio" && v.path.contains("bodySHA256")).unwrap();
    assert!(good.check(&"twilio".into()).is_ok());
    let mut form = good.clone();
    form.headers.insert("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned());
    assert!(form.check(&"twilio".into()).is_ok(), "the digest counts, whatever the body is called");
    form.body = String::new();
    assert_eq!(form.refused(), (401, "signature_mismatch"));
    let mut json = vectors().into_iter().find(|v| v.preset == "twilio" && !v.path.contains("bodySHA256")).unwrap();
    json.headers.insert("Content-Type".to_owned(), "application/json".to_owned());
    assert_eq!(json.refused(), (401, "signature_mismatch"));
}

#[test]
fn descriptors_of_the_settings_are_checked() {
    let hmac = json!({"header": "X-Sig", "algorithm": "sha256", "encoding": "hex", "over": ["timestamp", "body"]});
    let with = |key: &str, value: serde_json::Value| {
        let mut hmac = hmac.clone();
        hmac[key] = value;
        Pack::of_source("x", &json!({"hmac": hmac})).map(|_| ()).map_err(|faults| faults.join("; "))
    };
    assert!(with("timestamp", json!({"header": "X-Time"})).is_ok());
    for (key, value, says) in [
        ("over", json!("body"), ""),
        ("separator", json!("."), "the key `timestamp` is missing"),
        ("timestamp", json!({"entry": "t="}), "set `list`"),
        ("timestamp", json!({"header": "X-Time", "unit": "min"}), "`min` is not known"),
        ("tolerance", json!("5m"), "without `timestamp`"),
        ("over", json!(["timestamp"]), "proves nothing of it"),
        ("over", json!([]), "not a whole scheme"),
        ("over", json!(["id", "body"]), "the key `id` is missing"),
        ("algorithm", json!("md5"), "`md5` is not known"),
        ("headr", json!("X"), "unknown key `headr`"),
    ] {
        let got = with(key, value);
        if says.is_empty() {
            assert_eq!(got, Ok(()));
        } else {
            let why = got.unwrap_err();
            assert!(why.contains(says), "{key}: {why}");
        }
    }
    let unsigned = json!({"hmac": {"header": "X-Sig", "algorithm": "sha256", "encoding": "hex", "over": "body", "timestamp": {"header": "X-Time"}}});
    assert!(Pack::of_source("x", &unsigned).unwrap_err()[0].contains("not signed proves nothing"));
    for (verify, says) in [
        (json!("strype"), "did you mean `stripe`?"),
        (json!({"preset": "stripe", "tolerance": "25h"}), "at most 24h"),
        (json!({"preset": "stripe", "header": "x"}), "unknown key `header`"),
        (json!({}), "one of `hmac`"),
        (json!({"hmac": {}, "token": {}}), "one of `hmac`"),
    ] {
        let why = Pack::of_source("x", &verify).map(|_| ()).unwrap_err().join("; ");
        assert!(why.contains(says), "{verify}: {why}");
    }
}
