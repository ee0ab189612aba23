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
use serde_json::{Value, json};

use super::{rules, server::GRUVEO_KEY};

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
    acknowledged: Mutex<BTreeMap<String, usize>>,
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

    pub fn acknowledged(&self) -> BTreeMap<String, usize> {
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

    /// Delivers the call of this number, again and again until it is acknowledged; and soon after it the answer that ends its wait.
    pub async fn deliver_one(&self, number: usize) {
        let ticket = number.to_string();
        let (mode, group) = (rules::kind_of(number), rules::group_of(number).to_string());
        let id = self.deliver(number, json!({"ticket": ticket, "mode": mode, "group": group})).await;
        self.acknowledged.lock().unwrap().insert(id, number);
        if mode == "wait" {
            tokio::time::sleep(Duration::from_millis(super::random(600))).await;
            self.deliver(number, json!({"answers": ticket})).await;
        }
    }

    /// The id of the event.
    async fn deliver(&self, number: usize, tracking: Value) -> String {
        let body = json!({
                "timestamp": 1_598_615_831_871_u64 + number as u64, "maxParticipants": 1, "duration": 0, "link": "@acme.sales",
                "location": "Greece", "resolution": "missed", "waitingTime": 5, "assignedUsers": [],
                "tracking": tracking,
                "account": {"id": "9cf7336a-e40e-4628-bdac-4370298ccf14", "organization": "Acme Corp."},
            })
            .to_string();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(GRUVEO_KEY.as_bytes()).unwrap();
        mac.update(body.as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        for _ in 0..200 {
            let request = self.http.post(&self.url).header("X-Gruveo-SHA256-HMAC", &signature).body(body.clone());
            self.in_flight.fetch_add(1, Ordering::SeqCst);
            let answer = request.send().await;
            let id = match answer {
                Ok(answer) if answer.status().is_success() => {
                    #[expect(clippy::disallowed_methods, reason = "an answer of our own server")]
                    let text = answer.text().await.unwrap_or_default();
                    let json: Value = serde_json::from_str(&text).unwrap_or_default();
                    json["id"].as_str().map(str::to_owned)
                }
                _ => None,
            };
            self.in_flight.fetch_sub(1, Ordering::SeqCst);
            if let Some(id) = id {
                return id;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("delivery {number} was never acknowledged");
    }
}
