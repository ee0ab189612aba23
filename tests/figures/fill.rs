//! A database with millions of events and runs, made quickly: some hundred real ones, copied back through time by the database itself.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use diesel::{
    Connection, QueryableByName, RunQueryDsl, SqliteConnection,
    connection::SimpleConnection,
    sql_query,
    sql_types::{BigInt, Text},
};

use super::{
    client::{self, send_all},
    receiver::Receiver,
    whole,
};

/// Calls that are copied: of every kind that there is.
const CALLS: usize = 600;
/// Days that the copies lie back.
const DAYS: i64 = 60;
/// Bits of an id below its millisecond (`src/ids.rs`).
const SEQUENCE_BITS: i64 = 21;

/// Columns that hold an id, which holds its time; and columns that hold a time.
const IDS: [&str; 5] = ["id", "event", "run", "root", "replay_of"];
const TIMES: [&str; 8] =
    ["received_at", "started_at", "ended_at", "due_at", "claimed_until", "expires", "refused_at", "planned_at"];
/// Tables that are copied, and whether their `id` is one of time.
const TABLES: [&str; 7] = ["events", "bodies", "dedupe", "runs", "attempts", "outputs", "requests"];

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// A workspace with `events` events and as many runs; made once, and used again.
pub(crate) async fn workspace(events: usize) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("target/filled-{events}"));
    if folder.join("ready").exists() {
        println!("  {} is there already", folder.display());
        return folder;
    }
    drop(std::fs::remove_dir_all(&folder));
    std::fs::create_dir_all(&folder).unwrap();
    let began = Instant::now();
    let database = patterns(&folder).await;
    let copies = i64::try_from(events / CALLS).unwrap().max(1);
    tokio::task::spawn_blocking(move || copy(&database, copies)).await.unwrap();
    std::fs::write(folder.join("ready"), "").unwrap();
    println!("  {events} events and runs made in {:.0} s in {}", began.elapsed().as_secs_f64(), folder.display());
    folder
}

/// The rules whose runs are copied: most end well, some fail, some events match none.
pub(crate) fn write_rules(folder: &Path) {
    let failing = "name: A declined call fails\non: gruveo.call\nwhen: { event.resolution: declined }\ndo:\n  - fail: nobody took it\n";
    std::fs::write(folder.join("rules/calls/declined.yaml"), failing).unwrap();
}

/// Real events with real runs in a new workspace; where its database is.
async fn patterns(folder: &Path) -> PathBuf {
    let receiver = Receiver::start().await;
    whole::write_workspace(folder, "127.0.0.1:0", receiver.address);
    write_rules(folder);
    let app = whole::start(folder, receiver.address, true).await;
    let requests: Vec<Vec<u8>> = (0..CALLS).map(|number| client::signed(&kind(number))).collect();
    send_all(app.address(), 8, std::sync::Arc::new(requests), "HTTP/1.1 202").await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    app.settled().await.unwrap();
    app.stop().await;
    let data = folder.join("data");
    let found = std::fs::read_dir(&data).unwrap().filter_map(Result::ok).map(|entry| entry.path());
    found.filter(|path| path.extension().is_some_and(|end| end == "db" || end == "sqlite")).next().unwrap()
}

/// Of fifty calls forty are missed, five answered, four of another link, one declined.
fn kind(number: usize) -> String {
    let call = client::call(number);
    match number % 50 {
        0 => call.replace("\"missed\"", "\"declined\""),
        1..=5 => call.replace("\"missed\"", "\"answered\""),
        6..=9 => call.replace("@acme.sales", "@acme.support"),
        _ => call,
    }
}

fn copy(database: &Path, copies: i64) {
    let mut conn = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    conn.batch_execute("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000; PRAGMA foreign_keys = OFF; PRAGMA temp_store = MEMORY;").unwrap();
    let indexes: Vec<Name> =
        sql_query("SELECT name || char(10) || sql AS name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
            .load(&mut conn)
            .unwrap();
    for index in &indexes {
        let (name, _) = index.name.split_once('\n').unwrap();
        conn.batch_execute(&format!("DROP INDEX \"{name}\"")).unwrap();
    }
    let step = DAYS * 86_400_000 / copies;
    conn.batch_execute(&format!(
        "CREATE TEMP TABLE turns (turn INTEGER PRIMARY KEY); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {copies}) INSERT INTO turns SELECT i FROM n;"
    ))
    .unwrap();
    for table in TABLES {
        let columns: Vec<Name> =
            sql_query(format!("SELECT name FROM pragma_table_info('{table}')")).load(&mut conn).unwrap();
        let value = |column: &Name| match column.name.as_str() {
            name if IDS.contains(&name) => format!("p.\"{name}\" - ((t.turn * {step}) << {SEQUENCE_BITS})"),
            name if TIMES.contains(&name) => format!("p.\"{name}\" - t.turn * {step}"),
            "key" if table == "dedupe" => "randomblob(16)".to_owned(),
            name => format!("p.\"{name}\""),
        };
        let values: Vec<String> = columns.iter().map(value).collect();
        let began = Instant::now();
        conn.batch_execute(&format!(
            "BEGIN; CREATE TEMP TABLE pattern_{table} AS SELECT * FROM {table}; DELETE FROM {table}; \
             INSERT INTO {table} SELECT {} FROM (SELECT turn FROM turns ORDER BY turn DESC) t CROSS JOIN pattern_{table} p; \
             INSERT INTO {table} SELECT * FROM pattern_{table}; COMMIT;",
            values.join(", ")
        ))
        .unwrap_or_else(|error| panic!("{table}: {error}"));
        println!("    {table} in {:.0} s", began.elapsed().as_secs_f64());
    }
    let began = Instant::now();
    for index in &indexes {
        let (_, sql) = index.name.split_once('\n').unwrap();
        conn.batch_execute(sql).unwrap();
    }
    conn.batch_execute("PRAGMA journal_mode = WAL;").unwrap();
    let rows: Number = sql_query("SELECT count(*) AS number FROM runs").get_result(&mut conn).unwrap();
    println!("    {} indexes in {:.0} s; {} runs", indexes.len(), began.elapsed().as_secs_f64(), rows.number);
}
