//! What it takes to read and check packs.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use bellwire::services::Registry;

pub(crate) fn loading() {
    let mut spans: Vec<Duration> = (0..21)
        .map(|_| {
            let began = Instant::now();
            Registry::load(&BTreeMap::new()).unwrap();
            began.elapsed()
        })
        .collect();
    spans.sort_unstable();
    let count = Registry::load(&BTreeMap::new()).unwrap().packs.len();
    let (all, each) = (spans[10].as_secs_f64() * 1e3, spans[10].as_secs_f64() * 1e3 / count as f64);
    println!("  {count} packs with their schemas and samples: {all:.1} ms, {each:.2} ms each (goal: under 1 ms)");
}
