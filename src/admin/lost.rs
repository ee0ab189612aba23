//! An address that nothing answers, for people: the page of a refusal in the place of the JSON that machines get.

use std::io::Cursor;

use rocket::{
    Request, Response,
    fairing::AdHoc,
    http::{ContentType, Method, Status},
};

use crate::admin::{refused::Refused, view};

/// Paths of machines: they get JSON whatever they say they accept.
const OF_MACHINES: [&str; 3] = ["/api", "/hooks", "/profile"];

/// Answers a browser that went astray with a page.
pub(super) fn page() -> AdHoc {
    AdHoc::on_response("a page for lost browsers", |request, response| {
        Box::pin(async move {
            if is_lost_browser(request, response) {
                answer(request, response);
            }
        })
    })
}

fn is_lost_browser(request: &Request<'_>, response: &Response<'_>) -> bool {
    let path = request.uri().path();
    response.status() == Status::NotFound
        && matches!(request.method(), Method::Get | Method::Head)
        && response.content_type() == Some(ContentType::JSON)
        && request.headers().get_one("Accept").is_some_and(|accept| accept.starts_with("text/html"))
        && !OF_MACHINES.iter().any(|machines| path.starts_with(machines))
}

fn answer(request: &Request<'_>, response: &mut Response<'_>) {
    let refused = Refused::new(404, "not_found", "There is no page at this address. Perhaps a part of it is missing.");
    let page = view::refused(request, &refused);
    response.set_header(ContentType::HTML);
    response.set_header(view::policy());
    response.set_sized_body(page.len(), Cursor::new(page));
}
