//! The layers, and every kind of fault.

use std::{collections::BTreeMap, fs, path::PathBuf, time::Duration};

use super::{load::from_parts, *};

fn settings(text: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    from_parts(PathBuf::from("/w"), text, &variables).map_err(|errors| errors.iter().map(ToString::to_string).collect())
}

fn faults(text: &str, variables: &[(&str, &str)]) -> Vec<String> {
    settings(text, variables).err().unwrap_or_default()
}

#[test]
fn the_defaults_are_those_of_the_manual() {
    let config = Config::defaults(&PathBuf::from("/w"));
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8000");
    assert!(config.server.gate && config.runner.enabled && !config.rules.refuse_on_error && !config.log.json);
    assert_eq!(config.data.dir, PathBuf::from("/w/data"));
    assert_eq!(config.secrets.key_file, PathBuf::from("/w/data/bellwire.key"));
    assert!(config.database.url.is_none());
    assert_eq!(config.limits.body, 1 << 20);
    assert_eq!(config.limits.dedupe, Duration::from_secs(7 * 86_400));
    assert_eq!((config.limits.connections, config.limits.connections_per_address), (1_000, 100));
    assert_eq!(config.limits.match_rule, Duration::from_millis(20));
    assert_eq!((config.runner.workers, config.runner.per_host), (256, 32));
    assert_eq!((config.retention.days, config.retention.rows), (30, 10_000_000));
}

#[test]
fn the_manual_names_every_key() {
    for (section, keys) in load::SECTIONS {
        assert!(DEFAULTS.contains(&format!("\n[{section}]\n")), "{section}");
        for key in *keys {
            assert!(
                DEFAULTS.contains(&format!("\n{key} = ")) || DEFAULTS.contains(&format!("\n# {key} = ")),
                "{section}.{key}"
            );
        }
    }
    for (family, keys) in load::FAMILIES {
        assert!(DEFAULTS.contains(&format!("\n# [{family}.")), "{family}");
        for key in *keys {
            assert!(DEFAULTS.contains(&format!("\n# {key} = ")), "{family}.{key}");
        }
    }
}

#[test]
fn what_the_manual_shows_in_comments_is_taken() {
    let shown: String = DEFAULTS
        .lines()
        .filter_map(|line| line.strip_prefix("# "))
        .filter(|line| (line.starts_with('[') && line.ends_with(']')) || line.contains(" = "))
        .filter(|line| {
            !line.starts_with("key_file")
                && !line.starts_with("public_url")
                && !line.starts_with("admin_listen")
                && !line.starts_with("url = ")
                && !line.contains("lists are")
                // Of `[oidc]`, which asks for `public_url`; a test of its own takes them.
                && !["issuer", "client_id", "client_secret", "role = ", "allowed_domains"].iter().any(|key| line.starts_with(key))
        })
        .fold(String::new(), |text, line| text + line + "\n");
    assert_eq!(faults(&shown, &[]), Vec::<String>::new(), "{shown}");
    let config = settings(&shown, &[]).unwrap();
    assert_eq!(config.connections["groove-sales"].concurrent, Some(2));
    assert_eq!(config.hours["office"].days["mon-fri"], ["09:00-17:00"]);
    assert_eq!(config.vars["escalation_channel"], "C024BE91L");
}

#[test]
fn the_file_wins_over_the_defaults_and_the_environment_over_the_file() {
    let text = "[server]\nlisten = \"127.0.0.1:1\"\ngate = false\n[services.groove]\nrate = \"unlimited\"\n";
    let config = settings(
        text,
        &[
            ("BELLWIRE_SERVER_LISTEN", "[::1]:2"),
            ("BELLWIRE_EGRESS_ALLOW", "127.0.0.0/8, 10.0.0.1"),
            ("BELLWIRE_EGRESS_PORTS", "8001"),
            ("BELLWIRE_SERVICES_GROOVE_BASE_URL", "http://127.0.0.1:8001/v1"),
            ("BELLWIRE_RUNNER_ENABLED", "false"),
            ("BELLWIRE_RETENTION_DAYS", "7"),
            ("BELLWIRE_VARS_CHANNEL", "42"),
            ("BELLWIRE_CONNECTIONS_SALES_SERVICE", "groove"),
            ("BELLWIRE_CONNECTIONS_SALES_SECRETS", "groove_token=sales_token"),
            ("PATH", "/bin"),
        ],
    )
    .unwrap();
    assert_eq!(config.server.listen.to_string(), "[::1]:2");
    assert!(!config.server.gate && !config.runner.enabled);
    assert_eq!(config.services["groove"].rate, Some(Rate::Unlimited));
    assert_eq!(config.services["groove"].base_url.as_deref(), Some("http://127.0.0.1:8001/v1"));
    assert_eq!(config.egress.allow.len(), 2);
    assert_eq!(config.egress.ports, [8001]);
    assert_eq!(config.retention.days, 7);
    assert_eq!(config.vars["channel"], "42");
    assert_eq!(config.connections["sales"].secrets["groove_token"], "sales_token");
    assert_eq!(config.origins["server.listen"].to_string(), "BELLWIRE_SERVER_LISTEN");
    assert_eq!(config.origins["server.gate"].to_string(), "bellwire.toml:3");
    assert_eq!(config.origins["limits.body"].to_string(), "default");
}

