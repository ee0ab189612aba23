//! A sender that repeats each delivery until it is acknowledged, as good senders do.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;

use super::server::GRUVEO_KEY;

/// Deliveries on their way at once.
const LANES: usize = 8;

/// A client of our own server.
pub fn client() -> reqwest::Client {
    // An error means that it is there already.
    drop(rustls::crypto::ring::default_provider().install_default());
    reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build().unwrap()
}

pub struct Sender {
    url: String,
    http: reqwest::Client,
    acknowledged: Mutex<BTreeMap<String, String>>,
    next: AtomicUsize,
    pub in_flight: AtomicUsize,
    pub stop: AtomicBool,
}

impl Sender {
    pub fn new(url: String) -> Self {
        let http = client();
        Self {
            url,
            http,
            acknowledged: Mutex::default(),
            next: AtomicUsize::new(1),
            in_flight: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
        }
    }

    pub fn acknowledged(&self) -> BTreeMap<String, String> {
        self.acknowledged.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    pub async fn run(self: Arc<Self>) {
        let lanes: Vec<_> = (0..LANES).map(|_| tokio::spawn(Arc::clone(&self).lane())).collect();
        for lane in lanes {
            lane.await.unwrap();
        }
    }

    async fn lane(self: Arc<Self>) {
        while !self.stop.load(Ordering::SeqCst) {
            let number = self.next.fetch_add(1, Ordering::SeqCst);
            self.deliver_one(number).await;
            tokio::time::sleep(Duration::from_millis(super::random(60))).await;
        }
    }

    /// Delivers the call of this number, again and again until it is acknowledged.
    pub async fn deliver_one(&self, number: usize) {
        let mode = if number.is_multiple_of(2) { "retry" } else { "ask" };
        let body = json!({
                "timestamp": 1_598_615_831_871_u64 + number as u64, "maxParticipants": 1, "duration": 0, "link": "@acme.sales",
                "location": "Greece", "resolution": "missed", "waitingTime": 5, "assignedUsers": [],
                "tracking": {"ticket": number.to_string(), "mode": mode},
                "account": {"id": "9cf7336a-e40e-4628-bdac-4370298ccf14", "organization": "Acme Corp."},
            })
            .to_string();
        self.deliver(number, &body).await;
    }

    async fn deliver(&self, number: usize, body: &str) {
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(GRUVEO_KEY.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        for _ in 0..200 {
            let request = self.http.post(&self.url).header("X-Gruveo-SHA256-HMAC", &signature).body(body.to_owned());
            self.in_flight.fetch_add(1, Ordering::SeqCst);
            let answer = request.send().await;
            let id = match answer {
                Ok(answer) if answer.status().is_success() => {
                    #[expect(clippy::disallowed_methods, reason = "an answer of our own server")]
                    let text = answer.text().await.unwrap_or_default();
                    let json: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
                    json["id"].as_str().map(str::to_owned)
                }
                _ => None,
            };
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            if let Some(id) = id {
                self.acknowledged.lock().unwrap().insert(id, number.to_string());
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("delivery {number} was never acknowledged");
    }
}
