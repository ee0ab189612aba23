//! A JSON Schema of packs (`templates/services/*.yaml`), for editors.

use serde_json::{Value, json};

use super::{Format, InputType, Part, preset_names};

fn map(required: &[&str], properties: Value) -> Value {
    json!({ "type": "object", "additionalProperties": false, "required": required, "properties": properties })
}

fn text(says: &str) -> Value {
    json!({ "type": "string", "description": says })
}

/// The schema of a pack.
pub fn schema() -> Value {
    let file = json!({ "anyOf": [{ "type": "string", "description": "A JSON file below templates/services/." }, { "type": ["object", "array"] }] });
    let event = map(
        &["title"],
        json!({
            "title": text("For people."),
            "schema": file,
            "samples": { "type": "array", "items": { "type": "string" }, "description": "JSON files below templates/services/; the file's name is the sample's." },
            "stamp": map(&["path", "unit"], json!({ "path": text("Where in the payload the time is."), "unit": { "enum": ["ms", "s", "rfc3339"] } })),
            "untrusted": { "type": "array", "items": { "type": "string" }, "description": "Places that a stranger can write." }
        }),
    );
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Bellwire pack",
        "description": "One kind of outside system: how its deliveries are verified, what it sends, what it offers.",
        "type": "object",
        "additionalProperties": false,
        "required": ["name", "title"],
        "properties": {
            "name": { "type": "string", "pattern": "^[a-z0-9][a-z0-9_-]{0,62}$", "description": "The file's name without its ending." },
            "title": text("For people."),
            "description": text("More about it."),
            "docs": text("The page of the service's own documentation."),
            "base_url": text("Where its actions go; a connection's own wins."),
            "base_url_example": text("What a base URL looks like where every account has its own."),
            "hosts": { "type": "object", "additionalProperties": { "type": "string" }, "description": "Further origins of the service, by the name that actions give them." },
            "auth": auth(),
            "limits": map(&[], json!({
                "rate": text("Such as 24/min, for each connection."),
                "concurrent": { "type": "integer", "minimum": 1, "description": "Requests open at once, for each connection." }
            })),
            "errors": errors(),
            "test": text("The action that tells whether a connection works: a read without required inputs."),
            "hook": hook(),
            "events": { "type": "object", "description": "What it sends, by the last part of the type.", "additionalProperties": event },
            "actions": { "type": "object", "description": "What it offers, by name.", "additionalProperties": action() }
        }
    })
}

fn errors() -> Value {
    let places = |says: &str| {
        let place = text("A place in {status, headers, body}, such as body.error.");
        json!({ "anyOf": [place, { "type": "array", "items": place }], "description": says })
    };
    map(
        &[],
        json!({
            "message": places("Where in a refusal the service says why; the first that is there counts."),
            "throttled": { "type": "array", "items": { "type": "integer" }, "description": "Statuses that mean: slow down. 429 always does." },
            "throttled_when": text("A template over {status, headers, body} of any answer: text that is not blank means: slow down, whatever the status."),
            "retry_after": places("Where a throttled answer says for how many seconds, beside the header Retry-After; the first that is a number counts."),
            "failed": text("A template over {status, headers, body} of a 2xx: text that is not blank says that the service has refused, and why.")
        }),
    )
}

fn paging() -> Value {
    let place = text("A place in {status, headers, body}.");
    map(
        &["items"],
        json!({
            "items": text("Where in {status, headers, body} a page's list is."),
            "next": text("The place of the next page's address; null on the last."),
            "link": { "const": "next", "description": "The address is in the Link header (RFC 8288)." },
            "cursor": map(&["from"], json!({ "from": place, "query": text("The parameter that takes it."), "json": text("The place in the body that takes it.") })),
            "page": map(&["query"], json!({ "query": text("The parameter with the page's number."), "last": place })),
            "offset": map(&["query"], json!({ "query": text("The parameter with how many were seen.") })),
            "keep": { "type": "array", "items": { "type": "string" }, "description": "Parameters that the next page's address lacks." },
            "limit": { "type": ["integer", "string"], "description": "Items that are gathered at most; 500 unless set." },
            "pages": { "type": "integer", "minimum": 1, "maximum": 100, "description": "Requests at most; 20 unless set." }
        }),
    )
}

