//! A message of mail, made of an action's inputs.

use std::time::{Duration, SystemTime};

use lettre::{
    Message,
    message::{Mailbox, Mailboxes, MultiPart, SinglePart, header::ContentType},
};

use super::prepare::Fault;
use crate::{clock::Time, model::ErrorClass};

/// The texts of a message, rendered. `None` where an optional one was not given.
#[derive(Debug, Default)]
pub(super) struct Texts {
    pub(super) from: Option<String>,
    pub(super) to: Option<String>,
    pub(super) cc: Option<String>,
    pub(super) bcc: Option<String>,
    pub(super) reply_to: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) text: Option<String>,
    pub(super) html: Option<String>,
}

/// A message with its envelope, ready for the way out.
#[derive(Debug)]
pub(super) struct Made {
    /// `mail-from` once, `rcpt-to` for each who gets it.
    pub(super) headers: Vec<(String, String)>,
    /// Headers and body as they are sent, but for the Message-ID, which belongs to the attempt's key.
    pub(super) message: String,
}

fn invalid(message: String) -> Fault {
    Fault::new(ErrorClass::InvalidInput, message)
}

/// Makes the message. The same texts at the same time make the same bytes.
pub(super) fn message(texts: &Texts, now: Time) -> Result<Made, Fault> {
    let from: Mailbox = match texts.from.as_deref().map(str::parse) {
        Some(Ok(from)) => from,
        _ => return Err(invalid("`from` takes one address, such as `Support <support@example.com>`".to_owned())),
    };
    let to = people("to", texts.to.as_deref())?;
    let cc = people("cc", texts.cc.as_deref())?;
    let bcc = people("bcc", texts.bcc.as_deref())?;
    let subject = texts.subject.clone().unwrap_or_default();
    if let Some(control) = subject.chars().find(|c| c.is_control()) {
        return Err(invalid(format!("`subject` holds {control:?}; a subject is one line (`strip_newlines`)")));
    }
    let since = Duration::from_millis(u64::try_from(now.0).unwrap_or(0));
    let mut builder = Message::builder().from(from.clone()).date(SystemTime::UNIX_EPOCH + since).subject(subject);
    let mut headers = vec![("mail-from".to_owned(), from.email.to_string())];
    for one in &to {
        builder = builder.to(one.clone());
    }
    for one in &cc {
        builder = builder.cc(one.clone());
    }
    for one in people("reply_to", texts.reply_to.as_deref())? {
        builder = builder.reply_to(one);
    }
    // Who gets a blind copy stands in the envelope alone.
    headers.extend(to.iter().chain(&cc).chain(&bcc).map(|one| ("rcpt-to".to_owned(), one.email.to_string())));
    if headers.len() == 1 {
        return Err(invalid("nobody gets the message: `to`, `cc` or `bcc` wanted".to_owned()));
    }
    let made = match (&texts.text, &texts.html) {
        (Some(text), Some(html)) => {
            let both = MultiPart::alternative().boundary("bellwire-alternative");
            builder
                .multipart(both.singlepart(SinglePart::plain(text.clone())).singlepart(SinglePart::html(html.clone())))
        }
        (None, Some(html)) => builder.header(ContentType::TEXT_HTML).body(html.clone()),
        (text, None) => builder.header(ContentType::TEXT_PLAIN).body(text.clone().unwrap_or_default()),
    };
    let made = made.map_err(|error| invalid(format!("the message cannot be made: {error}")))?;
    let message = String::from_utf8(made.formatted())
        .map_err(|_| Fault::new(ErrorClass::RenderType, "the message is no text".to_owned()))?;
    Ok(Made { headers, message })
}

/// Addresses with commas between them.
fn people(what: &str, text: Option<&str>) -> Result<Vec<Mailbox>, Fault> {
    let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return Ok(Vec::new()) };
    let read: Result<Mailboxes, _> = text.parse();
    let people = read.map_err(|_| {
        invalid(format!(
            "`{what}` takes addresses with commas between them, such as `a@example.com, B <b@example.com>`"
        ))
    })?;
    Ok(people.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Texts {
        let some = |text: &str| Some(text.to_owned());
        Texts {
            from: some("Support <support@example.com>"),
            to: some("a@example.com, Bérénice <b@example.com>"),
            bcc: some("boss@example.com"),
            subject: some("Missed call: Grüße"),
            text: some("Line one\nLine two"),
            ..Texts::default()
        }
    }

    #[test]
    fn the_same_texts_make_the_same_bytes() {
        let one = message(&texts(), Time(1_598_615_831_871)).unwrap();
        assert_eq!(one.message, message(&texts(), Time(1_598_615_831_871)).unwrap().message);
        assert!(one.message.contains("Date: Fri, 28 Aug 2020 11:57:11 +0000"), "{}", one.message);
        assert!(!one.message.contains("boss@") && !one.message.contains("Message-ID"), "{}", one.message);
        let names: Vec<&str> = one.headers.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(names, ["support@example.com", "a@example.com", "b@example.com", "boss@example.com"]);
        let both = Texts { html: Some("<p>x</p>".to_owned()), ..texts() };
        let both = message(&both, Time(0)).unwrap().message;
        assert!(both.contains("multipart/alternative") && both.contains("text/html"), "{both}");
    }

    #[test]
    fn nothing_can_be_smuggled_into_a_header() {
        for (wrong, what) in [
            (Texts { subject: Some("a\r\nBcc: x@example.com".to_owned()), ..texts() }, "subject"),
            (Texts { to: Some("a@example.com\r\nBcc: x@example.com".to_owned()), ..texts() }, "to"),
            (Texts { from: Some("a@example.com, b@example.com".to_owned()), ..texts() }, "from"),
            (Texts { to: None, bcc: None, ..texts() }, "nobody"),
            (Texts { cc: Some("nobody".to_owned()), ..texts() }, "cc"),
        ] {
            let fault = message(&wrong, Time(0)).unwrap_err();
            assert!(fault.message.contains(what), "{}", fault.message);
        }
    }
}
