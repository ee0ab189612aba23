//! `bellwire services capture`: waits for one delivery and keeps it.

use std::{io, net::SocketAddr, path::Path, time::Duration};

use clap::Args;
use serde_json::json;
use tokio::net::TcpListener;

use super::{
    captured::Captured,
    listen::{self, Wanted},
    watch::{self, Came},
};
use crate::{
    app,
    cli::{
        answer::{Answer, machine},
        failure::Failure,
        open,
    },
    config::{Config, forms},
    store::Mode,
};

#[derive(Debug, Args)]
#[command(
    after_long_help = "Examples:\n  bellwire services capture shop\n  bellwire services capture shop --timeout 30m --json\n  \
    bellwire services capture shop --listen 127.0.0.1:8001    beside a running server\n\n\
    Where a server runs at server.listen, it watches for the next delivery to the source, taken or refused. Where none runs, it listens\n\
    there itself and answers one POST to /hooks/SOURCE with 202. A running server refuses what comes to a source that it does not know, and\n\
    nothing of that is kept: add `[sources.NAME]` with `public = true` to bellwire.toml for the moment, or use --listen 127.0.0.1:PORT. What came is kept in captures/ of the data folder, readable by\n\
    you alone: of tokens and signatures the form and not the value. `bellwire services new` makes a pack of it."
)]
pub(in crate::cli) struct Capture {
    /// The source: the delivery comes to /hooks/SOURCE; any unless given
    pub(in crate::cli) source: Option<String>,
    /// How long to wait
    #[arg(long, value_name = "SPAN", default_value = "5m", value_parser = forms::duration)]
    pub(in crate::cli) timeout: Duration,
    /// Listen there, whether a server runs or not
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) listen: Option<SocketAddr>,
    /// The machine's form
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

pub(super) fn run(workspace: &Path, options: &Capture) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    let at = options.listen.unwrap_or(config.server.listen);
    open::block_on(async {
        let waited = match TcpListener::bind(at).await {
            Ok(listener) => by_itself(&config, options, listener).await,
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && options.listen.is_none() => {
                beside(&config, options).await
            }
            Err(error) => return Err(Failure::No(format!("{at} cannot be listened at: {error}"))),
        };
        waited.and_then(|came| report(&config, options, came))
    })
}

/// No server runs: the delivery comes here.
async fn by_itself(config: &Config, options: &Capture, listener: TcpListener) -> Result<Came, Failure> {
    let bound = listener.local_addr().unwrap_or(config.server.listen);
    let place = options.source.as_deref().unwrap_or("SOURCE");
    eprintln!(
        "bellwire: waiting {} for one POST to http://{bound}/hooks/{place} (Ctrl-C ends it)",
        forms::show_duration(options.timeout)
    );
    let settings = options.source.as_ref().and_then(|source| config.sources.get(source));
    let largest = settings.and_then(|settings| settings.max_body).unwrap_or(config.limits.body);
    let wanted = Wanted { source: options.source.clone(), largest, clock: open::clock() };
    let captured = tokio::time::timeout(options.timeout, listen::one(listener, wanted)).await;
    let captured = captured.map_err(|_| nothing(options))?;
    Ok(Came::Captured(Box::new(captured)))
}

/// A server runs: it takes the delivery, and this looks on.
async fn beside(config: &Config, options: &Capture) -> Result<Came, Failure> {
    if open::is_unborn(config)? {
        return Err(Failure::No(format!(
            "something else listens at {}; name another address with --listen",
            config.server.listen
        )));
    }
    let what = options.source.as_ref().map_or("any source".to_owned(), |source| format!("/hooks/{source}"));
    eprintln!(
        "bellwire: a server runs at {}; waiting {} for its next delivery to {what} (Ctrl-C ends it)",
        config.server.listen,
        forms::show_duration(options.timeout)
    );
    if let Some(source) = options.source.as_deref().filter(|source| !is_known(config, source)) {
        eprintln!("{}", unknown(source, config.server.listen));
    }
    let store = open::store(config, Mode::Read)?;
    let came = tokio::time::timeout(options.timeout, watch::next(&store, options.source.as_deref())).await;
    came.map_err(|_| nothing(options))?
}

/// Whether the running server takes deliveries under the name, as far as the settings say.
fn is_known(config: &Config, source: &str) -> bool {
    if let Some(settings) = config.sources.get(source) {
        return settings.enabled;
    }
    app::check(config).registry.pack(source).is_some_and(|pack| pack.hook.is_some())
}

/// What is told before the wait: of a delivery that the server refuses nothing could be kept.
fn unknown(source: &str, listen: SocketAddr) -> String {
    let beside = SocketAddr::new(listen.ip(), listen.port().checked_add(1).unwrap_or(8_001));
    format!(
        "bellwire: no source is called `{source}`, so the server refuses its deliveries, and nothing of one that is refused is kept.\n\
         Either end this and let the delivery come here:\n  bellwire services capture {source} --listen {beside}\n\
         or add this to bellwire.toml for the moment, and start the server again:\n  [sources.{source}]\n  public = true"
    )
}

fn nothing(options: &Capture) -> Failure {
    Failure::No(format!("no delivery came within {}", forms::show_duration(options.timeout)))
}

fn report(config: &Config, options: &Capture, came: Came) -> Result<Answer, Failure> {
    let (captured, event) = match came {
        Came::Captured(captured) => (captured, None),
        Came::Event(id, captured) => (captured, Some(id)),
        Came::Refused(refusal) => {
            let answer = if options.json {
                Answer::json(&json!({"refused": machine(&refusal)}))
            } else {
                Answer::text(watch::shown(&refusal))
            };
            return Ok(answer.exit(1));
        }
    };
    let file = kept(config, &captured)?;
    let shown = file.strip_prefix(&config.workspace).unwrap_or(&file).display().to_string();
    if options.json {
        let event = event.map(|id| id.to_string());
        return Ok(Answer::json(&json!({"file": shown, "event": event, "captured": *captured})));
    }
    let of = event.map(|id| format!("event     {id}\n")).unwrap_or_default();
    let next = format!("kept in {shown}\nA pack of it: bellwire services new {}", captured.source);
    Ok(Answer::text(format!("{of}{}\n{next}", captured.shown())))
}

fn kept(config: &Config, captured: &Captured) -> Result<std::path::PathBuf, Failure> {
    captured
        .keep(config, open::clock().now())
        .map_err(|error| Failure::Storage(format!("the capture cannot be written: {error}")))
}
