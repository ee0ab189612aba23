//! Guesses at how a delivery proves where it comes from and which event it is. A guess is a line of the pack, and a comment that says why.

use super::{captured::proves, delivered::Delivered, shape::single};
use crate::value::Value;

/// Headers that hold a signature of a scheme that has a name: header, preset, who signs so.
const KNOWN: [(&str, &str, &str); 16] = [
    ("x-hub-signature-256", "github", "GitHub"),
    ("x-gitlab-token", "gitlab", "GitLab"),
    ("stripe-signature", "stripe", "Stripe"),
    ("x-slack-signature", "slack", "Slack"),
    ("x-shopify-hmac-sha256", "shopify", "Shopify"),
    ("webhook-signature", "standard-webhooks", "whoever follows Standard Webhooks"),
    ("svix-signature", "standard-webhooks", "Svix and its customers"),
    ("x-twilio-signature", "twilio", "Twilio"),
    ("x-zendesk-webhook-signature", "zendesk", "Zendesk"),
    ("x-hub-signature", "intercom", "Intercom"),
    ("calendly-webhook-signature", "calendly", "Calendly"),
    ("typeform-signature", "typeform", "Typeform"),
    ("linear-signature", "linear", "Linear"),
    ("x-pagerduty-signature", "pagerduty", "PagerDuty"),
    ("sentry-hook-signature", "sentry", "Sentry"),
    ("x-signature", "generic", "several services"),
];

/// Lines of a pack to choose from, the best first; the last always holds.
pub(super) struct Guess {
    /// Why, a line each.
    pub(super) because: Vec<String>,
    /// What stands behind the key.
    pub(super) lines: Vec<Line>,
}

/// One of the lines.
pub(super) struct Line {
    pub(super) text: String,
    /// The secret that it names, or the event that the delivery is by it.
    pub(super) names: String,
    /// What to say where another line had to be taken.
    pub(super) instead: Option<String>,
}

/// `verify`. `secret` is what the pack's secrets begin with.
pub(super) fn verify(delivered: &Delivered, secret: &str) -> Guess {
    let mut guess = Guess { because: Vec::new(), lines: Vec::new() };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found = KNOWN.iter().find_map(|known| Some((known, text(delivered.headers.get(known.0)?))));
    if let Some((&(header, preset, who), shown)) = found {
        let line = format!("{{ preset: {preset}, secret: {secret}_secret }}");
        guess.because.push(format!("The header `{header}` held `{shown}`: so signs {who}."));
        let instead = format!("That would be: verify: {line}");
        guess.lines.push(Line { text: line, names: format!("{secret}_secret"), instead: Some(instead) });
    }
    let signed = delivered.headers.iter().find(|(name, _)| name.contains("signature") || name.contains("hmac"));
    if let Some((header, value)) = signed {
        let shown = text(value);
        if guess.because.is_empty() {
            guess.because.push(format!("The header `{header}` held `{shown}`, which looks like a signature."));
        }
        guess.lines.extend(hmac(header, &shown, secret));
    }
    let token = delivered.headers.iter().find(|(name, _)| {
        proves(name) && !name.contains("cookie") && !name.contains("signature") && !name.contains("hmac")
    });
    if let Some((header, value)) = token
        && let Some(piece) = single(&text(value))
        && !piece.prefix.to_lowercase().starts_with("basic")
    {
        if guess.because.is_empty() {
            guess.because.push(format!("The header `{header}` held `{}`, which looks like a token.", text(value)));
        }
        let prefix =
            if piece.prefix.is_empty() { String::new() } else { format!("prefix: {}, ", quoted(&piece.prefix)) };
        let line = format!("{{ token: {{ in: header, name: {}, {prefix}secret: {secret}_token }} }}", quoted(header));
        guess.lines.push(Line { text: line, names: format!("{secret}_token"), instead: None });
    }
    let asked = delivered.query.keys().find(|name| proves(&name.to_lowercase()));
    if guess.because.is_empty() {
        guess.because.push(match asked {
            Some(name) => format!("`{name}` in the query looks like a token."),
            None => "Nothing in the delivery looks like a proof, so the address is to hold a token.".to_owned(),
        });
    }
    let name = quoted(asked.map_or("token", String::as_str));
    let line = format!("{{ token: {{ in: query, name: {name}, secret: {secret}_token }} }}");
    guess.lines.push(Line { text: line, names: format!("{secret}_token"), instead: None });
    guess
}

/// A signature over the body, by its length.
fn hmac(header: &str, shown: &str, secret: &str) -> Option<Line> {
    let piece = single(shown)?;
    if piece.prefix.contains(',') {
        return None;
    }
    let (algorithm, encoding) = match (piece.unit.as_str(), piece.count) {
        ("hex digits", 40) => ("sha1", "hex"),
        ("hex digits", 64) => ("sha256", "hex"),
        ("hex digits", 128) => ("sha512", "hex"),
        ("characters of base64", 28) => ("sha1", "base64"),
        ("characters of base64", 44) => ("sha256", "base64"),
        ("characters of base64", 88) => ("sha512", "base64"),
        _ => return None,
    };
    let prefix = if piece.prefix.is_empty() { String::new() } else { format!("prefix: {}, ", quoted(&piece.prefix)) };
    let text = format!(
        "{{ hmac: {{ header: {}, algorithm: {algorithm}, encoding: {encoding}, {prefix}over: body, secret: {secret}_secret }} }}",
        quoted(header)
    );
    Some(Line { text, names: format!("{secret}_secret"), instead: None })
}

