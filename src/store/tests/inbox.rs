//! The inbox: one list of what was accepted, repeated and refused.

use std::{sync::Arc, time::Duration};

use diesel::{QueryableByName, RunQueryDsl as _, sql_query};

use super::{
    bed::{Bed, NOW, dedupe},
    on_both,
};
use crate::{
    ids::{Cursor, EventId, JobId, RefusalId, RunId},
    model::Refusal,
    store::{
        InboxAsk, InboxFilter, InboxRow, InboxState, JobStart, JobState, JobStep, NewEvent, Probe, Replay,
        dialect::{self, Conn, InboxOrder},
        inbox::channels_apart,
    },
};

/// What makes a filter of none.
type Change = fn(&mut InboxFilter);

fn ask(filter: InboxFilter) -> InboxAsk {
    InboxAsk { filter, above: None, below: None, limit: 50, oldest_first: false, budget: Duration::from_secs(10) }
}

async fn seen(bed: &Bed, ask: InboxAsk) -> Vec<String> {
    let page = bed.store.inbox(ask).await.unwrap();
    page.rows.iter().map(told).collect()
}

/// `e5`, `d7`, `r9`: what it is, and its id in thousands.
fn told(row: &InboxRow) -> String {
    let kind = match row {
        InboxRow::Event(_) => "e",
        InboxRow::Duplicate(_) => "d",
        InboxRow::Refused(_) => "r",
    };
    format!("{kind}{}", row.id() / 1000)
}

