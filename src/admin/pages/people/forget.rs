//! The right to erasure: asked for by the address typed once more, and how far it has come.

use askama::Template;
use rocket::{State, response::Redirect};

use crate::{
    admin::{
        act,
        forgetting::{Forgetting, Progress},
        here::encoded,
        refused::Refused,
        sent::Sent,
        state::Admin,
        view::{Frame, Page, page},
    },
    model::Person,
};

#[rocket::post("/people/<email>/forget", data = "<sent>")]
pub(super) async fn forget(
    admin: &State<Admin>,
    forgetting: &State<Forgetting>,
    person: &Person,
    email: &str,
    sent: Result<Sent, Refused>,
) -> Result<Redirect, Refused> {
    let sent = sent?;
    act::people::forget(admin, person, forgetting, email, sent.wanted("typed")?).await?;
    Ok(Redirect::to(format!("/people/{}/forgetting", encoded(&act::people::email_of(email)?))))
}

#[derive(Template)]
#[template(path = "forgetting.html")]
struct Forgets {
    frame: Frame,
    email: String,
    href: String,
    progress: Progress,
}

impl Forgets {
    fn is_under_way(&self) -> bool {
        self.progress.end.is_none()
    }

    fn all(&self) -> u64 {
        self.progress.all.max(self.progress.looked).max(1)
    }
}

#[rocket::get("/people/<email>/forgetting")]
pub(super) fn progress(admin: &State<Admin>, forgetting: &State<Forgetting>, person: &Person, email: &str) -> Page {
    let email = act::people::email_of(email)?;
    let progress = forgetting.of(&email).ok_or_else(|| Refused::missing("search for this person under way"))?;
    let frame = Frame::new(admin, person, "/people", "Forgetting a person");
    page(&Forgets { frame, href: encoded(&email), email, progress })
}
