//! From a pack's `auth` as written to one that holds together.

use super::{
    AuthUse, Grant, OAuth2, Signing,
    check::{header_name, whole_url},
    raw::Node,
};

/// Reads `auth`. `None` where it does not hold together; the findings say why.
pub(super) fn auth(node: &Node<'_>) -> Option<AuthUse> {
    node.keys(&["bearer", "basic", "header", "query", "json", "path", "url", "hmac", "oauth2"]);
    let mut found = Vec::new();
    if let Some(node) = node.get("bearer") {
        found.push(AuthUse::Bearer(node.identifier()?));
    }
    if let Some(node) = node.get("basic") {
        found.push(basic(&node)?);
    }
    if let Some(node) = node.get("header") {
        node.keys(&["name", "secret", "prefix"]);
        let name = node.want("name").and_then(|node| header_name(&node));
        let secret = node.want("secret").and_then(|node| node.identifier());
        let prefix = node.get("prefix").and_then(|node| node.text()).unwrap_or_default();
        found.push(AuthUse::Header { name: name?, secret: secret?, prefix });
    }
    if let Some(node) = node.get("query") {
        node.keys(&["name", "secret"]);
        let name = node.want("name").and_then(|node| node.text());
        let secret = node.want("secret").and_then(|node| node.identifier());
        found.push(AuthUse::Query { name: name?, secret: secret? });
    }
    if let Some(node) = node.get("json") {
        node.keys(&["name", "secret"]);
        let name = node.want("name").and_then(|node| node.text());
        let secret = node.want("secret").and_then(|node| node.identifier());
        found.push(AuthUse::Json { name: name?, secret: secret? });
    }
    if let Some(node) = node.get("path") {
        node.keys(&["secret", "prefix"]);
        let secret = node.want("secret").and_then(|node| node.identifier());
        let prefix = node.get("prefix").and_then(|node| node.text()).unwrap_or_default();
        found.push(AuthUse::Path { secret: secret?, prefix });
    }
    if let Some(node) = node.get("url") {
        found.push(AuthUse::Url(node.identifier()?));
    }
    if let Some(node) = node.get("hmac") {
        found.push(AuthUse::Hmac(Box::new(signing(&node)?)));
    }
    if let Some(node) = node.get("oauth2") {
        found.push(AuthUse::OAuth2(Box::new(oauth2(&node)?)));
    }
    if found.len() > 1 {
        node.finding("P004", "one way to prove who we are wanted, several seen", "");
    }
    found.into_iter().next()
}

/// `{user, password}`, two secrets, or `{name, password}`, where the name is the same for everybody.
fn basic(node: &Node<'_>) -> Option<AuthUse> {
    node.keys(&["user", "name", "password"]);
    let password = node.want("password").and_then(|node| node.identifier());
    match (node.get("name"), node.get("user")) {
        (Some(_), Some(_)) => {
            node.finding("P004", "one of `user` and `name` wanted, both seen", "`user` is a secret, `name` is itself");
            None
        }
        (Some(name), None) => Some(AuthUse::BasicAs { name: name.text()?, password: password? }),
        (None, _) => {
            let user = node.want("user").and_then(|node| node.identifier());
            Some(AuthUse::Basic { user: user?, password: password? })
        }
    }
}

fn signing(node: &Node<'_>) -> Option<Signing> {
    node.object()?;
    node.keys(&["secret", "algorithm", "encoding", "header", "prefix", "over", "separator", "timestamp"]);
    let secret = node.want("secret").and_then(|node| node.identifier());
    let algorithms = [("sha1", "sha1"), ("sha256", "sha256"), ("sha512", "sha512")];
    let algorithm = node.want("algorithm").and_then(|node| node.word(&algorithms));
    let encoding = node.want("encoding").and_then(|node| node.word(&[("hex", "hex"), ("base64", "base64")]));
    let header = node.want("header").and_then(|node| header_name(&node));
    let prefix = node.get("prefix").and_then(|node| node.text()).unwrap_or_default();
    let parts = ["body", "method", "path", "url", "timestamp"].map(|word| (word, word));
    let over =
        node.want("over").map(|node| node.list().iter().filter_map(|node| node.word(&parts)).collect::<Vec<_>>());
    let separator = node.get("separator").and_then(|node| node.text()).unwrap_or_default();
    let timestamp = node.get("timestamp").and_then(|node| header_name(&node));
    Some(Signing {
        secret: secret?,
        algorithm: algorithm?.to_owned(),
        encoding: encoding?.to_owned(),
        header: header?,
        prefix,
        over: over?.into_iter().map(str::to_owned).collect(),
        separator,
        timestamp,
    })
}

fn oauth2(node: &Node<'_>) -> Option<OAuth2> {
    node.object()?;
    node.keys(&["grant", "authorize_url", "token_url", "scopes", "client_id", "client_secret", "authorize", "in_form"]);
    let grants = [("authorization_code", Grant::AuthorizationCode), ("client_credentials", Grant::ClientCredentials)];
    let grant = node.want("grant").and_then(|node| node.word(&grants))?;
    let authorize_url = match grant {
        Grant::AuthorizationCode => Some(node.want("authorize_url").and_then(|node| url_or_path(&node))?),
        Grant::ClientCredentials => None,
    };
    let token_url = node.want("token_url").and_then(|node| url_or_path(&node));
    let scopes = node.get("scopes").map(|node| node.list().iter().filter_map(Node::text).collect()).unwrap_or_default();
    let client_id = node.want("client_id").and_then(|node| node.identifier());
    let client_secret = node.get("client_secret").and_then(|node| node.identifier());
    let authorize = node.get("authorize").map(|node| node.entries()).unwrap_or_default();
    Some(OAuth2 {
        grant,
        authorize_url,
        token_url: token_url?,
        scopes,
        client_id: client_id?,
        client_secret,
        authorize: authorize.into_iter().filter_map(|(name, node)| Some((name, node.text()?))).collect(),
        in_form: node.get("in_form").is_some_and(|node| node.flag()),
    })
}

/// A whole URL, or a path below the connection's base URL.
fn url_or_path(node: &Node<'_>) -> Option<String> {
    match node.value.as_str() {
        Some(path) if path.starts_with('/') => Some(path.to_owned()),
        _ => whole_url(node),
    }
}
