//! Where a request would go, and with which secrets, without the value of any: for a dry run.

use std::cell::RefCell;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Destination, Message,
    all::addressed,
    auth::{Keeper, Secrets},
    effective::Settings,
};
use crate::{
    config::Config,
    egress::Egress,
    model::StepError,
    secret::Secret,
    services::{AuthUse, Registry, Signing},
    store::VaultError,
};

/// Each secret is its own name: a value is never asked for.
struct Names<'a> {
    origins: &'a dyn Fn(&str) -> Vec<String>,
    used: RefCell<Vec<String>>,
}

impl Secrets for Names<'_> {
    fn get(&self, name: &str) -> Result<Secret, VaultError> {
        self.used.borrow_mut().push(name.to_owned());
        Ok(Secret::new(format!("‹{name}›")))
    }

    fn origins(&self, name: &str) -> Vec<String> {
        (self.origins)(name)
    }

    fn token(&self, connection: &str) -> Option<Secret> {
        Some(Secret::new(format!("‹access token of {connection}›")))
    }

    fn address(&self, name: &str) -> Result<Secret, VaultError> {
        self.used.borrow_mut().push(name.to_owned());
        Ok(Secret::new(format!("{NOWHERE}/{}", place_of(name))))
    }

    fn stamp(&self) -> String {
        "‹now›".to_owned()
    }

    fn sign(&self, signing: &Signing, name: &str, _key: &Secret, _bytes: &[u8]) -> String {
        format!("‹hmac-{} with {name}›", signing.algorithm)
    }
}

/// Stands for the host of an address that is a secret, until it is shown: a name that leads nowhere (RFC 2606).
const NOWHERE: &str = "https://address.invalid";

/// The name of a secret in its marks, as it stands in a path.
fn place_of(name: &str) -> String {
    format!("%E2%80%B9{name}%E2%80%BA")
}

/// Where a request would go, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preview {
    /// Text, since `‹` and `›` stand in it as they are.
    pub url: String,
    /// Of the auth alone; names in lower case.
    pub headers: Vec<(String, String)>,
    /// Names of the secrets in it, as we call them.
    pub secrets: Vec<String>,
}

