//! The runner's side: due, claim, record, recover, resolve.

use std::time::Duration;

use serde_json::json;

use super::{
    bed::{NOW, end, ended, object, output, record},
    on_both,
};
use crate::{
    clock::Time,
    model::{AttemptKind, AttemptOutcome, ErrorClass, RunStatus, StepError},
    store::{
        AttemptEnd, Claim, Due, LastRead, NewAttempt, NewEvent, NewSet, Record, Resolution, RunFilter, StoreError, Then,
    },
};

fn error(message: &str) -> StepError {
    StepError {
        step: "do.0".to_owned(),
        class: ErrorClass::Status,
        status: Some(503),
        message: message.to_owned(),
        attempt: 1,
    }
}

on_both! {
    async fn due_runs_come_fairly_over_rules(bed) {
        for n in 0..30 {
            let mut event = bed.unmatched();
            event.runs = vec![bed.due_run("busy", NOW.minus(Duration::from_secs(100 - n)))];
            bed.store.accept(event).await.unwrap();
        }
        let mut event = bed.unmatched();
        event.runs = vec![bed.due_run("quiet", NOW), bed.due_run("later", NOW.plus(Duration::from_secs(5)))];
        event.runs[0].status = RunStatus::Undecided;
        bed.store.accept(event).await.unwrap();
        let Due { runs: due, cut, next } = bed.store.due(NOW, 4, 100).await.unwrap();
        assert!(cut);
        assert_eq!(next, Some(NOW.plus(Duration::from_secs(5))));
        let rules: Vec<_> = due.iter().map(|run| &*run.rule).collect();
        assert_eq!(rules, ["busy", "busy", "busy", "busy", "quiet"]);
        assert!(due.is_sorted_by_key(|run| run.due_at));
        assert_eq!(due[4].status, RunStatus::Undecided);
        let due = bed.store.due(NOW, 100, 7).await.unwrap().runs;
        let rules: Vec<&str> = due.iter().map(|run| &*run.rule).collect();
        assert_eq!(rules, ["busy", "busy", "busy", "quiet"], "who has many does not fill the list");
        assert!(!bed.store.due(NOW, 100, 100).await.unwrap().cut);
        let later = bed.store.due(NOW.plus(Duration::from_secs(5)), 1, 100).await.unwrap();
        assert_eq!((later.runs.len(), later.next), (3, None));
    }

    async fn of_many_claims_one_wins(bed) {
        let event = bed.event();
        let run = event.runs[0].id;
        bed.store.accept(event).await.unwrap();
        let tasks: Vec<_> = (0..20)
            .map(|_| {
                let (store, claim) = (bed.store.clone(), bed.claim(run, RunStatus::Due, Some(bed.attempt("do.0", 1))));
                tokio::spawn(async move { store.claim(claim).await.unwrap().is_mine() })
            })
            .collect();
        let mut won = 0;
        for task in tasks {
            won += usize::from(task.await.unwrap());
        }
        assert_eq!(won, 1);
        let detail = bed.store.run(run).await.unwrap().unwrap();
        assert_eq!(detail.attempts.len(), 1, "the attempts of lost claims are not begun");
        assert_eq!(detail.row.status, RunStatus::Running);
        assert!(bed.store.due(NOW, 10, 10).await.unwrap().runs.is_empty());
        assert!(matches!(bed.store.claim(bed.claim(run, RunStatus::Ok, None)).await, Err(StoreError::Illegal(_))));
    }

    async fn a_run_of_one_step_ends_with_its_output(bed) {
        let (run, claim, attempt) = bed.taken().await;
        let end_of_attempt = AttemptEnd { status: Some(201), reply: Some(b"reply".to_vec()), ..ended(attempt, AttemptOutcome::Ok) };
        let done = Record {
            attempt: Some(end_of_attempt),
            outputs: vec![output("do.0", json!({"id": 1}))],
            ..record(run, claim, end(RunStatus::Ok))
        };
        assert!(bed.store.record(done.clone()).await.unwrap().is_mine());
        let detail = bed.store.run(run).await.unwrap().unwrap();
        assert_eq!((detail.row.status, detail.row.ended_at, detail.row.due_at), (RunStatus::Ok, Some(NOW), None));
        assert_eq!(detail.outputs, [output("do.0", json!({"id": 1}))]);
        let attempt = &detail.attempts[0];
        assert_eq!((attempt.outcome, attempt.status, attempt.number), (AttemptOutcome::Ok, Some(201), 1));
        assert_eq!(attempt.request.as_deref(), Some(&br#"{"method":"POST"}"#[..]), "kept after the run");
        assert_eq!(attempt.reply.as_deref(), Some(&b"reply"[..]));
        assert!(!bed.store.record(done).await.unwrap().is_mine(), "a run that is over is nobody's");
        let counts = bed.store.counts(NOW).await.unwrap();
        assert_eq!((counts.events, counts.runs_open, counts.runs_failed), (1, 0, 0));
    }

    async fn a_step_that_is_tried_again_is_pending_with_its_first_request(bed) {
        let (run, claim, attempt) = bed.taken().await;
        let at = NOW.plus(Duration::from_secs(5));
        let retry = AttemptEnd {
            error: Some(error("503")),
            status: Some(503),
            reason: "schedule".to_owned(),
            ..ended(attempt, AttemptOutcome::Retry)
        };
        assert!(bed.store.record(Record { attempt: Some(retry), ..record(run, claim, Then::Due(at)) }).await.unwrap().is_mine());
        let loaded = bed.store.load(run).await.unwrap().unwrap();
        let pending = loaded.pending.unwrap();
        assert_eq!((pending.step.0.as_str(), pending.attempts, pending.last), ("do.0", 1, AttemptOutcome::Retry));
        assert_eq!(pending.last_error, Some(error("503")));
        assert_eq!(pending.request, br#"{"method":"POST"}"#);
        assert_eq!((pending.began_at, pending.resolution), (NOW, None));
        assert_eq!(loaded.started_at, Some(NOW));
        assert_eq!(bed.store.due(NOW, 1, 1).await.unwrap().next, Some(at));
        let again = bed.claim(run, RunStatus::Due, Some(bed.attempt("do.0", 2)));
        let second = again.claim;
        assert!(bed.store.claim(again).await.unwrap().is_mine());
        assert_eq!(bed.store.load(run).await.unwrap().unwrap().pending.unwrap().attempts, 2);
        assert!(!bed.store.record(record(run, claim, end(RunStatus::Ok))).await.unwrap().is_mine(), "the first claim is over");
        assert!(bed.store.record(record(run, second, end(RunStatus::Failed))).await.unwrap().is_mine());
    }

    async fn a_claim_goes_on_from_step_to_step(bed) {
        let (run, claim, attempt) = bed.taken().await;
        let next = bed.attempt("do.1", 1);
        let next_id = next.id;
        let on = Record {
            attempt: Some(ended(attempt, AttemptOutcome::Ok)),
            outputs: vec![output("do.0", json!(1))],
            vars: Some(object(&json!({"a": 1}))),
            ..record(run, claim, Then::Attempt(next))
        };
        assert!(bed.store.record(on).await.unwrap().is_mine());
        let loaded = bed.store.load(run).await.unwrap().unwrap();
        assert_eq!((loaded.status, loaded.pending.unwrap().step.0.as_str()), (RunStatus::Running, "do.1"));
        assert_eq!(loaded.vars, object(&json!({"a": 1})));
        // It ended, the next has not begun: nothing is pending, and the failure is remembered.
        let wait = Record {
            attempt: Some(ended(next_id, AttemptOutcome::Failed)),
            outputs: vec![output("do.1", json!(null)), output("do.2", json!([2]))],
            failure: Some(error("final")),
            ..record(run, claim, Then::Due(NOW))
        };
        assert!(bed.store.record(wait).await.unwrap().is_mine());
        let loaded = bed.store.load(run).await.unwrap().unwrap();
        assert!(loaded.pending.is_none());
        assert_eq!(loaded.failure, Some(error("final")));
        let steps: Vec<_> = loaded.outputs.iter().map(|output| output.step.0.as_str()).collect();
        assert_eq!(steps, ["do.0", "do.1", "do.2"]);
        let claim = bed.claim(run, RunStatus::Due, None);
        assert!(bed.store.claim(claim.clone()).await.unwrap().is_mine());
        let why = Then::End { status: RunStatus::Failed, error: Some(error("end")), why: Some("said".to_owned()) };
        assert!(bed.store.record(record(run, claim.claim, why)).await.unwrap().is_mine());
        let row = bed.store.run(run).await.unwrap().unwrap().row;
        assert_eq!((row.error, row.why.as_deref()), (Some(error("end")), Some("said")));
    }

    async fn a_result_that_comes_after_its_claim_was_lost_is_kept_and_changes_nothing(bed) {
        let (run, claim, attempt) = bed.taken().await;
        let recovered = bed.store.recover(NOW).await.unwrap();
        assert_eq!((recovered.runs, recovered.attempts), (1, 1));
        let late = Record {
            attempt: Some(AttemptEnd { status: Some(200), ..ended(attempt, AttemptOutcome::Ok) }),
            outputs: vec![output("do.0", json!(1))],
            ..record(run, claim, end(RunStatus::Ok))
        };
        assert!(!bed.store.record(late.clone()).await.unwrap().is_mine());
        assert!(!bed.store.record(late).await.unwrap().is_mine());
        let detail = bed.store.run(run).await.unwrap().unwrap();
        assert_eq!(detail.row.status, RunStatus::Due);
        assert!(detail.outputs.is_empty());
        let kept = &detail.attempts[0];
        assert_eq!((kept.outcome, kept.status, kept.reason.as_str()), (AttemptOutcome::Ok, Some(200), "late"));
    }

    async fn what_a_dead_process_held_is_due_and_its_attempts_are_unknown(bed) {
        let (run, _, _) = bed.taken().await;
        bed.store.close();
        let store = bed.open(crate::store::Mode::Serve).unwrap();
        let later = NOW.plus(Duration::from_secs(9));
        let recovered = store.recover(later).await.unwrap();
        assert_eq!((recovered.runs, recovered.attempts), (1, 1));
        let loaded = store.load(run).await.unwrap().unwrap();
        assert_eq!(loaded.pending.unwrap().last, AttemptOutcome::Unknown);
        let due = store.due(later, 1, 1).await.unwrap().runs;
        assert_eq!((due[0].id, due[0].due_at), (run, later));
        assert_eq!(store.recover(later).await.unwrap().runs, 0);
        store.close();
    }

    async fn only_a_held_run_is_resolved(bed) {
        let (run, claim, attempt) = bed.taken().await;
        assert!(!bed.store.resolve(run, Resolution::Done, NOW).await.unwrap());
        let ask = Record { attempt: Some(ended(attempt, AttemptOutcome::Unknown)), ..record(run, claim, Then::Held) };
        assert!(bed.store.record(ask).await.unwrap().is_mine());
        assert!(bed.store.due(Time(i64::MAX), 9, 9).await.unwrap().runs.is_empty());
        assert_eq!(bed.store.counts(NOW).await.unwrap().runs_held, 1);
        let beside = bed.open(crate::store::Mode::Write).unwrap();
        assert!(beside.resolve(run, Resolution::Retry, NOW).await.unwrap());
        assert!(!beside.resolve(run, Resolution::Retry, NOW).await.unwrap());
        beside.close();
        let pending = bed.store.load(run).await.unwrap().unwrap().pending.unwrap();
        assert_eq!((pending.last, pending.resolution), (AttemptOutcome::Unknown, Some(Resolution::Retry)));
        let claim = bed.claim(run, RunStatus::Due, None);
        assert!(!bed.store.claim(claim.clone()).await.unwrap().is_mine(), "whoever takes it has heard what was said");
        let claim = Claim { said: Some(Resolution::Retry), ..claim };
        assert!(bed.store.claim(claim.clone()).await.unwrap().is_mine());
        assert!(bed.store.record(record(run, claim.claim, Then::Due(NOW))).await.unwrap().is_mine());
        let pending = bed.store.load(run).await.unwrap().unwrap().pending.unwrap();
        assert_eq!(pending.resolution, Some(Resolution::Retry), "it had to wait for its turn, and nothing was done yet");
        assert!(!bed.store.resolve(run, Resolution::Done, NOW).await.unwrap(), "something was said of it already");
    }

    async fn a_run_that_waits_for_a_read_may_be_resolved_and_whoever_had_it_in_sight_does_not_get_it(bed) {
        let (run, claim, attempt) = bed.taken().await;
        let unsure = AttemptEnd { reason: "verify".to_owned(), ..ended(attempt, AttemptOutcome::Unknown) };
        let then = Record { attempt: Some(unsure), ..record(run, claim, Then::Due(NOW)) };
        assert!(bed.store.record(then).await.unwrap().is_mine());
        assert!(bed.store.run(run).await.unwrap().unwrap().waits_for_read());
        let read = NewAttempt { kind: AttemptKind::Verify, ..bed.attempt("do.0", 1) };
        let seen_before = bed.claim(run, RunStatus::Due, Some(read));
        assert!(bed.store.resolve(run, Resolution::Done, NOW).await.unwrap());
        assert!(!bed.store.claim(seen_before).await.unwrap().is_mine(), "it was said meanwhile that it was done");
        let pending = bed.store.load(run).await.unwrap().unwrap().pending.unwrap();
        assert_eq!((pending.resolution, pending.read), (Some(Resolution::Done), None));
        assert!(!bed.store.run(run).await.unwrap().unwrap().waits_for_read());
    }

    async fn a_persons_word_is_for_one_attempt(bed) {
        let (run, claim, attempt) = bed.taken().await;
        let ask = Record { attempt: Some(ended(attempt, AttemptOutcome::Unknown)), ..record(run, claim, Then::Held) };
        assert!(bed.store.record(ask).await.unwrap().is_mine());
        assert!(bed.store.resolve(run, Resolution::Retry, NOW).await.unwrap());
        let again = bed.claim(run, RunStatus::Due, Some(bed.attempt("do.0", 2)));
        assert!(bed.store.claim(Claim { said: Some(Resolution::Retry), ..again }).await.unwrap().is_mine());
        // The process dies with that attempt on its way.
        bed.store.recover(NOW).await.unwrap();
        let pending = bed.store.load(run).await.unwrap().unwrap().pending.unwrap();
        assert_eq!((pending.attempts, pending.last, pending.resolution), (2, AttemptOutcome::Unknown, None));
    }

    async fn reads_that_verify_stand_beside_the_tries_of_their_step(bed) {
        let (run, claim, attempt) = bed.taken().await;
        let unsure = Record { attempt: Some(ended(attempt, AttemptOutcome::Unknown)), ..record(run, claim, Then::Due(NOW)) };
        assert!(bed.store.record(unsure).await.unwrap().is_mine());
        assert_eq!(bed.store.load(run).await.unwrap().unwrap().pending.unwrap().read, None);
        let request = Some(br#"{"method":"GET"}"#.to_vec());
        let read = NewAttempt { kind: AttemptKind::Verify, request, ..bed.attempt("do.0", 1) };
        let (id, again) = (read.id, bed.claim(run, RunStatus::Due, Some(read)));
        assert!(bed.store.claim(again.clone()).await.unwrap().is_mine());
        let nothing = AttemptEnd { reason: "not_found".to_owned(), ..ended(id, AttemptOutcome::Ok) };
        let then = Record { attempt: Some(nothing), ..record(run, again.claim, Then::Due(NOW)) };
        assert!(bed.store.record(then).await.unwrap().is_mine());
        let pending = bed.store.load(run).await.unwrap().unwrap().pending.unwrap();
        assert_eq!((pending.attempts, pending.last), (1, AttemptOutcome::Unknown), "it is no try");
        assert_eq!(pending.read, Some(LastRead { number: 1, outcome: AttemptOutcome::Ok }));
        assert_eq!(pending.request, br#"{"method":"POST"}"#);
        let shown = bed.store.run(run).await.unwrap().unwrap().attempts;
        let requests: Vec<_> = shown.iter().map(|attempt| attempt.request.clone().unwrap()).collect();
        assert_eq!(requests, [br#"{"method":"POST"}"#.to_vec(), br#"{"method":"GET"}"#.to_vec()]);
        // The next try begins a new count of reads.
        let second = bed.claim(run, RunStatus::Due, Some(bed.attempt("do.0", 2)));
        assert!(bed.store.claim(second).await.unwrap().is_mine());
        let pending = bed.store.load(run).await.unwrap().unwrap().pending.unwrap();
        assert_eq!((pending.attempts, pending.read), (2, None));
    }

    async fn a_state_that_the_laws_forbid_is_refused(bed) {
        let (run, claim, _) = bed.taken().await;
        let odd = record(run, claim, end(RunStatus::Due));
        assert!(matches!(bed.store.record(odd).await, Err(StoreError::Rejected(_))));
        assert_eq!(bed.store.load(run).await.unwrap().unwrap().status, RunStatus::Running);
    }

    async fn a_rule_set_is_stored_once_and_read_by_path(bed) {
        let set = |digest: u8, text: &str| NewSet {
            digest: [digest; 32],
            texts: vec![("rules/a.yaml".to_owned(), text.to_owned()), ("rules/b.yaml".to_owned(), "same".to_owned())],
        };
        assert_eq!(bed.store.in_force().await.unwrap(), None);
        let first = bed.store.put_in_force(set(1, "one"), NOW).await.unwrap();
        let second = bed.store.put_in_force(set(2, "two"), NOW).await.unwrap();
        assert_ne!(first, second);
        assert_eq!(bed.store.in_force().await.unwrap(), Some(second));
        assert_eq!(bed.store.put_in_force(set(1, "one"), NOW).await.unwrap(), first);
        assert_eq!(bed.store.in_force().await.unwrap(), Some(first));
        assert_eq!(bed.store.set_texts(first).await.unwrap(), Some(set(1, "one").texts));
        assert_eq!(bed.store.set_texts(99).await.unwrap(), None);
        let event = NewEvent { set: first, ..bed.event() };
        let run = event.runs[0].id;
        bed.store.accept(event).await.unwrap();
        assert_eq!(bed.store.run(run).await.unwrap().unwrap().set_digest, "01".repeat(32));
        assert_eq!(bed.store.runs(RunFilter::default()).await.unwrap().len(), 1);
    }
}
