//! A temporary PostgreSQL cluster: one a test binary, one database a test. It ends with the process that started it.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread::sleep,
    time::{Duration, Instant},
};

use diesel::{Connection as _, PgConnection, connection::SimpleConnection as _};

/// What must be installed.
const WANTED: &str = "tests need PostgreSQL's server programs: install Debian's package `postgresql` (or set nothing up by hand: no \
                      running server is needed)";

/// How long a cluster may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

struct Cluster {
    dir: PathBuf,
    /// Its standard input is a pipe: when this process ends, however it does, the guard reads its end and stops the cluster.
    _guard: Child,
}

/// The `database.url` of a fresh, empty database.
pub fn fresh_database() -> String {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let cluster = CLUSTER.get_or_init(start);
    let name = format!("test_{}", NUMBER.fetch_add(1, Ordering::SeqCst));
    let mut conn = connect(cluster, "postgres").expect("the cluster answers");
    conn.batch_execute(&format!("CREATE DATABASE {name}")).expect("a database is made");
    url(&cluster.dir, &name)
}

fn url(dir: &Path, database: &str) -> String {
    format!("postgresql:///{database}?host={}&user=bellwire&sslmode=disable", dir.display())
}

fn connect(cluster: &Cluster, database: &str) -> Result<PgConnection, String> {
    PgConnection::establish(&url(&cluster.dir, database)).map_err(|error| error.to_string())
}

/// The folder of `initdb` and `postgres`, the newest first.
fn programs() -> PathBuf {
    let installed = std::fs::read_dir("/usr/lib/postgresql").unwrap_or_else(|_| panic!("{WANTED}"));
    let mut versions: Vec<(u32, PathBuf)> = installed
        .flatten()
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin"))))
        .filter(|(_, bin): &(u32, PathBuf)| bin.join("initdb").exists() && bin.join("postgres").exists())
        .collect();
    versions.sort();
    versions.pop().unwrap_or_else(|| panic!("{WANTED}")).1
}

/// PostgreSQL refuses to run as root: then it is `postgres`, whom the package makes.
fn prefix() -> Vec<&'static str> {
    let id = Command::new("id").arg("-u").output().expect("`id` runs");
    if id.stdout.trim_ascii() == b"0" {
        vec!["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", "--"]
    } else {
        Vec::new()
    }
}

fn start() -> Cluster {
    let bin = programs();
    let prefix = prefix();
    // Not `TMPDIR`: the path of a unix socket may have 107 bytes.
    let dir = tempfile::Builder::new().prefix("bwpg").tempdir_in("/tmp").expect("a temporary folder").keep();
    if !prefix.is_empty() {
        let given = Command::new("chown").arg("postgres:postgres").arg(&dir).status();
        assert!(given.is_ok_and(|status| status.success()), "{WANTED}");
    }
    let run = |script: &str| {
        let mut command = Command::new("sh");
        command.arg("-c").arg(script).arg("sh").arg(&dir).arg(&bin).args(&prefix).current_dir("/");
        command
    };
    let made = run(
        "dir=$1 bin=$2; shift 2; exec \"$@\" \"$bin/initdb\" -D \"$dir/data\" -U bellwire --auth=trust --encoding=UTF8 --locale=C",
    )
    .output()
    .expect("`sh` runs");
    assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
    let guard = run("trap '' INT HUP; dir=$1 bin=$2; shift 2; \
         \"$@\" \"$bin/postgres\" -D \"$dir/data\" -k \"$dir\" -c listen_addresses= -c max_connections=200 \
           -c shared_buffers=64MB <&- >\"$dir/log\" 2>&1 & \
         server=$!; cat >/dev/null; kill -QUIT $server; wait $server; rm -rf \"$dir\"")
    .stdin(Stdio::piped())
    .stdout(Stdio::null())
    .stderr(Stdio::null())
    .spawn()
    .expect("`sh` runs");
    let cluster = Cluster { dir, _guard: guard };
    let begun = Instant::now();
    while let Err(error) = connect(&cluster, "postgres") {
        let log = std::fs::read_to_string(cluster.dir.join("log")).unwrap_or_default();
        assert!(begun.elapsed() < PATIENCE, "PostgreSQL does not start: {error}\n{log}");
        sleep(Duration::from_millis(50));
    }
    cluster
}
