//! Events that our own actions cause, whichever of the two is stored first.

use std::time::Duration;

use serde_json::json;

use super::{
    bed::{Bed, NOW, end, ended, output, record},
    on_both,
};
use crate::{
    ids::{AttemptId, RunId},
    model::{AttemptOutcome, EventFlags, RunStatus},
    store::{ClaimId, NewEvent, Record, Then},
};

const HOUR: Duration = Duration::from_hours(1);

fn told(run: RunId, claim: ClaimId, attempt: AttemptId) -> Record {
    Record {
        attempt: Some(ended(attempt, AttemptOutcome::Ok)),
        outputs: vec![output("do.0", json!(1))],
        echo: Some(("note_added:7".to_owned(), NOW.plus(HOUR))),
        ..record(run, claim, end(RunStatus::Ok))
    }
}

/// An event with that echo, with a run that does not hear our own and one that does.
fn heard(bed: &Bed, echo: &str) -> NewEvent {
    let mut event = NewEvent { echo: Some(echo.to_owned()), ..bed.event() };
    event.runs.push(bed.due_run("calls/own", NOW));
    event.runs[1].hears_own = true;
    event
}

async fn early_rows(bed: &Bed) -> i64 {
    use diesel::{QueryDsl as _, RunQueryDsl as _};

    use crate::store::{dialect::each, schema::early_echoes};
    bed.store.read(|conn, _| Ok(each!(conn, c => early_echoes::table.count().get_result(c))?)).await.unwrap()
}

