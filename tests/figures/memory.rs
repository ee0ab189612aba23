//! What the server holds in memory and on disk: idle, after 10,000 events, after 100,000.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
    sync::Arc,
    time::Duration,
};

use super::{
    client::{delivery, send_all},
    receiver::Receiver,
    whole::write_workspace,
};

pub async fn growth() {
    let folder = tempfile::tempdir().unwrap();
    let receiver = Receiver::start().await;
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    write_workspace(folder.path(), &format!("127.0.0.1:{port}"), receiver.address);
    let mut server = Command::new(env!("CARGO_BIN_EXE_bellwire"))
        .arg("--workspace")
        .arg(folder.path())
        .arg("serve")
        .envs(super::whole::environment())
        .env("BELLWIRE_LOG_LEVEL", "warn")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    while tokio::net::TcpStream::connect(address).await.is_err() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let idle = resident(server.id());
    println!("  idle: {idle:.1} MB (goal: under 25)");
    let mut sent = 0;
    let mut after = Vec::new();
    for total in [10_000, 100_000] {
        let requests: Vec<Vec<u8>> = (sent..total).map(|n| delivery(n + 1_000_000)).collect();
        send_all(address, 64, Arc::new(requests), "HTTP/1.1 202").await;
        while receiver.count() < total {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        sent = total;
        tokio::time::sleep(Duration::from_secs(3)).await;
        after.push(resident(server.id()));
    }
    println!(
        "  after 10,000 events {:.1} MB, after 100,000 {:.1} MB: {:.2} times (goal: at most 1.2)",
        after[0],
        after[1],
        after[1] / after[0]
    );
    drop(Command::new("kill").arg("-TERM").arg(server.id().to_string()).status());
    server.wait().unwrap();
    let bytes = database_bytes(folder.path());
    println!(
        "  disk: {:.0} bytes a call with its run and attempt, stored reply included (goal: under 1,000, 700 in sight)",
        bytes as f64 / sent as f64
    );
}

/// Resident memory of a process in MB.
fn resident(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

fn database_bytes(folder: &Path) -> u64 {
    let files = fs::read_dir(folder.join("data")).unwrap().map(|entry| entry.unwrap());
    files
        .filter(|file| file.file_name().to_string_lossy().contains("sqlite"))
        .map(|file| file.metadata().unwrap().len())
        .sum()
}
