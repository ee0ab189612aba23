//! The workspace of the demo: the example rules, and settings that lead what would go to Groove to this machine.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
};

use ipnet::IpNet;
use url::{Host, Url};

use crate::{
    cli::{failure::Failure, init, schema},
    config::{self, Config},
};

const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8_000);
const GROOVE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8_001);

/// Makes the workspace, or takes the one that is there. True where it was made.
pub(super) fn prepare(folder: &Path, listen: Option<SocketAddr>, groove: Option<SocketAddr>) -> Result<bool, Failure> {
    let file = folder.join(config::FILE);
    if !file.exists() {
        make(folder, &file, listen.unwrap_or(LISTEN), groove.unwrap_or(GROOVE))?;
        return Ok(true);
    }
    if listen.is_some() || groove.is_some() {
        readdress(folder, &file, listen, groove)?;
    }
    Ok(false)
}

fn make(folder: &Path, file: &Path, listen: SocketAddr, groove: SocketAddr) -> Result<(), Failure> {
    if folder.exists() && !folder.is_dir() {
        return Err(Failure::Usage(format!("{} is a file; name a folder with --dir", folder.display())));
    }
    if !init::is_empty(folder)? {
        return Err(Failure::No(format!(
            "{} is not empty and no workspace; name another folder with --dir",
            folder.display()
        )));
    }
    let text = settings(free(listen)?, free(groove)?);
    for (name, text) in init::FILES.into_iter().filter(|(name, _)| *name != config::FILE) {
        let path = folder.join(name);
        init::make(&path, text).map_err(|error| init::failed(&path, &error))?;
    }
    schema::place(folder)?;
    // Last: a folder with settings is taken for a whole workspace the next time.
    init::make(file, &text).map_err(|error| init::failed(file, &error))?;
    Ok(())
}

/// Writes other addresses into settings that are still as they were made; those that a person changed stay as they are.
fn readdress(
    folder: &Path,
    file: &Path,
    listen: Option<SocketAddr>,
    groove_wanted: Option<SocketAddr>,
) -> Result<(), Failure> {
    let config = config::load(folder, &std::collections::BTreeMap::new()).map_err(Failure::Configuration)?;
    let (listens, plays) = (config.server.listen, groove(&config, folder)?);
    let (listen, groove) = (listen.unwrap_or(listens), groove_wanted.unwrap_or(plays));
    if (listen, groove) == (listens, plays) {
        return Ok(());
    }
    let text = fs::read_to_string(file).map_err(|error| init::failed(file, &error))?;
    if text != settings(listens, plays) {
        return Err(Failure::No(format!(
            "{} was changed by hand, so --listen and --groove leave it alone; change the addresses there",
            file.display()
        )));
    }
    fs::write(file, settings(free(listen)?, free(groove)?)).map_err(|error| init::failed(file, &error))
}

/// The address with a free port in the place of port 0: settings that stay must name the port.
fn free(address: SocketAddr) -> Result<SocketAddr, Failure> {
    if address.port() != 0 {
        return Ok(address);
    }
    TcpListener::bind(address)
        .and_then(|listener| listener.local_addr())
        .map_err(|error| Failure::No(format!("{} has no free port: {error}", address.ip())))
}

/// Where the settings say that Groove is: on this machine, or it is not for the demo to play it.
pub(super) fn groove(config: &Config, folder: &Path) -> Result<SocketAddr, Failure> {
    let base_url = config.services.get("groove").and_then(|service| service.base_url.as_deref());
    let address = base_url.and_then(|text| {
        let url = Url::parse(text).ok().filter(|url| url.scheme() == "http")?;
        let ip = match url.host()? {
            Host::Ipv4(ip) => IpAddr::from(ip),
            Host::Ipv6(ip) => IpAddr::from(ip),
            Host::Domain(_) => return None,
        };
        Some(SocketAddr::new(ip, url.port_or_known_default()?)).filter(|address| address.ip().is_loopback())
    });
    address.ok_or_else(|| {
        Failure::No(format!(
            "services.groove.base_url is {} in {}: the demo plays Groove on this machine alone, at an address such as \
             http://{GROOVE}/v1. To run this workspace as it is, use `bellwire serve`; for a demo of its own, --dir",
            base_url.unwrap_or("not set"),
            folder.join(config::FILE).display()
        ))
    })
}

