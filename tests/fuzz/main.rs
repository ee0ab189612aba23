//! Mutated texts from users: whatever stands in them, nothing panics, and no case takes more than 100 ms or 64 MiB. `make fuzz` runs
//! them for `FUZZ_MINUTES`, with another seed at each go.
#![expect(clippy::unwrap_used, unreachable_pub, reason = "a test may panic, and its modules are its own")]

mod bodies;
mod cron;
mod dice;
mod measure;
mod rules;
mod templates;

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use dice::Dice;
use measure::{Counts, Meter};

/// The seed of the first go.
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

/// Tests that share the minutes.
const TESTS: u32 = 8;

/// One go at a time: memory is measured for the process.
static TURN: Mutex<()> = Mutex::new(());

/// Goes of one test until its share of the minutes is over, each with a seed that is printed, so that a failure can be had again. Cases must
/// have come to each of `wanted`, or the test has tested nothing.
fn run(wanted: &[&str], mut go: impl FnMut(&mut Dice, &mut Meter) -> Counts) {
    #[expect(clippy::disallowed_methods, reason = "a test's own switch, not a setting of the program")]
    let minutes: u64 = std::env::var("FUZZ_MINUTES").ok().map_or(0, |minutes| minutes.parse().unwrap());
    // Each test takes its share: they run one at a time.
    let share = Duration::from_secs(60 * minutes) / TESTS;
    let (mut spent, mut seed) = (Duration::ZERO, SEED);
    loop {
        {
            let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
            println!("seed {seed}");
            let mut meter = Meter::new();
            let started = Instant::now();
            let counts = go(&mut Dice(seed), &mut meter);
            let took = started.elapsed();
            spent += took;
            println!("{counts:?} in {took:?}; slowest {:?}, hungriest {} KiB", meter.slowest.0, meter.hungriest);
            if meter.slowest.0 > measure::SLOW / 4 {
                println!("the slowest:\n{}", meter.slowest.1);
            }
            for kind in wanted {
                assert!(counts.contains_key(kind), "no case came to {kind}: {counts:?}");
            }
        }
        if spent >= share {
            return;
        }
        seed = seed.wrapping_mul(SEED).rotate_left(17) | 1;
    }
}
