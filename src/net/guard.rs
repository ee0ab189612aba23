//! The resolver of the only client: names lead to allowed addresses or nowhere.

use std::{
    fmt, io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::egress::{Denied, Egress};

/// Addresses of one name that are tried; a name with a thousand of them is no reason to knock on a thousand doors.
const TRIED: usize = 16;

/// A look-up of a name.
pub(super) type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Looks a name up, and hands on what egress allows: the address that was checked is the one that is connected to. One address that is
/// denied denies the name: a name that leads inside and outside is an attack, or a mistake that would fail now and then.
#[derive(Clone)]
pub(super) struct Guard {
    egress: Arc<Egress>,
    lookup: Arc<dyn Fn(String) -> Lookup + Send + Sync>,
}

impl Guard {
    /// A guard over the system's resolver.
    pub(super) fn new(egress: Arc<Egress>) -> Self {
        Self::over(egress, Arc::new(|name| Box::pin(system(name))))
    }

    /// A guard over another resolver.
    pub(super) fn over(egress: Arc<Egress>, lookup: Arc<dyn Fn(String) -> Lookup + Send + Sync>) -> Self {
        Self { egress, lookup }
    }

    fn check(&self, name: &str, found: &[IpAddr]) -> Result<(), Denied> {
        for ip in found {
            self.egress.address(*ip).map_err(|Denied(why)| Denied(format!("host `{name}`: {why}")))?;
        }
        Ok(())
    }
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let name = name.as_str();
            let found = (guard.lookup)(name.to_owned()).await.map_err(NotFound)?;
            guard.check(name, &found)?;
            if found.is_empty() {
                return Err(NotFound(io::ErrorKind::NotFound.into()).into());
            }
            // The port is the URL's; 0 asks the client to put it there.
            let found = found.into_iter().take(TRIED).map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(found) as Addrs)
        })
    }
}

async fn system(name: String) -> io::Result<Vec<IpAddr>> {
    let found = tokio::net::lookup_host((name, 0)).await?;
    Ok(found.map(|address| address.ip()).collect())
}

/// The name has no address.
#[derive(Debug)]
pub(super) struct NotFound(pub(super) io::Error);

impl fmt::Display for NotFound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the name cannot be resolved: {}", self.0)
    }
}

impl std::error::Error for NotFound {}
