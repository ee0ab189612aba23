//! A browser that comes back: on a port of this machine (RFC 8252, section 7.3), or as an address that somebody pastes.

use std::{
    io::{self, BufRead as _, Read as _},
    net::Ipv4Addr,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    time::timeout,
};
use url::form_urlencoded;

use crate::cli::{answer::clean, failure::Failure};

/// The path on this machine.
pub(super) const PATH: &str = "/callback";
/// Bytes of a request's head; an address with a code takes a few hundred.
const HEAD: usize = 16 * 1024;
/// How long a browser may take for its request.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came back.
#[derive(Debug, PartialEq, Eq)]
enum Back {
    Code(String),
    /// What the service said in its place.
    Refused(String),
    /// Of another login, or of nobody.
    NotOurs,
}

/// Reads the query of the address that a browser was sent back to.
fn read(query: &str, state: &str) -> Back {
    let value = |wanted: &str| {
        form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
    };
    if value("state").as_deref() != Some(state) {
        return Back::NotOurs;
    }
    match value("code").filter(|code| !code.is_empty()) {
        Some(code) => Back::Code(code),
        None => Back::Refused(clean(&value("error").unwrap_or_else(|| "no code".to_owned()), 100)),
    }
}

fn refused(why: &str) -> Failure {
    Failure::No(format!("the login was not agreed to: the service says `{why}`"))
}

/// Listens on a port of this machine.
pub(super) async fn listen(port: u16) -> Result<TcpListener, Failure> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.map_err(|error| {
        Failure::No(format!(
            "cannot wait on port {port} of this machine: {error}; take another one with --port, and register it"
        ))
    })
}

/// Waits until a browser brings the code of this login.
pub(super) async fn wait(listener: &TcpListener, state: &str) -> Result<String, Failure> {
    loop {
        // A connection that broke off is its own affair.
        let Ok((mut stream, _)) = listener.accept().await else { continue };
        let Ok(Some(target)) = timeout(PATIENCE, head(&mut stream)).await else { continue };
        let (path, query) = target.split_once('?').unwrap_or((&target, ""));
        if path != PATH {
            answer(&mut stream, "404 Not Found", "There is nothing here.").await;
            continue;
        }
        match read(query, state) {
            Back::Code(code) => {
                answer(&mut stream, "200 OK", "That is all. You can close this window and go back to the terminal.")
                    .await;
                return Ok(code);
            }
            Back::Refused(why) => {
                answer(&mut stream, "200 OK", "The login was not agreed to. You can close this window.").await;
                return Err(refused(&why));
            }
            Back::NotOurs => answer(&mut stream, "400 Bad Request", "This is not the login that is waited for.").await,
        }
    }
}

/// The target of a GET request. `None`: it is none.
async fn head(stream: &mut TcpStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if head.len() > HEAD || stream.read_buf(&mut head).await.ok()? == 0 {
            return None;
        }
    }
    let text = String::from_utf8(head).ok()?;
    let mut words = text.lines().next()?.split(' ');
    (words.next()? == "GET").then_some(())?;
    words.next().map(str::to_owned)
}

async fn answer(stream: &mut TcpStream, status: &str, text: &str) {
    let answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {}\r\nCache-Control: no-store\r\n\
         Referrer-Policy: no-referrer\r\nConnection: close\r\n\r\n{text}\n",
        text.len() + 1
    );
    let written = stream.write_all(answer.as_bytes()).await;
    if written.is_err() || stream.shutdown().await.is_err() {
        tracing::debug!("the browser did not wait for its answer");
    }
}

/// Reads the address that somebody pastes.
pub(super) fn paste(state: &str) -> Result<String, Failure> {
    let mut line = String::new();
    let most = u64::try_from(HEAD).unwrap_or(u64::MAX);
    io::stdin()
        .lock()
        .take(most)
        .read_line(&mut line)
        .map_err(|error| Failure::Storage(format!("standard input cannot be read: {error}")))?;
    let address = line.trim();
    let query = address.split_once('?').map_or("", |(_, query)| query);
    let query = query.split('#').next().unwrap_or_default();
    match read(query, state) {
        Back::Code(code) => Ok(code),
        Back::Refused(why) => Err(refused(&why)),
        Back::NotOurs => Err(Failure::Usage(
            "that is not the address at which this login ended: it must hold `code=` and the same `state=`; copy all of it"
                .to_owned(),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_counts_with_the_right_state_alone() {
        let of = |query: &str| read(query, "st-1");
        assert_eq!(of("code=a%2Fb+c&state=st-1"), Back::Code("a/b c".to_owned()));
        assert_eq!(of("state=st-1&error=access_denied&code="), Back::Refused("access_denied".to_owned()));
        assert_eq!(of("state=st-1"), Back::Refused("no code".to_owned()));
        for query in ["", "code=a", "code=a&state=st-2", "code=a&state=", "error=x&state=ST-1"] {
            assert_eq!(of(query), Back::NotOurs, "{query}");
        }
    }
}
