//! The server as a process: started, waited for, looked at, stopped; how long a start takes, and how large the binary is.

use std::{
    fs,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use super::{receiver::Receiver, whole};

const BINARY: &str = env!("CARGO_BIN_EXE_bellwire");

/// A running `bellwire serve`.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
    /// From the start of the process to its first answer.
    pub(crate) took: Duration,
}

impl Server {
    /// Starts it in a workspace that [`workspace`] made, and waits until it says that it is ready.
    pub(crate) fn start(folder: &Path, address: SocketAddr) -> Self {
        let began = Instant::now();
        let child = Command::new(BINARY)
            .arg("--workspace")
            .arg(folder)
            .arg("serve")
            .envs(whole::environment())
            .env("BELLWIRE_LOG_LEVEL", "warn")
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        while !is_ready(address) {
            assert!(began.elapsed() < Duration::from_secs(30), "the server does not start");
            std::thread::sleep(Duration::from_millis(1));
        }
        Self { child, address, took: began.elapsed() }
    }

    /// Resident memory in MB.
    pub(crate) fn resident(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
    }

    /// Ends it as an operator would.
    pub(crate) fn stop(mut self) {
        let told = Command::new("kill").arg("-TERM").arg(self.child.id().to_string()).status().unwrap();
        assert!(told.success());
        self.child.wait().unwrap();
    }
}

/// A workspace with the rule of the main job; the address at which its server will listen.
pub(crate) fn workspace(folder: &Path, receiver: SocketAddr) -> SocketAddr {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    whole::write_workspace(folder, &free.to_string(), receiver);
    free
}

fn is_ready(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let asked = stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    let mut answer = [0; 12];
    asked.and_then(|()| stream.read_exact(&mut answer)).is_ok() && answer == *b"HTTP/1.1 200"
}

pub(crate) async fn start() {
    let receiver = Receiver::start().await;
    let (mut first, mut again) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let address = workspace(folder.path(), receiver.address);
        for times in [&mut first, &mut again] {
            let server = Server::start(folder.path(), address);
            times.push(server.took.as_secs_f64() * 1e3);
            server.stop();
        }
    }
    first.sort_by(f64::total_cmp);
    again.sort_by(f64::total_cmp);
    println!(
        "  start to ready, median of 5: {:.0} ms with a new database, {:.0} ms with one that is there (goal: under 100)",
        first[2], again[2]
    );
    println!("  binary: {:.1} MB (goal: under 30)", fs::metadata(BINARY).unwrap().len() as f64 / 1e6);
}
