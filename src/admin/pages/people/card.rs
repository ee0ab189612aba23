//! The card as Groove shows it, alone in a document that may do nothing.

use std::{io::Cursor, sync::Arc};

use rocket::{
    Request, Response, State,
    http::{ContentType, Header},
    response::{self, Responder},
};

use crate::{
    admin::{
        act::people::email_of,
        card::{self as cards, CardOf, card_answer, card_template},
        refused::Refused,
        state::Admin,
    },
    model::Keeper,
};

/// A document that runs nothing, loads nothing, and stands in frames of ours alone.
pub(super) struct Card(String);

impl<'r> Responder<'r, 'static> for Card {
    fn respond_to(self, _request: &'r Request<'_>) -> response::Result<'static> {
        let policy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; \
                      frame-ancestors 'self'";
        let mut response = Response::build();
        response.header(ContentType::HTML).header(Header::new("Content-Security-Policy", policy));
        response.header(Header::new("X-Frame-Options", "SAMEORIGIN"));
        response.sized_body(self.0.len(), Cursor::new(self.0)).ok()
    }
}

#[rocket::get("/people/<email>/card")]
pub(super) async fn card(admin: &State<Admin>, email: &str) -> Result<Card, Refused> {
    let email = email_of(email)?;
    let attributes = admin.store.attributes(Keeper::Profile, email.clone()).await?;
    let (config, now) = (Arc::clone(&admin.config), admin.clock.now());
    // A template may take its second.
    let rendered = tokio::task::spawn_blocking(move || {
        let template = card_template(&config, None)?;
        let of = CardOf { email: &email, full_name: "", status: "" };
        cards::card(&template, &card_answer(&attributes), of, now)
    });
    let rendered = rendered.await.map_err(|error| Refused::new(500, "internal", error.to_string()))?;
    rendered.map(Card).map_err(|why| Refused::new(422, "invalid", format!("The card's template does not hold: {why}.")))
}
