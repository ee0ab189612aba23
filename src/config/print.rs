//! The settings in force with where each came from; secrets are hidden. For `bellwire config print`.

use serde_json::{Map, Value, json};

use super::{Config, Origin, database, forms};

/// The settings as text that reads like TOML, each line with where its value came from.
pub fn as_text(config: &Config) -> String {
    let mut text = Vec::new();
    for (table, keys) in tables(config) {
        let lines: Vec<(String, String)> = keys
            .into_iter()
            .map(|(key, value)| {
                let origin = origin(config, &format!("{table}.{key}"));
                (format!("{key} = {}", toml(&value)), origin)
            })
            .collect();
        if lines.is_empty() {
            continue;
        }
        let width = lines.iter().map(|(line, _)| line.chars().count()).max().unwrap_or(0).min(60);
        text.push(format!("[{table}]"));
        text.extend(lines.into_iter().map(|(line, origin)| format!("{line:width$}  # {origin}")));
        text.push(String::new());
    }
    text.push("# secrets of the environment (values are never shown)".to_owned());
    if config.secrets.environment.is_empty() {
        text.push("# none; those in the database: bellwire secrets list".to_owned());
    }
    for name in config.secrets.environment.keys() {
        text.push(format!("# {name}  {}", origin(config, &format!("secret {name}"))));
    }
    text.push(String::new());
    text.join("\n")
}

/// The settings as JSON: `{settings: {table: {key: {value, from}}}, secrets: [{name, from}], warnings: [..]}`.
pub fn as_json(config: &Config) -> Value {
    let mut settings = Map::new();
    for (table, keys) in tables(config) {
        let keys: Map<String, Value> = keys
            .into_iter()
            .map(|(key, value)| {
                let from = origin(config, &format!("{table}.{key}"));
                (key, json!({"value": value, "from": from}))
            })
            .collect();
        settings.insert(table, Value::Object(keys));
    }
    let secrets: Vec<Value> = config
        .secrets
        .environment
        .keys()
        .map(|name| json!({"name": name, "from": origin(config, &format!("secret {name}"))}))
        .collect();
    json!({"workspace": config.workspace, "settings": settings, "secrets": secrets, "warnings": config.warnings})
}

fn origin(config: &Config, key: &str) -> String {
    config.origins.get(key).unwrap_or(&Origin::Default).to_string()
}

type Keys = Vec<(String, Value)>;

fn tables(config: &Config) -> Vec<(String, Keys)> {
    let span = |span| Value::String(forms::show_duration(span));
    let limits = &config.limits;
    let oidc = config.oidc.as_ref();
    let texts = |list: &[ipnet::IpNet]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let url = config.database.url.as_ref().map(database::hidden);
    let mut tables = vec![
        table(
            "server",
            [
                ("listen", json!(config.server.listen.to_string())),
                ("gate", json!(config.server.gate)),
                ("trusted_proxies", json!(texts(&config.server.trusted_proxies))),
                ("public_url", json!(config.server.public_url)),
                ("admin_listen", json!(config.server.admin_listen.map(|address| address.to_string()))),
                ("dangerous_plain_http", json!(config.server.dangerous_plain_http)),
            ],
        ),
        table(
            "oidc",
            [
                ("issuer", json!(oidc.map(|oidc| &oidc.issuer))),
                ("client_id", json!(oidc.map(|oidc| &oidc.client_id))),
                ("client_secret", json!(oidc.and_then(|oidc| oidc.client_secret.as_ref()))),
                ("scopes", json!(oidc.map(|oidc| &oidc.scopes))),
                ("label", json!(oidc.map(|oidc| &oidc.label))),
                ("role", json!(oidc.and_then(|oidc| oidc.role.as_ref()))),
                ("allowed_domains", json!(oidc.map(|oidc| &oidc.allowed_domains))),
            ],
        ),
        table("data", [("dir", json!(config.data.dir))]),
        table("database", [("url", json!(url))]),
        table("secrets", [("key_file", json!(config.secrets.key_file))]),
        table("egress", [("allow", json!(texts(&config.egress.allow))), ("ports", json!(config.egress.ports))]),
        table(
            "limits",
            [
                ("body", json!(limits.body)),
                ("connections", json!(limits.connections)),
                ("connections_per_address", json!(limits.connections_per_address)),
                ("head_timeout", span(limits.head_timeout)),
                ("body_timeout", span(limits.body_timeout)),
                ("idle_timeout", span(limits.idle_timeout)),
                ("dedupe", span(limits.dedupe)),
                ("runs_per_event", json!(limits.runs_per_event)),
                ("match_rule_ms", json!(millis(limits.match_rule))),
                ("match_event_ms", json!(millis(limits.match_event))),
                ("reply", json!(limits.reply)),
            ],
        ),
        table(
            "runner",
            [
                ("enabled", json!(config.runner.enabled)),
                ("workers", json!(config.runner.workers)),
                ("per_host", json!(config.runner.per_host)),
                ("grace", span(config.runner.grace)),
            ],
        ),
        table(
            "circuit",
            [
                ("failures", json!(config.circuit.failures)),
                ("within", span(config.circuit.within)),
                ("pause", span(config.circuit.pause)),
                ("longest", span(config.circuit.longest)),
            ],
        ),
        table("retention", [("days", json!(config.retention.days)), ("rows", json!(config.retention.rows))]),
        table("rules", [("on_error", json!(if config.rules.refuse_on_error { "refuse" } else { "keep" }))]),
        table(
            "log",
            [("format", json!(if config.log.json { "json" } else { "text" })), ("level", json!(config.log.level))],
        ),
    ];
    tables.extend(named(config));
    tables
}

