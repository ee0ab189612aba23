//! How long a render takes: a measure for `make bench`, with a bound that only an optimised build must hold.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{context, parse};
use crate::templates::Sink;

/// design.md, section 9.
const GOAL: Duration = Duration::from_micros(20);
const ROUNDS: u32 = 2_000;

/// A payload with many names, of which a template needs ten.
fn payload() -> Value {
    let mut event = serde_json::Map::new();
    for number in 0..60 {
        event.insert(format!("name{number}"), json!({"value": "some text of a usual length", "list": [1, 2, 3]}));
    }
    json!({"event": event})
}

#[test]
#[ignore = "a measure: run it with --release"]
fn a_kilobyte_with_ten_values_renders_in_time() {
    let mut text = String::new();
    for number in 0..10 {
        text.push_str("A sentence that is the template's own, and nothing else. It goes on for a while here. ");
        write!(text, "{{{{ event.name{}.value }}}}", number * 6).unwrap();
    }
    let (data, template) = (payload(), parse(&text));
    let started = Instant::now();
    for _ in 0..ROUNDS {
        template.render(&context(&data), Sink::Plain).unwrap();
    }
    let each = started.elapsed() / ROUNDS;
    let started = Instant::now();
    for _ in 0..ROUNDS / 10 {
        parse(&text);
    }
    println!("{} bytes: {each:?} to render, {:?} to parse", text.len(), started.elapsed() / (ROUNDS / 10));
    assert!(cfg!(debug_assertions) || each < GOAL, "{each:?}");
}
