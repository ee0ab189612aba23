//! The client of the API: one server, one token, JSON both ways.

use std::{
    net::{SocketAddr, ToSocketAddrs as _},
    sync::Arc,
    time::Duration,
};

use http::{HeaderMap, HeaderValue, Method, header};
use ipnet::IpNet;
use serde_json::Value;
use url::Url;

use super::{address::There, answered};
use crate::{
    cli::{answer::clean, failure::Failure},
    config,
    egress::Egress,
    net::{Client, Outgoing, Reply},
    secret::Secret,
};

/// Before a request is sent again whose answer was lost.
const PAUSE: Duration = Duration::from_millis(300);
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Bytes of an answer that are read.
const ANSWER_LIMIT: usize = 64 << 20;
/// The most items of a page.
const PAGE: usize = 1_000;

/// What a list is asked for: names and values of the query.
pub(super) type Query = Vec<(&'static str, String)>;

/// A write: what is sent, and under which `Idempotency-Key`.
struct Write<'w> {
    body: &'w Value,
    key: String,
}

/// A server that is asked.
pub(super) struct Remote {
    base: Url,
    token: Secret,
    client: Client,
    egress: Arc<Egress>,
}

impl Remote {
    /// The client of a server. `Err`: its address may not be asked, or there is no token.
    pub(super) fn new(there: &There) -> Result<Self, Failure> {
        let Some(token) = there.token.clone() else {
            return Err(Failure::Usage(format!(
                "{} asks for a token: make one on its machine with `bellwire tokens new NAME --user YOU --scope read`, and name the \
                 file that holds it with --token-file",
                place(&there.url)
            )));
        };
        let addresses = addresses(&there.url)?;
        if there.url.scheme() == "http" && !addresses.iter().all(|address| address.ip().is_loopback()) {
            return Err(Failure::Usage(format!(
                "{}: plain http would show the token to everybody on the way; write https, or an address of this machine",
                there.from
            )));
        }
        let allow = addresses.iter().map(|address| IpNet::from(address.ip())).collect();
        let ports = there.url.port_or_known_default().into_iter().collect();
        let egress = Arc::new(Egress::new(&config::Egress { allow, ports }, Vec::new()));
        let client = Client::new(Arc::clone(&egress), ANSWER_LIMIT).map_err(Failure::Storage)?;
        Ok(Self { base: there.url.clone(), token, client, egress })
    }

    /// One thing.
    pub(super) async fn get(&self, path: &[&str]) -> Result<Value, Failure> {
        self.ask(Method::GET, path, &[], None).await
    }

    /// The same with a query.
    pub(super) async fn get_with(&self, path: &[&str], query: &Query) -> Result<Value, Failure> {
        self.ask(Method::GET, path, query, None).await
    }

    /// The items of a list that is told whole.
    pub(super) async fn all(&self, path: &[&str]) -> Result<Vec<Value>, Failure> {
        Ok(self.page(path, &Vec::new()).await?.0)
    }

    /// Items of a list in pages, `most` at most.
    pub(super) async fn list(&self, path: &[&str], query: &Query, most: usize) -> Result<Vec<Value>, Failure> {
        let (mut items, mut cursor) = (Vec::new(), None::<String>);
        while items.len() < most {
            let mut asked = query.clone();
            asked.push(("limit", (most - items.len()).min(PAGE).to_string()));
            if let Some(next) = cursor.take() {
                asked.retain(|(name, _)| *name != "cursor");
                asked.push(("cursor", next));
            }
            let (page, next) = self.page(path, &asked).await?;
            items.extend(page);
            if next.is_none() {
                break;
            }
            cursor = next;
        }
        items.truncate(most);
        Ok(items)
    }

    /// One page of a list, and where the next one begins.
    pub(super) async fn page(&self, path: &[&str], query: &Query) -> Result<(Vec<Value>, Option<String>), Failure> {
        let mut page = self.get_with(path, query).await?;
        let next = page["next"].as_str().map(str::to_owned);
        match page["items"].take() {
            Value::Array(items) => Ok((items, next)),
            _ => Err(answered::no_bellwire(&self.place())),
        }
    }

    /// A write; what it answers, `null` for nothing. It is done once, also where the answer to it is lost and it is sent again.
    pub(super) async fn send(&self, method: Method, path: &[&str], body: &Value) -> Result<Value, Failure> {
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|error| Failure::Storage(format!("no random numbers from the system: {error}")))?;
        let write = Write { body, key: hex::encode(random) };
        self.ask(method, path, &[], Some(write)).await
    }

    async fn ask(
        &self,
        method: Method,
        path: &[&str],
        query: &[(&'static str, String)],
        write: Option<Write<'_>>,
    ) -> Result<Value, Failure> {
        let url = self.url(path, query)?;
        let headers = self.headers(write.as_ref())?;
        let body = write.map(|write| write.body.to_string().into_bytes());
        let request = || Outgoing {
            method: method.clone(),
            url: url.clone(),
            headers: headers.clone(),
            body: body.clone(),
            timeout: TIMEOUT,
        };
        let mut reply = self.client.send(request()).await;
        if reply.as_ref().is_err_and(|error| error.maybe_executed) {
            tokio::time::sleep(PAUSE).await;
            reply = self.client.send(request()).await;
        }
        let reply = reply.map_err(|error| {
            Failure::No(format!(
                "{} cannot be asked: {}; is `bellwire serve` running there?",
                self.place(),
                error.message
            ))
        })?;
        self.value(&reply)
    }

    fn headers(&self, write: Option<&Write<'_>>) -> Result<HeaderMap, Failure> {
        let mut headers = HeaderMap::new();
        let unfit = |_| Failure::Usage("the token holds characters that no header can hold".to_owned());
        let mut bearer = HeaderValue::try_from(format!("Bearer {}", self.token.expose())).map_err(unfit)?;
        bearer.set_sensitive(true);
        headers.insert(header::AUTHORIZATION, bearer);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(write) = write {
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            let key = HeaderValue::try_from(write.key.as_str());
            headers.insert("idempotency-key", key.map_err(|error| Failure::Storage(error.to_string()))?);
        }
        Ok(headers)
    }

    fn url(&self, path: &[&str], query: &[(&'static str, String)]) -> Result<Url, Failure> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.egress.url(url.as_str()).map_err(|denied| Failure::Usage(format!("{}: {denied}", self.place())))
    }

    fn value(&self, reply: &Reply) -> Result<Value, Failure> {
        if !(200..300).contains(&reply.status) {
            return Err(answered::failure(&self.place(), reply));
        }
        if reply.truncated {
            return Err(Failure::No(format!("{} answers with more than {ANSWER_LIMIT} bytes", self.place())));
        }
        if reply.status == 204 {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&reply.body).map_err(|_| answered::no_bellwire(&self.place()))
    }

    fn place(&self) -> String {
        place(&self.base)
    }
}

fn place(url: &Url) -> String {
    clean(&format!("{}{}", url.origin().ascii_serialization(), url.path().trim_end_matches('/')), 200)
}

/// The addresses of the one server.
fn addresses(url: &Url) -> Result<Vec<SocketAddr>, Failure> {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let port = url.port_or_known_default().unwrap_or(443);
    let found = (host, port).to_socket_addrs();
    let found: Vec<SocketAddr> = found
        .map_err(|error| Failure::No(format!("{} has no address: {error}; is the name right?", clean(host, 100))))?
        .collect();
    Ok(found)
}
