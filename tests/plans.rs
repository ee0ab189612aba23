//! How the database finds what pages and lists show: every question that they ask of a table that grows is answered by an index, from its
//! first row on, without a table that is read whole or sorted. Untimed, and true of any number of rows: the planner of SQLite knows of no
//! statistics, and that of PostgreSQL is told to read and sort nothing whole unless it must.
#![expect(
    clippy::unwrap_used,
    unreachable_pub,
    reason = "a test may panic, and the test kit is shared with other tests"
)]

#[path = "it/support/mod.rs"]
#[expect(dead_code, unused_macros, unused_imports, reason = "the test kit is shared with other tests")]
mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Mutex,
};

use bellwire::model::{Role, Scope};
use diesel::{
    Connection as _, PgConnection, QueryableByName, RunQueryDsl as _, SqliteConnection,
    connection::{Instrumentation, InstrumentationEvent, SimpleConnection as _, set_default_instrumentation},
    sql_query,
    sql_types::Text,
};
use serde_json::{Value, json};

use self::support::{
    app::{MISSED, TestApp},
    journal::Journal,
};

/// Tables that grow with what comes in or with what people do.
const GROWING: [&str; 17] = [
    "events",
    "bodies",
    "dedupe",
    "runs",
    "attempts",
    "outputs",
    "requests",
    "run_events",
    "repeats",
    "refusals",
    "problems",
    "problem_runs",
    "audit",
    "attributes",
    "waits",
    "suppressed",
    "source_queue",
];

/// Scans of what is bounded: a ring, nothing at all, the first row of an index, and indexes that
/// hold few rows: problems still to be told, runs that did not end well.
const BOUNDED: [&str; 5] = [
    "FROM `refusals` WHERE (`refusals`.`source` = ",
    "FROM `runs` WHERE (1=0) ORDER BY",
    "WITH RECURSIVE open (rule) AS",
    "FROM `problems` WHERE problems.told <> 0",
    "FROM `runs` WHERE runs.status <> 6 GROUP BY `runs`.`status`",
];

/// Every question that was asked.
static ASKED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

struct Listener;

impl Instrumentation for Listener {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let InstrumentationEvent::StartQuery { query, .. } = event else { return };
        let text = query.to_string();
        let sql = text.split(" -- binds:").next().unwrap_or_default();
        if sql.starts_with("SELECT") || sql.starts_with("WITH") {
            ASKED.lock().unwrap().insert(sql.to_owned());
        }
    }
}

#[derive(QueryableByName)]
struct Step {
    #[diesel(sql_type = Text)]
    detail: String,
}

/// What is wrong with how SQLite answers a question. `None`: nothing.
fn fault(conn: &mut SqliteConnection, sql: &str) -> Option<String> {
    let steps: Vec<Step> =
        sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(conn).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let grows = |detail: &str| GROWING.iter().any(|table| detail.split_whitespace().any(|word| word == *table));
    let is_first_rows = sql.contains(" LIMIT ") && !sql.contains(" WHERE ");
    let scan = steps.iter().find(|step| step.detail.starts_with("SCAN") && grows(&step.detail) && !is_first_rows);
    let of_growing = steps.iter().any(|step| grows(&step.detail));
    let sort = steps.iter().find(|step| of_growing && step.detail.starts_with("USE TEMP B-TREE"));
    let all: Vec<&str> = steps.iter().map(|step| step.detail.as_str()).collect();
    (scan.is_some() || sort.is_some()).then(|| format!("{sql}\n    {}", all.join("\n    ")))
}

#[derive(QueryableByName)]
struct Plan {
    #[diesel(sql_type = Text)]
    plan: String,
}

/// A connection whose planner reads and sorts nothing whole unless it must.
fn strict(url: &str) -> PgConnection {
    let mut conn = PgConnection::establish(url).unwrap();
    let off = ["seqscan", "bitmapscan", "sort", "incremental_sort", "material", "hashjoin", "mergejoin"];
    let settings: String = off.iter().map(|way| format!("SET enable_{way} = off;")).collect();
    conn.batch_execute(&format!("{settings} SET plan_cache_mode = force_generic_plan")).unwrap();
    conn
}

/// What is wrong with how PostgreSQL answers a question. `None`: nothing.
fn fault_in_postgresql(conn: &mut PgConnection, sql: &str) -> Option<String> {
    let count = (1..100).take_while(|n| sql.contains(&format!("${n}"))).count();
    let values = if count == 0 { String::new() } else { format!("({})", vec!["NULL"; count].join(", ")) };
    conn.batch_execute(&format!("PREPARE asked AS {sql}")).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let plan = explained(conn, &format!("EXECUTE asked{values}"));
    conn.batch_execute("DEALLOCATE asked").unwrap();
    let mut found = Vec::new();
    walk(&plan[0]["Plan"], sql.contains(" LIMIT ") && !sql.contains(" WHERE "), &mut found);
    (!found.is_empty()).then(|| format!("{sql}\n    {}", found.join("\n    ")))
}

