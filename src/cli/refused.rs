//! Why a delivery was refused, and what to do about it.

use super::{
    answer::{Answer, clean, machine},
    failure::Failure,
    table::table,
};
use crate::{admin::Needs, app, config::Config, ids::RefusalId, model::Refusal, store::Store};

/// The refusal of an id.
pub(super) async fn answer(config: &Config, store: &Store, id: RefusalId, json: bool) -> Result<Answer, Failure> {
    let missing = || {
        Failure::No(format!(
            "there is no refusal {id}: the newest 10,000 are kept, and not those of a very busy moment"
        ))
    };
    let refusal = store.refusal(id).await?.ok_or_else(missing)?;
    let secrets = refusal.source.as_deref().map(|source| {
        let registry = app::check(config).registry;
        Needs::of_source(&registry, config, source)
    });
    let help = way_out(&refusal, &secrets.unwrap_or_default());
    if !json {
        return Ok(Answer::text(as_text(&refusal, &help)));
    }
    let mut value = machine(&refusal);
    if let Some(map) = value.as_object_mut() {
        map.insert("help".to_owned(), help.into());
    }
    Ok(Answer::json(&value))
}

/// Refusals, newest first.
pub(super) fn list(refusals: &[Refusal], json: bool) -> Answer {
    if json {
        return Answer::json(&machine(&refusals));
    }
    let Some(newest) = refusals.first() else { return Answer::text("No delivery was refused.") };
    let rows: Vec<Vec<String>> = refusals
        .iter()
        .map(|refusal| {
            let source = refusal.source.as_deref().map_or("-".to_owned(), |source| clean(source, 32));
            vec![
                refusal.id.to_string(),
                crate::clock::Time(refusal.at).to_string(),
                source,
                refusal.status.to_string(),
                clean(&refusal.reason, 32),
                clean(&refusal.peer, 48),
            ]
        })
        .collect();
    let text = table(&["REFUSAL", "RECEIVED", "SOURCE", "STATUS", "REASON", "FROM"], &rows);
    Answer::text(format!("{text}\n`bellwire explain {}` says why, and what to do about it", newest.id))
}

/// A refusal as people read it.
pub(super) fn as_text(refusal: &Refusal, help: &str) -> String {
    let source = refusal.source.as_deref().map_or("no source of that name".to_owned(), |source| clean(source, 64));
    format!(
        "{}  refused with {}: {}\nreceived  {}\nsource    {source}\nfrom      {}, {} bytes\ndetail    {}\n\n{help}\n",
        refusal.id,
        refusal.status,
        clean(&refusal.reason, 64),
        crate::clock::Time(refusal.at),
        clean(&refusal.peer, 64),
        refusal.bytes,
        if refusal.detail.is_empty() { "-".to_owned() } else { clean(&refusal.detail, 300) },
    )
}

/// What a person can do, by the reason's word. `secrets` are those that deliveries to the source are verified with; none where it is no
/// longer known.
pub(super) fn way_out(refusal: &Refusal, secrets: &[String]) -> String {
    let names = if secrets.is_empty() { vec!["NAME".to_owned()] } else { secrets.to_vec() };
    let set: Vec<String> = names.iter().map(|name| format!("bellwire secrets set {name}")).collect();
    let set = set.join("\n");
    match refusal.reason.as_str() {
        "signature_mismatch" => {
            // A scheme that signs the address says in its detail where that was taken from.
            let address = if refusal.detail.contains("server.public_url") {
                "\nThe address is signed too: server.public_url in bellwire.toml must be how the address that the sender was given begins."
            } else {
                ""
            };
            format!(
                "The key here is not the one that the sender signs with, or the body was changed on its way. Set the key again:\n\
                 {set}{address}"
            )
        }
        "credentials" => {
            format!(
                "The user's name or the password here is not the one that the sender uses. Set either again:\n{set}"
            )
        }
        "secret_missing" => format!("A secret of the source is not set: bellwire doctor says which. To set it:\n{set}"),
        _ => other_way_out(refusal).to_owned(),
    }
}

/// The same for what needs no name.
fn other_way_out(refusal: &Refusal) -> &'static str {
    match refusal.reason.as_str() {
        "timestamp" => {
            "The delivery is old, or was sent again by somebody, or a clock is wrong: compare the clock of this machine with the\n\
             sender's. A pack's `tolerance` says how far the two may be apart."
        }
        "challenge" => {
            "The service asked whether this address is ours, and what it sent did not fit: is the token that was given to it the one\n\
             of the secret? See `hook.challenge` of the pack."
        }
        "signature_missing" => {
            "The sender does not sign, or a proxy took the header away. Turn signing on at the sender; let the proxy pass it."
        }
        "not_found" | "unknown_source" => {
            "The address names no source, or the token in it is not the one. See `bellwire config print` and the sender's URL."
        }
        "secret_unhealthy" => {
            "The source's secret cannot be unsealed: is data/bellwire.key the right one? See `bellwire doctor`."
        }
        "source_broken" => "The settings of this source have an error: bellwire check names it.",
        "content_type" => {
            "The body is of a type that the source does not take. A generic source says which it takes with `body` in\n\
             bellwire.toml (\"auto\" for all), a service with `hook.body` of its pack; text must be UTF-8."
        }
        "file" => "The body holds a file: `files = true` in the source's section of bellwire.toml takes it.",
        "not_json" | "not_xml" | "bad_escape" | "bad_multipart" | "not_utf8" | "xml_entity" | "xml_doctype" => {
            "The body does not read as what its Content-Type says, or holds what is never taken (document types and entities\n\
             of XML): look at what the sender sends. `bellwire services capture` keeps a delivery as it came."
        }
        "too_deep" | "too_many_keys" | "too_many_pairs" | "too_many_parts" | "long_key" => {
            "The body holds more than is taken of levels, names or parts: ask the sender for less."
        }
        "content_encoding" => "Send the body without Content-Encoding.",
        "body_too_large" => "Send less, or raise limits.body, or the source's max_body, in bellwire.toml.",
        "body_incomplete" | "length_required" => {
            "The connection ended early, or no length was sent: look at the sender or the proxy."
        }
        "duplicate_header" => "A header that must stand once stands twice: look at the sender or the proxy.",
        "loop" => "Our own actions started more than five events in a row: break the circle between the rules.",
        "store_busy" => {
            "The database was too busy. The sender was told to try again; see `bellwire doctor` if it goes on."
        }
        _ => "The sender has the same words in its answer. Look at what it sends.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_what_differed_and_what_to_do() {
        let refusal = Refusal {
            id: RefusalId(1),
            at: 0,
            source: Some("gruveo".to_owned()),
            peer: "192.0.2.1".to_owned(),
            reason: "signature_mismatch".to_owned(),
            status: 401,
            detail: "the header holds 64 hex digits that are not the body's".to_owned(),
            bytes: 12,
        };
        let text = as_text(&refusal, &way_out(&refusal, &["gruveo_key".to_owned()]));
        assert!(text.starts_with("ref_0000000000001  refused with 401: signature_mismatch\n"), "{text}");
        assert!(text.contains("64 hex digits") && text.contains("bellwire secrets set gruveo_key"), "{text}");
        assert!(!text.contains("public_url"), "{text}");
        let detail = "...; the address is taken to begin with server.public_url".to_owned();
        let text = way_out(&Refusal { detail, ..refusal }, &[]);
        assert!(text.contains("bellwire secrets set NAME\nThe address is signed too: server.public_url"), "{text}");
    }
}
