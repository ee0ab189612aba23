//! The program itself, started as its users start it.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{
    app::{GROOVE_TOKEN, GRUVEO_KEY},
    journal::Journal,
};

pub const PROGRAM: &str = env!("CARGO_BIN_EXE_bellwire");

/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// A folder in which the program is run, and what its environment holds.
pub struct Place {
    pub folder: TempDir,
    environment: Vec<(String, String)>,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ended {
    /// The same, which must have ended well.
    pub fn fine(self) -> Self {
        assert_eq!(self.code, 0, "{self:?}");
        self
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

impl Place {
    /// An empty folder.
    pub fn empty() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), environment: Vec::new() }
    }

    /// A workspace as `init` makes it, on a free port, whose notes go to the journal; both secrets are in the environment.
    pub fn workspace(journal: &Journal) -> Self {
        let place = Self::empty()
            .with("BELLWIRE_SERVER_LISTEN", &free_address().to_string())
            .with("BELLWIRE_SECRET_GRUVEO_KEY", GRUVEO_KEY)
            .with("BELLWIRE_SECRET_GROOVE_TOKEN", GROOVE_TOKEN)
            .leading_to(journal.address);
        place.run(&["init", "."]).fine();
        place
    }

    /// The same with these rules in the place of the example, and the public source `box`.
    pub fn with_rules(journal: &Journal, rules: &[(&str, &str)]) -> Self {
        let place = Self::workspace(journal);
        std::fs::remove_file(place.path().join("rules/calls/missed.yaml")).unwrap();
        for (id, text) in rules {
            place.write(&format!("rules/{id}.yaml"), text);
        }
        let settings = place.read("bellwire.toml");
        place.write("bellwire.toml", &format!("{settings}\n[sources.box]\npublic = true\n"));
        place
    }

    /// The same with one more variable; the last one of a name counts.
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same with calls to Groove led to an address of this machine.
    pub fn leading_to(self, groove: SocketAddr) -> Self {
        self.with("BELLWIRE_EGRESS_ALLOW", "127.0.0.1/32")
            .with("BELLWIRE_EGRESS_PORTS", &groove.port().to_string())
            .with("BELLWIRE_SERVICES_GROOVE_BASE_URL", &format!("http://{groove}/v1"))
            .with("BELLWIRE_SERVICES_GROOVE_RATE", "unlimited")
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, file: &str, text: &str) {
        let file = self.path().join(file);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path().join(file)).unwrap()
    }

    /// A program in this folder, with nothing of the environment of the tests but where programs are.
    pub fn command(&self, program: &str) -> Command {
        let folder = PathBuf::from(PROGRAM).parent().unwrap().to_owned();
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display());
        let mut command = Command::new(program);
        command.current_dir(self.path()).env_clear().env("PATH", path).env("HOME", self.path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value))).stdin(Stdio::null());
        command
    }

    pub fn run(&self, words: &[&str]) -> Ended {
        self.run_with(words, "")
    }

    /// The same with something on standard input.
    pub fn run_with(&self, words: &[&str], input: &str) -> Ended {
        let mut command = self.command(PROGRAM);
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A program that refuses before it reads has closed the pipe.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        ended(child.wait_with_output().unwrap())
    }

    /// A line as a person types it.
    pub fn shell(&self, line: &str) -> Ended {
        ended(self.command("bash").args(["-c", line]).output().unwrap())
    }

    /// Starts `serve`, and waits until it takes deliveries.
    pub fn serve(&self) -> Serving {
        let log = std::fs::File::options().create(true).append(true).open(self.path().join("log")).unwrap();
        let mut command = self.command(PROGRAM);
        let child = command.arg("serve").stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut serving = Serving(child);
        let address: SocketAddr = self.value_of("BELLWIRE_SERVER_LISTEN").parse().unwrap();
        until("the server listens", || {
            if let Some(status) = serving.0.try_wait().unwrap() {
                panic!("the server ended with {status}:\n{}", self.read("log"));
            }
            TcpStream::connect(address).is_ok()
        });
        serving
    }

    fn value_of(&self, name: &str) -> &str {
        self.environment.iter().rfind(|(known, _)| known == name).map(|(_, value)| value.as_str()).unwrap()
    }

    /// A missed call for a ticket, sent to the running server.
    pub fn call(&self, ticket: &str) -> Ended {
        self.run(&["send", "gruveo.call", "--sample", "missed", "--set", &format!("tracking.ticket={ticket}")])
    }

    /// An event `box.<event>` of the public source `box` that a test wrote into the settings; its id.
    pub fn ring(&self, event: &str, payload: &serde_json::Value) -> String {
        let (status, body) = self.post(&format!("/hooks/box/{event}"), &payload.to_string());
        assert_eq!(status, 202, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    /// Any JSON to the running server; its status and what it said.
    pub fn post(&self, path: &str, body: &str) -> (u16, serde_json::Value) {
        let address = self.value_of("BELLWIRE_SERVER_LISTEN");
        let mut stream = TcpStream::connect(address).unwrap();
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\
             Connection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {answer}")))
    }

    /// What `runs show --json` says.
    pub fn shown(&self, run: &str) -> serde_json::Value {
        self.run(&["runs", "show", run, "--json"]).fine().json()
    }

    /// Waits until the newest run is in this state; its id.
    pub fn newest(&self, state: &str) -> String {
        let began = Instant::now();
        while self.states().first().is_none_or(|now| now != state) {
            assert!(
                began.elapsed() < PATIENCE,
                "the newest run is not {state}: {:#?}",
                self.runs().first().map(|run| self.shown(run["id"].as_str().unwrap()))
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        self.runs()[0]["id"].as_str().unwrap().to_owned()
    }

    /// What `runs list --json` says, the newest first.
    pub fn runs(&self) -> Vec<serde_json::Value> {
        self.run(&["runs", "list", "--json"]).fine().json().as_array().unwrap().clone()
    }

    /// The states of all runs, the newest first.
    pub fn states(&self) -> Vec<String> {
        self.runs().iter().map(|run| run["state"].as_str().unwrap().to_owned()).collect()
    }
}

/// A server of its own process; killed when dropped.
pub struct Serving(Child);

impl Serving {
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.0), signal).unwrap();
    }

    /// Waits until it has ended by itself.
    pub fn ended(&mut self) -> ExitStatus {
        wait_for(&mut self.0)
    }

    pub fn is_running(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // One that has ended cannot be killed.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

pub fn wait_for(child: &mut Child) -> ExitStatus {
    let mut status = None;
    until("the process ends", || {
        status = child.try_wait().unwrap();
        status.is_some()
    });
    status.unwrap()
}

/// Waits for another process.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "in vain: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An address of this machine that nobody uses now.
pub fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn ended(output: std::process::Output) -> Ended {
    Ended {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}