fn settings(listen: SocketAddr, groove: SocketAddr) -> String {
    format!(
        r#"# A workspace for trying Bellwire on this machine. `bellwire demo` starts a stand-in for Groove, which is reached by
# these settings and nothing else.

[server]
listen = "{listen}"

# Calls to private addresses are refused unless they are opened here.
[egress]
allow = ["{network}"]
ports = [{port}]

# Without this, notes would go to Groove itself.
[services.groove]
base_url = "http://{groove}/v1"
rate = "unlimited"

# Only what is wrong; "info" tells of every delivery and run.
[log]
level = "warn"
"#,
        network = IpNet::from(groove.ip()),
        port = groove.port(),
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn address(text: &str) -> SocketAddr {
        text.parse().unwrap()
    }

    #[test]
    fn the_settings_name_real_ports_and_lead_to_this_machine() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("demo");
        assert!(prepare(&folder, Some(address("127.0.0.1:0")), Some(address("[::1]:8009"))).unwrap());
        let config = config::load(&folder, &BTreeMap::new()).unwrap();
        assert_ne!(config.server.listen.port(), 0);
        assert_eq!(groove(&config, &folder).unwrap(), address("[::1]:8009"));
        assert_eq!(config.egress.ports, [8009]);
        assert_eq!(config.egress.allow, ["::1/128".parse().unwrap()]);
        assert!(folder.join("rules/calls/missed.yaml").is_file());
    }

    #[test]
    fn a_second_demo_uses_the_first_ones_workspace_and_other_ports_when_asked() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("demo");
        prepare(&folder, None, None).unwrap();
        let first = fs::read_to_string(folder.join(config::FILE)).unwrap();
        assert!(!prepare(&folder, None, None).unwrap());
        assert_eq!(fs::read_to_string(folder.join(config::FILE)).unwrap(), first);
        prepare(&folder, Some(address("127.0.0.1:8010")), None).unwrap();
        assert_eq!(fs::read_to_string(folder.join(config::FILE)).unwrap(), first.replace(":8000", ":8010"));
    }

    #[test]
    fn what_a_person_changed_or_keeps_elsewhere_stays() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("demo");
        prepare(&folder, None, None).unwrap();
        let file = folder.join(config::FILE);
        let changed = fs::read_to_string(&file).unwrap() + "[vars]\na = 1\n";
        fs::write(&file, &changed).unwrap();
        assert!(matches!(prepare(&folder, Some(address("127.0.0.1:8010")), None), Err(Failure::No(_))));
        assert_eq!(fs::read_to_string(&file).unwrap(), changed);
        fs::write(parent.path().join("letter"), "").unwrap();
        assert!(matches!(prepare(parent.path(), None, None), Err(Failure::No(_))));
    }

    #[test]
    fn groove_is_played_on_the_loopback_alone() {
        let folder = tempfile::tempdir().unwrap();
        for (line, fits) in [
            ("", false),
            ("base_url = \"https://api.groovehq.com/v1\"", false),
            ("base_url = \"http://192.168.0.1:8001/v1\"", false),
            ("base_url = \"https://127.0.0.1:8001/v1\"", false),
            ("base_url = \"http://localhost:8001/v1\"", false),
            ("base_url = \"http://127.0.0.1:8001/v1\"", true),
        ] {
            fs::write(folder.path().join(config::FILE), format!("[services.groove]\n{line}\n")).unwrap();
            let config = config::load(folder.path(), &BTreeMap::new()).unwrap();
            assert_eq!(groove(&config, folder.path()).is_ok(), fits, "{line}");
        }
    }
}