fn verify() -> Value {
    map(
        &["action", "found"],
        json!({
            "action": text("A read of the same pack."),
            "inputs": { "type": "object", "description": "Its inputs; they see those of this action." },
            "found": text("A template over this action's inputs, item and began_at: what is not blank is what the attempt brought about, and becomes the result (JSON text as data).")
        }),
    )
}

fn auth() -> Value {
    let signing = map(
        &["secret", "algorithm", "encoding", "header", "over"],
        json!({
            "secret": text("A secret."),
            "algorithm": { "enum": ["sha1", "sha256", "sha512"] },
            "encoding": { "enum": ["hex", "base64"] },
            "header": text("The header that the signature goes into."),
            "prefix": text("What stands before it."),
            "over": { "type": "array", "items": { "enum": ["body", "method", "path", "url", "timestamp"] } },
            "separator": text("Between the parts."),
            "timestamp": text("The header with the time, in seconds since 1970.")
        }),
    );
    let oauth2 = map(
        &["grant", "token_url", "client_id"],
        json!({
            "grant": { "enum": ["authorization_code", "client_credentials"] },
            "authorize_url": text("Where a person agrees; a path is below the base URL."),
            "token_url": text("Where tokens are had; a path is below the base URL."),
            "scopes": { "type": "array", "items": { "type": "string" } },
            "client_id": text("A secret."),
            "client_secret": text("A secret."),
            "authorize": { "type": "object", "additionalProperties": { "type": "string" }, "description": "Further parameters of authorize_url." },
            "in_form": { "type": "boolean", "description": "The client proves itself in the form and not by Basic auth." }
        }),
    );
    json!({
        "description": "How its actions prove who we are. Names are names of secrets.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "bearer": text("The secret of Authorization: Bearer."),
            "basic": map(&["password"], json!({
                "user": text("A secret."),
                "name": text("The name itself, where it is the same for everybody."),
                "password": text("A secret.")
            })),
            "json": map(&["name", "secret"], json!({ "name": text("The member at the top of the JSON body."), "secret": text("A secret.") })),
            "header": map(&["name", "secret"], json!({ "name": text("The header."), "secret": text("A secret."), "prefix": text("What stands before it.") })),
            "query": map(&["name", "secret"], json!({ "name": text("The parameter."), "secret": text("A secret.") })),
            "path": map(&["secret"], json!({ "secret": text("A secret: a segment before the action's path."), "prefix": text("What stands before it.") })),
            "url": text("A secret that is the whole address."),
            "hmac": signing,
            "oauth2": oauth2
        }
    })
}

/// A signature; `hmac` says by which hash.
fn signed(hmac: bool) -> Value {
    let names =
        json!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }] });
    let part = json!({
        "anyOf": [
            { "enum": Part::ALL.iter().map(|(word, _)| *word).collect::<Vec<_>>() },
            map(&["text"], json!({ "text": text("These very letters.") }))
        ]
    });
    let one = part.clone();
    let mut properties = json!({
        "header": { "anyOf": names["anyOf"], "description": "The header that holds the signature; several names: the first that is there." },
        "encoding": { "enum": ["hex", "base64", "auto"] },
        "prefix": text("What stands before the signature, such as sha256=."),
        "list": { "enum": [",", " ", ";"], "description": "What stands between several signatures in the header." },
        "over": { "anyOf": [one, { "type": "array", "items": part, "minItems": 1 }], "description": "What is signed, in this order." },
        "separator": { "type": "string", "description": "What stands between the parts." },
        "id": { "anyOf": names["anyOf"], "description": "The header with the delivery's id." },
        "timestamp": map(&[], json!({
            "header": names,
            "entry": text("What the entry of the signature's header begins with that holds the time, such as t=."),
            "body": text("The place of the time in the body."),
            "unit": { "enum": ["s", "ms", "rfc3339"], "description": "s unless set." }
        })),
        "tolerance": text("How far the time may be off either way; 5m unless set."),
        "digest": map(&["query"], json!({ "query": text("The parameter with the SHA-256 of a body that is no form, in hexadecimal.") })),
        "secret": text("The name of the secret."),
        "key": { "enum": ["text", "base64", "hex"], "description": "How the secret's text becomes the key." },
        "key_prefix": text("What may stand before the key in the secret's text, such as whsec_.")
    });
    let mut required = vec!["header", "encoding", "over", "secret"];
    if hmac {
        properties["algorithm"] = json!({ "enum": ["sha1", "sha256", "sha512"] });
        required.push("algorithm");
    }
    map(&required, properties)
}

