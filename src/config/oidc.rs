//! `[oidc]`: sign-in to the admin through a provider of `OpenID` Connect.

use url::{Host, Url};

use super::{forms, reader::Section};

/// What is asked for where nobody says otherwise.
const SCOPES: [&str; 3] = ["openid", "email", "profile"];
/// Characters of what stands on the button.
const LONGEST_LABEL: usize = 40;

/// Sign-in to the admin through a provider of `OpenID` Connect.
#[derive(Debug, Clone)]
pub struct Oidc {
    /// The provider, to the letter as it names itself.
    pub issuer: String,
    /// Who this server is there.
    pub client_id: String,
    /// The name of the secret that proves it. `None`: a public client, which PKCE alone protects.
    pub client_secret: Option<String>,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// What stands on the button behind "Sign in with".
    pub label: String,
    /// The role of people whom nobody here knows: `viewer` or `editor`. `None`: they are refused.
    pub role: Option<String>,
    /// Domains of verified addresses, lower case. Empty: any address, or none.
    pub allowed_domains: Vec<String>,
}

impl Oidc {
    /// The keys of the section.
    pub(super) const KEYS: &'static [&'static str] =
        &["issuer", "client_id", "client_secret", "scopes", "label", "role", "allowed_domains"];

    /// `None`: no provider is named. `has_url`: `server.public_url` is set.
    pub(super) fn read(mut section: Section<'_>, has_url: bool) -> Option<Self> {
        let is_wanted = section.has("issuer");
        if is_wanted && !section.has("client_id") {
            section.refuse("client_id", "is missing: the provider gives one to each program that it is registered for");
        }
        if is_wanted && !has_url {
            section.refuse(
                "issuer",
                "needs `server.public_url`: the provider sends browsers back to /login/oidc/back below it",
            );
        }
        let issuer = section.parsed("issuer", issuer);
        let client_id = section.parsed("client_id", plain);
        let mut scopes = section.list("scopes", plain);
        if scopes.is_empty() {
            scopes = SCOPES.map(str::to_owned).to_vec();
        } else if !scopes.iter().any(|scope| scope == "openid") {
            section.refuse("scopes", "must hold `openid`");
        }
        let oidc = Self {
            issuer: issuer.clone().unwrap_or_default(),
            client_id: client_id.unwrap_or_default(),
            client_secret: section.parsed("client_secret", forms::secret_name),
            scopes,
            label: section.parsed("label", label).unwrap_or_default(),
            role: section.choice("role", &["viewer", "editor"]),
            allowed_domains: section.list("allowed_domains", domain),
        };
        section.finish(Self::KEYS);
        issuer.map(|_| oidc)
    }
}

/// Providers are told apart by the very text, so it stays as it is.
fn issuer(text: &str) -> Result<String, String> {
    let wanted = |why: &str| format!("a URL such as `https://login.example.com` wanted; this one {why}");
    forms::base_url(text)?;
    let url = Url::parse(text).map_err(|error| wanted(&format!("does not read: {error}")))?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    match url.scheme() {
        "https" => Ok(text.to_owned()),
        "http" if is_here => Ok(text.to_owned()),
        _ => Err(wanted("is not https, which is wanted of all but a provider on this machine")),
    }
}

fn plain(text: &str) -> Result<String, String> {
    let fits = (1..=256).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
    if fits { Ok(text.to_owned()) } else { Err("1 to 256 characters without spaces wanted".to_owned()) }
}

fn label(text: &str) -> Result<String, String> {
    let fits = !text.trim().is_empty() && text.chars().count() <= LONGEST_LABEL && !text.chars().any(char::is_control);
    if fits { Ok(text.trim().to_owned()) } else { Err(format!("1 to {LONGEST_LABEL} characters wanted")) }
}

fn domain(text: &str) -> Result<String, String> {
    let fits = text.contains('.')
        && !text.starts_with('.')
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'));
    if fits {
        return Ok(text.to_ascii_lowercase());
    }
    Err(format!("a domain such as `example.com` wanted, `{}` seen", text.escape_debug()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_issuer_is_https_and_stays_as_it_is_written() {
        for good in
            ["https://login.example.com", "https://login.example.com/", "http://127.0.0.1:9000/a", "http://localhost:1"]
        {
            assert_eq!(issuer(good).as_deref(), Ok(good));
        }
        for bad in [
            "http://login.example.com",
            "http://localhost.example.com",
            "login.example.com",
            "https://a:b@c.example",
            "https://c.example?x",
            "smtps://mail.example.com",
        ] {
            assert!(issuer(bad).is_err(), "{bad}");
        }
        assert_eq!(domain("Example.COM").as_deref(), Ok("example.com"));
        for bad in ["@example.com", "com", ".com", "a b.com", ""] {
            assert!(domain(bad).is_err(), "{bad}");
        }
    }
}
