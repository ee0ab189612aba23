//! What a refusal of the API means for whoever asked, with the way out.

use serde_json::Value;

use crate::{
    cli::{answer::clean, failure::Failure},
    net::Reply,
};

/// Characters of a server's sentence that are shown.
const SHOWN: usize = 600;

/// An answer that no Bellwire gives.
pub(super) fn no_bellwire(place: &str) -> Failure {
    Failure::No(format!(
        "what answers at {place} is no Bellwire with this API; is it the address of its admin, and no page of a proxy stands before it?"
    ))
}

/// The failure of an answer that is no success.
pub(super) fn failure(place: &str, reply: &Reply) -> Failure {
    if (300..400).contains(&reply.status) {
        let header =
            |name: &str| reply.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
        let to = header("location").map(|to| format!(" to {}", clean(to, 200))).unwrap_or_default();
        return Failure::No(format!(
            "{place} leads on{to}, which is not followed with a token; name the right address with --url"
        ));
    }
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let said = |name: &str| body.get("error").and_then(|error| error.get(name)).and_then(Value::as_str);
    let Some(message) = said("message") else { return no_bellwire(place) };
    let message = clean(message, SHOWN);
    let message = message.trim_end_matches('.');
    match reply.status {
        401 => Failure::No(format!(
            "{place} does not take the token: it is wrong, has ended or was revoked, or its user is disabled; make one on its machine \
             with `bellwire tokens new NAME --user YOU --scope read`"
        )),
        // What is asked here is allowed at the right address.
        405 => no_bellwire(place),
        429 => {
            let header = reply.headers.iter().find(|(name, _)| name == "retry-after");
            let when = header.map_or("later".to_owned(), |(_, seconds)| format!("in {} s", clean(seconds, 10)));
            Failure::No(format!("{place} was asked too often: {message}; try again {when}"))
        }
        409 => Failure::No(format!("{message}; look at how it stands now, then say it again")),
        status if status >= 500 => Failure::Storage(format!("{place} fails with {status}: {message}")),
        // 403 names the scope or role that is missing, 404 the thing, 422 the place in what was sent.
        _ => Failure::No(message.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(status: u16, headers: &[(&str, &str)], body: &str) -> (u8, String) {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let reply = Reply { status, headers, body: body.into(), truncated: false };
        let failure = failure("https://bellwire.example.com", &reply);
        (failure.exit(), failure.to_string())
    }

    #[test]
    fn every_refusal_names_the_way_out() {
        let error = |message: &str| format!(r#"{{"error":{{"code":"x","message":"{message}"}}}}"#);
        for (status, headers, body, exit, part) in [
            (401, &[][..], error("No token."), 1, "bellwire tokens new"),
            (403, &[], error("This token lacks the scope `run`."), 1, "lacks the scope `run`"),
            (404, &[], error("There is no run run_1."), 1, "There is no run run_1"),
            (409, &[], error("Run run_1 is ok, not held."), 1, "how it stands now"),
            (422, &[], error("The body does not fit at `a`."), 1, "at `a`"),
            (429, &[("retry-after", "7")], error("Too many."), 1, "again in 7 s"),
            (503, &[], error("Busy."), 74, "fails with 503"),
            (404, &[], "<html>nothing here</html>".to_owned(), 1, "no Bellwire"),
            (
                302,
                &[("location", "https://login.example.com/")],
                String::new(),
                1,
                "leads on to https://login.example.com/",
            ),
        ] {
            let (got, text) = told(status, headers, &body);
            assert_eq!((got, text.contains(part)), (exit, true), "{status}: {text}");
        }
        let (_, text) = told(404, &[], &error("\\u001b[31m red"));
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
