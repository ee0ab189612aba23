//! A real authorization server (RFC 6749, RFC 7636) with an API behind it: codes that serve once, PKCE, refresh tokens that rotate, and
//! failures by a switch. It knows nothing of Bellwire.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};
use url::form_urlencoded;

use super::journal::{Received, read_request};

pub const CLIENT_ID: &str = "a-client-of-ours";
pub const CLIENT_SECRET: &str = "canary-client-secret/+=";

#[derive(Clone)]
pub struct Authority {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

pub struct State {
    /// By code: the challenge and the redirect URL.
    codes: HashMap<String, (String, String)>,
    /// Access tokens that are good.
    pub live: BTreeSet<String>,
    /// The refresh token that is good.
    pub refresh: Option<String>,
    /// Every token that was ever given.
    pub given: Vec<String>,
    /// What was asked for tokens: the grant type of each.
    pub asked: Vec<String>,
    /// Status and body in the place of tokens, in order.
    pub failures: VecDeque<(u16, String)>,
    /// How long every answer with tokens takes.
    pub delay: Duration,
    pub expires_in: u64,
    /// Requests to the API: their method and path, and whether they were let in.
    pub calls: Vec<(String, bool)>,
    /// The API lets nobody in.
    pub closed: bool,
}

impl State {
    fn issue(&mut self, with_refresh: bool) -> serde_json::Value {
        let number = self.given.len();
        let access = format!("canary-access-token-{number}");
        self.live.insert(access.clone());
        self.given.push(access.clone());
        let mut answer = json!({"access_token": access, "token_type": "Bearer", "expires_in": self.expires_in});
        if with_refresh {
            let refresh = format!("canary-refresh-token-{number}");
            self.refresh = Some(refresh.clone());
            self.given.push(refresh.clone());
            answer["refresh_token"] = refresh.into();
        }
        answer
    }
}

impl Authority {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State {
            codes: HashMap::new(),
            live: BTreeSet::new(),
            refresh: None,
            given: Vec::new(),
            asked: Vec::new(),
            failures: VecDeque::new(),
            delay: Duration::ZERO,
            expires_in: 3600,
            calls: Vec::new(),
            closed: false,
        };
        let authority = Self { address: listener.local_addr().unwrap(), state: Arc::new(Mutex::new(state)) };
        let serving = authority.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let authority = serving.clone();
                tokio::spawn(async move { authority.serve(stream).await });
            }
        });
        authority
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Tokens as after a login: access and refresh.
    pub fn issue(&self) -> (String, String) {
        let answer = self.state().issue(true);
        let text = |name: &str| answer[name].as_str().unwrap().to_owned();
        (text("access_token"), text("refresh_token"))
    }

    /// How often tokens were asked for by this grant type.
    pub fn asked(&self, grant: &str) -> usize {
        self.state().asked.iter().filter(|asked| *asked == grant).count()
    }

    /// Requests that the API let in.
    pub fn let_in(&self) -> usize {
        self.state().calls.iter().filter(|(_, is_in)| *is_in).count()
    }

    /// A pack of the API behind it; `grant` is `authorization_code` or `client_credentials`.
    pub fn pack(&self, grant: &str) -> String {
        let address = self.address;
        let page = if grant == "authorization_code" {
            format!("authorize_url: \"http://{address}/authorize\"")
        } else {
            "in_form: true".to_owned()
        };
        format!(
            "name: crm\ntitle: CRM\nbase_url: http://{address}/api\nauth:\n  oauth2:\n    grant: {grant}\n    {page}\n    \
             token_url: http://{address}/token\n    scopes: [read, write]\n    client_id: crm_id\n    client_secret: crm_secret\n\
             test: me\nactions:\n  me:\n    title: Who asks\n    request: {{ method: GET, path: /me }}\n    result: body.me\n    \
             read: true\n    idempotent: true\n    sample: {{ me: {{ id: 1 }} }}\n  add:\n    title: Add a note\n    inputs:\n      \
             text: {{ type: text }}\n    request: {{ method: POST, path: /notes, json: {{ text: \"{{{{ text }}}}\" }} }}\n    \
             result: body\n    read: false\n    idempotent: false\n    sample: {{ me: {{ id: 1 }} }}\n"
        )
    }

    async fn serve(&self, mut stream: TcpStream) {
        let mut buffer = Vec::new();
        while let Some(request) = read_request(&mut stream, &mut buffer).await {
            let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
            let (status, location, body) = match path {
                "/authorize" => self.authorize(query),
                "/token" => {
                    let delay = self.state().delay;
                    tokio::time::sleep(delay).await;
                    let (status, body) = self.token(&request);
                    (status, None, body)
                }
                _ => {
                    let (status, body) = self.api(&request);
                    (status, None, body)
                }
            };
            let location = location.map(|location| format!("Location: {location}\r\n")).unwrap_or_default();
            let whole = format!(
                "HTTP/1.1 {status} So\r\nContent-Type: application/json\r\n{location}Content-Length: {}\r\n\r\n{body}",
                body.len()
            );
            if stream.write_all(whole.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    /// Everybody agrees at once.
    fn authorize(&self, query: &str) -> (u16, Option<String>, String) {
        let value = |name: &str| value(query, name).unwrap_or_default();
        assert_eq!(value("response_type"), "code");
        assert_eq!(value("client_id"), CLIENT_ID);
        assert_eq!(value("code_challenge_method"), "S256");
        assert_eq!(value("scope"), "read write");
        let mut state = self.state();
        let code = format!("canary-code-{}", state.codes.len());
        state.codes.insert(code.clone(), (value("code_challenge"), value("redirect_uri")));
        let mut back = url::Url::parse(&value("redirect_uri")).unwrap();
        back.query_pairs_mut().append_pair("code", &code).append_pair("state", &value("state"));
        (302, Some(back.to_string()), String::new())
    }

    fn token(&self, request: &Received) -> (u16, String) {
        let form = |name: &str| value(&request.body, name).unwrap_or_default();
        let mut state = self.state();
        state.asked.push(form("grant_type"));
        if let Some((status, body)) = state.failures.pop_front() {
            return (status, body);
        }
        let error = |error: &str| (400, json!({"error": error, "error_description": request.body}).to_string());
        let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        let pair = format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET));
        let by_basic = request.header("authorization") == Some(&*format!("Basic {}", STANDARD.encode(pair)));
        if !by_basic && (form("client_id"), form("client_secret")) != (CLIENT_ID.to_owned(), CLIENT_SECRET.to_owned()) {
            return error("invalid_client");
        }
        match form("grant_type").as_str() {
            "authorization_code" => {
                let Some((challenge, redirect)) = state.codes.remove(&form("code")) else {
                    return error("invalid_grant");
                };
                let proof = URL_SAFE_NO_PAD.encode(Sha256::digest(form("code_verifier").as_bytes()));
                if proof != challenge || form("redirect_uri") != redirect {
                    return error("invalid_grant");
                }
                (200, state.issue(true).to_string())
            }
            "refresh_token" => {
                if state.refresh.as_deref() != Some(&*form("refresh_token")) {
                    // One that was used before was stolen: the whole grant goes (RFC 9700, section 4.14).
                    state.refresh = None;
                    state.live.clear();
                    return error("invalid_grant");
                }
                (200, state.issue(true).to_string())
            }
            "client_credentials" => (200, state.issue(false).to_string()),
            _ => error("unsupported_grant_type"),
        }
    }

    /// Tells back what it was sent with.
    fn api(&self, request: &Received) -> (u16, String) {
        let mut state = self.state();
        let proof = request.header("authorization").unwrap_or_default();
        let token = proof.strip_prefix("Bearer ").unwrap_or_default();
        let is_in = state.live.contains(token) && !state.closed;
        state.calls.push((format!("{} {}", request.method, request.path), is_in));
        if is_in {
            return (200, json!({"me": {"id": 7, "told": proof}, "refresh": state.refresh}).to_string());
        }
        (401, json!({"error": format!("bad token {token}")}).to_string())
    }
}

fn value(query: &str, wanted: &str) -> Option<String> {
    form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned())
}
