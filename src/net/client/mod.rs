//! The one client: no redirects, no retries of its own, no proxies, no cookies, nothing decompressed.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use reqwest::{ClientBuilder, redirect, retry};

use super::{
    body, fault,
    guard::Guard,
    mail,
    message::{Outgoing, Reply, SendError},
    sending::{Begun, Sending},
};
use crate::{egress::Egress, model::ErrorClass};

/// For the name, the connection and the TLS handshake together.
const CONNECT: Duration = Duration::from_secs(5);
/// An unused connection is closed after this: shorter than most servers' 60 s and more, so that it is we who close.
const IDLE: Duration = Duration::from_secs(30);
/// Unused connections that are kept for one host: as many as a busy connection's places, so that none is opened anew between two requests.
const IDLE_PER_HOST: usize = 256;
/// Headers that frame a message or belong to the connection: two sets of them are how requests are smuggled.
const FRAMING: [HeaderName; 8] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::EXPECT,
    header::HOST,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The one client.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    guard: Guard,
    egress: Arc<Egress>,
    reply_limit: usize,
}

impl Client {
    /// A client under `egress`. `reply_limit` is bytes of a reply that are read.
    ///
    /// Where the machine has no trusted certificates, calls over https fail with class `tls`, and the log says why.
    pub fn new(egress: Arc<Egress>, reply_limit: usize) -> Result<Self, String> {
        let guard = Guard::new(Arc::clone(&egress));
        Self::with(guard, egress, reply_limit)
    }

    fn with(guard: Guard, egress: Arc<Egress>, reply_limit: usize) -> Result<Self, String> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // Another thread that was first installed the same one.
            rustls::crypto::ring::default_provider().install_default().unwrap_or_default();
        }
        let http = settings(guard.clone()).build().or_else(|error| {
            tracing::warn!(%error, "no trusted certificates: https will fail; install `ca-certificates`");
            settings(guard.clone()).tls_certs_only([]).build()
        });
        let http = http.map_err(|error| format!("the HTTP client cannot be built: {error}"))?;
        Ok(Self { http, guard, egress, reply_limit })
    }

    /// Sends once. Never redirects, never retries, never uses a proxy.
    ///
    /// One thing below it tries again: a request that was queued on an idle connection and handed back whole, since the target had
    /// closed it before a byte was written, goes out on another connection.
    pub async fn send(&self, request: Outgoing) -> Result<Reply, SendError> {
        let refused = |class, message| SendError { class, maybe_executed: false, message };
        // Checked here too, since an address that stands in the URL itself never meets the resolver.
        let url =
            self.egress.url(request.url.as_str()).map_err(|denied| refused(ErrorClass::EgressDenied, denied.0))?;
        if let Some(name) = FRAMING.iter().find(|name| request.headers.contains_key(*name)) {
            let message = format!("header `{name}` is set by Bellwire itself; take it out of `headers`");
            return Err(refused(ErrorClass::InvalidHeaderValue, message));
        }
        let host = match (url.host_str().unwrap_or_default(), url.port()) {
            (host, Some(port)) => format!("{host}:{port}"),
            (host, None) => host.to_owned(),
        };
        let begun = Begun::default();
        let timeout = request.timeout;
        if mail::is_mail(&url) != (request.method.as_str() == mail::METHOD) {
            let message =
                format!("`{host}`: mail goes to a base URL such as smtps://smtp.example.com, and nothing else does");
            return Err(refused(ErrorClass::EgressDenied, message));
        }
        if mail::is_mail(&url) {
            let request = Outgoing { url, ..request };
            let mark = || begun.set();
            let sent = tokio::time::timeout(timeout, mail::send(&self.guard, &request, &mark)).await;
            return sent.unwrap_or_else(|_| Err(fault::late(&host, timeout, begun.get())));
        }
        let ready = ready(request, url, begun.clone());
        match tokio::time::timeout(timeout, self.exchange(ready, &host, &begun)).await {
            Ok(answer) => answer,
            Err(_) => Err(fault::late(&host, timeout, begun.get())),
        }
    }

    async fn exchange(&self, request: reqwest::Request, host: &str, begun: &Begun) -> Result<Reply, SendError> {
        let answer = self.http.execute(request).await;
        let mut response = answer.map_err(|error| fault::unanswered(&error, host, begun.get()))?;
        let status = response.status().as_u16();
        let headers = body::headers(response.headers());
        let read = body::read(&mut response, self.reply_limit).await;
        let (body, truncated) = read.map_err(|error| fault::cut_short(&error, host))?;
        Ok(Reply { status, headers, body, truncated })
    }
}

/// Everything but where the trusted certificates come from.
fn settings(guard: Guard) -> ClientBuilder {
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    reqwest::Client::builder()
        .user_agent(concat!("Bellwire/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .http1_only()
        .no_proxy()
        .referer(false)
        .redirect(redirect::Policy::none())
        .retry(retry::never())
        .connect_timeout(CONNECT)
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .dns_resolver(guard)
}

fn ready(request: Outgoing, url: url::Url, begun: Begun) -> reqwest::Request {
    let mut ready = reqwest::Request::new(request.method, url);
    *ready.headers_mut() = request.headers;
    // RFC 9110, section 8.6: a method that usually has a body says that there is none.
    let usual = [Method::POST, Method::PUT, Method::PATCH].contains(ready.method());
    if usual && request.body.as_ref().is_none_or(Vec::is_empty) {
        ready.headers_mut().insert(header::CONTENT_LENGTH, HeaderValue::from_static("0"));
    }
    *ready.body_mut() = Some(reqwest::Body::wrap(Sending::new(request.body.unwrap_or_default(), begun)));
    ready
}

#[cfg(test)]
mod tests;
