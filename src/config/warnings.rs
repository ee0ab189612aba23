//! Settings that are allowed and risky: each with the reason.

use std::path::Path;

use super::{Config, database};

/// One sentence for each risky setting; `file` is the settings file of the workspace.
pub(super) fn of(config: &Config, file: &Path) -> Vec<String> {
    let mut warnings = Vec::new();
    let listen = config.server.listen;
    if !listen.ip().is_loopback() {
        warnings.push(format!(
            "server.listen is {listen}: whoever reaches this address speaks to Bellwire without TLS; let a reverse proxy \
             stand before it"
        ));
        if !config.server.gate {
            warnings.push(format!(
                "server.gate is false and server.listen is {listen}: without the gate a connection has no deadlines and \
                 nobody counts them; only a reverse proxy should reach this address"
            ));
        }
    }
    if config.server.dangerous_plain_http {
        warnings.push(
            "server.dangerous_plain_http is true: passwords and sessions of the admin may cross a network in the clear, where anybody \
             on the way reads them"
                .to_owned(),
        );
    }
    if let Some(oidc) = &config.oidc
        && let Some(role) = &oidc.role
        && oidc.allowed_domains.is_empty()
    {
        warnings.push(format!(
            "oidc.role is {role} and oidc.allowed_domains is empty: everybody whom {} knows may sign in",
            oidc.issuer
        ));
    }
    for network in config.egress.allow.iter().filter(|network| network.prefix_len() == 0) {
        warnings.push(format!(
            "egress.allow holds {network}: rules may call every address, those of this machine and its network too"
        ));
    }
    for (name, source) in config.sources.iter().filter(|(_, source)| source.public && source.enabled) {
        warnings.push(format!(
            "sources.{name}.public is true: whoever knows the address of /hooks/{name} can start rules on {}",
            source.service.as_deref().unwrap_or("it")
        ));
    }
    let in_file = matches!(config.origins.get("database.url"), Some(super::Origin::File { .. }));
    if in_file && config.database.url.as_ref().is_some_and(database::has_password) && readable_by_others(file) {
        warnings.push(format!(
            "database.url holds a password and {} can be read by other users; run `chmod 600` on it, or use \
             BELLWIRE_DATABASE_URL_FILE",
            file.display()
        ));
    }
    warnings
}

#[cfg(unix)]
fn readable_by_others(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn readable_by_others(_file: &Path) -> bool {
    false
}
