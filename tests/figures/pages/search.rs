//! A text that is looked for in the last million events, page by page.

use std::{
    net::SocketAddr,
    path::Path,
    time::{Duration, Instant},
};

use bellwire::ids::Cursor;
use diesel::{
    Connection, OptionalExtension, QueryableByName, RunQueryDsl, SqliteConnection, sql_query, sql_types::BigInt,
};

use super::{asked::Asker, at, millis, person::Person};

/// Events that are searched.
const EVENTS: i64 = 1_000_000;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

pub(super) async fn figures(address: SocketAddr, person: &Person, database: &Path) {
    let mut conn = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    let sql = format!("SELECT id AS number FROM events ORDER BY id DESC LIMIT 1 OFFSET {EVENTS}");
    let end = sql_query(sql).get_result::<Number>(&mut conn).optional().unwrap().map_or(i64::MIN, |row| row.number);
    let mut asker = Asker::connect(address, person.clone()).await;
    for (what, query) in [
        ("a text that stands nowhere", "q=nobody+has+written+this"),
        ("a condition that holds nowhere", "when=event.location%3A+Atlantis"),
    ] {
        let began = Instant::now();
        let mut path = format!("/events?{query}");
        let mut pages: Vec<Duration> = Vec::new();
        loop {
            let since = Instant::now();
            let page = String::from_utf8(asker.get(&path).await.body).unwrap();
            pages.push(since.elapsed());
            let Some(more) = next(&page) else { break };
            if place(&more) <= end {
                break;
            }
            path = more;
        }
        let whole = began.elapsed();
        pages.sort_unstable();
        println!(
            "  {what}, in the last {EVENTS} events: {} pages with progress, each p50 {:.0} ms, longest {:.0} ms (goal: under 300); all in {:.1} s",
            pages.len(),
            millis(at(&pages, 0.5)),
            millis(at(&pages, 1.0)),
            whole.as_secs_f64()
        );
    }
    let since = Instant::now();
    asker.get("/events?q=acme").await;
    println!("  a text that stands in many: {:.0} ms", millis(since.elapsed()));
}

/// Where the search goes on by itself.
fn next(page: &str) -> Option<String> {
    let (_, rest) = page.split_once("/events/more?")?;
    let query = rest.split('"').next()?.replace("&amp;", "&").replace("&#38;", "&");
    Some(format!("/events/more?{query}"))
}

fn place(path: &str) -> i64 {
    let (_, rest) = path.split_once("before=").unwrap();
    rest.split('&').next().unwrap().parse::<Cursor>().unwrap().0
}
