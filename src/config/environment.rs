//! What the environment says: `BELLWIRE_...` as settings, `BELLWIRE_SECRET_...` as secrets, anything else of that name refused.

use std::{collections::BTreeMap, fs, io::Read, path::Path};

use figment::value::{Dict, Value};

use super::{
    error::{ConfigError, Origin, nearest},
    forms,
};
use crate::secret::{SHORTEST, Secret};

/// What the names of all our variables begin with.
pub(super) const PREFIX: &str = "BELLWIRE_";

/// Of the command line, which asks a server elsewhere: no settings.
const OF_THE_COMMAND_LINE: [&str; 2] = ["URL", "TOKEN"];

/// Bytes of a file that a `..._FILE` variable names: more is no secret but a slip.
const FILE_LIMIT: u64 = 64 << 10;

/// The tables of the settings, as the environment needs to know them.
pub(super) struct Shape<'a> {
    /// Tables with the keys they have.
    pub(super) sections: &'a [(&'a str, &'a [&'a str])],
    /// Tables of named tables, with the keys these have.
    pub(super) families: &'a [(&'a str, &'a [&'a str])],
    /// The names that the file gives in a family: `second-team` is `SECOND_TEAM` in a variable.
    pub(super) named: &'a dyn Fn(&str) -> Vec<String>,
}

/// What the environment says.
#[derive(Default)]
pub(super) struct Environment {
    pub(super) tree: Dict,
    /// The variable that each path was set by.
    pub(super) variables: BTreeMap<Vec<String>, String>,
    pub(super) secrets: BTreeMap<String, Secret>,
    /// The variable that each secret was set by.
    pub(super) secret_variables: BTreeMap<String, String>,
    pub(super) errors: Vec<ConfigError>,
}

impl Environment {
    pub(super) fn read(variables: &BTreeMap<String, String>, shape: &Shape<'_>) -> Self {
        let mut environment = Self::default();
        for (variable, value) in variables {
            let Some(name) = variable.strip_prefix(PREFIX) else { continue };
            if is_of_kubernetes(name, value) || OF_THE_COMMAND_LINE.contains(&name) {
                continue;
            }
            if let Some(secret) = name.strip_prefix("SECRET_") {
                environment.secret(variable, secret, value, variables);
            } else if name == "DATABASE_URL_FILE" {
                environment.database_url(variable, value, variables);
            } else if let Some(path) = path_of(name, shape) {
                environment.set(variable, path, value.clone());
            } else {
                let known = known(shape);
                let near = nearest(name, known.iter().filter_map(|known| known.strip_prefix(PREFIX)));
                let near = near.map(|near| format!("{PREFIX}{near}"));
                environment.errors.push(ConfigError::UnknownVariable { name: variable.clone(), near });
            }
        }
        environment
    }

    fn set(&mut self, variable: &str, path: Vec<String>, value: String) {
        let is_list = matches!(path.last().map(String::as_str), Some("trusted_proxies" | "allow" | "ports" | "closed"));
        if value.is_empty() && !is_list {
            self.refuse(&path.join("."), variable, "is empty; give it a value, or do not set it".to_owned());
            return;
        }
        insert(&mut self.tree, &path, Value::from(value));
        self.variables.insert(path, variable.to_owned());
    }

    fn secret(&mut self, variable: &str, upper: &str, value: &str, all: &BTreeMap<String, String>) {
        let (upper, is_file) = upper.strip_suffix("_FILE").map_or((upper, false), |upper| (upper, true));
        let name = upper.to_ascii_lowercase();
        let key = format!("secret {name}");
        if upper.bytes().any(|b| b.is_ascii_lowercase()) || forms::secret_name(&name).is_err() {
            let why = "the name of a secret has letters A-Z, digits and `_` here, and begins with a letter";
            return self.refuse(&key, variable, why.to_owned());
        }
        if is_file && all.contains_key(&format!("{PREFIX}SECRET_{upper}")) {
            return self.refuse(&key, variable, format!("{PREFIX}SECRET_{upper} is set too; keep one of them"));
        }
        let text = if is_file {
            match read_file(Path::new(value)) {
                Ok(text) => text,
                Err(why) => return self.refuse(&key, variable, why),
            }
        } else {
            value.to_owned()
        };
        if text.chars().count() < SHORTEST {
            let why = format!(
                "a secret has {SHORTEST} characters at least, since masking a shorter one would shred the logs"
            );
            return self.refuse(&key, variable, why);
        }
        self.secrets.insert(name.clone(), Secret::new(text));
        self.secret_variables.insert(name, variable.to_owned());
    }

