//! Addresses that a reply names: followed below the connection's own base URL, and nowhere else.

use url::Url;

use super::{
    address::refused,
    all::Connections,
    auth::unknown,
    effective::{Effective, Settings},
};
use crate::{
    egress::Origin,
    model::{ErrorClass, StepError},
    services::Registry,
};

impl Connections {
    /// The path below the base URL of connection `name` of an address that the answer to a request for `from` (a path below it, too)
    /// names: a whole URL, or a path. Class `secret_origin` for one of another origin, which would be sent our secret, `bad_reply` for
    /// one that is no address or leads out of the base URL.
    pub fn below(
        &self,
        registry: &Registry,
        name: &str,
        host: Option<&str>,
        from: &str,
        address: &str,
    ) -> Result<String, StepError> {
        let connection = Effective::find(Settings::of(self.config()), registry, name).ok_or_else(|| unknown(name))?;
        below(connection.base(host).unwrap_or_default(), from, address)
    }
}

/// Whether an address is the base URL's own, but for http in the place of https.
fn is_plain_twin(found: &Url, base: &Url) -> bool {
    let usual = found.port().is_none() && base.port().is_none();
    usual && found.scheme() == "http" && base.scheme() == "https" && found.host_str() == base.host_str()
}

fn below(base: &str, from: &str, address: &str) -> Result<String, StepError> {
    let wrong = |why: &str| refused(ErrorClass::BadReply, format!("the address of the next page {why}"));
    let no_base = |_| refused(ErrorClass::Internal, "the connection has no base URL".to_owned());
    let base = Url::parse(base).map_err(no_base)?;
    let folder = base.path().trim_end_matches('/').to_owned();
    let origin = Origin::of(&base).ok_or_else(|| wrong("has no origin to be compared with"))?;
    let here =
        Url::parse(&format!("{origin}{folder}{from}")).map_err(|_| wrong("cannot be found from the request's"))?;
    let found = here.join(address).map_err(|_| wrong("cannot be read"))?;
    match Origin::of(&found) {
        Some(to) if to == origin => {}
        // Some services name themselves without TLS (Groove has, in 2017): what is asked goes to the base URL all the same.
        Some(_) if is_plain_twin(&found, &base) => {}
        other => {
            let to = other.map_or_else(|| "elsewhere".to_owned(), |to| format!("at {to}"));
            let why = format!("the next page is {to}, and only {origin} is followed: the secret is for that alone");
            return Err(refused(ErrorClass::SecretOrigin, why));
        }
    }
    if !found.username().is_empty() || found.password().is_some() {
        return Err(wrong("holds a user or password"));
    }
    let query = found.query().map(|query| format!("?{query}")).unwrap_or_default();
    if let Some(path) = found.path().strip_prefix(&folder).filter(|path| path.starts_with('/')) {
        return Ok(format!("{path}{query}"));
    }
    // A path that does not name the base URL's own is meant below it.
    if address.starts_with('/') {
        return Ok(format!("{}{query}", found.path()));
    }
    Err(wrong(&format!("leads out of the base URL {base}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://api.example.com/v1";

    #[test]
    fn addresses_of_the_same_origin_are_paths_below_the_base_url() {
        for (address, path) in [
            ("https://api.example.com/v1/tickets?page=2", "/tickets?page=2"),
            ("https://API.example.com:443/v1/tickets?page=2#top", "/tickets?page=2"),
            ("/v1/tickets?page=2", "/tickets?page=2"),
            ("/tickets?page=2", "/tickets?page=2"),
            ("?page=2", "/tickets?page=2"),
            ("tickets?page=2", "/tickets?page=2"),
        ] {
            assert_eq!(below(BASE, "/tickets?per_page=5", address).as_deref(), Ok(path), "{address}");
        }
    }

    #[test]
    fn a_service_that_forgets_its_tls_is_asked_with_it() {
        let path = below(BASE, "/tickets", "http://api.example.com/v1/tickets?page=2");
        assert_eq!(path.as_deref(), Ok("/tickets?page=2"), "the path alone is taken; the base URL stays https");
    }

    #[test]
    fn another_origin_is_never_followed() {
        for address in [
            "https://evil.example.net/v1/tickets?page=2",
            "http://api.example.com:8080/v1/tickets?page=2",
            "https://api.example.com:8443/v1/tickets",
            "https://api.example.com@evil.example.net/v1/tickets",
            "//evil.example.net/v1/tickets",
            "\\\\evil.example.net/v1/tickets",
            "data:text/plain,x",
        ] {
            let error = below(BASE, "/tickets", address).unwrap_err();
            assert_eq!(error.class, ErrorClass::SecretOrigin, "{address}: {}", error.message);
        }
    }

    #[test]
    fn what_leads_out_of_the_base_url_or_is_no_address_is_a_bad_reply() {
        for address in [
            "https://api.example.com/admin",
            "https://api.example.com/v1x/t",
            "https://u:p@api.example.com/v1/t",
            "https://[",
        ] {
            let error = below(BASE, "/tickets", address).unwrap_err();
            assert_eq!(error.class, ErrorClass::BadReply, "{address}: {}", error.message);
        }
    }
}