fn explained(conn: &mut PgConnection, statement: &str) -> Value {
    conn.batch_execute(
        "CREATE OR REPLACE FUNCTION pg_temp.explained(statement text) RETURNS json LANGUAGE plpgsql AS \
         $$ DECLARE plan json; BEGIN EXECUTE 'EXPLAIN (FORMAT JSON) ' || statement INTO plan; RETURN plan; END $$",
    )
    .unwrap();
    let statement = statement.replace('\'', "''");
    let plan: Plan = sql_query(format!("SELECT pg_temp.explained('{statement}')::text AS plan"))
        .get_result(conn)
        .unwrap_or_else(|error| panic!("{statement}: {error}"));
    serde_json::from_str(&plan.plan).unwrap()
}

/// Nodes of a plan that read or sort a table that grows from its beginning to its end.
fn walk(node: &Value, is_first_rows: bool, found: &mut Vec<String>) {
    let table = node["Relation Name"].as_str().unwrap_or_default();
    let grows = GROWING.contains(&table);
    let kind = node["Node Type"].as_str().unwrap_or_default();
    let is_whole = match kind {
        "Seq Scan" => true,
        "Index Scan" | "Index Only Scan" => node["Index Cond"].is_null(),
        _ => false,
    };
    if grows && is_whole && !is_first_rows {
        found.push(format!("{kind} of {table} {} {}", node["Index Name"], node["Filter"]));
    }
    let sorts = matches!(kind, "Sort" | "Incremental Sort") && GROWING.iter().any(|table| is_of(node, table));
    if sorts {
        found.push(format!("{kind} by {}", node["Sort Key"]));
    }
    for inner in node["Plans"].as_array().into_iter().flatten() {
        walk(inner, is_first_rows, found);
    }
}

/// Whether a node, or one below it, reads a table.
fn is_of(node: &Value, table: &str) -> bool {
    node["Relation Name"] == table || node["Plans"].as_array().into_iter().flatten().any(|inner| is_of(inner, table))
}

const PAGES: &[&str] = &[
    "/",
    "/?window=month",
    "/events",
    "/events?source=gruveo",
    "/events?type=gruveo.call",
    "/events?state=matched",
    "/events?state=unmatched",
    "/events?state=duplicate&source=gruveo",
    "/events?state=refused",
    "/events?state=refused&source=gruveo",
    "/events?rule=calls/missed",
    "/events?rule=calls/missed&state=matched&source=gruveo",
    "/events?since=7d&source=gruveo",
    "/events?q=acme",
    "/runs",
    "/runs?state=failed",
    "/runs?state=ok",
    "/runs?state=waiting&state=held",
    "/runs?rule=calls/missed",
    "/runs?rule=calls/missed&state=failed",
    "/runs?rule=calls/missed&state=ok",
    "/runs?class=permanent",
    "/problems",
    "/problems?state=solved",
    "/problems?rule=calls/failing",
    "/problems?state=open&rule=calls/failing",
    "/rules",
    "/rules?state=failing",
    "/rules/calls/missed",
    "/rules/versions?id=calls/missed",
    "/people",
    "/people?q=maria",
    "/calls",
    "/calls?resolution=missed",
    "/jobs",
    "/sources",
    "/sources/gruveo",
    "/services",
    "/schedules",
    "/connections",
    "/secrets",
    "/settings",
    "/users",
    "/tokens",
    "/audit",
    "/audit?who=ada",
    "/audit?action=rule.save",
    "/audit?action=rule.",
    "/audit?subject=x",
    "/audit?outcome=refused",
];
const LISTS: &[&str] = &[
    "events",
    "events?source=gruveo",
    "events?type=gruveo.call",
    "events?state=unmatched",
    "events?state=matched&type=gruveo.call",
    "runs",
    "runs?state=failed",
    "runs?state=ok",
    "runs?rule=calls/missed",
    "runs?rule=calls/failing&state=failed",
    "runs?class=permanent",
    "problems",
    "problems?state=open",
    "problems?rule=calls/failing",
    "problems?kind=run",
    "rules",
    "profiles",
    "calls",
    "calls?resolution=missed",
    "audit",
    "audit?outcome=refused",
    "audit?who=ada",
    "jobs",
    "refusals",
    "sources",
    "schedules",
    "status",
    "circuits",
    "connections",
    "polls",
];
const FAILING: &str = "name: A declined call fails\non: gruveo.call\nwhen: { event.resolution: declined }\ndo:\n  - fail: nobody took it\n";