fn verify_of_hook() -> Value {
    let token = map(
        &["in", "secret"],
        json!({
            "in": { "enum": ["query", "header", "path"] },
            "name": text("Of the parameter or header."),
            "prefix": text("What stands before it, such as Bearer."),
            "secret": text("The name of the secret.")
        }),
    );
    let preset = map(
        &["preset", "secret"],
        json!({
            "preset": { "enum": preset_names(), "description": "How a well-known service signs." },
            "secret": text("The name of the secret."),
            "tolerance": text("How far the time may be off either way.")
        }),
    );
    let basic = map(&["user", "password"], json!({ "user": text("A secret."), "password": text("A secret.") }));
    let one = |name: &str, schema: Value| {
        let mut properties = json!({});
        properties[name] = schema;
        map(&[name], properties)
    };
    json!({
        "description": "How a delivery proves where it comes from.",
        "anyOf": [
            { "const": "none", "description": "Nothing is checked: the source must say public = true." },
            preset,
            one("hmac", signed(true)),
            one("ed25519", signed(false)),
            one("token", token),
            one("basic", basic)
        ]
    })
}

fn challenge() -> Value {
    let texts = json!({ "type": "object", "additionalProperties": { "type": "string" }, "minProperties": 1 });
    json!({
        "description": "What it is asked when it is set up.",
        "anyOf": [
            map(&["body", "answer"], json!({ "body": texts, "answer": text("The place in the body that is sent back.") })),
            map(&["query", "token", "secret", "answer"], json!({
                "query": texts,
                "token": text("The parameter that holds the token."),
                "secret": text("The secret that the token must be."),
                "answer": text("The parameter that is sent back.")
            })),
            map(&["origins"], json!({ "origins": { "type": "array", "items": { "type": "string" }, "minItems": 1, "description": "Those that may send, as CloudEvents asks." } }))
        ]
    })
}

fn hook() -> Value {
    let kinds: Vec<&str> = InputType::ALL.iter().map(|(word, _)| *word).collect();
    let field = map(
        &["type", "value"],
        json!({ "type": { "enum": kinds }, "value": text("A template over body, headers and type.") }),
    );
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["verify", "type"],
        "description": "How its deliveries are taken.",
        "properties": {
            "verify": verify_of_hook(),
            "challenge": challenge(),
            "type": {
                "anyOf": [
                    { "const": "path" },
                    map(&[], json!({
                        "header": text("The header that names the event."),
                        "body": { "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }], "description": "Places in the body that name it, joined by _; made to fit: invitee.created is invitee_created." },
                        "strip": text("What is taken off the beginning of the name."),
                        "fit": { "type": "boolean", "description": "A name from the header is made to fit too." },
                        "or": { "const": "path" },
                        "fixed": text("What it is where nothing names it.")
                    }))
                ]
            },
            "dedupe": text("digest, or a template of the service's own id of a delivery."),
            "body": body(),
            "files": { "type": "boolean", "description": "Take the files of multipart bodies." },
            "fields": { "type": "object", "description": "Computed for every event, and added to it.", "additionalProperties": field },
            "echo": text("Equal to an action's echo: we caused this event."),
            "untrusted": { "type": "array", "items": { "type": "string" }, "description": "Places that a stranger can write." },
            "subscribe": subscribe()
        }
    })
}

/// How bodies are read.
fn body() -> Value {
    let formats = Format::ALL.map(|(word, _)| word);
    let words: Vec<&str> = formats.into_iter().chain(["auto"]).collect();
    json!({
        "anyOf": [{ "enum": words }, { "type": "array", "minItems": 1, "items": { "enum": formats } }],
        "description": "One word: so, whatever the Content-Type says. auto, or a list: by the Content-Type. JSON by the Content-Type unless set."
    })
}

