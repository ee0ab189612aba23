//! What is asked for: every list with each of its filters, and pages of single things, another one each time.

use std::path::Path;

use bellwire::ids::{AuditId, Cursor, EventId, ProblemId, RunId};
use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_query, sql_types::BigInt};

/// What the others are compared with: an answer that asks the store nothing.
pub(super) const REFERENCE: &str = "/healthz";
/// Things of one kind that are asked for in turn.
const THINGS: i64 = 400;

/// An address, or addresses that are asked for in turn.
pub(super) struct Route {
    pub(super) name: String,
    paths: Vec<String>,
}

impl Route {
    fn one(path: &str) -> Self {
        Self { name: path.to_owned(), paths: vec![path.to_owned()] }
    }

    fn of(name: &str, paths: Vec<String>) -> Self {
        assert!(!paths.is_empty(), "nothing to ask of {name}");
        Self { name: name.to_owned(), paths }
    }

    pub(super) fn path(&self, turn: usize) -> String {
        self.paths[turn % self.paths.len()].clone()
    }

    pub(super) fn is_reference(&self) -> bool {
        self.name == REFERENCE
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

const PAGES: [&str; 51] = [
    "/healthz",
    "/",
    "/?window=hour",
    "/?window=week",
    "/?window=month",
    "/events",
    "/events?source=gruveo",
    "/events?source=shop",
    "/events?source=nobody",
    "/events?type=gruveo.call",
    "/events?type=shop.received",
    "/events?state=matched",
    "/events?state=unmatched",
    "/events?state=duplicate",
    "/events?state=duplicate&source=shop",
    "/events?state=refused",
    "/events?state=refused&source=gruveo",
    "/events?rule=calls/missed",
    "/events?rule=calls/declined",
    "/events?rule=calls/missed&source=shop",
    "/events?rule=calls/missed&state=unmatched",
    "/events?since=30d&source=shop&state=unmatched",
    "/runs",
    "/runs?state=failed",
    "/runs?state=ok",
    "/runs?state=waiting",
    "/runs?state=held",
    "/runs?state=failed&state=waiting&state=skipped",
    "/runs?rule=calls/missed",
    "/runs?rule=calls/declined&state=failed",
    "/runs?rule=calls/missed&state=failed",
    "/runs?class=rejected",
    "/runs?rule=calls/declined&state=ok",
    "/problems",
    "/problems?state=open",
    "/problems?state=acknowledged",
    "/problems?state=muted",
    "/problems?state=solved",
    "/problems?rule=calls/missed_7",
    "/problems?state=solved&rule=calls/missed_7",
    "/rules",
    "/rules?state=failing",
    "/rules/calls/missed",
    "/people",
    "/people?q=customer-0000",
    "/calls",
    "/calls?resolution=answered",
    "/calls?resolution=none",
    "/jobs",
    "/sources",
    "/schedules",
];

const MORE: [&str; 33] = [
    "/audit",
    "/audit?who=person7",
    "/audit?action=rule.save",
    "/audit?action=rule.",
    "/audit?subject=rules/calls/missed_7",
    "/audit?outcome=refused",
    "/audit?who=person7&action=sign_in",
    "/api/v1/events",
    "/api/v1/events?source=shop",
    "/api/v1/events?type=gruveo.call",
    "/api/v1/events?state=unmatched",
    "/api/v1/events?state=matched&type=shop.received",
    "/api/v1/runs",
    "/api/v1/runs?state=failed",
    "/api/v1/runs?state=waiting",
    "/api/v1/runs?rule=calls/missed",
    "/api/v1/runs?rule=calls/missed&state=failed",
    "/api/v1/runs?class=rejected",
    "/api/v1/problems",
    "/api/v1/problems?state=open",
    "/api/v1/problems?rule=calls/missed_7",
    "/api/v1/rules",
    "/api/v1/profiles",
    "/api/v1/calls",
    "/api/v1/calls?resolution=answered",
    "/api/v1/audit",
    "/api/v1/audit?outcome=refused",
    "/api/v1/jobs",
    "/api/v1/refusals",
    "/api/v1/sources",
    "/api/v1/schedules",
    "/api/v1/status",
    "/settings",
];

pub(super) fn all(database: &Path) -> Vec<Route> {
    let mut conn = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    let mut ids = |sql: &str| -> Vec<i64> {
        let rows: Vec<Number> = sql_query(sql).load(&mut conn).unwrap_or_else(|error| panic!("{sql}: {error}"));
        rows.into_iter().map(|row| row.number).collect()
    };
    // Spread over all that is stored, so that no page is asked for twice in a row.
    let mut spread = |table: &str| {
        ids(&format!(
            "WITH RECURSIVE bounds(low, high) AS (SELECT (SELECT min(id) FROM {table}), (SELECT max(id) FROM {table})), \
             n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {THINGS}) \
             SELECT (SELECT id FROM {table} WHERE id >= low + (high - low) / {THINGS} * ((n.i * 157) % {THINGS}) LIMIT 1) AS number FROM n CROSS JOIN bounds"
        ))
    };
    let (events, runs) = (spread("events"), spread("runs"));
    let of_status = |status: i16| {
        format!(
            "SELECT id AS number FROM runs INDEXED BY runs_status WHERE status = {status} AND status <> 6 ORDER BY id DESC LIMIT {THINGS}"
        )
    };
    let (failed, waiting) = (ids(&of_status(7)), ids(&of_status(4)));
    let problems = ids("SELECT id AS number FROM problems ORDER BY last_at DESC LIMIT 50");
    let deeds = ids("SELECT id AS number FROM audit ORDER BY id LIMIT 1 OFFSET 500");
    let texts = |ids: &[i64], path: &dyn Fn(i64) -> String| ids.iter().map(|id| path(*id)).collect::<Vec<String>>();
    let mut routes: Vec<Route> = PAGES.iter().chain(&MORE).map(|path| Route::one(path)).collect();
    routes.extend([
        Route::of("/events?before=..", texts(&events, &|id| format!("/events?before={}", Cursor(id)))),
        Route::of(
            "/events?source=shop&before=..",
            texts(&events, &|id| format!("/events?source=shop&before={}", Cursor(id))),
        ),
        Route::of("/runs?before=..", texts(&runs, &|id| format!("/runs?before={}", RunId(id)))),
        Route::of(
            "/runs?rule=calls/missed&before=..",
            texts(&runs, &|id| format!("/runs?rule=calls/missed&before={}", RunId(id))),
        ),
        Route::of("/audit?before=..", texts(&deeds, &|id| format!("/audit?before={}", AuditId(id)))),
        Route::of("/runs?event=..", texts(&events, &|id| format!("/runs?event={}", EventId(id)))),
        Route::of("/runs?problem=..", texts(&problems, &|id| format!("/runs?problem={}", ProblemId(id)))),
        Route::of("/events/<id>", texts(&events, &|id| format!("/events/{}", EventId(id)))),
        Route::of("/runs/<id>", texts(&runs, &|id| format!("/runs/{}", RunId(id)))),
        Route::of("/runs/<id> failed", texts(&failed, &|id| format!("/runs/{}", RunId(id)))),
        Route::of("/runs/<id> waiting", texts(&waiting, &|id| format!("/runs/{}", RunId(id)))),
        Route::of("/problems/<id>", texts(&problems, &|id| format!("/problems/{}", ProblemId(id)))),
        Route::of("/people/<email>", (0..100).map(|n| format!("/people/pattern-{n}@example.com")).collect()),
        Route::of("/api/v1/events/<id>", texts(&events, &|id| format!("/api/v1/events/{}", EventId(id)))),
        Route::of("/api/v1/runs/<id>", texts(&runs, &|id| format!("/api/v1/runs/{}", RunId(id)))),
        Route::of("/api/v1/problems/<id>", texts(&problems, &|id| format!("/api/v1/problems/{}", ProblemId(id)))),
    ]);
    routes
}
