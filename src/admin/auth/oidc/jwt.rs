//! ID tokens (RFC 7515, RFC 7519, `OpenID` Connect Core 3.1.3.7): signed by a key of the provider, for us, now, and for what was asked.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use serde_json::{Map, Value};
use subtle::ConstantTimeEq as _;

use crate::clock::Time;

/// How far the clock of a provider may be off.
pub(super) const LEEWAY: Duration = Duration::from_secs(60);
/// Bytes of a token.
const LONGEST: usize = 16 * 1024;
/// Bytes of who somebody is at the provider (Core, section 2).
const LONGEST_SUBJECT: usize = 255;
/// Keys of a provider that are looked at.
const MOST_KEYS: usize = 64;

/// Why a token is not believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TokenError {
    /// It is no token.
    #[error("the ID token is no signed JWT")]
    Form,
    /// `none`, HMAC with what everybody knows, or one that we do not take.
    #[error("the ID token is signed by an algorithm that is not taken")]
    Algorithm,
    /// The provider has published no such key, or has done so since.
    #[error("the ID token is signed with a key that the provider does not publish")]
    UnknownKey,
    /// It was changed, or somebody else made it.
    #[error("the signature of the ID token is wrong")]
    Signature,
    /// What it says does not fit.
    #[error("the ID token has a wrong `{0}`")]
    Claim(&'static str),
}

/// Algorithms that are taken: with a public key, all of them. A token chooses among these and never chooses the kind of key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Algorithm {
    Rsa(&'static str),
    Ec(&'static str),
    Ed25519,
}

impl Algorithm {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "RS256" => Self::Rsa("RS256"),
            "RS384" => Self::Rsa("RS384"),
            "RS512" => Self::Rsa("RS512"),
            "PS256" => Self::Rsa("PS256"),
            "ES256" => Self::Ec("P-256"),
            "ES384" => Self::Ec("P-384"),
            "EdDSA" => Self::Ed25519,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// A point of this curve, uncompressed.
    Ec(String, Vec<u8>),
    Ed25519(Vec<u8>),
}

/// A public key of the provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    id: Option<String>,
    /// For this algorithm alone.
    algorithm: Option<String>,
    material: Material,
}

/// The keys of a set (RFC 7517) that a token may be signed with; others are passed over.
pub(super) fn keys_of(set: &Map<String, Value>) -> Vec<Key> {
    let all = set.get("keys").and_then(Value::as_array);
    all.into_iter().flatten().take(MOST_KEYS).filter_map(key_of).collect()
}

fn key_of(key: &Value) -> Option<Key> {
    let text = |name: &str| key.get(name).and_then(Value::as_str);
    let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)?).ok();
    if text("use").is_some_and(|purpose| purpose != "sig") {
        return None;
    }
    let material = match (text("kty")?, text("crv")) {
        ("RSA", _) => {
            let bare = |number: Vec<u8>| number.into_iter().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
            Material::Rsa { n: bare(bytes("n")?), e: bare(bytes("e")?) }
        }
        ("EC", Some(curve @ ("P-256" | "P-384"))) => {
            let point = [vec![4], bytes("x")?, bytes("y")?].concat();
            Material::Ec(curve.to_owned(), point)
        }
        ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x")?),
        _ => return None,
    };
    Some(Key { id: text("kid").map(str::to_owned), algorithm: text("alg").map(str::to_owned), material })
}

impl Key {
    fn fits(&self, id: Option<&str>, word: &str, algorithm: Algorithm) -> bool {
        let is_of_kind = match (&self.material, algorithm) {
            (Material::Rsa { .. }, Algorithm::Rsa(_)) | (Material::Ed25519(_), Algorithm::Ed25519) => true,
            (Material::Ec(curve, _), Algorithm::Ec(wanted)) => curve == wanted,
            _ => false,
        };
        is_of_kind
            && id.is_none_or(|id| self.id.as_deref() == Some(id))
            && self.algorithm.as_deref().is_none_or(|own| own == word)
    }