fn input() -> Value {
    let kinds: Vec<&str> = InputType::ALL.iter().map(|(word, _)| *word).collect();
    map(
        &["type"],
        json!({
            "type": { "enum": kinds },
            "required": { "type": "boolean" },
            "default": {},
            "choices": { "type": "array", "items": { "type": "string" }, "description": "Of an enum." },
            "help": text("What it means, in a line."),
            "target": { "type": "boolean", "description": "It says whom or what the action works on." }
        }),
    )
}

fn request() -> Value {
    map(
        &["method", "path"],
        json!({
            "method": { "enum": ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] },
            "path": { "type": "string", "pattern": "^/[^?#]*$", "description": "After the base URL; values in it are encoded as one segment." },
            "path_keeps": { "type": "string", "pattern": "^[@:!$&'()*+,;=]+$", "description": "Characters that are not encoded in the values of the path, such as @." },
            "query": { "type": "object" },
            "headers": { "type": "object" },
            "host": text("The name of one of the pack's hosts."),
            "json": {},
            "form": { "type": "object" },
            "text": { "type": "string" },
            "xml": { "type": "object", "description": "One name at its top: objects are elements, @name an attribute, a list repeats." },
            "multipart": {
                "type": "object",
                "description": "Fields, and files as {value, filename, content_type}.",
                "additionalProperties": { "anyOf": [
                    { "type": ["string", "number", "boolean", "null"] },
                    map(&["value"], json!({
                        "value": { "type": ["string", "number", "boolean"] },
                        "filename": text("It is a file of this name."),
                        "content_type": text("Of a file.")
                    }))
                ] }
            }
        }),
    )
}

fn subscribe() -> Value {
    let place = text("A place in {status, headers, body}.");
    let in_item = text("A place in an item of the list.");
    let list = map(
        &["request", "items", "id", "url"],
        json!({
            "request": request(),
            "items": place,
            "id": in_item,
            "url": in_item,
            "events": in_item,
            "active": map(&["path", "is"], json!({ "path": in_item, "is": {} }))
        }),
    );
    let mut subscribe = map(
        &["each", "create", "result"],
        json!({
            "each": { "enum": ["event", "all"], "description": "One webhook an event, or one for all." },
            "inputs": { "type": "object", "additionalProperties": input() },
            "create": request(),
            "result": text("Where in {status, headers, body} stands what is kept."),
            "id": { "anyOf": [place, { "type": "array", "items": place }], "description": "Where its id may be; of an address the last part." },
            "secret": text("Where in {status, headers, body} the service gives the secret that it signs with."),
            "remove": request(),
            "list": list,
            "names": { "type": "object", "additionalProperties": { "type": "string" }, "description": "Events of ours and the service's own names of them." },
            "unasked": { "type": "array", "items": { "type": "string" }, "description": "Events that come without being asked for." },
            "by_hand": text("Where a person does it.")
        }),
    );
    subscribe["description"] = "How webhooks are set up at the service: see bellwire services subscribe.".into();
    subscribe
}

