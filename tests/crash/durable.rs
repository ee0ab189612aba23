//! What the kernel saw: between a delivery's first write and its answer, the disk was asked to hold it.

use std::{process::Command, time::Duration};

use super::{load::Sender, receiver::Receiver, server::Server};

#[tokio::test(flavor = "multi_thread")]
async fn a_delivery_is_synced_to_the_disk_before_it_is_answered() {
    assert!(Command::new("strace").arg("-V").output().is_ok(), "strace is missing: run `make setup`");
    let receiver = Receiver::start().await;
    let server = Server::prepare(&receiver, None, false).traced();
    let mut running = server.start().await;
    let sender = Sender::new(server.url());
    sender.deliver_one(1).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    running.kill();
    let trace = server.trace();
    let lines: Vec<&str> = trace.lines().collect();
    let place = |from: usize, wanted: &dyn Fn(&str) -> bool| {
        lines.iter().skip(from).position(|line| wanted(line)).map(|at| at + from)
    };
    let asked = place(0, &|line| line.contains("POST /hooks/gruveo")).expect("the request is in the trace");
    let written = place(asked, &|line| line.contains("pwrite64(")).expect("something is written");
    let answered = place(asked, &|line| line.contains("HTTP/1.1 202")).expect("the answer is in the trace");
    let synced =
        place(written, &|line| line.contains("fdatasync(") || line.contains("fsync(")).expect("something is synced");
    assert!(asked < written && written < synced && synced < answered, "{asked} {written} {synced} {answered}");
    // A thread may be cut off in its call: its end stands further down and must come before the answer too.
    if lines[synced].contains("unfinished") {
        let resumed = place(synced, &|line| line.contains("sync resumed>")).expect("the sync ends");
        assert!(resumed < answered, "the answer went out before the sync had ended");
    }
}
