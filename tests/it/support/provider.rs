//! A provider of `OpenID` Connect on loopback: discovery, codes that serve once, PKCE, ID tokens signed with real keys, and lies by a switch. It
//! knows nothing of Bellwire.

use std::{
    collections::HashMap,
    net::SocketAddr,
    process::Command,
    sync::{Arc, Mutex, MutexGuard, OnceLock},
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair},
};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, TcpStream},
};
use url::form_urlencoded;

use super::journal::{Received, read_request};

pub const CLIENT_ID: &str = "bellwire";
pub const CLIENT_SECRET: &str = "canary-provider-secret/+=";

/// How an ID token is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signing {
    /// With the RSA key that is published.
    Rs256,
    /// With the EC key that is published.
    Es256,
    /// Not at all.
    None,
    /// With HMAC, the key being what is published of the RSA key.
    Hs256,
    /// With a key of somebody else, under the name of the published one.
    Stolen,
}

/// What the provider does and says.
pub struct State {
    /// Who is signed in there: claims of `sub`, `email` and so on.
    pub person: Value,
    /// The claims of the person are told by /userinfo and not by the token.
    pub apart: bool,
    /// Claims that stand in the place of the right ones; null takes one away.
    pub lies: Value,
    pub signing: Signing,
    /// What the key is called, in tokens and in the set.
    pub kid: String,
    /// What the key is called in the set alone.
    pub published: Option<String>,
    /// What it calls itself in its document.
    pub issuer: Option<String>,
    /// `iss` on the way back. `None`: it is not named.
    pub named: Option<String>,
    /// Nothing is answered but 500.
    pub broken: bool,
    /// The present, in seconds.
    pub now: i64,
    /// When the person has proven who it is; told where it was asked for. `None`: now.
    pub proven_at: Option<i64>,
    /// Paths that were asked for, in order.
    pub asked: Vec<String>,
    /// The last question of a browser.
    pub question: HashMap<String, String>,
    codes: HashMap<String, HashMap<String, String>>,
    given: usize,
}

#[derive(Clone)]
pub struct Provider {
    pub address: SocketAddr,
    state: Arc<Mutex<State>>,
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn new_rsa() -> RsaKeyPair {
    let made = Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER"])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    // Versions of OpenSSL differ in what they wrap it in.
    RsaKeyPair::from_pkcs8(&made.stdout).or_else(|_| RsaKeyPair::from_der(&made.stdout)).unwrap()
}

fn rsa() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(new_rsa)
}

fn other_rsa() -> &'static RsaKeyPair {
    static KEY: OnceLock<RsaKeyPair> = OnceLock::new();
    KEY.get_or_init(new_rsa)
}

fn ec() -> &'static EcdsaKeyPair {
    static KEY: OnceLock<EcdsaKeyPair> = OnceLock::new();
    KEY.get_or_init(|| {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap()
    })
}

fn rsa_signature(key: &RsaKeyPair, message: &[u8]) -> Vec<u8> {
    let mut signature = vec![0; key.public().modulus_len()];
    key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).unwrap();
    signature
}

