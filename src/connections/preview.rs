//! Where a request would go, and with which secrets, without the value of any: for a dry run.

use std::cell::RefCell;

use base64::{Engine, engine::general_purpose::STANDARD};

use super::{
    Destination,
    all::addressed,
    auth::{Keeper, Secrets},
    effective::Settings,
};
use crate::{
    config::Config,
    egress::Egress,
    model::StepError,
    secret::Secret,
    services::{AuthUse, Registry},
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
    let (url, headers) = addressed(&keeper, egress, destination, auth)?;
    let shown_name =
        |url: String, name: &String| url.replace(&format!("%E2%80%B9{name}%E2%80%BA"), &format!("‹{name}›"));
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
