//! The program itself, as a process that can be killed.

use std::{
    collections::BTreeMap,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use tempfile::TempDir;

use super::{facts::Facts, load::client, receiver::Receiver, rules};

pub const GRUVEO_KEY: &str = "a-gruveo-signing-key";

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
        for (rule, text) in rules::texts(receiver) {
            std::fs::write(folder.path().join(format!("rules/{rule}.yaml")), text).unwrap();
        }
        let server = Self { folder, port, database, planted, traced: false };
        // A rule that is held back would be missed at the end of the storm alone.
        let checked = server.command().arg("check").output().unwrap();
        assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
        server
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

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What the program is told beside its settings.
    pub fn environment(&self) -> BTreeMap<String, String> {
        let mut environment: BTreeMap<String, String> =
            [("BELLWIRE_SECRET_GRUVEO_KEY", GRUVEO_KEY), ("BELLWIRE_SECRET_GROOVE_TOKEN", "a-groove-api-token")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        environment.extend(self.database.iter().map(|url| ("BELLWIRE_DATABASE_URL".to_owned(), url.clone())));
        environment
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
        command.arg("--workspace").arg(self.folder.path()).envs(self.environment()).stdin(Stdio::null());
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

    /// Takes the rule that goes by the clock out: it would never be quiet.
    pub async fn stop_the_clock(&self, receiver: &Receiver) {
        let text = rules::texts(receiver).remove(rules::TICK).unwrap();
        let file = self.folder.path().join(format!("rules/{}.yaml", rules::TICK));
        std::fs::write(file, text.replacen("on:", "enabled: false\non:", 1)).unwrap();
        let facts = Facts::of(self);
        let started = Instant::now();
        while facts.has_schedules().await {
            assert!(started.elapsed() < Duration::from_secs(20), "the rule is not taken out:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Waits until every run has ended or is held.
    pub async fn wait_until_quiet(&self, limit: Duration) {
        let started = Instant::now();
        let facts = Facts::of(self);
        while started.elapsed() < limit && !facts.are_quiet().await {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
}