#[test]
fn a_name_with_a_dash_is_reached_from_the_environment() {
    let text = "[sources.second-team]\nservice = \"groove\"\n";
    let config = settings(text, &[("BELLWIRE_SOURCES_SECOND_TEAM_ENABLED", "false")]).unwrap();
    assert_eq!(config.sources.len(), 1);
    assert!(!config.sources["second-team"].enabled);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_one() {
    assert_eq!(
        faults("[server]\n\nlisten = \"127.0.0.1:1\"\nlisten_on = 1\ngaet = true\n[egres]\nallow = []\n", &[]),
        [
            "bellwire.toml:4: unknown key `server.listen_on`",
            "bellwire.toml:5: unknown key `server.gaet`; did you mean `gate`?",
            "bellwire.toml:6: unknown key `egres`; did you mean `egress`?",
        ]
    );
    assert_eq!(
        faults("[connections.crm]\nservice = \"groove\"\nbase_ulr = \"https://x.example\"\n", &[]),
        ["bellwire.toml:3: unknown key `connections.crm.base_ulr`; did you mean `base_url`?"]
    );
}

#[test]
fn an_unknown_variable_is_refused_with_the_nearest_one() {
    assert_eq!(
        faults("", &[("BELLWIRE_SERVER_LISTN", "x")]),
        ["unknown variable BELLWIRE_SERVER_LISTN in the environment; did you mean `BELLWIRE_SERVER_LISTEN`?"]
    );
    assert_eq!(faults("", &[("BELLWIRE_XYZ", "x")]), ["unknown variable BELLWIRE_XYZ in the environment"]);
}

#[test]
fn the_variables_of_kubernetes_are_no_settings() {
    let variables = [
        ("BELLWIRE_SERVICE_HOST", "10.0.0.7"),
        ("BELLWIRE_SERVICE_PORT", "8000"),
        ("BELLWIRE_PORT", "tcp://10.0.0.7:8000"),
        ("BELLWIRE_PORT_8000_TCP_ADDR", "10.0.0.7"),
    ];
    assert!(settings("", &variables).is_ok());
    assert_eq!(faults("", &[("BELLWIRE_PORT", "8000")]).len(), 1, "a person wrote this one");
}

#[test]
fn values_of_the_wrong_kind_are_refused_with_their_place() {
    for (text, wanted) in [
        ("[server]\ngate = \"yes\"", "bellwire.toml:2: `server.gate`: true or false wanted, the text `yes` seen"),
        ("[server]\nlisten = 8000", "bellwire.toml:2: `server.listen`: a text wanted, 8000 seen"),
        ("[server]\nlisten = \"8000\"", "`server.listen`: an address with a port"),
        ("server = 1", "bellwire.toml:1: `server`: a table wanted, 1 seen"),
        ("[egress]\nallow = \"10.0.0.0/8\"", "`egress.allow`: a list wanted"),
        ("[egress]\nallow = [\"10.0.0.1/8\"]", "`egress.allow`: `10.0.0.1/8` has bits set"),
        ("[egress]\nports = [0]", "`egress.ports`: a port from 1 to 65535 wanted, `0` seen"),
        ("[runner]\nworkers = 0", "`runner.workers`: a whole number from 1 to 10000 wanted, 0 seen"),
        ("[runner]\nworkers = -1", "`runner.workers`: a whole number from 1 to 10000 wanted, -1 seen"),
        ("[runner]\nworkers = 1.5", "`runner.workers`: a whole number from 1 to 10000 wanted, 1.5 seen"),
        ("[limits]\nhead_timeout = \"0s\"", "`limits.head_timeout`: a span of time from 1s to 1h wanted, 0s seen"),
        ("[limits]\nhead_timeout = 10", "`limits.head_timeout`: a text wanted, 10 seen"),
        ("[limits]\ndedupe = \"7 days\"", "`limits.dedupe`: a span of time such as"),
        ("[limits]\nbody = \"1TB\"", "`limits.body`: a size such as"),
        ("[limits]\nbody = 10", "`limits.body`: a whole number from 1024"),
        ("[limits]\nbody = \"1GiB\"", "`limits.body`: 1024 to 67108864 bytes wanted"),
        ("[rules]\non_error = \"ignore\"", "`rules.on_error`: one of keep, refuse wanted, `ignore` seen"),
        ("[log]\nlevel = \"a=b=c\"", "`log.level`: a filter such as"),
        ("[services.groove]\nrate = \"0/min\"", "`services.groove.rate`: a rate of 0 would never send"),
        ("[services.groove]\nrate = \"fast\"", "`services.groove.rate`: a rate such as"),
        ("[services.groove]\nbase_url = \"groove\"", "`services.groove.base_url`: a URL such as"),
        ("[services]\ngroove = 1", "`services.groove`: a table wanted, 1 seen"),
        ("[sources.Bad]\npublic = true", "`sources.Bad`: `Bad` is no name"),
        (
            "[sources.groove]\nservice = \"groove\"\nverify = \"github\"",
            "bellwire.toml:3: `sources.groove.verify`: a service's deliveries",
        ),
        ("[connections.crm]\nrate = \"1/s\"", "bellwire.toml:1: `connections.crm.service`: is missing"),
        (
            "[connections.crm]\nservice = \"groove\"\nsecrets = { groove_token = \"Hunter2/hunter2\" }",
            "the name of a secret",
        ),
        ("[hours.office]\nmon-fri = [\"09:00-17:00\"]", "`hours.office.timezone`: is missing"),
        ("[hours.office]\ntimezone = \"UTC\"\nmon-fri = [\"9-17\"]", "`hours.office.mon-fri`: a span of a day"),
        ("[hours.office]\ntimezone = \"UTC\"\nmonday = []", "unknown key `hours.office.monday`"),
        ("[data]\ndir = \"\"", "`data.dir`: is empty"),
        (
            "[database]\nurl = \"postgresql://u:hunter2hunter2@db/b?sslmode=require\"",
            "`database.url`: this build speaks no TLS",
        ),
    ] {
        let found = faults(text, &[]);
        assert_eq!(found.len(), 1, "{text}: {found:?}");
        assert!(found[0].contains(wanted), "{text}: {found:?}");
        assert!(!found[0].to_lowercase().contains("hunter2"), "{found:?}");
    }
}

#[test]
fn all_faults_come_at_once() {
    let text = "[server]\ngate = 1\nlisten = 2\n[nowhere]\n";
    assert_eq!(faults(text, &[("BELLWIRE_RUNNER_WORKERS", "many"), ("BELLWIRE_LOG", "x")]).len(), 5);
}

#[test]
fn a_wrong_value_of_the_environment_names_its_variable() {
    assert_eq!(
        faults("[runner]\nworkers = 5", &[("BELLWIRE_RUNNER_WORKERS", "many")]),
        ["BELLWIRE_RUNNER_WORKERS: `runner.workers`: a whole number from 1 to 10000 wanted, the text `many` seen"]
    );
    let empty = faults("", &[("BELLWIRE_SERVER_LISTEN", "")]);
    assert_eq!(empty, ["BELLWIRE_SERVER_LISTEN: `server.listen`: is empty; give it a value, or do not set it"]);
}

#[test]
fn what_is_no_toml_is_refused_with_its_line() {
    let found = faults("[server]\nlisten = \n", &[]);
    assert!(found[0].starts_with("bellwire.toml:2: not TOML: "), "{found:?}");
    let twice = faults("[server]\ngate = true\ngate = false\n", &[]);
    assert!(twice[0].starts_with("bellwire.toml:3: not TOML: "), "{twice:?}");
}

#[test]
fn secrets_come_from_variables_and_from_files() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    fs::write(&file, "a-long-secret\r\n").unwrap();
    let file = file.to_str().unwrap();
    let config =
        settings("", &[("BELLWIRE_SECRET_GRUVEO_KEY", "another-secret"), ("BELLWIRE_SECRET_GROOVE_TOKEN_FILE", file)])
            .unwrap();
    assert_eq!(config.secrets.environment["gruveo_key"].expose(), "another-secret");
    assert_eq!(config.secrets.environment["groove_token"].expose(), "a-long-secret");
    assert!(!format!("{config:?}").contains("-secret"), "no secret in Debug");

    let url = folder.path().join("url");
    fs::write(&url, "postgresql://u:pass-word-1@/b\n").unwrap();
    let config = settings("", &[("BELLWIRE_DATABASE_URL_FILE", url.to_str().unwrap())]).unwrap();
    assert_eq!(config.database.url.as_ref().map(crate::secret::Secret::expose), Some("postgresql://u:pass-word-1@/b"));
    assert_eq!(config.origins["database.url"].to_string(), "BELLWIRE_DATABASE_URL_FILE");
    for shown in [print::as_text(&config), print::as_json(&config).to_string()] {
        assert!(!shown.contains("pass-word-1") && shown.contains("***"), "{shown}");
    }
}

