//! The copies: every row of the patterns so many times, each time a little further back.

use std::{path::Path, time::Instant};

use diesel::{
    Connection, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    sql_query,
    sql_types::{BigInt, Text},
};

use super::{around, patterns::CALLS};

/// Days that the copies lie back.
const DAYS: i64 = 60;
/// Bits of an id below its millisecond (`src/ids.rs`).
pub(super) const SEQUENCE_BITS: i64 = 21;

/// Columns that hold an id, which holds its time; and columns that hold a time.
const IDS: [&str; 6] = ["id", "event", "run", "root", "replay_of", "upto"];
const TIMES: [&str; 8] =
    ["received_at", "started_at", "ended_at", "claimed_until", "expires", "refused_at", "planned_at", "began_at"];
/// Tables that are copied, and how often at most: rings are no longer than they are, and keys are forgotten after a week.
const TABLES: [(&str, Bound); 10] = [
    ("events", Bound::None),
    ("bodies", Bound::None),
    ("dedupe", Bound::Days(7)),
    ("runs", Bound::None),
    ("attempts", Bound::None),
    ("outputs", Bound::None),
    ("requests", Bound::None),
    ("waits", Bound::None),
    ("repeats", Bound::Turns(100)),
    ("refusals", Bound::Turns(100)),
];

/// How often a table is copied.
enum Bound {
    None,
    Days(i64),
    Turns(i64),
}

#[derive(QueryableByName)]
pub(super) struct Name {
    #[diesel(sql_type = Text)]
    pub(super) name: String,
}

#[derive(QueryableByName)]
pub(super) struct Number {
    #[diesel(sql_type = BigInt)]
    pub(super) number: i64,
}

pub(super) fn number(conn: &mut SqliteConnection, sql: &str) -> i64 {
    sql_query(sql).get_result::<Number>(conn).unwrap_or_else(|error| panic!("{sql}: {error}")).number
}

/// Runs what takes long, and says how long.
pub(super) fn run(conn: &mut SqliteConnection, what: &str, sql: &str) {
    let began = Instant::now();
    conn.batch_execute(sql).unwrap_or_else(|error| panic!("{what}: {error}"));
    println!("    {what} in {:.0} s", began.elapsed().as_secs_f64());
}

pub(super) fn make(database: &Path, events: usize) {
    let mut conn = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    let conn = &mut conn;
    conn.batch_execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;").unwrap();
    let indexes: Vec<Name> =
        sql_query("SELECT name || char(10) || sql AS name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
            .load(conn)
            .unwrap();
    for index in &indexes {
        let (name, _) = index.name.split_once('\n').unwrap();
        conn.batch_execute(&format!("DROP INDEX \"{name}\"")).unwrap();
    }
    let copies = i64::try_from(events / CALLS).unwrap().max(1);
    let step = DAYS * 86_400_000 / copies;
    conn.batch_execute(&format!(
        "CREATE TEMP TABLE turns (turn INTEGER PRIMARY KEY); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {copies}) INSERT INTO turns SELECT i FROM n;"
    ))
    .unwrap();
    for (table, bound) in TABLES {
        let turns = match bound {
            Bound::None => copies,
            Bound::Days(days) => days * 86_400_000 / step,
            Bound::Turns(turns) => turns,
        };
        copy(conn, table, step, turns);
    }
    around::make(conn, events);
    let began = Instant::now();
    for index in &indexes {
        let (_, sql) = index.name.split_once('\n').unwrap();
        conn.batch_execute(sql).unwrap();
    }
    println!("    {} indexes in {:.0} s", indexes.len(), began.elapsed().as_secs_f64());
    conn.batch_execute("PRAGMA journal_mode = WAL;").unwrap();
    for table in ["events", "runs", "attempts"] {
        println!("    {} {table}", number(conn, &format!("SELECT count(*) AS number FROM {table}")));
    }
}

fn copy(conn: &mut SqliteConnection, table: &str, step: i64, turns: i64) {
    let columns: Vec<Name> = sql_query(format!("SELECT name FROM pragma_table_info('{table}')")).load(conn).unwrap();
    let value = |column: &Name| match column.name.as_str() {
        name if IDS.contains(&name) => format!("p.\"{name}\" - ((t.turn * {step}) << {SEQUENCE_BITS})"),
        name if TIMES.contains(&name) => format!("p.\"{name}\" - t.turn * {step}"),
        "key" if table == "dedupe" => "randomblob(16)".to_owned(),
        name => format!("p.\"{name}\""),
    };
    let values: Vec<String> = columns.iter().map(value).collect();
    // What is due then is due still: nothing is worked off when the server starts.
    run(
        conn,
        table,
        &format!(
            "BEGIN; CREATE TEMP TABLE pattern_{table} AS SELECT * FROM {table}; DELETE FROM {table}; \
             INSERT INTO {table} SELECT {} FROM (SELECT turn FROM turns WHERE turn <= {turns} ORDER BY turn DESC) t CROSS JOIN pattern_{table} p; \
             INSERT INTO {table} SELECT * FROM pattern_{table}; COMMIT;",
            values.join(", ")
        ),
    );
}