fn named(config: &Config) -> Vec<(String, Keys)> {
    let rate = |rate: Option<super::Rate>| json!(rate.map(|rate| rate.to_string()));
    let mut tables = Vec::new();
    for (name, source) in &config.sources {
        tables.push(table(
            &format!("sources.{name}"),
            [
                ("service", json!(source.service)),
                ("secrets", json!(source.secrets)),
                ("enabled", json!(source.enabled)),
                ("public", json!(source.public)),
                ("expect", json!(source.expect.map(forms::show_duration))),
                ("verify", json!(source.verify)),
                ("body", json!(source.body.iter().map(|word| word.word()).collect::<Vec<_>>())),
                ("files", json!(source.files)),
                ("max_body", json!(source.max_body)),
            ],
        ));
    }
    for (name, connection) in &config.connections {
        tables.push(table(
            &format!("connections.{name}"),
            [
                ("service", json!(connection.service)),
                ("base_url", json!(connection.base_url)),
                ("hosts", json!(connection.hosts)),
                ("secrets", json!(connection.secrets)),
                ("rate", rate(connection.rate)),
                ("concurrent", json!(connection.concurrent)),
            ],
        ));
    }
    for (name, service) in &config.services {
        tables.push(table(
            &format!("services.{name}"),
            [
                ("base_url", json!(service.base_url)),
                ("rate", rate(service.rate)),
                ("concurrent", json!(service.concurrent)),
            ],
        ));
    }
    tables.push(("vars".to_owned(), config.vars.iter().map(|(key, value)| (key.clone(), value.clone())).collect()));
    for (name, hours) in &config.hours {
        let mut keys = vec![("timezone".to_owned(), json!(hours.timezone))];
        keys.extend(hours.days.iter().map(|(day, spans)| (day.clone(), json!(spans))));
        keys.push(("closed".to_owned(), json!(hours.closed)));
        tables.push((format!("hours.{name}"), keys));
    }
    tables
}

/// A table without the keys that are not set.
fn table<const N: usize>(name: &str, keys: [(&str, Value); N]) -> (String, Keys) {
    let keys = keys.into_iter().filter(|(_, value)| !value.is_null());
    (name.to_owned(), keys.map(|(key, value)| (key.to_owned(), value)).collect())
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

fn toml(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let pairs: Vec<String> = map.iter().map(|(key, value)| format!("{key} = {}", toml(value))).collect();
            if pairs.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", pairs.join(", ")) }
        }
        Value::Array(list) => format!("[{}]", list.iter().map(toml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
