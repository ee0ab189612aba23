//! A request's method is that of its first line, whatever its body says.

use rocket::{
    Data, Request,
    fairing::{Fairing, Info, Kind},
    http::Method,
};

/// The field by which a form asks Rocket for another method.
const FIELD: &[u8] = b"_method";
/// Bytes in which Rocket looks for it: as long as `_method=delete`.
const LOOKED_AT: usize = 14;

/// Rocket takes the method of a POST from a form's first field where that is `_method`, before any fairing is asked. Such a request is
/// refused as one of a method that no route has: a page elsewhere can send forms, and must not reach what forms are not for.
#[derive(Debug)]
pub(super) struct OneMethod;

#[rocket::async_trait]
impl Fairing for OneMethod {
    fn info(&self) -> Info {
        Info { name: "no method from a form", kind: Kind::Request }
    }

    async fn on_request(&self, request: &mut Request<'_>, data: &mut Data<'_>) {
        let is_form = request.content_type().is_some_and(|kind| kind.is_form());
        if !is_form || request.method() == Method::Post {
            return;
        }
        if data.peek(LOOKED_AT).await.windows(FIELD.len()).any(|part| part == FIELD) {
            request.set_method(Method::Trace);
        }
    }
}