#[test]
fn secrets_that_cannot_serve_are_refused_without_their_value() {
    for (variables, wanted) in [
        (&[("BELLWIRE_SECRET_KEY", "short77")][..], "BELLWIRE_SECRET_KEY: `secret key`: a secret has 8 characters"),
        (&[("BELLWIRE_SECRET_KEY", "")], "8 characters at least"),
        (&[("BELLWIRE_SECRET_1KEY", "long-enough")], "begins with a letter"),
        (&[("BELLWIRE_SECRET_key", "long-enough")], "letters A-Z"),
        (&[("BELLWIRE_SECRET_", "long-enough")], "letters A-Z"),
        (&[("BELLWIRE_SECRET_KEY_FILE", "/nowhere/at/all")], "the file /nowhere/at/all cannot be read"),
        (
            &[("BELLWIRE_SECRET_KEY", "long-enough"), ("BELLWIRE_SECRET_KEY_FILE", "/nowhere")],
            "BELLWIRE_SECRET_KEY is set too",
        ),
        (
            &[("BELLWIRE_DATABASE_URL", "postgresql:///b"), ("BELLWIRE_DATABASE_URL_FILE", "/nowhere")],
            "BELLWIRE_DATABASE_URL is set too",
        ),
    ] {
        let found = faults("", variables);
        assert_eq!(found.len(), 1, "{variables:?}: {found:?}");
        assert!(found[0].contains(wanted), "{found:?}");
        assert!(!found[0].contains("short77") && !found[0].contains("long-enough"), "{found:?}");
    }
}

