//! A stored request or reply as people read HTTP: a first line, headers, the body.

use serde_json::Value;

/// The lines of a request (`POST groove /tickets/42/messages`) or a reply (`201`). What is neither is shown as JSON.
pub fn exchange_lines(stored: &Value) -> String {
    let Some(first) = request_line(stored).or_else(|| Some(stored.get("status")?.to_string())) else {
        return serde_json::to_string_pretty(stored).unwrap_or_default();
    };
    let mut text = vec![first];
    for header in stored.get("headers").and_then(Value::as_array).into_iter().flatten() {
        if let [Value::String(name), Value::String(value)] = header.as_array().map(Vec::as_slice).unwrap_or_default() {
            text.push(format!("{name}: {value}"));
        }
    }
    if let Some(body) = stored.get("body").and_then(Value::as_str).filter(|body| !body.is_empty()) {
        text.push(String::new());
        let parsed: Option<Value> = serde_json::from_str(body).ok();
        text.push(parsed.and_then(|json| serde_json::to_string_pretty(&json).ok()).unwrap_or_else(|| body.to_owned()));
    }
    if stored.get("cut") == Some(&Value::Bool(true)) {
        text.push("(cut: the reply was longer)".to_owned());
    }
    text.join("\n")
}

fn request_line(stored: &Value) -> Option<String> {
    let method = stored.get("method")?.as_str()?;
    let target = stored.get("target")?;
    if let Some(url) = target.get("url").and_then(Value::as_str) {
        return Some(format!("{method} {url}"));
    }
    let connection = target.get("connection")?;
    let host = connection.get("host").and_then(Value::as_str).map(|host| format!(" ({host})")).unwrap_or_default();
    Some(format!("{method} {}{host} {}", connection.get("name")?.as_str()?, connection.get("path")?.as_str()?))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn requests_and_replies_read_like_http() {
        let request = json!({
            "method": "POST", "target": {"connection": {"name": "groove", "path": "/tickets/42/messages"}},
            "headers": [["Content-Type", "application/json"]], "body": "{\"note\":true}",
        });
        assert_eq!(
            exchange_lines(&request),
            "POST groove /tickets/42/messages\nContent-Type: application/json\n\n{\n  \"note\": true\n}"
        );
        let further =
            json!({"method": "POST", "target": {"connection": {"name": "groove", "host": "uploads", "path": "/a"}}});
        assert_eq!(exchange_lines(&further), "POST groove (uploads) /a");
        let bare = json!({"method": "GET", "target": {"url": "https://api.example.com/x"}, "headers": []});
        assert_eq!(exchange_lines(&bare), "GET https://api.example.com/x");
        let reply = json!({"status": 502, "headers": [["server", "x"]], "body": "<h1>no</h1>", "cut": true});
        assert_eq!(exchange_lines(&reply), "502\nserver: x\n\n<h1>no</h1>\n(cut: the reply was longer)");
        assert_eq!(exchange_lines(&json!("odd")), "\"odd\"");
    }
}
