use std::{collections::BTreeMap, sync::Arc};

use super::*;
use crate::{
    config,
    services::{Grant, OAuth2, Pack},
};

/// Secrets of a table: name, value, origins.
struct Table(Vec<(&'static str, &'static str, Vec<&'static str>)>);

impl Secrets for Table {
    fn get(&self, name: &str) -> Result<Secret, VaultError> {
        let found = self.0.iter().find(|(known, ..)| *known == name);
        found.map(|(_, value, _)| Secret::new((*value).into())).ok_or_else(|| VaultError::Missing(name.into()))
    }
    fn origins(&self, name: &str) -> Vec<String> {
        let found = self.0.iter().find(|(known, ..)| *known == name);
        found.map(|(_, _, origins)| origins.iter().map(|origin| (*origin).into()).collect()).unwrap_or_default()
    }
    fn token(&self, connection: &str) -> Option<Secret> {
        (connection == "granted").then(|| Secret::new("token-secret".into()))
    }
    fn stamp(&self) -> String {
        "1700000000".into()
    }
}

fn bearer(name: &str) -> AuthUse {
    AuthUse::Bearer(name.into())
}

fn pack(name: &str, base_url: &str, auth: Option<AuthUse>) -> (String, Arc<Pack>) {
    let pack = Pack {
        name: name.into(),
        title: name.into(),
        base_url: Some(base_url.into()),
        auth,
        rate: None,
        concurrent: None,
        hook: None,
        ..Pack::generic("x", true)
    };
    (name.into(), Arc::new(pack))
}

/// A place with three packs, two connections of groove's, and a table of secrets.
struct Place {
    connections: BTreeMap<String, config::Connection>,
    services: BTreeMap<String, config::Service>,
    registry: Registry,
    secrets: Table,
}

fn oauth2() -> OAuth2 {
    OAuth2 {
        grant: Grant::AuthorizationCode,
        authorize_url: Some("https://login.example.com/authorize".into()),
        token_url: "https://login.example.com/token".into(),
        scopes: Vec::new(),
        client_id: "granted_id".into(),
        client_secret: Some("granted_secret".into()),
        authorize: Vec::new(),
        in_form: false,
    }
}

fn signing() -> Signing {
    Signing {
        secret: "signing_key".into(),
        algorithm: "sha256".into(),
        encoding: "hex".into(),
        header: "X-Signature".into(),
        prefix: "v1=".into(),
        over: vec!["timestamp".into(), "method".into(), "path".into(), "body".into()],
        separator: ":".into(),
        timestamp: Some("X-Time".into()),
    }
}

fn place() -> Place {
    let connection = |base_url: Option<&str>, secrets: &[(&str, &str)]| config::Connection {
        service: "groove".into(),
        base_url: base_url.map(str::to_owned),
        hosts: BTreeMap::new(),
        secrets: secrets.iter().map(|(theirs, ours)| ((*theirs).into(), (*ours).into())).collect(),
        rate: None,
        concurrent: None,
    };
    let packs = [
        pack("groove", "https://api.groovehq.com/v1", Some(bearer("groove_token"))),
        pack("moved", "https://old.example.com", Some(bearer("moved_token"))),
        pack("open", "https://open.example.com", None),
        pack("granted", "https://granted.example.com/v1", Some(AuthUse::OAuth2(Box::new(oauth2())))),
        pack(
            "chat",
            "https://chat.example.com",
            Some(AuthUse::Path { secret: "chat_token".into(), prefix: "bot".into() }),
        ),
        pack("signed", "https://signed.example.com", Some(AuthUse::Hmac(Box::new(signing())))),
        pack("hooked", "https://hooked.example.com", Some(AuthUse::Url("hook_url".into()))),
        pack("circle", "https://circle.example.com", Some(AuthUse::Connection("circle".into()))),
        pack("borrowed", "https://api.groovehq.com/v2", Some(AuthUse::Connection("groove".into()))),
    ];
    Place {
        connections: BTreeMap::from([
            ("second".into(), connection(None, &[("groove_token", "second_token")])),
            ("elsewhere".into(), connection(Some("https://eu.groovehq.com"), &[("groove_token", "eu_token")])),
        ]),
        services: BTreeMap::from([(
            "moved".into(),
            config::Service { base_url: Some("https://new.example.com:8443".into()), ..config::Service::default() },
        )]),
        registry: Registry { packs: packs.into_iter().collect() },
        secrets: Table(vec![
            ("groove_token", "groove-secret", vec![]),
            ("second_token", "second-secret", vec![]),
            ("eu_token", "eu-secret", vec![]),
            ("moved_token", "moved-secret", vec![]),
            ("crm_user", "someone", vec!["https://crm.example.com"]),
            ("crm_bad", "some:one", vec!["https://crm.example.com"]),
            ("crm_token", "crm secret/&=ü", vec!["https://crm.example.com", "http://crm.example.com:8080"]),
            ("crm_line", "two\nlines", vec!["https://crm.example.com"]),
            ("nowhere", "nowhere-secret", vec![]),
            ("granted_id", "id-secret", vec![]),
            ("granted_secret", "client-secret", vec![]),
            ("chat_token", "123:chat-secret", vec![]),
            ("signing_key", "signing-secret", vec![]),
            ("hook_url", "https://hooks.example.com/hook-secret?sig=abc", vec![]),
            ("bound_url", "https://hooks.example.com/hook-secret", vec!["https://other.example.com"]),
        ]),
    }
}

impl Place {
    fn apply(&self, auth: &AuthUse, through: Option<&str>, url: &str) -> Result<(String, String), StepError> {
        let settings = Settings { connections: &self.connections, services: &self.services };
        let keeper = Keeper { settings, registry: &self.registry, secrets: &self.secrets };
        let mut url = Url::parse(url).unwrap();
        let through = through.map(|name| Effective::find(settings, &self.registry, name).unwrap());
        let message = Message { method: "POST", body: Some(b"{}") };
        let headers = keeper.apply(auth, through.as_ref(), &mut url, message)?;
        assert!(headers.values().all(HeaderValue::is_sensitive));
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
            .collect();
        Ok((headers.join(", "), url.into()))
    }

    fn class(&self, auth: &AuthUse, through: Option<&str>, url: &str) -> ErrorClass {
        let error = self.apply(auth, through, url).unwrap_err();
        assert!(!error.message.contains("secret-") && !error.message.contains("-secret"), "{}", error.message);
        error.class
    }
}

#[test]
fn each_scheme_writes_its_secret_where_it_belongs() {
    let url = "https://crm.example.com/a?b=c";
    let of = |auth| place().apply(&auth, None, url).unwrap();
    assert_eq!(of(bearer("crm_token")), ("authorization: Bearer crm secret/&=ü".into(), url.into()));
    let basic = AuthUse::Basic { user: "crm_user".into(), password: "crm_token".into() };
    assert_eq!(of(basic).0, format!("authorization: Basic {}", STANDARD.encode("someone:crm secret/&=ü")));
    let header = AuthUse::Header { name: "X-Key".into(), secret: "crm_token".into(), prefix: "key ".into() };
    assert_eq!(of(header).0, "x-key: key crm secret/&=ü");
    let query = AuthUse::Query { name: "key".into(), secret: "crm_token".into() };
    assert_eq!(of(query), (String::new(), format!("{url}&key=crm+secret%2F%26%3D%C3%BC")));
}

#[test]
fn a_secret_of_a_pack_goes_to_its_base_url_alone() {
    let (place, auth) = (place(), bearer("groove_token"));
    let good = "https://api.groovehq.com/v1/tickets";
    assert_eq!(place.apply(&auth, Some("groove"), good).unwrap().0, "authorization: Bearer groove-secret");
    assert!(place.apply(&auth, None, good).is_ok(), "an http step may name it too");
    let others = [
        "http://api.groovehq.com/v1",
        "https://api.groovehq.com:8443/",
        "https://api.groovehq.com.evil.net/",
        "https://api.groovehq.com./",
        "https://a.api.groovehq.com/",
        "https://groovehq.com/",
        "https://eu.groovehq.com/",
        "https://evil.net/api.groovehq.com",
    ];
    for url in others {
        assert_eq!(place.class(&auth, Some("groove"), url), ErrorClass::SecretOrigin, "{url}");
        assert_eq!(place.class(&auth, None, url), ErrorClass::SecretOrigin, "{url}");
    }
}

#[test]
fn settings_move_the_base_url_and_the_secret_with_it() {
    let (place, auth) = (place(), bearer("moved_token"));
    assert!(place.apply(&auth, Some("moved"), "https://new.example.com:8443/a").is_ok());
    assert_eq!(place.class(&auth, Some("moved"), "https://old.example.com/a"), ErrorClass::SecretOrigin);
}

#[test]
fn a_connection_sends_its_own_secret_under_the_packs_name() {
    let (place, auth) = (place(), bearer("groove_token"));
    let of = |name, url| place.apply(&auth, Some(name), url).unwrap().0;
    assert_eq!(of("second", "https://api.groovehq.com/v1"), "authorization: Bearer second-secret");
    assert_eq!(of("elsewhere", "https://eu.groovehq.com/"), "authorization: Bearer eu-secret");
    assert_eq!(place.class(&auth, Some("elsewhere"), "https://api.groovehq.com/"), ErrorClass::SecretOrigin);
}

#[test]
fn a_secret_of_ones_own_goes_where_it_was_set_for() {
    let (place, auth) = (place(), bearer("crm_token"));
    assert!(place.apply(&auth, None, "http://crm.example.com:8080/").is_ok());
    for url in ["http://crm.example.com/", "https://crm.example.com:8080/", "https://api.groovehq.com/"] {
        assert_eq!(place.class(&auth, None, url), ErrorClass::SecretOrigin, "{url}");
    }
    assert_eq!(place.class(&bearer("nowhere"), None, "https://crm.example.com/"), ErrorClass::SecretOrigin);
}

#[test]
fn origins_that_were_set_narrow_a_packs_secret() {
    let mut place = place();
    place.secrets = Table(vec![("groove_token", "groove-secret", vec!["https://proxy.example.com"])]);
    let auth = bearer("groove_token");
    assert_eq!(place.class(&auth, Some("groove"), "https://api.groovehq.com/v1"), ErrorClass::SecretOrigin);
    assert!(place.apply(&auth, None, "https://proxy.example.com/").is_ok());
}

#[test]
fn a_missing_secret_is_missing_and_no_other_takes_its_place() {
    let mut place = place();
    let url = "https://api.groovehq.com/v1";
    assert_eq!(place.class(&bearer("unknown"), None, url), ErrorClass::SecretMissing);
    place.secrets.0.retain(|(name, ..)| *name != "second_token");
    assert_eq!(place.class(&bearer("groove_token"), Some("second"), url), ErrorClass::SecretMissing);
    let half = AuthUse::Basic { user: "groove_token".into(), password: "unknown".into() };
    assert_eq!(place.class(&half, None, url), ErrorClass::SecretMissing);
}

#[test]
fn what_no_header_can_hold_is_refused() {
    let (place, url) = (place(), "https://crm.example.com/");
    assert_eq!(place.class(&bearer("crm_line"), None, url), ErrorClass::InvalidHeaderValue);
    let basic = AuthUse::Basic { user: "crm_bad".into(), password: "crm_token".into() };
    assert_eq!(place.class(&basic, None, url), ErrorClass::InvalidHeaderValue);
    let header = AuthUse::Header { name: "X Key".into(), secret: "crm_token".into(), prefix: String::new() };
    assert_eq!(place.class(&header, None, url), ErrorClass::InvalidHeaderValue);
}

#[test]
fn the_auth_of_a_connection_is_its_packs_with_its_secrets() {
    let place = place();
    let of = |name: &str, url| place.apply(&AuthUse::Connection(name.into()), None, url);
    assert_eq!(of("elsewhere", "https://eu.groovehq.com/any").unwrap().0, "authorization: Bearer eu-secret");
    assert_eq!(of("elsewhere", "https://crm.example.com/").unwrap_err().class, ErrorClass::SecretOrigin);
    for name in ["open", "circle", "unknown", "borrowed"] {
        assert_eq!(of(name, "https://open.example.com/").unwrap_err().class, ErrorClass::Internal, "{name}");
    }
    let through = AuthUse::Connection("groove".into());
    let borrowed = place.apply(&through, Some("borrowed"), "https://api.groovehq.com/v2/a").unwrap();
    assert_eq!(borrowed.0, "authorization: Bearer groove-secret");
}

#[test]
fn an_access_token_goes_to_its_connection_alone() {
    let place = place();
    let auth = AuthUse::OAuth2(Box::new(oauth2()));
    let good = "https://granted.example.com/v1/a";
    assert_eq!(place.apply(&auth, Some("granted"), good).unwrap().0, "authorization: Bearer token-secret");
    let through = AuthUse::Connection("granted".into());
    assert_eq!(place.apply(&through, None, good).unwrap().0, "authorization: Bearer token-secret");
    for url in ["https://login.example.com/token", "http://granted.example.com/", "https://evil.net/"] {
        assert_eq!(place.class(&auth, Some("granted"), url), ErrorClass::SecretOrigin, "{url}");
        assert_eq!(place.class(&through, None, url), ErrorClass::SecretOrigin, "{url}");
    }
    assert_eq!(place.class(&auth, None, good), ErrorClass::Internal, "a grant of nobody");
}

#[test]
fn the_secrets_of_a_client_go_where_tokens_are_had_and_nowhere_else() {
    let place = place();
    for name in ["granted_id", "granted_secret"] {
        assert!(place.apply(&bearer(name), None, "https://login.example.com/token").is_ok());
        assert_eq!(place.class(&bearer(name), None, "https://granted.example.com/v1/a"), ErrorClass::SecretOrigin);
    }
    assert_eq!(place.class(&bearer("hook_url"), None, "https://hooked.example.com/"), ErrorClass::SecretOrigin);
    assert_eq!(place.class(&bearer("hook_url"), None, "https://hooks.example.com/"), ErrorClass::SecretOrigin);
}

#[test]
fn a_secret_in_the_path_goes_to_its_base_url_alone() {
    let place = place();
    let through = AuthUse::Connection("chat".into());
    let (headers, url) = place.apply(&through, None, "https://chat.example.com/sendMessage").unwrap();
    assert_eq!((headers.as_str(), url.as_str()), ("", "https://chat.example.com/bot123:chat-secret/sendMessage"));
    assert_eq!(place.class(&through, None, "https://evil.net/sendMessage"), ErrorClass::SecretOrigin);
}

#[test]
fn a_request_is_signed_as_it_goes_out() {
    let place = place();
    let through = AuthUse::Connection("signed".into());
    let (headers, _) = place.apply(&through, None, "https://signed.example.com/a?b=c").unwrap();
    let wanted = signing::signature(&signing(), &Secret::new("signing-secret".into()), b"1700000000:POST:/a?b=c:{}");
    assert_eq!(headers, format!("x-time: 1700000000, x-signature: v1={wanted}"));
    assert_eq!(place.class(&through, None, "https://evil.net/a"), ErrorClass::SecretOrigin);
}

#[test]
fn an_address_that_is_a_secret_is_its_own_origin_unless_it_was_bound() {
    let place = place();
    let settings = Settings { connections: &place.connections, services: &place.services };
    let keeper = Keeper { settings, registry: &place.registry, secrets: &place.secrets };
    let egress = Egress::new(&config::Egress::default(), Vec::new());
    let hooked = Effective::find(settings, &place.registry, "hooked").unwrap();
    let of = |name: &str| keeper.at_secret(&egress, &hooked, name, "/");
    assert_eq!(of("hook_url").unwrap().as_str(), "https://hooks.example.com/hook-secret?sig=abc");
    let error = of("bound_url").unwrap_err();
    assert_eq!(error.class, ErrorClass::SecretOrigin);
    assert!(!error.message.contains("hook-secret"), "{}", error.message);
    assert_eq!(of("unknown").unwrap_err().class, ErrorClass::SecretMissing);
    let whole = AuthUse::Connection("hooked".into());
    assert_eq!(place.class(&whole, None, "https://hooks.example.com/"), ErrorClass::SecretOrigin);
}