    fn has_signed(&self, word: &str, message: &[u8], signature: &[u8]) -> bool {
        let checked = match &self.material {
            Material::Rsa { n, e } => {
                let way: &RsaParameters = match word {
                    "RS384" => &RSA_PKCS1_2048_8192_SHA384,
                    "RS512" => &RSA_PKCS1_2048_8192_SHA512,
                    "PS256" => &RSA_PSS_2048_8192_SHA256,
                    _ => &RSA_PKCS1_2048_8192_SHA256,
                };
                RsaPublicKeyComponents { n, e }.verify(way, message, signature)
            }
            Material::Ec(curve, point) => {
                let way: &dyn VerificationAlgorithm =
                    if curve == "P-384" { &ECDSA_P384_SHA384_FIXED } else { &ECDSA_P256_SHA256_FIXED };
                UnparsedPublicKey::new(way, point).verify(message, signature)
            }
            Material::Ed25519(point) => UnparsedPublicKey::new(&ED25519, point).verify(message, signature),
        };
        checked.is_ok()
    }
}

/// What a token must say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Expected<'e> {
    pub(super) issuer: &'e str,
    pub(super) client_id: &'e str,
    pub(super) nonce: &'e str,
    /// When it was asked for.
    pub(super) begun: Time,
    pub(super) now: Time,
}

/// What a token says that is believed.
#[derive(Debug, Clone)]
pub(super) struct Claims {
    /// Who it is, at the provider.
    pub(super) subject: String,
    /// When that person has last proven it.
    pub(super) proven_at: Option<Time>,
    /// All that it says.
    pub(super) all: Map<String, Value>,
}

fn object(part: &str) -> Result<Map<String, Value>, TokenError> {
    let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| TokenError::Form)?;
    serde_json::from_slice(&bytes).map_err(|_| TokenError::Form)
}

/// What a token says, once its signature and all of the above hold.
pub(super) fn verify(token: &str, keys: &[Key], expected: &Expected<'_>) -> Result<Claims, TokenError> {
    let parts: Vec<&str> = if token.len() <= LONGEST { token.split('.').collect() } else { Vec::new() };
    let &[head, body, signature] = parts.as_slice() else { return Err(TokenError::Form) };
    let header = object(head)?;
    if header.contains_key("crit") {
        return Err(TokenError::Form);
    }
    let word = header.get("alg").and_then(Value::as_str).ok_or(TokenError::Form)?;
    let algorithm = Algorithm::of(word).ok_or(TokenError::Algorithm)?;
    let id = match header.get("kid") {
        None => None,
        Some(Value::String(id)) => Some(id.as_str()),
        Some(_) => return Err(TokenError::Form),
    };
    let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| TokenError::Form)?;
    let message = format!("{head}.{body}");
    let mut fitting = keys.iter().filter(|key| key.fits(id, word, algorithm)).peekable();
    if fitting.peek().is_none() {
        return Err(TokenError::UnknownKey);
    }
    if !fitting.any(|key| key.has_signed(word, message.as_bytes(), &signature)) {
        return Err(TokenError::Signature);
    }
    check(object(body)?, expected)
}