fn action() -> Value {
    let mail = map(
        &["mail"],
        json!({ "mail": map(&["from"], json!({
            "from": text("Who sends."), "to": text("Addresses with commas between them."), "cc": text("Copies."), "bcc": text("Blind copies."),
            "reply_to": text("Where answers go."), "subject": text("One line."), "text": text("As plain text."), "html": text("As HTML.")
        })) }),
    );
    let request = json!({ "anyOf": [request(), mail] });
    map(
        &["title", "request"],
        json!({
            "title": text("For people: what it does."),
            "inputs": { "type": "object", "additionalProperties": input() },
            "request": request,
            "result": text("Where in {status, headers, body} the result is, such as body.ticket."),
            "echo": text("A template over result: equal to the hook's echo of the event that this action causes."),
            "errors": errors(),
            "paging": paging(),
            "verify": verify(),
            "read": { "type": "boolean", "description": "It changes nothing." },
            "idempotent": { "type": "boolean", "description": "Twice has the effect of once." },
            "sample": { "description": "An answer, for tests: a value, or a JSON file below templates/services/." }
        }),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::{YamlLimits, read_yaml};

    #[test]
    fn the_built_in_packs_fit_and_a_slip_does_not() {
        let validator = jsonschema::validator_for(&schema()).unwrap();
        for (path, text) in
            crate::services::builtin_files().iter().filter(|(path, _)| path.strip_suffix(".yaml").is_some())
        {
            let pack = read_yaml(text, YamlLimits::default()).unwrap().value;
            let errors: Vec<String> =
                validator.iter_errors(&pack).map(|error| format!("{}: {error}", error.instance_path())).collect();
            assert!(errors.is_empty(), "{path}: {errors:?}");
            let mut slip = pack.clone();
            slip["actoins"] = json!({});
            assert!(!validator.is_valid(&slip), "{path}");
        }
    }

    /// A pack with every kind of map in it, wherever readers differ: one text each.
    const WHOLE: &str = r"
name: whole
title: Whole
base_url: https://example.com
auth: AUTH
limits: { rate: 1/s }
errors: { failed: x }
hook:
  verify: VERIFY
  challenge: CHALLENGE
  type: { fixed: x }
  fields: { a: { type: text, value: x } }
events: { e: { title: E, stamp: { path: a, unit: s } } }
actions:
  list:
    title: A
    inputs: { x: { type: text } }
    request: { method: POST, path: /, multipart: { f: { value: a, filename: b } } }
    errors: { failed: x }
    paging: PAGING
    verify: { action: list, found: x }
  send: { title: S, request: { mail: { from: a } } }
";

    const AUTHS: [&str; 7] = [
        "{ basic: { user: a, password: b } }",
        "{ header: { name: a, secret: b } }",
        "{ query: { name: a, secret: b } }",
        "{ path: { secret: b } }",
        "{ hmac: { secret: a, algorithm: sha1, encoding: hex, header: a, over: [body] } }",
        "{ oauth2: { grant: client_credentials, token_url: /t, client_id: a } }",
        "{ bearer: a }",
    ];
    const VERIFIES: [&str; 5] = [
        "{ preset: github, secret: a }",
        "{ token: { in: query, name: a, secret: b } }",
        "{ basic: { user: a, password: b } }",
        "{ hmac: { header: a, algorithm: sha1, encoding: hex, over: [body, { text: a }], secret: a, timestamp: { body: a }, digest: { query: a } } }",
        "{ ed25519: { header: a, encoding: hex, over: body, secret: a } }",
    ];
    const CHALLENGES: [&str; 3] =
        ["{ body: { a: b }, answer: c }", "{ query: { a: b }, token: t, secret: s, answer: c }", "{ origins: [a] }"];
    const PAGINGS: [&str; 3] = [
        "{ items: body, cursor: { from: body.a, query: c } }",
        "{ items: body, page: { query: a } }",
        "{ items: body, offset: { query: a } }",
    ];

    #[test]
    fn whatever_key_the_readers_know_the_schema_knows_and_no_other() {
        let schema = schema();
        let mut read = std::collections::BTreeSet::new();
        for at in 0..AUTHS.len() {
            let text = WHOLE
                .replace("AUTH", AUTHS[at])
                .replace("VERIFY", VERIFIES[at % VERIFIES.len()])
                .replace("CHALLENGE", CHALLENGES[at % CHALLENGES.len()])
                .replace("PAGING", PAGINGS[at % PAGINGS.len()]);
            let files = std::collections::BTreeMap::from([("templates/services/whole.yaml".to_owned(), text.clone())]);
            crate::services::raw::seen::take();
            let (_, findings) = crate::services::Registry::load_good(&files);
            let slips: Vec<_> = findings.iter().filter(|finding| finding.code == "P002").collect();
            assert!(slips.is_empty(), "{slips:?}");
            read.extend(crate::services::raw::seen::take());
        }
        let mut named = std::collections::BTreeSet::new();
        words(&schema, &mut named);
        let unnamed: Vec<&String> = read.difference(&named).collect();
        assert!(unnamed.is_empty(), "read and not in the schema: {unnamed:?}");
        let unread: Vec<&String> = named.difference(&read).collect();
        assert!(unread.is_empty(), "in the schema and never read: {unread:?}");
    }

    /// The keys that a JSON Schema names.
    fn words(schema: &Value, found: &mut std::collections::BTreeSet<String>) {
        let properties = schema.get("properties").and_then(Value::as_object);
        found.extend(properties.into_iter().flatten().map(|(name, _)| name.clone()));
        match schema {
            Value::Object(map) => map.values().for_each(|inner| words(inner, found)),
            Value::Array(list) => list.iter().for_each(|inner| words(inner, found)),
            _ => {}
        }
    }
}