/// `type`: the delivery's own name for what happened, from a header, the path or the body.
pub(super) fn kind(delivered: &Delivered) -> Guess {
    const RECEIVED: &str = "received";
    let mut guess = Guess { because: Vec::new(), lines: Vec::new() };
    let telling = |name: &str| {
        let words: Vec<&str> = name.split(['-', '_']).collect();
        !proves(name) && words.iter().any(|word| matches!(*word, "event" | "topic" | "type")) && name != "content-type"
    };
    for (name, value) in delivered.headers.iter().filter(|(name, _)| telling(name)) {
        let Some(value) = value.as_str() else { continue };
        let fit = if is_name(value) { "" } else { "fit: true, " };
        named(&mut guess, value, &format!("The header `{name}` held `{value}`."), |event| {
            format!("{{ header: {}, {fit}fixed: {event} }}", quoted(name))
        });
    }
    if let Some(event) = delivered.path.last().filter(|event| is_name(event)) {
        named(&mut guess, event, &format!("It was sent to the path `/{event}`."), |_| {
            format!("{{ or: path, fixed: {RECEIVED} }}")
        });
    }
    for name in ["event", "type", "event_type", "eventType", "event_name", "topic", "action", "kind"] {
        let Some(value) = delivered.event.get(name).and_then(Value::as_str) else { continue };
        named(&mut guess, value, &format!("`{name}` of the body held `{value}`."), |_| {
            format!("{{ body: {name}, fit: true, fixed: {RECEIVED} }}")
        });
    }
    if guess.because.is_empty() {
        guess.because.push("Nothing in the delivery names the event, so there is one of them.".to_owned());
    }
    guess.lines.push(Line { text: format!("{{ fixed: {RECEIVED} }}"), names: RECEIVED.to_owned(), instead: None });
    guess
}

fn named(guess: &mut Guess, value: &str, because: &str, line: impl Fn(&str) -> String) {
    let event = fitted(value);
    if event.is_empty() || event.len() > 64 {
        return;
    }
    if guess.because.is_empty() {
        guess.because.push(because.to_owned());
    }
    let text = line(&event);
    guess.lines.push(Line { text, names: event, instead: None });
}

/// A service's own word for an event as one of ours: `invoice.paid` is `invoice_paid`.
fn fitted(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("_")
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A text of YAML, whatever it holds.
pub(super) fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(plain) {
        return text.to_owned();
    }
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::services::Format;

    fn delivered(headers: &Value, query: &Value, path: &[&str], event: Value) -> Delivered {
        Delivered {
            of: String::new(),
            path: path.iter().map(|part| (*part).to_owned()).collect(),
            headers: headers.as_object().cloned().unwrap_or_default(),
            query: query.as_object().cloned().unwrap_or_default(),
            format: Format::Json,
            files: false,
            event,
        }
    }

    fn verified(headers: &Value, query: &Value) -> Vec<String> {
        let guess = verify(&delivered(headers, query, &[], Value::Null), "shop");
        guess.lines.into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn a_signature_is_known_by_its_header_and_else_by_its_form() {
        let github = verified(&json!({"x-hub-signature-256": "sha256=‹64 hex digits›"}), &json!({}));
        assert_eq!(github[0], "{ preset: github, secret: shop_secret }");
        assert_eq!(
            github[1],
            "{ hmac: { header: x-hub-signature-256, algorithm: sha256, encoding: hex, prefix: \"sha256=\", over: body, secret: shop_secret } }"
        );
        let own = verified(&json!({"x-shop-hmac": "‹44 characters of base64›"}), &json!({}));
        assert!(own[0].contains("algorithm: sha256, encoding: base64, over: body"), "{own:?}");
        let timed = verified(&json!({"x-odd-signature": "t=‹10 digits›,v1=‹64 hex digits›"}), &json!({}));
        assert_eq!(timed, ["{ token: { in: query, name: token, secret: shop_token } }"]);
    }

    #[test]
    fn a_token_is_found_in_a_header_or_the_query() {
        let bearer = verified(&json!({"authorization": "Bearer ‹40 characters›"}), &json!({}));
        assert_eq!(
            bearer[0],
            "{ token: { in: header, name: authorization, prefix: \"Bearer \", secret: shop_token } }"
        );
        let query = verified(&json!({}), &json!({"page": "1", "api_key": "‹8 characters›"}));
        assert_eq!(query, ["{ token: { in: query, name: api_key, secret: shop_token } }"]);
    }

    #[test]
    fn the_event_is_named_by_header_path_or_body() {
        let all = delivered(
            &json!({"x-shop-topic": "orders/create", "content-type": "application/json", "x-event-key": "‹5 characters›"}),
            &json!({}),
            &["rung"],
            json!({"type": "invoice.paid"}),
        );
        let lines: Vec<_> = kind(&all).lines.into_iter().map(|line| (line.text, line.names)).collect();
        let line = |text: &str, names: &str| (text.to_owned(), names.to_owned());
        assert_eq!(
            lines,
            [
                line("{ header: x-shop-topic, fit: true, fixed: orders_create }", "orders_create"),
                line("{ or: path, fixed: received }", "rung"),
                line("{ body: type, fit: true, fixed: received }", "invoice_paid"),
                line("{ fixed: received }", "received"),
            ]
        );
    }
}
