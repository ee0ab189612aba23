//! `GET /api/openapi.json`: the API, told by the code that answers it.

use std::sync::LazyLock;

use flate2::Compression;
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::{
    answer::{Failure, FailureBody, Reply},
    part::{Part, Told},
};
use crate::{
    admin::packed::{TakesGzip, pack},
    model::Scope,
};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Bellwire",
        description = "Rules, events, runs and people of one Bellwire: everything that its pages do.\n\n\
            Ids and times are texts. Lists come in pages: `next` of one is `cursor` of the following. A refusal has one form, whatever \
            refused. A write with an `Idempotency-Key` is done once: the same request with the same key gets the same answer for a day.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(Failure, FailureBody))
)]
struct Frame;

/// What each refusal is called, and what it says.
const REFUSALS: [(&str, &str, &str); 12] = [
    ("400", "Invalid", "The request cannot be read, or its query does not fit."),
    ("401", "Unauthorized", "No token, or none that counts: `WWW-Authenticate` says which kind is wanted."),
    ("403", "Forbidden", "The token has not the scope, or its person not the role."),
    ("404", "NotFound", "There is no such thing."),
    ("405", "MethodNotAllowed", "The method is not allowed here: `Allow` says which are."),
    ("409", "Conflict", "It is not, or no longer, as the request takes it to be."),
    ("412", "Changed", "It was changed since: `details` holds what it is now."),
    ("413", "TooLarge", "More was sent than is taken."),
    ("414", "TargetTooLong", "The address is longer than 8 KiB."),
    ("415", "ContentType", "The body is no JSON by its Content-Type."),
    ("422", "Unfit", "The body is JSON and does not fit; or the `Idempotency-Key` was used for another request."),
    ("429", "TooOften", "Too many requests: `Retry-After` says when to come again."),
];

/// The whole document.
static DOCUMENT: LazyLock<Vec<u8>> = LazyLock::new(|| document_of(super::parts()).to_string().into_bytes());

/// The same as most take it.
static PACKED: LazyLock<Vec<u8>> = LazyLock::new(|| pack(&DOCUMENT, Compression::best()));

/// The document: OpenAPI 3.1.
#[rocket::get("/api/openapi.json")]
pub(super) fn document(takes: TakesGzip) -> Reply {
    let headers = vec![("Access-Control-Allow-Origin", "*".to_owned()), ("Vary", "Accept-Encoding".to_owned())];
    let plain = Reply { status: 200, body: Vec::new(), kind: None, headers };
    if takes.0 && !PACKED.is_empty() {
        return Reply { body: PACKED.clone(), ..plain }.header("Content-Encoding", "gzip");
    }
    Reply { body: DOCUMENT.clone(), ..plain }
}

fn document_of(parts: Vec<Part>) -> Value {
    let mut all = Frame::openapi();
    let mut tags = Vec::new();
    let mut told = Vec::new();
    for part in parts {
        if !tags.iter().any(|tag: &Value| tag["name"] == part.name) {
            tags.push(json!({"name": part.name, "description": part.about}));
        }
        told.extend(part.told().into_iter().map(|route| (part.name, route)));
        all.merge(part.document);
    }
    let mut all = serde_json::to_value(&all).unwrap_or_default();
    all["tags"] = Value::Array(tags);
    all["security"] = json!([{"bearer": []}]);
    all["components"]["securitySchemes"] = json!({"bearer": {
        "type": "http", "scheme": "bearer",
        "description": "A token: `bellwire tokens new`, or the page Account. Its scopes are told with each operation.",
    }});
    all["components"]["responses"] = refusals();
    for (tag, route) in &told {
        let method = route.method.as_str().to_ascii_lowercase();
        let operation = all["paths"].get_mut(&route.path).and_then(|item| item.get_mut(&method));
        if let Some(Value::Object(operation)) = operation {
            finish(operation, tag, route);
        }
    }
    all
}