on_both! {
    async fn an_echo_is_known_with_the_depth_of_its_run_for_as_long_as_was_said(bed) {
        let mut event = bed.event();
        event.depth = 2;
        let run = event.runs[0].id;
        bed.store.accept(event).await.unwrap();
        let claim = bed.claim(run, RunStatus::Due, Some(bed.attempt("do.0", 1)));
        let (id, attempt) = (claim.claim, claim.attempt.as_ref().unwrap().id);
        assert!(bed.store.claim(claim).await.unwrap().is_mine());
        assert_eq!(bed.store.echo_depth("note_added:7", NOW).await.unwrap(), None);
        assert!(bed.store.record(told(run, id, attempt)).await.unwrap().is_mine());
        assert_eq!(bed.store.echo_depth("note_added:7", NOW).await.unwrap(), Some(2));
        assert_eq!(bed.store.echo_depth("note_added:8", NOW).await.unwrap(), None);
        assert_eq!(bed.store.echo_depth("note_added:7", NOW.plus(HOUR)).await.unwrap(), None);
    }

    async fn an_event_that_came_before_its_action_ended_is_ours_and_its_runs_that_have_not_begun_end(bed) {
        let (run, claim, attempt) = bed.taken().await;
        let event = heard(bed, "note_added:7");
        let (id, deaf, hearing) = (event.id, event.runs[0].id, event.runs[1].id);
        let mut begun_event = heard(bed, "note_added:7");
        begun_event.runs[0].status = RunStatus::Undecided;
        let (undecided, begun) = (begun_event.runs[0].id, bed.due_run("calls/begun", NOW));
        let begun_id = begun.id;
        begun_event.runs.push(begun);
        let other = heard(bed, "note_added:8");
        let other_run = other.runs[0].id;
        for event in [event, begun_event, other] {
            bed.store.accept(event).await.unwrap();
        }
        assert!(bed.store.claim(bed.claim(begun_id, RunStatus::Due, Some(bed.attempt("do.0", 1)))).await.unwrap().is_mine());
        assert!(bed.store.record(told(run, claim, attempt)).await.unwrap().is_mine());
        let detail = bed.store.event(id).await.unwrap().unwrap();
        assert!(detail.event.flags.has(EventFlags::OWN));
        assert_eq!(detail.event.depth, 1);
        for (run, wanted) in [
            (deaf, RunStatus::Skipped),
            (hearing, RunStatus::Due),
            (undecided, RunStatus::Skipped),
            (begun_id, RunStatus::Running),
            (other_run, RunStatus::Due),
        ] {
            assert_eq!(bed.store.run(run).await.unwrap().unwrap().row.status, wanted);
        }
        let row = bed.store.run(deaf).await.unwrap().unwrap().row;
        assert_eq!((row.why.as_deref(), row.due_at, row.ended_at), (Some("own echo"), None, Some(NOW)));
        assert_eq!(early_rows(bed).await, 1, "only of what is not known yet");
    }

    async fn an_echo_gives_back_what_it_took_at_the_gates_and_other_events_keep_their_run(bed) {
        use diesel::{RunQueryDsl as _, sql_query};

        use crate::store::dialect::each;
        let (run, claim, attempt) = bed.taken().await;
        let (alone, joined) = (heard(bed, "note_added:7"), heard(bed, "note_added:7"));
        let (id, deaf, both) = (alone.id.0, alone.runs[0].id, joined.runs[0].id);
        for event in [alone, joined] {
            bed.store.accept(event).await.unwrap();
        }
        bed.store.write(0, move |desk| {
            for sql in [
                format!("INSERT INTO once_keys (rule, \"key\", event, until) SELECT rule, CAST('k' AS {}), {id}, 1 FROM runs WHERE id = {}",
                    if matches!(desk.conn, crate::store::dialect::Conn::Sqlite(_)) { "BLOB" } else { "BYTEA" }, deaf.0),
                format!("UPDATE runs SET marks = 32 WHERE id = {}", both.0),
            ] {
                each!(&mut desk.conn, c => sql_query(sql).execute(c))?;
            }
            Ok(())
        }).await.unwrap();
        assert!(bed.store.record(told(run, claim, attempt)).await.unwrap().is_mine());
        assert_eq!(bed.store.run(deaf).await.unwrap().unwrap().row.status, RunStatus::Skipped);
        assert_eq!(bed.store.run(both).await.unwrap().unwrap().row.status, RunStatus::Due);
        let left = bed.store.write(0, |desk| {
            Ok(each!(&mut desk.conn, c => sql_query("DELETE FROM once_keys").execute(c))?)
        }).await.unwrap();
        assert_eq!(left, 0);
    }

    async fn an_event_stored_after_its_echo_that_intake_did_not_know_of_starts_only_what_hears_our_own(bed) {
        let (run, claim, attempt) = bed.taken().await;
        assert!(bed.store.record(told(run, claim, attempt)).await.unwrap().is_mine());
        let event = heard(bed, "note_added:7");
        let (id, deaf, hearing) = (event.id, event.runs[0].id, event.runs[1].id);
        bed.store.accept(event).await.unwrap();
        let detail = bed.store.event(id).await.unwrap().unwrap();
        assert_eq!((detail.row.flags, detail.row.runs, detail.event.depth), (vec!["own"], 1, 1));
        assert!(bed.store.run(deaf).await.unwrap().is_none());
        assert_eq!(bed.store.run(hearing).await.unwrap().unwrap().row.status, RunStatus::Due);
        let nobody = NewEvent { echo: Some("note_added:7".to_owned()), ..bed.event() };
        let id = nobody.id;
        bed.store.accept(nobody).await.unwrap();
        assert_eq!(bed.store.event(id).await.unwrap().unwrap().row.state, "unmatched");
        assert_eq!(early_rows(bed).await, 0);
    }

    async fn an_event_that_came_long_before_is_none_and_what_is_over_goes(bed) {
        let (run, claim, attempt) = bed.taken().await;
        let event = NewEvent { received_at: NOW.minus(Duration::from_mins(11)), ..heard(bed, "note_added:7") };
        let (id, deaf) = (event.id, event.runs[0].id);
        bed.store.accept(event).await.unwrap();
        // One that intake knows to be ours needs no memory.
        bed.store.accept(NewEvent { own: true, ..heard(bed, "note_added:9") }).await.unwrap();
        bed.store.accept(heard(bed, "note_added:10")).await.unwrap();
        assert_eq!(early_rows(bed).await, 2);
        assert!(bed.store.record(told(run, claim, attempt)).await.unwrap().is_mine());
        assert!(!bed.store.event(id).await.unwrap().unwrap().event.flags.has(EventFlags::OWN));
        assert_eq!(bed.store.run(deaf).await.unwrap().unwrap().row.status, RunStatus::Due);
        bed.store.prune(NOW.minus(HOUR), NOW).await.unwrap();
        assert_eq!(early_rows(bed).await, 1);
        bed.store.prune(NOW.minus(HOUR), NOW.plus(HOUR)).await.unwrap();
        assert_eq!((early_rows(bed).await, bed.store.echo_depth("note_added:7", NOW).await.unwrap()), (0, None));
    }

    async fn rows_of_echoes_stay_few_without_housekeeping(bed) {
        for n in 0..520 {
            let event = NewEvent { received_at: NOW.plus(HOUR * n), echo: Some(format!("e:{n}")), runs: Vec::new(), ..bed.unmatched() };
            bed.store.accept(event).await.unwrap();
        }
        assert!(early_rows(bed).await <= 21);
    }

    async fn a_claim_goes_on_after_an_echo(bed) {
        let (run, claim, attempt) = bed.taken().await;
        let on = Record { then: Then::Attempt(bed.attempt("do.1", 1)), ..told(run, claim, attempt) };
        assert!(bed.store.record(on).await.unwrap().is_mine());
        assert_eq!(bed.store.echo_depth("note_added:7", NOW).await.unwrap(), Some(0));
    }
}