impl State {
    fn keys(&self) -> Value {
        let kid = self.published.as_ref().unwrap_or(&self.kid);
        let public: ring::rsa::PublicKeyComponents<Vec<u8>> = rsa().public().into();
        let point = ec().public_key().as_ref();
        json!({"keys": [
            {"kty": "RSA", "use": "enc", "kid": "for-something-else", "n": "AQAB", "e": "AQAB"},
            {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": kid, "n": encode(public.n), "e": encode(public.e)},
            {"kty": "EC", "use": "sig", "kid": format!("{kid}-ec"), "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..])},
        ]})
    }

    fn token(&self, issuer: &str, question: &HashMap<String, String>) -> String {
        let mut claims = Map::new();
        claims.insert("iss".to_owned(), json!(issuer));
        claims.insert("aud".to_owned(), json!(CLIENT_ID));
        claims.insert("iat".to_owned(), json!(self.now));
        claims.insert("exp".to_owned(), json!(self.now + 300));
        claims.insert("nonce".to_owned(), json!(question["nonce"]));
        claims.insert("sub".to_owned(), self.person["sub"].clone());
        if question.contains_key("max_age") {
            claims.insert("auth_time".to_owned(), json!(self.proven_at.unwrap_or(self.now)));
        }
        if !self.apart {
            claims.extend(self.person.as_object().unwrap().clone());
        }
        for (name, value) in self.lies.as_object().unwrap() {
            if value.is_null() {
                claims.remove(name);
            } else {
                claims.insert(name.clone(), value.clone());
            }
        }
        let header = match self.signing {
            Signing::Rs256 | Signing::Stolen => json!({"alg": "RS256", "kid": self.kid}),
            Signing::Es256 => json!({"alg": "ES256", "kid": format!("{}-ec", self.kid)}),
            Signing::None => json!({"alg": "none"}),
            Signing::Hs256 => json!({"alg": "HS256", "kid": self.kid}),
        };
        let message = format!("{}.{}", encode(header.to_string()), encode(Value::Object(claims).to_string()));
        let signature = match self.signing {
            Signing::Rs256 => rsa_signature(rsa(), message.as_bytes()),
            Signing::Stolen => rsa_signature(other_rsa(), message.as_bytes()),
            Signing::Es256 => ec().sign(&SystemRandom::new(), message.as_bytes()).unwrap().as_ref().to_vec(),
            Signing::None => Vec::new(),
            Signing::Hs256 => {
                let public: ring::rsa::PublicKeyComponents<Vec<u8>> = rsa().public().into();
                let mut mac = Hmac::<Sha256>::new_from_slice(&public.n).unwrap();
                mac.update(message.as_bytes());
                mac.finalize().into_bytes().to_vec()
            }
        };
        format!("{message}.{}", encode(signature))
    }
}

impl Provider {
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = State {
            person: json!({"sub": "248289761001", "email": "grace@example.com", "email_verified": true, "preferred_username": "Grace"}),
            apart: false,
            lies: json!({}),
            signing: Signing::Rs256,
            kid: "first".to_owned(),
            published: None,
            issuer: None,
            named: None,
            broken: false,
            now: 1_772_359_200,
            proven_at: None,
            asked: Vec::new(),
            question: HashMap::new(),
            codes: HashMap::new(),
            given: 0,
        };
        let provider = Self { address: listener.local_addr().unwrap(), state: Arc::new(Mutex::new(state)) };
        let serving = provider.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let provider = serving.clone();
                tokio::spawn(async move { provider.serve(stream).await });
            }
        });
        provider
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    pub fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How often a path was asked for.
    pub fn asked(&self, path: &str) -> usize {
        self.state().asked.iter().filter(|asked| *asked == path).count()
    }

    async fn serve(&self, mut stream: TcpStream) {
        let mut buffer = Vec::new();
        while let Some(request) = read_request(&mut stream, &mut buffer).await {
            let (status, location, body) = self.answer(&request);
            let location = location.map(|location| format!("Location: {location}\r\n")).unwrap_or_default();
            let whole = format!(
                "HTTP/1.1 {status} So\r\nContent-Type: application/json\r\n{location}Content-Length: {}\r\n\r\n{body}",
                body.to_string().len()
            );
            if stream.write_all(whole.as_bytes()).await.is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: &Received) -> (u16, Option<String>, Value) {
        let issuer = self.issuer();
        let mut state = self.state();
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        state.asked.push(path.to_owned());
        if state.broken {
            return (500, None, json!({"error": "<script>alert(1)</script>"}));
        }
        match path {
            "/.well-known/openid-configuration" => {
                let document = json!({
                    "issuer": state.issuer.as_ref().unwrap_or(&issuer),
                    "authorization_endpoint": format!("{issuer}/authorize"),
                    "token_endpoint": format!("{issuer}/token"),
                    "userinfo_endpoint": format!("{issuer}/userinfo"),
                    "jwks_uri": format!("{issuer}/keys"),
                    "authorization_response_iss_parameter_supported": state.named.is_some(),
                });
                (200, None, document)
            }
            "/keys" => (200, None, state.keys()),
            "/authorize" => {
                let question: HashMap<String, String> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
                assert_eq!(question["response_type"], "code");
                assert_eq!(question["client_id"], CLIENT_ID);
                assert_eq!(question["code_challenge_method"], "S256");
                assert_eq!(question["scope"], "openid email profile");
                let code = format!("canary-code-{}", state.codes.len());
                let mut back = url::Url::parse(&question["redirect_uri"]).unwrap();
                back.query_pairs_mut().append_pair("code", &code).append_pair("state", &question["state"]);
                if let Some(named) = &state.named {
                    back.query_pairs_mut().append_pair("iss", named);
                }
                state.question.clone_from(&question);
                state.codes.insert(code, question);
                (302, Some(back.into()), json!({}))
            }
            "/token" => {
                let (status, body) = token(&mut state, &issuer, request);
                (status, None, body)
            }
            "/userinfo" => {
                let wanted = format!("Bearer canary-access-{}", state.given);
                if request.header("authorization") == Some(wanted.as_str()) {
                    (200, None, state.person.clone())
                } else {
                    (401, None, json!({}))
                }
            }
            _ => (404, None, json!({})),
        }
    }
}

fn token(state: &mut State, issuer: &str, request: &Received) -> (u16, Value) {
    let form: HashMap<String, String> = form_urlencoded::parse(request.body.as_bytes()).into_owned().collect();
    let error = |error: &str| (400, json!({"error": error, "error_description": "<script>alert(1)</script>"}));
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = STANDARD.encode(format!("{}:{}", encoded(CLIENT_ID), encoded(CLIENT_SECRET)));
    if request.header("authorization") != Some(&*format!("Basic {pair}")) {
        return error("invalid_client");
    }
    let Some(question) = state.codes.get_mut(&form["code"]) else { return error("invalid_grant") };
    let question = std::mem::take(question);
    let proof = encode(Sha256::digest(form["code_verifier"].as_bytes()));
    if question.get("code_challenge") != Some(&proof) || question.get("redirect_uri") != form.get("redirect_uri") {
        return error("invalid_grant");
    }
    state.given += 1;
    let access = format!("canary-access-{}", state.given);
    (200, json!({"access_token": access, "token_type": "Bearer", "id_token": state.token(issuer, &question)}))
}
