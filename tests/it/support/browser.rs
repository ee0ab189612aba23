//! A browser that is signed in, and tokens of the API: users are put into the store, everything else goes over HTTP.

use std::{
    collections::BTreeMap,
    sync::{
        Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use bellwire::{
    admin,
    model::{Role, Scope},
    store::{ApiToken, NewUser, SessionRow, Stage},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::app::{Answer, TestApp};

/// Below every id that the source of ids makes.
static NEXT: AtomicI64 = AtomicI64::new(1);

/// A browser with its cookies. It sends what a browser sends with its own pages' requests.
pub struct Browser {
    pub base: String,
    pub name: String,
    /// The user; 0 for nobody.
    pub user: i64,
    cookies: Mutex<BTreeMap<String, String>>,
    http: reqwest::Client,
}

/// What a page's request was answered with. Redirects are not followed.
#[derive(Debug)]
pub struct Shown {
    pub status: u16,
    /// `Location`; empty where there is none.
    pub location: String,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl Shown {
    /// The same, which must have this status.
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    /// The value of the first input of this name.
    pub fn input(&self, name: &str) -> String {
        let after = self.text.split(&format!("name=\"{name}\" value=\"")).nth(1);
        after.and_then(|rest| rest.split('"').next()).unwrap_or_else(|| panic!("no {name} in {self:?}")).to_owned()
    }
}

impl Browser {
    /// One that nobody is signed in with.
    pub fn new(app: &TestApp) -> Self {
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let base = format!("http://{}", app.app.admin_address());
        Self { base, name: String::new(), user: 0, cookies: Mutex::default(), http }
    }

    pub fn cookie(&self, name: &str) -> Option<String> {
        self.cookies.lock().unwrap().get(name).cloned()
    }

    pub fn set_cookie(&self, name: &str, value: &str) {
        self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
    }

    /// What the forms of this session carry.
    pub fn csrf(&self) -> String {
        let id = self.cookie("bellwire").unwrap_or_default();
        hex::encode(Sha256::digest(format!("bellwire session {id}").as_bytes()))
    }

    pub async fn get(&self, path: &str) -> Shown {
        self.send("GET", path, &[("Sec-Fetch-Site", "same-origin"), ("Sec-Fetch-Mode", "navigate")], None).await
    }

    /// A form of one of our own pages, with its token.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let csrf = self.csrf();
        let mut fields = fields.to_vec();
        fields.push(("csrf", &csrf));
        self.form(path, &fields).await
    }

    /// The same without the token.
    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Shown {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let base = self.base.clone();
        let headers = [("Origin", base.as_str()), ("Sec-Fetch-Site", "same-origin"), ("Content-Type", FORM)];
        self.send("POST", path, &headers, Some(body)).await
    }

    /// Any request with the cookies of this browser; those of the answer are kept.
    pub async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<String>) -> Shown {
        let response = self.begin(method, path, headers, body).await;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let location = headers.get("location").map(|place| place.to_str().unwrap().to_owned()).unwrap_or_default();
        #[expect(clippy::disallowed_methods, reason = "an answer of our own server")]
        let text = response.text().await.unwrap();
        Shown { status, location, headers, text }
    }

    /// The same, and its body is not read: of a stream there is no end of it.
    pub async fn begin(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> reqwest::Response {
        let url = format!("{}{path}", self.base);
        let mut request = self.http.request(method.parse().unwrap(), url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let cookies = self.cookies.lock().unwrap().clone();
        if !cookies.is_empty() {
            let line: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header("Cookie", line.join("; "));
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        let response = request.send().await.unwrap();
        for cookie in response.headers().get_all("set-cookie") {
            let (pair, rest) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            let mut cookies = self.cookies.lock().unwrap();
            if rest.contains("Max-Age=0") {
                cookies.remove(name);
            } else {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        response
    }
}

pub const FORM: &str = "application/x-www-form-urlencoded";

impl TestApp {
    /// A user of this role and a name of its own, without a password; its id and name.
    pub async fn user(&self, role: Role) -> (i64, String) {
        let id = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("{role}-{id}");
        let email = Some(format!("{name}@example.com"));
        let user = NewUser { id, name: name.clone(), email, role, password: None, remote: None, at: self.now() };
        assert!(self.store().add_user(user).await.unwrap());
        (id, name)
    }

    /// A browser in which a new user of this role has just signed in.
    pub async fn sign_in(&self, role: Role) -> Browser {
        let (user, name) = self.user(role).await;
        let id = hex::encode(Sha256::digest(format!("a session of {name}").as_bytes()));
        let now = self.now();
        let session = SessionRow {
            digest: admin::digest(&id),
            user,
            created_at: now,
            seen_at: now,
            fresh_until: now.plus(Duration::from_mins(10)),
            stage: Stage::Full,
            peer: "127.0.0.1".to_owned(),
            agent: "a test".to_owned(),
        };
        self.store().begin_session(session, None).await.unwrap();
        let browser = Browser { name, user, ..Browser::new(self) };
        // The server asks for one of them, by whether browsers reach it over https.
        browser.set_cookie("bellwire", &id);
        browser.set_cookie("__Host-bellwire", &id);
        browser
    }

    /// A bearer token of a new user of this role with these scopes.
    pub async fn token(&self, role: Role, scopes: &[Scope]) -> String {
        let (user, name) = self.user(role).await;
        let token = admin::new_token().unwrap();
        let row = ApiToken {
            id: user,
            digest: admin::digest(&token),
            name,
            user,
            scopes: scopes.to_vec(),
            created_at: self.now(),
            expires_at: None,
            used_at: None,
        };
        self.store().add_token(row).await.unwrap();
        token
    }

    /// A request of the API with a token; a body is sent as JSON.
    pub async fn api(&self, token: &str, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json")];
        let headers = if body.is_some() { &headers[..] } else { &headers[..1] };
        let shown = Browser::new(self).send(method, path, headers, body.map(Value::to_string)).await;
        let body = serde_json::from_str(&shown.text).unwrap_or(Value::String(shown.text));
        Answer { status: shown.status, body, headers: shown.headers }
    }
}
