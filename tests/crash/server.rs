//! The program itself, as a process that can be killed.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;
use tempfile::TempDir;

use super::{checker::RunFact, load::client, receiver::Receiver};

pub const GRUVEO_KEY: &str = "a-gruveo-signing-key";

const RULES: [(&str, &str); 2] = [
    ("retry", "retry: { after: [1s, 1s, 1s, 2s, 2s, 5s, 5s, 5s], unknown: retry }"),
    ("ask", "retry: { after: [1s, 1s, 1s, 2s, 2s, 5s, 5s, 5s], unknown: ask }"),
];

pub struct Server {
    folder: TempDir,
    port: u16,
    database: Option<String>,
    planted: bool,
    traced: bool,
}

/// A started server; killed when dropped.
pub struct Running(Child);

impl Running {
    /// SIGKILL.
    pub fn kill(&mut self) {
        drop(self.0.kill());
        self.0.wait().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Server {
    pub fn prepare(receiver: &Receiver, database: Option<String>, planted: bool) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = format!(
            "[server]\nlisten = \"127.0.0.1:{port}\"\n[egress]\nallow = [\"127.0.0.1/32\"]\nports = [{}]\n\
             [services.groove]\nbase_url = \"http://{}/v1\"\nrate = \"unlimited\"\nconcurrent = 8\n",
            receiver.address.port(),
            receiver.address
        );
        std::fs::write(folder.path().join("bellwire.toml"), settings).unwrap();
        std::fs::create_dir(folder.path().join("rules")).unwrap();
        for (mode, retry) in RULES {
            let rule = format!(
                "name: note ({mode})\non: gruveo.call\nwhen:\n  event.tracking.mode: {mode}\n  event.tracking.ticket: {{ matches: \"^[0-9]+$\" }}\ndo:\n  \
                 - groove.add_note:\n      ticket: \"{{{{ event.tracking.ticket }}}}\"\n      body: missed\n    {retry}\n"
            );
            std::fs::write(folder.path().join(format!("rules/{mode}.yaml")), rule).unwrap();
        }
        Self { folder, port, database, planted, traced: false }
    }

    /// The same, with its system calls written down.
    pub fn traced(self) -> Self {
        Self { traced: true, ..self }
    }

    /// The system calls of a server that was killed: whole once the end is in it.
    pub fn trace(&self) -> String {
        for _ in 0..100 {
            let trace = std::fs::read_to_string(self.folder.path().join("trace")).unwrap_or_default();
            if trace.contains("+++ killed by SIGKILL") {
                return trace;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the trace has no end");
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hooks/gruveo", self.port)
    }

    fn command(&self) -> Command {
        let program = env!("CARGO_BIN_EXE_bellwire");
        let mut command = Command::new(if self.traced { "strace" } else { program });
        if self.traced {
            let calls = "trace=read,recvfrom,readv,write,writev,sendto,pwrite64,fsync,fdatasync";
            command
                .args(["-D", "-f", "-s", "60", "-e", calls, "-o"])
                .arg(self.folder.path().join("trace"))
                .arg(program);
        }
        command
            .arg("--workspace")
            .arg(self.folder.path())
            .env("BELLWIRE_SECRET_GRUVEO_KEY", GRUVEO_KEY)
            .env("BELLWIRE_SECRET_GROOVE_TOKEN", "a-groove-api-token")
            .stdin(Stdio::null());
        if let Some(url) = &self.database {
            command.env("BELLWIRE_DATABASE_URL", url);
        }
        if self.planted {
            command.env("PLANTED_FAULT", "answer-before-commit");
        }
        command
    }

    /// Starts it and waits until it is ready.
    pub async fn start(&self) -> Running {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log")).unwrap();
        let child = self.command().arg("serve").stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
        let mut running = Running(child);
        let http = client();
        let started = Instant::now();
        while started.elapsed() < Duration::from_secs(20) {
            let ready = http.get(format!("http://127.0.0.1:{}/readyz", self.port)).send().await;
            if ready.is_ok_and(|answer| answer.status().is_success()) {
                return running;
            }
            if let Some(status) = running.0.try_wait().unwrap() {
                panic!("the server ended with {status}:\n{}", self.log());
            }
            tokio::time::sleep(Duration::from_millis(15)).await;
        }
        panic!("the server does not get ready:\n{}", self.log());
    }

    fn log(&self) -> String {
        let text = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }

    /// Waits until every run has ended or is held.
    pub async fn wait_until_quiet(&self, limit: Duration) {
        let started = Instant::now();
        while started.elapsed() < limit {
            let runs = self.runs();
            if runs.iter().all(|run| matches!(run.state.as_str(), "ok" | "failed" | "held")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    /// Every run, by the command line beside the server, page by page.
    pub fn runs(&self) -> Vec<RunFact> {
        let mut runs = Vec::new();
        let mut before: Option<String> = None;
        loop {
            let mut command = self.command();
            command.args(["runs", "list", "--json", "--limit", "1000"]);
            if let Some(before) = &before {
                command.args(["--before", before]);
            }
            let output = command.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            let page: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
            let Some(last) = page.last() else { return runs };
            before = last["id"].as_str().map(str::to_owned);
            runs.extend(page.iter().map(|run| self.fact(run)));
        }
    }

    fn fact(&self, run: &Value) -> RunFact {
        let state = run["state"].as_str().unwrap().to_owned();
        let unknown = state == "held" && self.has_unknown(run["id"].as_str().unwrap());
        RunFact { event: run["event"].as_str().unwrap().to_owned(), state, unknown }
    }

    fn has_unknown(&self, run: &str) -> bool {
        let output = self.command().args(["runs", "show", run, "--json"]).output().unwrap();
        let run: Value = serde_json::from_slice(&output.stdout).unwrap();
        run["attempts"].as_array().and_then(|attempts| attempts.last()).is_some_and(|last| last["outcome"] == "unknown")
    }
}
