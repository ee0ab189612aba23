use super::*;

const HOST: &str = "https://api.example.com";
const START: Time = Time(1_000_000);

fn circuits() -> Circuits {
    Circuits::new(config::Circuit {
        failures: 5,
        within: Duration::from_mins(1),
        pause: Duration::from_secs(30),
        longest: Duration::from_mins(5),
    })
}

fn at(seconds: u64) -> Time {
    START.plus(Duration::from_secs(seconds))
}

fn pass(circuits: &Circuits, now: Time) -> Pass {
    match circuits.gate(Some(HOST.to_owned()), now) {
        Gate::Go(pass) => pass,
        other @ Gate::Until(_) => panic!("{other:?}"),
    }
}

/// Fails so often, a second apart, from that second on; what the last one changed.
fn fail(circuits: &Circuits, count: u64, from: u64) -> Option<Change> {
    let mut last = None;
    for second in from..from + count {
        last = pass(circuits, at(second)).end(Came::Failure, at(second));
    }
    last
}

fn opened(failures: u32, until: Time) -> Option<Change> {
    Some(Change::Opened { origin: HOST.to_owned(), failures, until })
}

fn until(circuits: &Circuits, now: Time) -> Option<Time> {
    match circuits.gate(Some(HOST.to_owned()), now) {
        Gate::Go(_) => None,
        Gate::Until(at) => Some(at),
    }
}

#[test]
fn five_failures_in_a_row_within_a_minute_open_it() {
    let circuits = circuits();
    assert_eq!(fail(&circuits, 4, 0), None);
    assert_eq!(until(&circuits, at(3)), None);
    assert_eq!(fail(&circuits, 1, 4), opened(5, at(34)));
    assert_eq!(until(&circuits, at(4)), Some(at(34)));
    assert_eq!(circuits.closed_until("https://other.example.com", at(4)), None, "each host has its own");
}

#[test]
fn an_answer_or_time_between_them_keeps_it_closed() {
    let circuits = circuits();
    fail(&circuits, 4, 0);
    assert_eq!(pass(&circuits, at(4)).end(Came::Answer, at(4)), None);
    assert_eq!(fail(&circuits, 4, 5), None);
    // The first of the four is older than a minute by now.
    assert_eq!(fail(&circuits, 1, 66), None);
    assert_eq!(pass(&circuits, at(66)).end(Came::Nothing, at(66)), None);
    assert_eq!(fail(&circuits, 1, 67), None);
}

#[test]
fn one_probe_goes_after_the_pause_which_doubles_up_to_five_minutes() {
    let circuits = circuits();
    fail(&circuits, 5, 0);
    let mut now = 34;
    for (failures, pause) in [(6, 60), (7, 120), (8, 240), (9, 300), (10, 300)] {
        let probe = pass(&circuits, at(now));
        assert!(until(&circuits, at(now)).is_some_and(|until| until >= at(now + 1)), "one alone");
        assert_eq!(probe.end(Came::Failure, at(now)), opened(failures, at(now + pause)));
        assert!(until(&circuits, at(now + pause - 1)).is_some());
        now += pause;
    }
    assert_eq!(pass(&circuits, at(now)).end(Came::Answer, at(now)), Some(Change::Closed { origin: HOST.to_owned() }));
    assert_eq!(fail(&circuits, 4, now), None, "it begins anew");
}

#[test]
fn a_probe_that_never_went_out_leaves_its_turn_to_the_next() {
    let circuits = circuits();
    fail(&circuits, 5, 0);
    drop(pass(&circuits, at(34)));
    assert_eq!(pass(&circuits, at(34)).end(Came::Nothing, at(34)), None);
    let _probe = pass(&circuits, at(34));
    assert!(until(&circuits, at(34)).is_some());
}

#[test]
fn requests_that_were_on_their_way_when_it_opened_change_nothing_unless_one_is_answered() {
    let circuits = circuits();
    let (early, late) = (pass(&circuits, at(0)), pass(&circuits, at(0)));
    fail(&circuits, 5, 0);
    assert_eq!(early.end(Came::Failure, at(5)), None);
    assert_eq!(until(&circuits, at(5)), Some(at(34)));
    assert_eq!(late.end(Came::Answer, at(6)), Some(Change::Closed { origin: HOST.to_owned() }));
}

#[test]
fn those_who_wait_come_back_spread_evenly_and_never_before_the_pause_is_over() {
    let circuits = circuits();
    fail(&circuits, 5, 0);
    let mut seconds = [0_u32; 30];
    for _ in 0..10_000 {
        let back = until(&circuits, at(10)).unwrap().since(at(34)).as_secs();
        seconds[usize::try_from(back).unwrap()] += 1;
    }
    let mean = 10_000 / 30;
    assert!(seconds.iter().all(|count| *count < 2 * mean && *count > mean / 2), "{seconds:?}");
    assert!(until(&circuits, at(33)).unwrap() >= at(34));
}

#[test]
fn none_opens_where_the_settings_say_zero() {
    let circuits = Circuits::new(config::Circuit { failures: 0, ..circuits().0.settings.clone() });
    assert_eq!(fail(&circuits, 100, 0), None);
}

#[test]
fn hosts_that_failed_once_are_forgotten() {
    let circuits = circuits();
    for n in 0..20_000_u64 {
        let Gate::Go(pass) = circuits.gate(Some(format!("https://host{n}")), at(n)) else { panic!() };
        assert_eq!(pass.end(Came::Failure, at(n)), None);
    }
    assert!(circuits.0.lock().len() <= MANY);
}
