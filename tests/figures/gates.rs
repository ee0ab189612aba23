//! What open waits and `once` cost durable intake, beside the same rule without them.

use std::{fs, path::Path, sync::Arc, time::Duration};

use super::{
    client::{Sent, call, delivery, send_all, signed},
    whole,
};

/// Deliveries of one measurement.
const DELIVERIES: usize = 20_000;

/// A rule whose run waits for a call that never comes.
const WAITS: &str = "name: waits\non: gruveo.call\nwhen:\n  event.link: \"@waits\"\ndo:\n  - wait:\n      event: gruveo.call\n      \
    when: { incoming.tracking.ticket: \"w{{ event.tracking.ticket }}\" }\n      for: 2d\n";

pub(crate) async fn intake() {
    let requests: Arc<Vec<Vec<u8>>> = Arc::new((0..DELIVERIES).map(|n| delivery(n + 10_000)).collect());
    // By deliveries a second, and by processor time, which others on the machine disturb less.
    let mut ratios: [Vec<(f64, f64)>; 3] = Default::default();
    for round in 1..=3 {
        let plain = measured(&requests, 0, false).await;
        let mut line = format!("  round {round}: neither {}", told(&plain));
        for (at, (what, waits, once)) in
            [("one open wait", 1, false), ("1,000 open waits", 1_000, false), ("a `once` rule", 0, true)]
                .into_iter()
                .enumerate()
        {
            let sent = measured(&requests, waits, once).await;
            let ratio = (sent.per_second() / plain.per_second(), sent.processor_time() / plain.processor_time());
            line.push_str(&format!("; {what} {}: {:.2}", told(&sent), ratio.0));
            ratios[at].push(ratio);
        }
        println!("{line}");
    }
    let [one_wait, many_waits, of_once] = ratios.map(|ratios| {
        let median = |of: fn(&(f64, f64)) -> f64| {
            let mut all: Vec<f64> = ratios.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all[1]
        };
        format!("{:.2} (processor time {:.2})", median(|ratio| ratio.0), median(|ratio| ratio.1))
    });
    println!(
        "  median ratios to intake without them: one open wait {one_wait}, 1,000 open waits {many_waits}, `once` {of_once}"
    );
}

fn told(sent: &Sent) -> String {
    format!("{:.0}/s ({:.0} us a request{})", sent.per_second(), sent.processor_time(), sent.load.warning())
}

async fn measured(requests: &Arc<Vec<Vec<u8>>>, waits: usize, once: bool) -> Sent {
    let folder = tempfile::tempdir().unwrap();
    let nobody = "127.0.0.1:9".parse().unwrap();
    if waits > 0 {
        open(folder.path(), waits).await;
    }
    let rule = if once {
        whole::MISSED.replacen("\ndo:", "\nonce: { per: \"{{ event.tracking.ticket }}\", within: 10m }\ndo:", 1)
    } else {
        whole::MISSED.to_owned()
    };
    let app = whole::start_with(folder.path(), nobody, false, &rule).await;
    let sent = send_all(app.address(), 64, Arc::clone(requests), "HTTP/1.1 202").await;
    app.stop().await;
    sent
}

/// Lets so many runs wait, each for a call of its own ticket.
async fn open(folder: &Path, waits: usize) {
    fs::create_dir_all(folder.join("rules")).unwrap();
    fs::write(folder.join("rules/waits.yaml"), WAITS).unwrap();
    let nobody = "127.0.0.1:9".parse().unwrap();
    let app = whole::start_with(folder, nobody, true, whole::MISSED).await;
    let bodies = (0..waits).map(|n| call(n).replace("@acme.sales", "@waits").replace("\"missed\"", "\"answered\""));
    let requests: Vec<Vec<u8>> = bodies.map(|body| signed(&body)).collect();
    send_all(app.address(), 8, Arc::new(requests), "HTTP/1.1 202").await;
    // A run that waits is none that is due.
    tokio::time::sleep(Duration::from_millis(200)).await;
    app.settled().await.unwrap();
    app.stop().await;
}
