//! What is written to standard error: text for people or JSON for machines. Whoever logs a text from outside escapes it and cuts it to
//! 256 characters.

use tracing_subscriber::{EnvFilter, fmt};

use crate::config::Log;

/// Starts logging for a server. Only the first call counts.
pub fn start(log: &Log) {
    let builder = fmt().with_env_filter(filter(&log.level)).with_writer(std::io::stderr);
    let started = if log.json {
        builder.json().flatten_event(true).with_current_span(false).with_span_list(false).try_init()
    } else {
        builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init()
    };
    if started.is_err() {
        tracing::debug!("logging was started before");
    }
}

/// Rocket says in many lines what one of ours says; a `log.level` that names its targets turns them on again.
fn filter(level: &str) -> EnvFilter {
    let quiet = format!("rocket=off,_=off,hyper=warn,reqwest=warn,{level}");
    EnvFilter::builder().parse_lossy(quiet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rocket_is_quiet_unless_it_is_asked_for() {
        assert!(filter("debug").to_string().contains("rocket=off"));
        assert!(filter("debug").to_string().contains("debug"));
        let asked = filter("info,rocket=debug").to_string();
        assert!(asked.contains("rocket=debug") && !asked.contains("rocket=off"), "{asked}");
    }
}
