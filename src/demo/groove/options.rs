//! What the stand-in does where nothing public says what Groove does.

use std::{fmt, sync::Arc};

use super::Note;

/// Called with each note that arrives.
pub type OnNote = Arc<dyn Fn(&Note) + Send + Sync>;

/// How the stand-in behaves. The default is the best reading of what is known.
#[derive(Clone)]
pub struct Options {
    /// The token that requests must carry.
    pub token: String,
    /// Numbers of the tickets that are there at first.
    pub tickets: Vec<i64>,
    /// E-mail of those tickets' customer.
    pub customer: String,
    /// E-mail of the agent whose token it is: who wrote what names no author.
    pub token_user: String,
    /// Called with each note that arrives.
    pub on_note: Option<OnNote>,
    /// The time in answers, RFC 3339.
    pub now: Arc<dyn Fn() -> String + Send + Sync>,
    /// Status for a request that is not valid: 422 or 400.
    pub invalid_status: u16,
    /// Body of every refusal.
    pub error_shape: ErrorShape,
    /// Whether a parameter that is not documented is refused.
    pub refuse_unknown: bool,
    /// Status of an answer to one who calls too often: 429 or 503.
    pub throttled_status: u16,
    /// Seconds in `Retry-After` of that answer; none where `None`.
    pub retry_after: Option<u64>,
    /// Status of a message that was taken: 201 or 200.
    pub message_status: u16,
    /// Status of a change of a ticket: 204 without a body, or 200 with the ticket.
    pub change_status: u16,
    /// Where the answer to a new webhook holds its id.
    pub webhook_id: WebhookId,
    /// What happens above 50 a page.
    pub page_too_large: PageTooLarge,
    /// Whether answers hold fields that were seen live but are not documented, such as a message's `id`.
    pub live_fields: bool,
    /// What an `href` begins with, such as `https://api.groovehq.com/v1`; the stand-in's own address where `None`.
    pub href_base: Option<String>,
}

/// The body of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorShape {
    /// `{"error": "..."}`
    Error,
    /// `{"errors": ["..."]}`
    Errors,
    /// `{"message": "..."}`
    Message,
    /// No body.
    Empty,
}

/// Where the answer to a new webhook holds its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WebhookId {
    /// Nowhere, as in what is documented.
    None,
    /// In the body, as `webhook.id`.
    Body,
    /// At the end of the header `Location`.
    Location,
}

/// What happens above 50 a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PageTooLarge {
    /// 50 are given.
    Clamp,
    /// The request is not valid.
    Refuse,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            token: "groove-demo-token".into(),
            tickets: vec![1, 42],
            customer: "customer@example.com".into(),
            token_user: "agent@example.com".into(),
            on_note: None,
            now: Arc::new(|| "2012-07-17T13:41:01Z".into()),
            invalid_status: 422,
            error_shape: ErrorShape::Error,
            refuse_unknown: false,
            throttled_status: 429,
            retry_after: Some(1),
            message_status: 201,
            change_status: 204,
            webhook_id: WebhookId::None,
            page_too_large: PageTooLarge::Clamp,
            live_fields: true,
            href_base: None,
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Options({} tickets)", self.tickets.len())
    }
}