fn check(all: Map<String, Value>, expected: &Expected<'_>) -> Result<Claims, TokenError> {
    let text = |name: &str| all.get(name).and_then(Value::as_str);
    if text("iss") != Some(expected.issuer) {
        return Err(TokenError::Claim("iss"));
    }
    let audience: Vec<&str> = match all.get("aud") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    if !audience.contains(&expected.client_id) {
        return Err(TokenError::Claim("aud"));
    }
    let is_ours = match all.get("azp") {
        // One for several must say to whom it was given.
        None => audience.len() == 1,
        Some(party) => party.as_str() == Some(expected.client_id),
    };
    if !is_ours {
        return Err(TokenError::Claim("azp"));
    }
    let now = expected.now;
    if time(&all, "exp")?.is_none_or(|end| end.plus(LEEWAY) <= now) {
        return Err(TokenError::Claim("exp"));
    }
    // One that is older than the question answers another one.
    let is_answer = |at: Time| at <= now.plus(LEEWAY) && at.plus(LEEWAY) >= expected.begun;
    if !time(&all, "iat")?.is_some_and(is_answer) {
        return Err(TokenError::Claim("iat"));
    }
    if time(&all, "nbf")?.is_some_and(|from| from > now.plus(LEEWAY)) {
        return Err(TokenError::Claim("nbf"));
    }
    let nonce = text("nonce").unwrap_or_default();
    if !bool::from(nonce.as_bytes().ct_eq(expected.nonce.as_bytes())) {
        return Err(TokenError::Claim("nonce"));
    }
    let subject =
        text("sub").filter(|sub| (1..=LONGEST_SUBJECT).contains(&sub.len()) && !sub.chars().any(char::is_control));
    let subject = subject.ok_or(TokenError::Claim("sub"))?.to_owned();
    let proven_at = time(&all, "auth_time")?;
    if proven_at.is_some_and(|at| at > now.plus(LEEWAY)) {
        return Err(TokenError::Claim("auth_time"));
    }
    Ok(Claims { subject, proven_at, all })
}

/// Seconds since 1970, whole or not (RFC 7519, section 2).
fn time(all: &Map<String, Value>, name: &'static str) -> Result<Option<Time>, TokenError> {
    let Some(value) = all.get(name) else { return Ok(None) };
    let wrong = TokenError::Claim(name);
    let seconds = match (value.as_i64(), value.as_f64()) {
        (Some(seconds), _) => seconds,
        (None, Some(seconds)) if (0.0..1e12).contains(&seconds) => floor(seconds),
        _ => return Err(wrong),
    };
    if !(0..=1_000_000_000_000).contains(&seconds) {
        return Err(wrong);
    }
    Ok(Some(Time(seconds * 1000)))
}

#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates, and its range was checked")]
fn floor(seconds: f64) -> i64 {
    seconds as i64
}

