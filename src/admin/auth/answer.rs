//! Answers that set cookies.

use rocket::{
    Request, Response,
    http::{Header, Status},
    response::{self, Responder},
};

use crate::admin::view::Html;

/// A page or a redirect, with cookies.
pub(in crate::admin) struct Answer {
    inner: Inner,
    cookies: Vec<String>,
}

enum Inner {
    Page(u16, Html),
    To(String),
}

impl Answer {
    /// A page with this status.
    pub(in crate::admin) fn page(status: u16, html: Html) -> Self {
        Self { inner: Inner::Page(status, html), cookies: Vec::new() }
    }

    /// On to another page.
    pub(in crate::admin) fn to(place: impl Into<String>) -> Self {
        Self { inner: Inner::To(place.into()), cookies: Vec::new() }
    }

    /// The same with these `Set-Cookie` headers.
    pub(in crate::admin) fn with(mut self, cookies: Vec<String>) -> Self {
        self.cookies = cookies;
        self
    }
}

impl<'r> Responder<'r, 'static> for Answer {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let mut response = match self.inner {
            Inner::Page(status, html) => {
                let mut response = html.respond_to(request)?;
                response.set_status(Status::new(status));
                response
            }
            Inner::To(place) => {
                let mut response = Response::new();
                response.set_status(Status::SeeOther);
                response.set_header(Header::new("Location", place));
                response
            }
        };
        for cookie in self.cookies {
            response.adjoin_header(Header::new("Set-Cookie", cookie));
        }
        Ok(response)
    }
}
