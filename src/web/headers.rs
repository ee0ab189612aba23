//! The headers that every answer carries.

use rocket::{
    Request, Response,
    fairing::{Fairing, Info, Kind},
    http::Header,
};

/// Name and value of the headers of every answer; a page that needs another policy sets it itself, and that one stays.
pub const STANDARD: [(&str, &str); 7] = [
    ("X-Content-Type-Options", "nosniff"),
    ("Cache-Control", "no-store"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'"),
    ("X-Frame-Options", "DENY"),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
];

/// Sets them on whatever Rocket answers.
#[derive(Debug)]
pub struct Headers;

#[rocket::async_trait]
impl Fairing for Headers {
    fn info(&self) -> Info {
        Info { name: "headers of every answer", kind: Kind::Response }
    }

    async fn on_response<'r>(&self, _request: &'r Request<'_>, response: &mut Response<'r>) {
        response.remove_header("Server");
        for (name, value) in STANDARD {
            if !response.headers().contains(name) {
                response.set_header(Header::new(name, value));
            }
        }
    }
}
