//! One connection that asks for pages.

use std::net::SocketAddr;

use tokio::{io::AsyncReadExt, io::AsyncWriteExt, net::TcpStream};

use super::person::Person;

/// A keep-alive connection of one who is signed in.
pub(super) struct Asker {
    stream: TcpStream,
    buffer: Vec<u8>,
    person: Person,
}

/// An answer: its head, and its body as it came over the wire.
pub(super) struct Answer {
    pub(super) head: String,
    pub(super) body: Vec<u8>,
}

impl Asker {
    pub(super) async fn connect(address: SocketAddr, person: Person) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::with_capacity(1 << 16), person }
    }

    /// Asks as a browser does; anything but 200 ends the measurement.
    pub(super) async fn get(&mut self, path: &str) -> Answer {
        self.get_as(path, "identity").await
    }

    /// The same, packed where the server packs.
    pub(super) async fn get_packed(&mut self, path: &str) -> Answer {
        self.get_as(path, "gzip, deflate, br").await
    }

    async fn get_as(&mut self, path: &str, encoding: &str) -> Answer {
        let who = if path.starts_with("/api/") {
            format!("Authorization: Bearer {}", self.person.token)
        } else {
            format!("Cookie: bellwire={}", self.person.session)
        };
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{who}\r\nAccept-Encoding: {encoding}\r\nSec-Fetch-Site: same-origin\r\n\r\n"
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        let answer = self.read().await;
        assert!(answer.head.starts_with("HTTP/1.1 200"), "{path}: {}", answer.head);
        answer
    }

    async fn read(&mut self) -> Answer {
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|window| window == b"\r\n\r\n") {
                break at + 4;
            }
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.unwrap(), 0, "the server closed");
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let length = head.lines().find_map(|line| {
            line.to_ascii_lowercase().strip_prefix("content-length:").map(|text| text.trim().parse::<usize>().unwrap())
        });
        let length = length.unwrap_or_else(|| panic!("no length: {head}"));
        while self.buffer.len() < end + length {
            assert_ne!(self.stream.read_buf(&mut self.buffer).await.unwrap(), 0, "the server closed");
        }
        let body = self.buffer[end..end + length].to_vec();
        self.buffer.drain(..end + length);
        Answer { head, body }
    }
}
