//! What the server holds in memory and on disk: idle, after 10,000 events, after 100,000.

use std::{fs, path::Path, sync::Arc, time::Duration};

use diesel::{Connection, QueryableByName, RunQueryDsl, SqliteConnection, sql_types::BigInt};

use super::{
    client::{delivery, send_all},
    process::{Server, workspace},
    receiver::Receiver,
};

pub(crate) async fn growth() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let address = workspace(folder.path(), receiver.address);
    let server = Server::start(folder.path(), address);
    tokio::time::sleep(Duration::from_secs(2)).await;
    println!("  idle: {:.1} MB (goal: under 25)", server.resident());
    let mut sent = 0;
    let mut after = Vec::new();
    for total in [10_000, 100_000] {
        let requests: Vec<Vec<u8>> = (sent..total).map(|n| delivery(n + 1_000_000)).collect();
        send_all(server.address, 64, Arc::new(requests), "HTTP/1.1 202").await;
        while receiver.count() < total {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        sent = total;
        tokio::time::sleep(Duration::from_secs(3)).await;
        after.push(server.resident());
    }
    println!(
        "  after 10,000 events {:.1} MB, after 100,000 {:.1} MB: {:.2} times (goal: at most 1.2)",
        after[0],
        after[1],
        after[1] / after[0]
    );
    server.stop();
    let (bytes, replies) = database_bytes(folder.path());
    println!(
        "  disk: {:.0} bytes a call with its run and attempt, stored reply aside (goal: under 1,000, 700 in sight); the reply takes {:.0}",
        (bytes - replies) as f64 / sent as f64,
        replies as f64 / sent as f64
    );
}

#[derive(QueryableByName)]
struct Sum {
    #[diesel(sql_type = BigInt)]
    sum: i64,
}

/// Bytes of the database's files, and those of them that stored replies take.
fn database_bytes(folder: &Path) -> (i64, i64) {
    let database = folder.join("data/bellwire.db");
    let mut conn = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    let replies: Sum =
        diesel::sql_query("SELECT coalesce(sum(length(reply)), 0) AS sum FROM attempts").get_result(&mut conn).unwrap();
    drop(conn);
    let files = fs::read_dir(folder.join("data")).unwrap().map(|entry| entry.unwrap());
    let bytes: u64 = files
        .filter(|file| file.file_name().to_string_lossy().starts_with("bellwire.db"))
        .map(|file| file.metadata().unwrap().len())
        .sum();
    (bytes.cast_signed(), replies.sum)
}