/// The page of whatever a list names first: `kind` is `runs/run_`.
fn first(page: &str, kind: &str) -> String {
    let (_, rest) = page.split_once(&format!("\"/{kind}")).unwrap_or_else(|| panic!("no {kind} in {page}"));
    format!("/{kind}{}", rest.split(['"', '?']).next().unwrap())
}

/// What all pages and lists ask of a database, and the workspace that they were asked of.
async fn asked_by_all(database: BTreeMap<String, String>) -> (TestApp, BTreeSet<String>) {
    let rules = [("calls/missed", MISSED), ("calls/failing", FAILING)];
    let app = TestApp::on(Journal::start([]).await, &rules, "", database).await;
    for resolution in ["missed", "declined", "answered"] {
        let call = json!({"resolution": resolution, "link": "@acme.sales", "tracking": {"ticket": "42"}, "location": "Greece", "waitingTime": 5});
        for status in [202, 200] {
            assert_eq!(app.call(&call).await.status, status);
        }
    }
    app.post("/hooks/gruveo", &[], "{}").await;
    app.settle().await;
    let browser = app.sign_in(Role::Owner).await;
    ASKED.lock().unwrap().clear();
    for path in PAGES {
        browser.get(path).await.is(200);
    }
    for (list, kind) in [("/events", "events/evt_"), ("/runs", "runs/run_"), ("/problems", "problems/prb_")] {
        let path = first(&browser.get(list).await.text, kind);
        browser.get(&path).await.is(200);
    }
    let declined = first(&browser.get("/runs?state=failed").await.text, "runs/run_");
    browser.get(&declined).await.is(200);
    let token = app.token(Role::Owner, &Scope::ALL).await;
    for list in LISTS {
        let answer = app.api(&token, "GET", &format!("/api/v1/{list}"), None).await;
        assert_eq!(answer.status, 200, "{list}: {:?}", answer.body);
    }
    let asked = ASKED.lock().unwrap().clone();
    for table in ["events", "runs", "attempts", "problems", "audit", "attributes", "repeats", "refusals"] {
        assert!(asked.iter().any(|sql| sql.contains(table)), "nothing was asked of {table}");
    }
    (app, asked)
}

/// One after the other: what is asked is heard of all connections of the process.
#[tokio::test(flavor = "multi_thread")]
async fn every_list_and_page_is_answered_by_indexes() {
    set_default_instrumentation(|| Some(Box::new(Listener))).unwrap();
    on_sqlite().await;
    on_postgresql().await;
}

async fn on_postgresql() {
    let url = support::postgres::fresh_database();
    let database = BTreeMap::from([("BELLWIRE_DATABASE_URL".to_owned(), url.clone())]);
    let (_app, asked) = asked_by_all(database).await;
    let mut conn = strict(&url);
    let open = asked.iter().filter(|sql| !BOUNDED.iter().any(|part| sql.contains(&part.replace('`', "\""))));
    let faults: Vec<String> = open.filter_map(|sql| fault_in_postgresql(&mut conn, sql)).collect();
    assert!(faults.is_empty(), "{} of {} questions:\n{}", faults.len(), asked.len(), faults.join("\n"));
    let unbounded =
        ["SELECT id FROM runs WHERE why = 'x'", "SELECT id FROM events WHERE channel = 1 ORDER BY received_at LIMIT 5"];
    assert!(unbounded.iter().all(|sql| fault_in_postgresql(&mut conn, sql).is_some()));
}

async fn on_sqlite() {
    let (app, asked) = asked_by_all(BTreeMap::new()).await;
    let mut conn = SqliteConnection::establish(app.folder.path().join("data/bellwire.db").to_str().unwrap()).unwrap();
    let open = asked.iter().filter(|sql| !BOUNDED.iter().any(|part| sql.contains(part)));
    let faults: Vec<String> = open.filter_map(|sql| fault(&mut conn, sql)).collect();
    assert!(faults.is_empty(), "{} of {} questions:\n{}", faults.len(), asked.len(), faults.join("\n"));
    // What this test would find.
    let unbounded =
        ["SELECT id FROM runs WHERE why = 'x'", "SELECT id FROM events WHERE channel = 1 ORDER BY received_at LIMIT 5"];
    assert!(unbounded.iter().all(|sql| fault(&mut conn, sql).is_some()));
}
