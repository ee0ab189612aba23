//! Mutated cron expressions: read or refused, and the next slot found, in every zone.

use bellwire::{clock::Time, rules::Cron};

use super::{
    dice::Dice,
    measure::{Counts, Meter},
    run,
};

const CASES: u64 = 3_000;

const CORPUS: [&str; 20] = [
    "0 18 * * mon-fri",
    "*/5 * * * *",
    "0 0 29 2 *",
    "30 2 * * *",
    "15 */3 1,15 * *",
    "0 9-17/2 * jan-jun 1-5",
    "@hourly",
    "@daily",
    "@yearly",
    "59 23 31 12 7",
    "0 0 13 * fri",
    "0 0 30 2 *",
    "0 0 */2 * 0",
    "1-59/58 * * * *",
    "* * * * sun,mon,tue,wed,thu,fri,sat",
    "0 0 L * *",
    "0 0 ? * 5#3",
    "5 4 * * sun",
    "60 24 32 13 8",
    "0 0 0 0 0",
];

const WORDS: [&str; 22] = [
    "*",
    "/",
    "-",
    ",",
    " ",
    "0",
    "59",
    "31",
    "mon",
    "dec",
    "@",
    "#",
    "L",
    "W",
    "?",
    "*/0",
    "1-",
    "-1",
    "99999999999",
    "4294967296",
    "\t",
    "é",
];

const ZONES: [&str; 7] = [
    "UTC",
    "Europe/Athens",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "Pacific/Apia",
    "Nowhere/None",
];

#[test]
fn mutated_cron_expressions_neither_panic_nor_take_long() {
    run(&["refused", "slots"], go);
}

fn go(dice: &mut Dice, meter: &mut Meter) -> Counts {
    let mut counts = Counts::new();
    for _ in 0..CASES {
        let expression = dice.mutate(&CORPUS, &WORDS);
        let zone = dice.pick(&ZONES);
        // From 1938 to 2096; sometimes where no calendar reaches.
        let mut from = i64::try_from(dice.below(5_000_000_000_000)).unwrap() - 1_000_000_000_000;
        if dice.below(50) == 0 {
            from = if dice.below(2) == 0 { i64::MIN } else { i64::MAX };
        }
        let came_to = meter.measure(&format!("{expression:?} in {zone} from {from}"), || {
            let Ok(cron) = Cron::parse(&expression, Some(zone)) else { return "refused" };
            let mut at = Time(from);
            for _ in 0..5 {
                let Some(next) = cron.next_after(at) else { return "no slot" };
                assert!(next > at, "{expression:?} in {zone}: {next:?} after {at:?}");
                at = next;
            }
            "slots"
        });
        *counts.entry(came_to).or_default() += 1;
    }
    counts
}
