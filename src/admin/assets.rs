//! What pages load: styles and scripts, compiled in, at addresses that change with their content.

use std::{io::Cursor, sync::LazyLock};

use flate2::Compression;
use rocket::{
    Request, Response,
    http::{Header, Status},
    response::{self, Responder},
};
use sha2::{Digest as _, Sha256};

use super::{
    guard::{Guarded, public},
    packed::{TakesGzip, pack},
};

/// Name, content type, content.
const FILES: &[(&str, &str, &[u8])] = &[
    ("app.css", "text/css; charset=utf-8", include_bytes!("../../web/static/app.css")),
    ("app.js", "text/javascript; charset=utf-8", include_bytes!("../../web/static/app.js")),
    ("htmx.js", "text/javascript; charset=utf-8", include_bytes!("../../web/static/htmx.js")),
    ("editor.js", "text/javascript; charset=utf-8", include_bytes!("../../web/static/editor.js")),
    ("icons.svg", "image/svg+xml", include_bytes!("../../web/static/icons.svg")),
    ("editor.css", "text/css; charset=utf-8", include_bytes!("../../web/static/editor.css")),
    ("LICENSES.txt", "text/plain; charset=utf-8", include_bytes!("../../web/static/LICENSES.txt")),
    ("icon.svg", "image/svg+xml", include_bytes!("../../web/static/icon.svg")),
];

struct Asset {
    name: &'static str,
    kind: &'static str,
    plain: &'static [u8],
    packed: Vec<u8>,
    digest: String,
}

static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| FILES.iter().map(|file| asset(*file)).collect());

fn asset((name, kind, plain): (&'static str, &'static str, &'static [u8])) -> Asset {
    let packed = pack(plain, Compression::best());
    let digest = hex::encode(Sha256::digest(plain)).chars().take(12).collect();
    Asset { name, kind, plain, packed, digest }
}

/// The address of an asset: `/assets/<digest>/app.css`. Of one that is not there, an address that is not either.
pub(super) fn address(name: &str) -> String {
    let digest = ASSETS.iter().find(|asset| asset.name == name).map_or("0", |asset| asset.digest.as_str());
    format!("/assets/{digest}/{name}")
}

pub(super) fn routes() -> Vec<Guarded> {
    public(rocket::routes![get])
}

/// An asset by its exact name. Any other digest than its own is an old page's: it gets what is there now, for no longer than this once.
#[rocket::get("/assets/<digest>/<name>")]
fn get(digest: &str, name: &str) -> Option<Sending> {
    let asset = ASSETS.iter().find(|asset| asset.name == name)?;
    Some(Sending { asset, is_current: asset.digest == digest })
}

struct Sending {
    asset: &'static Asset,
    is_current: bool,
}

impl<'r> Responder<'r, 'static> for Sending {
    fn respond_to(self, request: &'r Request<'_>) -> response::Result<'static> {
        let mut response = Response::build();
        response.status(Status::Ok).header(Header::new("Content-Type", self.asset.kind));
        response.header(Header::new("Vary", "Accept-Encoding"));
        if self.is_current {
            response.header(Header::new("Cache-Control", "public, max-age=31536000, immutable"));
        }
        if TakesGzip::of(request).0 && !self.asset.packed.is_empty() {
            let packed = self.asset.packed.as_slice();
            return response
                .header(Header::new("Content-Encoding", "gzip"))
                .sized_body(packed.len(), Cursor::new(packed))
                .ok();
        }
        response.sized_body(self.asset.plain.len(), Cursor::new(self.asset.plain)).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_editor_is_less_than_180_kb_over_the_wire() {
        let editor = ASSETS.iter().find(|asset| asset.name == "editor.js").map(|asset| asset.packed.len());
        assert!(matches!(editor, Some(1..180_000)), "{editor:?}");
    }
}