#[cfg(test)]
mod tests {
    use ring::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
    };
    use serde_json::json;

    use super::*;

    const EXPECTED: Expected<'static> = Expected {
        issuer: "https://login.example.com",
        client_id: "bellwire",
        nonce: "a-nonce",
        begun: Time(1_000_000_000),
        now: Time(1_000_030_000),
    };

    fn claims() -> Value {
        json!({
            "iss": "https://login.example.com", "aud": "bellwire", "sub": "248289761001", "nonce": "a-nonce", "iat": 1_000_010, "exp": 1_000_310
        })
    }

    fn refused(change: Value) -> Option<TokenError> {
        let mut all = claims().as_object().unwrap().clone();
        for (name, value) in change.as_object().unwrap() {
            if value.is_null() {
                all.remove(name);
            } else {
                all.insert(name.clone(), value.clone());
            }
        }
        check(all, &EXPECTED).err()
    }

    #[test]
    fn every_claim_is_checked() {
        for fine in [
            json!({}),
            json!({"aud": ["bellwire"]}),
            json!({"aud": ["bellwire", "other"], "azp": "bellwire"}),
            json!({"azp": "bellwire"}),
            json!({"exp": 999_971}),
            json!({"iat": 1_000_010.5, "auth_time": 5}),
            json!({"iat": 1_000_089}),
        ] {
            assert_eq!(refused(fine.clone()), None, "{fine}");
        }
        for (change, claim) in [
            (json!({"iss": "https://login.example.com/"}), "iss"),
            (json!({"iss": null}), "iss"),
            (json!({"aud": "other"}), "aud"),
            (json!({"aud": []}), "aud"),
            (json!({"aud": null}), "aud"),
            (json!({"aud": {"bellwire": 1}}), "aud"),
            (json!({"aud": ["bellwire", "other"]}), "azp"),
            (json!({"azp": "other"}), "azp"),
            (json!({"azp": 1}), "azp"),
            (json!({"exp": 999_970}), "exp"),
            (json!({"exp": null}), "exp"),
            (json!({"exp": "1000310"}), "exp"),
            (json!({"exp": 1e30}), "exp"),
            (json!({"iat": null}), "iat"),
            (json!({"iat": 999_939}), "iat"),
            (json!({"iat": 1_000_091}), "iat"),
            (json!({"nbf": 1_000_091}), "nbf"),
            (json!({"nonce": "another"}), "nonce"),
            (json!({"nonce": null}), "nonce"),
            (json!({"sub": null}), "sub"),
            (json!({"sub": ""}), "sub"),
            (json!({"sub": 7}), "sub"),
            (json!({"sub": "a\nb"}), "sub"),
            (json!({"sub": "a".repeat(256)}), "sub"),
            (json!({"auth_time": 1_000_091}), "auth_time"),
        ] {
            assert_eq!(refused(change.clone()), Some(TokenError::Claim(claim)), "{change}");
        }
    }

    fn encoded(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    #[test]
    fn a_signature_is_of_a_key_of_the_kind_that_the_algorithm_asks_for() {
        let random = SystemRandom::new();
        let document = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, document.as_ref(), &random).unwrap();
        let (x, y) = pair.public_key().as_ref()[1..].split_at(32);
        let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
        let set = |more: Value| {
            let mut key = json!({"kty": "EC", "crv": "P-256", "x": x, "y": y, "kid": "one"});
            key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            keys_of(json!({"keys": [{"kty": "oct", "k": "AAAA"}, key, 5]}).as_object().unwrap())
        };
        let sign = |header: Value| {
            let message = format!("{}.{}", encoded(&header), encoded(&claims()));
            let signature = pair.sign(&random, message.as_bytes()).unwrap();
            format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
        };
        let told = |token: &str, keys: &[Key]| verify(token, keys, &EXPECTED).map(|claims| claims.subject);
        let good = sign(json!({"alg": "ES256", "kid": "one"}));
        assert_eq!(told(&good, &set(json!({}))).as_deref(), Ok("248289761001"));
        assert_eq!(
            told(&sign(json!({"alg": "ES256"})), &set(json!({"use": "sig", "alg": "ES256"}))).as_deref(),
            Ok("248289761001")
        );
        for (header, error) in [
            (json!({"alg": "none"}), TokenError::Algorithm),
            (json!({"alg": "None"}), TokenError::Algorithm),
            (json!({"alg": "HS256", "kid": "one"}), TokenError::Algorithm),
            (json!({"alg": "RS256", "kid": "one"}), TokenError::UnknownKey),
            (json!({"alg": "ES384", "kid": "one"}), TokenError::UnknownKey),
            (json!({"alg": "ES256", "kid": "two"}), TokenError::UnknownKey),
            (json!({"alg": "ES256", "kid": 1}), TokenError::Form),
            (json!({"alg": "ES256", "crit": ["exp"]}), TokenError::Form),
            (json!({}), TokenError::Form),
        ] {
            assert_eq!(told(&sign(header.clone()), &set(json!({}))), Err(error), "{header}");
        }
        assert_eq!(told(&good, &set(json!({"use": "enc"}))), Err(TokenError::UnknownKey));
        assert_eq!(told(&good, &set(json!({"alg": "ES384"}))), Err(TokenError::UnknownKey));
        let (message, signature) = good.rsplit_once('.').unwrap();
        let (head, _) = message.split_once('.').unwrap();
        let mut other = claims();
        other["sub"] = json!("somebody else");
        let forged = format!("{head}.{}.{signature}", encoded(&other));
        assert_eq!(told(&forged, &set(json!({}))), Err(TokenError::Signature));
        assert_eq!(told(&format!("{message}."), &set(json!({}))), Err(TokenError::Signature));
        for bad in [message, "", "a.b.c", "..", &format!("{good}.x"), &format!("{good}="), &"a".repeat(20_000)] {
            assert_eq!(told(bad, &set(json!({}))), Err(TokenError::Form), "{bad}");
        }
    }
}