fn refusals() -> Value {
    let refusal = |text: &str| json!({"description": text, "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}});
    let mut all: Map<String, Value> =
        REFUSALS.iter().map(|(_, name, text)| ((*name).to_owned(), refusal(text))).collect();
    let busy = "The database does not answer, or the server stops: `Retry-After` says when to come again.";
    all.insert("Busy".to_owned(), refusal(busy));
    Value::Object(all)
}

/// What every operation has: its tag, what it asks for, and how it is refused.
fn finish(operation: &mut Map<String, Value>, tag: &str, route: &Told) {
    operation.insert("tags".to_owned(), json!([tag]));
    operation.insert("security".to_owned(), json!([{"bearer": [route.scope.word()]}]));
    let asks = format!(
        "Asks for a token with the scope `{}`, of a person who is {} at least.",
        route.scope.word(),
        route.role
    );
    let more =
        operation.get("description").and_then(Value::as_str).map_or(asks.clone(), |text| format!("{text}\n\n{asks}"));
    operation.insert("description".to_owned(), Value::String(more));
    if operation.get("requestBody").is_some_and(|body| body.to_string().contains("/schemas/Empty\"")) {
        operation.remove("requestBody");
    }
    let writes = !matches!(route.method, rocket::http::Method::Get);
    // What writes nothing is the same however often it is asked.
    if writes && route.scope != Scope::Read {
        let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
        if let Value::Array(parameters) = parameters {
            parameters.push(json!({
                "name": "Idempotency-Key", "in": "header", "required": false,
                "description": "The same request with the same key is done once, and answered the same for a day.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
            }));
        }
    }
    let Some(Value::Object(responses)) = operation.get_mut("responses") else { return };
    let mut put = |status: &str, name: &str| {
        let reference = json!({"$ref": format!("#/components/responses/{name}")});
        responses.entry(status.to_owned()).or_insert(reference);
    };
    for (status, name, _) in REFUSALS {
        let of_writes = matches!(status, "413" | "415" | "422");
        let of_rules = status != "412" || matches!(route.path.as_str(), "/api/v1/rules/{id}");
        if of_rules && (writes || status != "412") && (writes || !of_writes) {
            put(status, name);
        }
    }
    put("503", "Busy");
    name_ids(operation, &route.path);
    // A parameter is there or not: it is never null.
    let Some(Value::Array(parameters)) = operation.get_mut("parameters") else { return };
    for parameter in parameters {
        if let Some(Value::Array(kinds)) = parameter["schema"].get_mut("type") {
            kinds.retain(|kind| kind != "null");
        }
    }
}

/// Says of each id in the path what it looks like.
fn name_ids(operation: &mut Map<String, Value>, path: &str) {
    let Some(Value::Array(parameters)) = operation.get_mut("parameters") else { return };
    let in_path = parameters.iter_mut().filter(|parameter| parameter["in"] == "path");
    for parameter in in_path {
        match parameter["name"].as_str() {
            Some("email") => {
                parameter["schema"]["pattern"] =
                    json!("^[^@\\s\\x00-\\x1f\\x7f-\\x9f]+@[^@\\s\\x00-\\x1f\\x7f-\\x9f]+$");
            }
            Some("name") if path.contains("/secrets/") => {
                parameter["schema"]["pattern"] = json!("^[a-z][a-z0-9_]{0,62}$");
            }
            _ => {}
        }
    }
    let kinds = [
        ("/events/", "evt"),
        ("/runs/", "run"),
        ("/refusals/", "ref"),
        ("/jobs/", "job"),
        ("/tokens/", "tok"),
        ("/problems/", "prb"),
    ];
    let Some((_, prefix)) = kinds.iter().find(|(part, _)| path.contains(part)) else { return };
    for parameter in parameters.iter_mut().filter(|parameter| parameter["in"] == "path" && parameter["name"] == "id") {
        parameter["schema"] = json!({"type": "string", "pattern": id_pattern(prefix)});
        parameter["example"] = json!(format!("{prefix}_01hf3y8a9d000"));
    }
}

fn id_pattern(prefix: &str) -> String {
    format!("^{prefix}_[0-9a-f][0-9abcdefghjkmnpqrstvwxyz]{{12}}$")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

    #[test]
    fn the_document_tells_every_route_and_no_other() {
        let mut mounted: Vec<String> = Vec::new();
        for part in crate::admin::api::parts() {
            mounted.extend(part.told().iter().map(|route| format!("{} {}", route.method, route.path)));
        }
        let document = document_of(crate::admin::api::parts());
        let mut told: Vec<String> = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            let methods = item.as_object().unwrap().keys().filter(|key| METHODS.contains(&key.as_str()));
            told.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
        }
        mounted.sort();
        told.sort();
        assert_eq!(mounted, told);
        assert_eq!(document["openapi"], "3.1.0");
    }

    #[test]
    fn every_operation_says_what_it_does_and_how_it_is_refused() {
        let document = document_of(crate::admin::api::parts());
        let mut ids = BTreeSet::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in
                item.as_object().unwrap().iter().filter(|(key, _)| METHODS.contains(&key.as_str()))
            {
                let what = format!("{method} {path}");
                assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{what} has no summary");
                assert!(ids.insert(operation["operationId"].to_string()), "{what} shares its id");
                assert!(
                    operation["tags"][0].is_string() && operation["security"][0]["bearer"][0].is_string(),
                    "{what}"
                );
                let responses = operation["responses"].as_object().unwrap();
                let mut wanted = vec!["400", "401", "403", "404", "405", "429", "503"];
                if method != "get" {
                    wanted.extend(["409", "413", "415", "422"]);
                }
                for status in wanted {
                    assert!(responses.contains_key(status), "{what} has no {status}");
                }
                assert!(responses.keys().any(|status| status.starts_with('2')), "{what} never goes well");
            }
        }
    }

    #[test]
    fn a_schema_of_one_name_is_the_same_in_every_part() {
        let mut known: std::collections::BTreeMap<String, Value> = std::collections::BTreeMap::new();
        for part in crate::admin::api::parts() {
            let document = serde_json::to_value(&part.document).unwrap();
            for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
                let first = known.entry(name.clone()).or_insert_with(|| schema.clone());
                assert_eq!(first, schema, "{name} stands for two things: the document holds the first alone");
            }
        }
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        fn walk(value: &Value, document: &Value) {
            match value {
                Value::Object(map) => {
                    if let Some(Value::String(reference)) = map.get("$ref") {
                        let found = document.pointer(reference.trim_start_matches('#'));
                        assert!(found.is_some(), "{reference} leads nowhere");
                    }
                    map.values().for_each(|value| walk(value, document));
                }
                Value::Array(list) => list.iter().for_each(|value| walk(value, document)),
                _ => {}
            }
        }
        let document = document_of(crate::admin::api::parts());
        walk(&document, &document);
    }
}