/// Events 1, 2 (matched), 3 (front), 4 duplicate of 2, 5 refused, 6 of front and matched.
async fn six(bed: &Bed) {
    for n in 1..=6_i64 {
        let id = 1000 * n;
        if n == 5 {
            bed.store.refuse(Refusal {
                id: RefusalId(id),
                at: NOW.0,
                source: Some("gruveo".to_owned()),
                peer: "192.0.2.7".to_owned(),
                reason: "signature_mismatch".to_owned(),
                status: 401,
                detail: "the signature does not hold".to_owned(),
                bytes: 10,
            });
            continue;
        }
        let mut event = NewEvent { id: EventId(id), ..bed.unmatched() };
        event.body = format!("{{\"n\":{n},\"name\":\"Number {n} Ümläut\"}}").into_bytes();
        if n == 3 || n == 6 {
            (event.kind, event.source) = ("front.message".to_owned(), "front".to_owned());
        }
        if n == 2 || n == 4 {
            event.dedupe = Some(dedupe(1, 1));
        }
        if n == 2 || n == 6 {
            event.runs = vec![bed.due_run("calls/missed", NOW)];
            event.runs[0].id = RunId(id + 1);
        }
        bed.store.accept(event).await.unwrap();
    }
    while bed.store.refusals(10).await.unwrap().is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

on_both! {
    async fn accepted_repeated_and_refused_are_one_list_newest_first(bed) {
        six(bed).await;
        let all = || ask(InboxFilter::default());
        assert_eq!(seen(bed, all()).await, ["e6", "r5", "d4", "e3", "e2", "e1"]);
        let page = bed.store.inbox(InboxAsk { limit: 2, ..all() }).await.unwrap();
        assert_eq!(page.next, Some(5000));
        assert_eq!(seen(bed, InboxAsk { limit: 3, below: page.next, ..all() }).await, ["d4", "e3", "e2"]);
        let last = bed.store.inbox(InboxAsk { below: Some(3000), ..all() }).await.unwrap();
        assert_eq!((last.rows.len(), last.next), (2, None));
        assert_eq!(seen(bed, InboxAsk { above: Some(4000), ..all() }).await, ["e6", "r5"]);
        assert_eq!(seen(bed, InboxAsk { oldest_first: true, limit: 3, ..all() }).await, ["e1", "e2", "e3"]);
        assert_eq!(seen(bed, InboxAsk { oldest_first: true, above: Some(3000), ..all() }).await, ["d4", "r5", "e6"]);
        let duplicates = bed.store.repeats_of(EventId(2000)).await.unwrap();
        assert_eq!(duplicates.len(), 1);
    }

    async fn each_filter_narrows_the_list_alone_and_with_others(bed) {
        six(bed).await;
        let with = |change: Change| {
            let mut filter = InboxFilter::default();
            change(&mut filter);
            ask(filter)
        };
        let table: [(Change, &[&str]); 12] = [
            (|f| f.state = Some(InboxState::Matched), &["e6", "e2"]),
            (|f| f.state = Some(InboxState::Unmatched), &["e3", "e1"]),
            (|f| f.state = Some(InboxState::Duplicate), &["d4"]),
            (|f| f.state = Some(InboxState::Refused), &["r5"]),
            (|f| f.source = Some("gruveo".to_owned()), &["r5", "d4", "e2", "e1"]),
            (|f| f.kind = Some("gruveo.call".to_owned()), &["d4", "e2", "e1"]),
            (|f| f.rule = Some("calls/missed".to_owned()), &["e6", "e2"]),
            (|f| f.rule = Some("none".to_owned()), &[]),
            (
                |f| {
                    f.rule = Some("calls/missed".to_owned());
                    f.source = Some("front".to_owned());
                },
                &["e6"],
            ),
            (
                |f| {
                    f.source = Some("front".to_owned());
                    f.state = Some(InboxState::Unmatched);
                },
                &["e3"],
            ),
            (|f| f.source = Some("nobody".to_owned()), &[]),
            (
                |f| {
                    f.from = Some(2000);
                    f.until = Some(5000);
                },
                &["d4", "e3", "e2"],
            ),
        ];
        for (number, (change, wanted)) in table.into_iter().enumerate() {
            assert_eq!(seen(bed, with(change)).await, wanted, "filter {number}");
        }
        let count = |change: Change| bed.store.inbox_count(with(change).filter, 3);
        assert_eq!(count(|_| {}).await.unwrap(), Some(3), "not counted beyond the most");
        assert_eq!(count(|f| f.state = Some(InboxState::Matched)).await.unwrap(), Some(2));
        assert_eq!(count(|f| f.rule = Some("calls/missed".to_owned())).await.unwrap(), Some(2));
        assert_eq!(count(|f| f.probe.text = Some("x".to_owned())).await.unwrap(), None);
    }

    async fn texts_and_tests_look_into_bodies_within_a_budget(bed) {
        six(bed).await;
        let text = |text: &str| {
            let probe = Probe { text: Some(text.to_owned()), test: None };
            ask(InboxFilter { probe, ..InboxFilter::default() })
        };
        assert_eq!(seen(bed, text("number 2")).await, ["d4", "e2"], "a duplicate has the body of the first");
        assert_eq!(seen(bed, text("ümläut")).await.len(), 5);
        assert_eq!(seen(bed, text("signature does")).await, ["r5"]);
        assert_eq!(seen(bed, text("%")).await, Vec::<String>::new());
        let of_front: crate::store::InboxTest = Arc::new(|event| event.kind == "front.message");
        let probe = Probe { text: Some("number 6".to_owned()), test: Some(of_front) };
        assert_eq!(seen(bed, ask(InboxFilter { probe, ..InboxFilter::default() })).await, ["e6"]);
        for n in 10..400 {
            bed.store.accept(NewEvent { id: EventId(1000 * n), ..bed.unmatched() }).await.unwrap();
        }
        let cut = InboxAsk { budget: Duration::ZERO, ..text("number 2") };
        let mut page = bed.store.inbox(cut.clone()).await.unwrap();
        assert!(page.is_cut && page.rows.is_empty() && page.next.is_some());
        let mut found = Vec::new();
        let mut pages = 1;
        while let Some(next) = page.next {
            page = bed.store.inbox(InboxAsk { below: Some(next), ..cut.clone() }).await.unwrap();
            found.extend(page.rows.iter().map(told));
            pages += 1;
        }
        assert_eq!(found, ["d4", "e2"]);
        assert!(pages > 3, "{pages}");
    }

    async fn a_slow_search_is_cut_between_two_bodies_and_goes_on_from_there(bed) {
        for n in 1..=40 {
            bed.store.accept(NewEvent { id: EventId(1000 * n), ..bed.unmatched() }).await.unwrap();
        }
        let asked = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let slow: crate::store::InboxTest = Arc::new(move |event| {
            counted.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            std::thread::sleep(Duration::from_millis(10));
            event.id.0 % 3000 == 0
        });
        let probe = Probe { text: None, test: Some(slow) };
        let ask = InboxAsk { budget: Duration::from_millis(35), ..ask(InboxFilter { probe, ..InboxFilter::default() }) };
        let (mut below, mut found) = (None, Vec::new());
        for pages in 1.. {
            asked.store(0, std::sync::atomic::Ordering::Relaxed);
            let page = bed.store.inbox(InboxAsk { below, ..ask.clone() }).await.unwrap();
            let looked = asked.load(std::sync::atomic::Ordering::Relaxed);
            assert!((1..=5).contains(&looked), "{looked} in one page");
            found.extend(page.rows.iter().map(InboxRow::id));
            below = page.next;
            if below.is_none() {
                break;
            }
            assert!(page.is_cut && pages < 60);
        }
        assert_eq!(found, (1..=13).rev().map(|n| 3000 * n).collect::<Vec<i64>>());
    }

    async fn one_person_has_so_many_jobs_under_way_and_no_more(bed) {
        let start = |n: i64, person: i64| JobStart {
            id: JobId(n),
            request: n.to_string(),
            work: "{}".to_owned(),
            what: "a job".to_owned(),
            back: "/events".to_owned(),
            person: (person, "anna".to_owned()),
            total: None,
        };
        for n in 1..=20 {
            assert_eq!(bed.store.begin_job(start(n, 1)).await.unwrap(), Some(JobId(n)));
        }
        assert_eq!(bed.store.begin_job(start(21, 1)).await.unwrap(), None);
        assert_eq!(bed.store.begin_job(start(20, 1)).await.unwrap(), Some(JobId(20)), "it is known");
        assert_eq!(bed.store.begin_job(start(22, 2)).await.unwrap(), Some(JobId(22)), "of somebody else");
        assert!(bed.store.cancel_job(JobId(1), String::new(), NOW).await.unwrap());
        assert_eq!(bed.store.begin_job(start(23, 1)).await.unwrap(), Some(JobId(23)));
    }

    async fn more_channels_than_are_asked_one_by_one_give_the_same_list(bed) {
        let many = i64::try_from(channels_apart()).unwrap() + 5;
        for n in 1..=many {
            let event = NewEvent { id: EventId(1000 * n), kind: format!("box.n{n}"), source: "box".to_owned(), ..bed.unmatched() };
            bed.store.accept(event).await.unwrap();
        }
        bed.store.accept(NewEvent { id: EventId(1000 * (many + 1)), ..bed.event() }).await.unwrap();
        let filter = InboxFilter { source: Some("box".to_owned()), state: Some(InboxState::Unmatched), ..InboxFilter::default() };
        let page = bed.store.inbox(InboxAsk { limit: 3, ..ask(filter) }).await.unwrap();
        let ids: Vec<i64> = page.rows.iter().map(|row| row.id() / 1000).collect();
        assert_eq!(ids, [many, many - 1, many - 2]);
        assert_eq!(page.next, Some(1000 * (many - 2)));
    }

    async fn duplicates_are_kept_in_a_ring_and_go_with_their_time(bed) {
        for n in 1..=20_i64 {
            let event = NewEvent { id: EventId(1000 * n), dedupe: Some(dedupe(1, 1)), ..bed.unmatched() };
            bed.store.accept(event).await.unwrap();
        }
        let kept = || bed.store.repeats_of(EventId(1000));
        assert_eq!(kept().await.unwrap().len(), 19);
        assert_eq!(dialect::trim_repeats(&mut writing(bed), 5).unwrap(), 14);
        assert_eq!(kept().await.unwrap().len(), 5);
        bed.store.prune(NOW, NOW).await.unwrap();
        assert_eq!(kept().await.unwrap().len(), 0, "their ids are older than now");
    }

    async fn views_are_a_person_s_own(bed) {
        let put = |name: &str, query: &str| bed.store.put_view(1, name.to_owned(), query.to_owned(), NOW);
        assert!(put("b", "q=1").await.unwrap());
        assert!(put("a", "q=2").await.unwrap());
        assert!(put("b", "q=3").await.unwrap());
        let all = bed.store.views(1).await.unwrap();
        assert_eq!(all, [("a".to_owned(), "q=2".to_owned()), ("b".to_owned(), "q=3".to_owned())]);
        assert!(bed.store.views(2).await.unwrap().is_empty());
        assert!(!bed.store.remove_view(2, "a".to_owned()).await.unwrap());
        assert!(bed.store.remove_view(1, "a".to_owned()).await.unwrap());
        for n in 0..49 {
            assert!(put(&format!("n{n}"), "").await.unwrap());
        }
        assert!(!put("one too many", "").await.unwrap());
    }

    async fn a_job_is_begun_once_and_moves_on_with_what_it_writes(bed) {
        let event = bed.event();
        let (id, of) = (event.id, event.runs[0].id);
        bed.store.accept(event).await.unwrap();
        let start = |n: i64| JobStart {
            id: JobId(n),
            request: "1/key".to_owned(),
            work: "{}".to_owned(),
            what: "a job".to_owned(),
            back: "/events".to_owned(),
            person: (1, "anna".to_owned()),
            total: Some(3),
        };
        assert_eq!(bed.store.begin_job(start(5)).await.unwrap(), Some(JobId(5)));
        assert_eq!(bed.store.begin_job(start(6)).await.unwrap(), Some(JobId(5)), "the same key");
        let replay = |n: i64| Replay {
            id: RunId(n),
            event: id,
            of: Some(of),
            rule: "calls/missed".to_owned(),
            set: 0,
            root: None,
            vars: serde_json::Map::new(),
            outputs: Vec::new(),
            key: None,
            at: NOW,
        };
        let step = JobStep { replays: vec![replay(77)], done: 1, faults: vec!["x".to_owned()], place: 10, end: None };
        assert!(bed.store.step_job(JobId(5), 0, step.clone(), NOW).await.unwrap());
        assert!(!bed.store.step_job(JobId(5), 0, JobStep { replays: vec![replay(78)], ..step }, NOW).await.unwrap(), "it is elsewhere");
        assert!(bed.store.run(RunId(78)).await.unwrap().is_none());
        let job = bed.store.job(JobId(5)).await.unwrap().unwrap();
        assert_eq!((job.done, job.failed, job.made, job.place), (1, 1, 1, 10));
        assert_eq!((job.runs, job.faults), (vec![RunId(77)], vec!["x".to_owned()]));
        assert_eq!(bed.store.running_jobs().await.unwrap().len(), 1);
        let bad = Replay { event: EventId(12345), ..replay(79) };
        let step = JobStep { replays: vec![replay(80), bad], done: 2, place: 20, ..JobStep::default() };
        assert!(bed.store.step_job(JobId(5), 10, step, NOW).await.is_err());
        assert!(bed.store.run(RunId(80)).await.unwrap().is_none(), "all of a step or nothing");
        assert!(bed.store.cancel_job(JobId(5), "ended by anna".to_owned(), NOW).await.unwrap());
        assert!(!bed.store.cancel_job(JobId(5), String::new(), NOW).await.unwrap());
        let end = JobStep { place: 10, end: Some((JobState::Done, String::new())), ..JobStep::default() };
        assert!(!bed.store.step_job(JobId(5), 10, end, NOW).await.unwrap(), "it is over");
        assert!(bed.store.running_jobs().await.unwrap().is_empty());
    }
}

/// A connection that may write, beside the store's own.
fn writing(bed: &Bed) -> Conn {
    crate::store::open::Place::of(&bed.config).unwrap().connect(dialect::Access::Write).unwrap()
}

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = diesel::sql_types::Text)]
    detail: String,
}

#[tokio::test]
async fn every_question_of_the_inbox_is_answered_by_an_index_from_its_first_row_on() {
    let bed = Bed::sqlite();
    six(&bed).await;
    let Conn::Sqlite(mut conn) = writing(&bed) else { panic!("SQLite was asked for") };
    for order in [InboxOrder::NewestFirst, InboxOrder::OldestFirst] {
        for sql in dialect::inbox_statements(order) {
            let explained = format!("EXPLAIN QUERY PLAN {}", sql.replace('?', "1"));
            let plans: Vec<Plan> = sql_query(explained).load(&mut conn).unwrap();
            for Plan { detail } in plans {
                assert!(detail.starts_with("SEARCH") && !detail.contains("TEMP B-TREE"), "{sql}: {detail}");
            }
        }
    }
}

#[test]
fn places_in_the_list_are_texts_that_nothing_else_is() {
    assert_eq!(Cursor(1).to_string().parse(), Ok(Cursor(1)));
    assert!("evt_0000000000001".parse::<Cursor>().is_err());
}