    fn database_url(&mut self, variable: &str, file: &str, all: &BTreeMap<String, String>) {
        if all.contains_key("BELLWIRE_DATABASE_URL") {
            let why = "BELLWIRE_DATABASE_URL is set too; keep one of them".to_owned();
            return self.refuse("database.url", variable, why);
        }
        match read_file(Path::new(file)) {
            Ok(text) => self.set(variable, vec!["database".to_owned(), "url".to_owned()], text),
            Err(why) => self.refuse("database.url", variable, why),
        }
    }

    fn refuse(&mut self, key: &str, variable: &str, why: String) {
        let from = Origin::Variable(variable.to_owned());
        self.errors.push(ConfigError::Invalid { key: key.to_owned(), from, why });
    }
}

/// The text of a file without the line end at its end.
fn read_file(file: &Path) -> Result<String, String> {
    let name = file.display();
    let open = fs::File::open(file).map_err(|error| format!("the file {name} cannot be read: {error}"))?;
    let mut bytes = Vec::new();
    open.take(FILE_LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| format!("the file {name} cannot be read: {error}"))?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(format!("the file {name} is larger than {FILE_LIMIT} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|_| format!("the file {name} is no UTF-8 text"))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

/// Where a variable belongs: `SERVER_LISTEN` to `server.listen`, `SERVICES_GROOVE_BASE_URL` to `services.groove.base_url`.
fn path_of(name: &str, shape: &Shape<'_>) -> Option<Vec<String>> {
    for (section, keys) in shape.sections {
        for key in *keys {
            if name == upper(&[section, key]) {
                return Some(vec![(*section).to_owned(), (*key).to_owned()]);
            }
        }
    }
    if let Some(var) = name.strip_prefix("VARS_").filter(|var| !var.is_empty()) {
        return Some(vec!["vars".to_owned(), var.to_ascii_lowercase()]);
    }
    for (family, keys) in shape.families {
        let Some(rest) = name.strip_prefix(&upper(&[family])).and_then(|rest| rest.strip_prefix('_')) else { continue };
        for key in *keys {
            let member = rest.strip_suffix(&upper(&[key])).and_then(|member| member.strip_suffix('_'));
            if let Some(member) = member.filter(|member| !member.is_empty()) {
                let in_file = (shape.named)(family).into_iter().find(|named| upper(&[named]) == member);
                let member = in_file.unwrap_or_else(|| member.to_ascii_lowercase());
                return Some(vec![(*family).to_owned(), member, (*key).to_owned()]);
            }
        }
    }
    None
}

fn known(shape: &Shape<'_>) -> Vec<String> {
    let keys = shape
        .sections
        .iter()
        .flat_map(|(section, keys)| keys.iter().map(|key| format!("{PREFIX}{}", upper(&[section, key]))));
    let ours = OF_THE_COMMAND_LINE.iter().map(|name| format!("{PREFIX}{name}"));
    keys.chain(["BELLWIRE_DATABASE_URL_FILE".to_owned()]).chain(ours).collect()
}

fn upper(parts: &[&str]) -> String {
    parts.join("_").replace('-', "_").to_ascii_uppercase()
}

fn insert(tree: &mut Dict, path: &[String], value: Value) {
    match path {
        [] => {}
        [key] => drop(tree.insert(key.clone(), value)),
        [first, rest @ ..] => {
            let inner = tree.entry(first.clone()).or_insert_with(|| Value::from(Dict::new()));
            if let Value::Dict(_, inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// Kubernetes gives every container variables that describe a service called `bellwire`; they are no settings.
fn is_of_kubernetes(name: &str, value: &str) -> bool {
    let port = name == "PORT" || (name.starts_with("PORT_") && (name.contains("_TCP") || name.contains("_UDP")));
    let service = name == "SERVICE_HOST" || name.starts_with("SERVICE_PORT");
    service || (port && (value.contains("://") || name != "PORT"))
}