#[test]
fn printing_names_where_each_value_came_from_and_hides_secrets() {
    let text =
        "[server]\nlisten = \"127.0.0.1:9\"\n[services.groove]\nrate = \"24/min\"\n[vars]\nx = [1, { y = true }]\n";
    let config = settings(text, &[("BELLWIRE_SECRET_GRUVEO_KEY", "another-secret")]).unwrap();
    let shown = print::as_text(&config);
    assert!(shown.contains("listen = \"127.0.0.1:9\"") && shown.contains("# bellwire.toml:2"), "{shown}");
    assert!(shown.contains("gruveo_key  BELLWIRE_SECRET_GRUVEO_KEY"), "{shown}");
    assert!(!shown.contains("another-secret"), "{shown}");
    let again = settings(&shown, &[]).unwrap();
    assert_eq!(again.vars, config.vars, "what is printed reads again");
    assert_eq!(again.services["groove"].rate, config.services["groove"].rate);
    let json = print::as_json(&config);
    assert_eq!(json["settings"]["server"]["listen"]["from"], "bellwire.toml:2");
    assert_eq!(json["secrets"][0]["name"], "gruveo_key");
    assert!(!json.to_string().contains("another-secret"));
}

#[test]
fn a_workspace_without_a_file_has_the_defaults_and_one_with_a_folder_there_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(load(folder.path(), &BTreeMap::new()).is_ok());
    fs::create_dir(folder.path().join(FILE)).unwrap();
    assert!(load(folder.path(), &BTreeMap::new()).unwrap_err()[0].to_string().contains("cannot be read"));
}

#[test]
fn risky_settings_are_warned_about_with_the_reason() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[server]\nlisten = \"0.0.0.0:8000\"\ngate = false\n[egress]\nallow = [\"0.0.0.0/0\"]\n[sources.x]\npublic = true\n[database]\nurl = \"postgresql://u:p@/b\"\n";
    fs::write(folder.path().join(FILE), text).unwrap();
    let config = load(folder.path(), &BTreeMap::new()).unwrap();
    let wanted = if cfg!(unix) { 5 } else { 4 };
    assert_eq!(config.warnings.len(), wanted, "{:?}", config.warnings);
    assert_eq!(
        load(folder.path(), &BTreeMap::from([("BELLWIRE_SERVER_LISTEN".to_owned(), "127.0.0.1:1".to_owned())]))
            .map(|config| config.warnings.len()),
        Ok(wanted - 2)
    );
}
