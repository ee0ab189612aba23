//! Room and pace: what a call costs on disk.

use std::{fmt::Write as _, sync::Arc};

use serde_json::json;

use super::bed::{Bed, NOW, end, ended, object, output, record};
use crate::{
    ids::{EventId, RunId},
    model::{AttemptOutcome, RunStatus},
    store::{AttemptEnd, Dedupe, NewEvent, Record},
};

const CALLS: usize = 10_000;

/// A call as Gruveo tells it, no two alike.
fn call(n: usize) -> String {
    let places = ["Athens, Greece", "London, United Kingdom", "Paris, France", "New York, United States"];
    let names = ["Maria", "John", "Chloe", "Ahmed", "Li", "Olga", "Peter"];
    let digits = format!("{:016x}", (n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    json!({
        "type": "call",
        "timestamp": format!("2026-03-{:02}T{:02}:{:02}:{:02}.{:03}Z", n % 28 + 1, n % 24, n % 60, (n / 7) % 60, n % 1000),
        "id": digits,
        "resolution": if n.is_multiple_of(3) { "answered" } else { "missed" },
        "link": format!("https://www.gruveo.com/@acme.{}", ["sales", "support", "billing"][n % 3]),
        "waitingTime": n % 90,
        "duration": 0,
        "location": places[n % places.len()],
        "ip": format!("203.0.{}.{}", n % 256, (n / 3) % 256),
        "user": { "name": names[n % names.len()], "email": format!("agent{}@example.com", n % 12) },
        "platform": "web",
        "origin": "https://www.example.com/contact",
        "tracking": { "ticket": (n % 5000).to_string(), "email": format!("{}{}@example.org", names[n % 7].to_lowercase(), n) },
        "account": { "id": "5f48f1d2a3b4c5d6e7f80912", "handle": "acme" }
    })
    .to_string()
}

fn event(bed: &Bed, n: usize, sample: &Arc<[u8]>) -> NewEvent {
    let body = call(n).into_bytes();
    let mut hash = [0; 16];
    for (place, byte) in
        hash.iter_mut().zip(format!("{:016x}", (n as u64 + 1).wrapping_mul(0x2545_F491_4F6C_DD1D)).bytes())
    {
        *place = byte.wrapping_mul(167);
    }
    let mut event = NewEvent {
        body,
        dictionary: Arc::clone(sample),
        dedupe: Some(Dedupe { key: hash, digest: hash, expires: NOW.plus(std::time::Duration::from_hours(7 * 24)) }),
        set: 1,
        meta: object(&json!({"headers": {
            "content-type": "application/json", "user-agent": "Gruveo/1.0", "x-gruveo-sha256-hmac": "[secret]"
        }})),
        ..bed.event()
    };
    event.runs[0].vars = object(&json!({"ticket": (n % 5000).to_string()}));
    event
}

/// A group of calls from delivery to recorded effect.
async fn whole_way(bed: &Bed, numbers: std::ops::Range<usize>, sample: &Arc<[u8]>) {
    let tasks: Vec<_> = numbers
        .map(|n| {
            let event = event(bed, n, sample);
            let run: RunId = event.runs[0].id;
            let mut attempt = bed.attempt("do.0", 1);
            let mut request = String::new();
            write!(
                request,
                "{{\"method\":\"POST\",\"url\":\"https://api.groovehq.com/v1/tickets/{}/messages\",\"headers\":[[\"content-type\",\
                 \"application/json\"],[\"idempotency-key\",\"bw_{:032x}\"]],\"body\":\"{{\\\"body\\\":\\\"Missed call from London, United \
                 Kingdom on https://www.gruveo.com/@acme.sales after {} seconds.\\\",\\\"note\\\":true}}\",\"inputs\":{{\"ticket\":{},\"body\":\
                 \"Missed call from London, United Kingdom on https://www.gruveo.com/@acme.sales after {} seconds.\",\"author\":null}}}}",
                n % 5000,
                (n as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_2545_F491_4F6C_DD1D),
                n % 90,
                n % 5000,
                n % 90
            )
            .unwrap();
            attempt.request = Some(request.into_bytes());
            let id = attempt.id;
            let claim = bed.claim(run, RunStatus::Due, Some(attempt));
            let done = Record {
                attempt: Some(AttemptEnd { status: Some(201), ..ended(id, AttemptOutcome::Ok) }),
                outputs: vec![output("do.0", json!({"id": 90_000_000 + n}))],
                ..record(run, claim.claim, end(RunStatus::Ok))
            };
            let store = bed.store.clone();
            tokio::spawn(async move {
                store.accept(event).await.unwrap();
                assert!(store.claim(claim).await.unwrap().is_mine());
                assert!(store.record(done).await.unwrap().is_mine());
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_with_its_run_and_attempt_takes_under_a_thousand_bytes() {
    let bed = Bed::sqlite();
    let sample: Arc<[u8]> = Arc::from(call(1_000_003).as_bytes());
    for start in (0..CALLS).step_by(100) {
        whole_way(&bed, start..start + 100, &sample).await;
    }
    let average = (0..CALLS).map(|n| call(n).len()).sum::<usize>() / CALLS;
    let last: EventId = bed.store.events(crate::store::EventFilter::default()).await.unwrap()[0].id;
    assert!(bed.store.event(last).await.unwrap().unwrap().event.body.is_some());
    bed.store.close();
    let bytes = std::fs::metadata(bed.config.data.dir.join("bellwire.db")).unwrap().len();
    let each = bytes / CALLS as u64;
    println!("bytes a call: {each} (body {average} bytes as sent)");
    assert!(each < 1000, "{each} bytes a call");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a figure, to be looked at in a release build"]
async fn pace_of_accepting() {
    let bed = Arc::new(Bed::sqlite());
    let sample: Arc<[u8]> = Arc::from(call(1_000_003).as_bytes());
    let (senders, each) = (64, 1500);
    let begun = std::time::Instant::now();
    let tasks: Vec<_> = (0..senders)
        .map(|sender| {
            let (bed, sample) = (Arc::clone(&bed), Arc::clone(&sample));
            tokio::spawn(async move {
                for n in 0..each {
                    bed.store.accept(event(&bed, sender * each + n, &sample)).await.unwrap();
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    let took = begun.elapsed().as_millis().max(1);
    println!("accepted a second: {}", (senders * each) as u128 * 1000 / took);
}
