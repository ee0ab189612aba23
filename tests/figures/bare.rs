//! Durable intake beside a bare Rocket route behind the same gate, which only reads the body.

use std::sync::Arc;

use bellwire::{
    config::Config,
    lifecycle::{Lifecycle, Phase},
    web,
};
use rocket::{Data, data::ToByteUnit, http::Status, post, routes};

use super::{
    client::{Sent, delivery, send_all},
    whole,
};

/// Deliveries of one measurement.
const DELIVERIES: usize = 30_000;

#[post("/hooks/gruveo", data = "<data>")]
async fn read_only(data: Data<'_>) -> Status {
    let read = data.open(1.mebibytes()).into_bytes().await;
    if read.is_ok_and(|bytes| bytes.is_complete()) { Status::Accepted } else { Status::BadRequest }
}

pub(crate) async fn intake() {
    let requests: Arc<Vec<Vec<u8>>> = Arc::new((0..DELIVERIES).map(delivery).collect());
    let mut ratios = Vec::new();
    for round in 1..=3 {
        let bare = bare(Arc::clone(&requests)).await;
        let durable = durable(Arc::clone(&requests)).await;
        let ratio = durable.per_second() / bare.per_second();
        println!(
            "  round {round}: durable {:.0}/s (p50 {:.1} ms, p99 {:.1} ms, processors {:.0} us a request){}, bare {:.0}/s ({:.0} us){}: ratio {ratio:.2}",
            durable.per_second(),
            durable.percentile(0.5).as_secs_f64() * 1e3,
            durable.percentile(0.99).as_secs_f64() * 1e3,
            durable.processor_time(),
            durable.load.warning(),
            bare.per_second(),
            bare.processor_time(),
            bare.load.warning(),
        );
        ratios.push(ratio);
    }
    ratios.sort_by(f64::total_cmp);
    println!("  median ratio {:.2} (goal: at least 0.5)", ratios[1]);
}

async fn bare(requests: Arc<Vec<Vec<u8>>>) -> Sent {
    let folder = tempfile::tempdir().unwrap();
    let mut config = Config::defaults(folder.path());
    config.server.listen = "127.0.0.1:0".parse().unwrap();
    let lifecycle = Lifecycle::default();
    let settings = web::Settings::of(&config);
    let server = web::start(settings, lifecycle.clone(), |rocket| rocket.mount("/", routes![read_only])).await.unwrap();
    let sent = send_all(server.address, 64, requests, "HTTP/1.1 202").await;
    lifecycle.enter(Phase::Stopped);
    server.stopped().await;
    sent
}

async fn durable(requests: Arc<Vec<Vec<u8>>>) -> Sent {
    let folder = tempfile::tempdir().unwrap();
    let nobody = "127.0.0.1:9".parse().unwrap();
    let app = whole::start(folder.path(), nobody, false).await;
    let sent = send_all(app.address(), 64, requests, "HTTP/1.1 202").await;
    app.stop().await;
    sent
}