/// The URL and the headers of the auth that a request would have, with `‹name›` where a secret would stand; every check of
/// [`super::Connections::address`] but that of the secret being set. `origins` are those set with `--for`; empty: none of its own.
pub fn preview(
    config: &Config,
    registry: &Registry,
    egress: &Egress,
    origins: &dyn Fn(&str) -> Vec<String>,
    destination: &Destination<'_>,
    auth: Option<&AuthUse>,
) -> Result<Preview, StepError> {
    let names = Names { origins, used: RefCell::default() };
    let keeper = Keeper { settings: Settings::of(config), registry, secrets: &names };
    // Nothing is signed here, so it does not matter what.
    let message = Message { method: "", body: None };
    let (url, headers) = addressed(&keeper, egress, destination, auth, message)?;
    let shown_name = |url: String, name: &String| {
        let (place, shown) = (place_of(name), format!("‹{name}›"));
        // An address that is a secret ends with its place, however the path below it goes on.
        url.replace(&format!("{NOWHERE}/{place}"), &shown).replace(&place, &shown)
    };
    let url = names.used.borrow().iter().fold(url.to_string(), shown_name);
    let shown = |value: &[u8]| {
        let text = String::from_utf8_lossy(value).into_owned();
        match text.strip_prefix("Basic ").map(|pair| STANDARD.decode(pair)) {
            Some(Ok(pair)) => format!("Basic base64({})", String::from_utf8_lossy(&pair)),
            _ => text,
        }
    };
    let headers = headers.iter().map(|(name, value)| (name.to_string(), shown(value.as_bytes()))).collect();
    let secrets = names.used.borrow().clone();
    Ok(Preview { url, headers, secrets })
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, path::Path};

    use super::*;
    use crate::{config, model::ErrorClass};

    fn seen(settings: &str, to: &Destination<'_>, auth: &AuthUse) -> Result<Preview, StepError> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(config::FILE), settings).unwrap();
        let config = config::load(Path::new(folder.path()), &BTreeMap::new()).unwrap();
        let registry = Registry::load(&BTreeMap::new()).unwrap();
        let egress = Egress::new(&config.egress, Vec::new());
        let origins = |name: &str| if name == "crm" { vec!["https://crm.example.com".to_owned()] } else { Vec::new() };
        preview(&config, &registry, &egress, &origins, to, Some(auth))
    }

    #[test]
    fn secrets_are_names_at_their_places() {
        let to = Destination::Url("https://crm.example.com/a?b=c");
        let bearer = AuthUse::Bearer("crm".to_owned());
        let Preview { url, headers, secrets } = seen("", &to, &bearer).unwrap();
        assert_eq!(secrets, ["crm"]);
        assert_eq!(url, "https://crm.example.com/a?b=c");
        assert_eq!(headers, [("authorization".to_owned(), "Bearer ‹crm›".to_owned())]);
        let query = AuthUse::Query { name: "key".to_owned(), secret: "crm".to_owned() };
        assert_eq!(seen("", &to, &query).unwrap().url, "https://crm.example.com/a?b=c&key=‹crm›");
        let basic = AuthUse::Basic { user: "crm".to_owned(), password: "crm".to_owned() };
        assert_eq!(seen("", &to, &basic).unwrap().headers[0].1, "Basic base64(‹crm›:‹crm›)");
    }

    #[test]
    fn signatures_addresses_and_segments_are_shown_by_their_names() {
        let to = Destination::Connection { name: "groove", host: None, path: "/a?b=c" };
        let signing = Signing {
            secret: "groove_token".to_owned(),
            algorithm: "sha256".to_owned(),
            encoding: "hex".to_owned(),
            header: "X-Signature".to_owned(),
            prefix: "v1=".to_owned(),
            over: vec!["timestamp".to_owned(), "body".to_owned()],
            separator: ".".to_owned(),
            timestamp: Some("X-Time".to_owned()),
        };
        let Preview { headers, secrets, .. } = seen("", &to, &AuthUse::Hmac(Box::new(signing))).unwrap();
        let wanted = [("x-time", "‹now›"), ("x-signature", "v1=‹hmac-sha256 with groove_token›")];
        assert_eq!(headers, wanted.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(secrets, ["groove_token"]);
        let whole = AuthUse::Url("hook".to_owned());
        assert_eq!(seen("", &to, &whole).unwrap().url, "‹hook›/a?b=c");
        let bare = Destination::Connection { name: "groove", host: None, path: "/" };
        assert_eq!(seen("", &bare, &whole).unwrap().url, "‹hook›");
        let path = AuthUse::Path { secret: "groove_token".to_owned(), prefix: "bot".to_owned() };
        assert_eq!(seen("", &to, &path).unwrap().url, "https://api.groovehq.com/v1/bot‹groove_token›/a?b=c");
    }

    #[test]
    fn a_secret_for_another_place_and_a_closed_target_are_told() {
        let bearer = AuthUse::Bearer("crm".to_owned());
        let error = seen("", &Destination::Url("https://evil.example.com/"), &bearer).unwrap_err();
        assert_eq!(error.class, ErrorClass::SecretOrigin);
        let error = seen("", &Destination::Url("http://10.0.0.1/"), &bearer).unwrap_err();
        assert_eq!(error.class, ErrorClass::EgressDenied);
        let to = Destination::Connection { name: "groove", host: None, path: "/tickets" };
        let token = AuthUse::Bearer("groove_token".to_owned());
        let Preview { url, .. } =
            seen("[services.groove]\nbase_url = \"https://desk.example.com/v2\"\n", &to, &token).unwrap();
        assert_eq!(url, "https://desk.example.com/v2/tickets");
    }
}
