//! What pages load: packed, kept for good under an address that tells its content, and nothing else than what is compiled in.

use std::io::Read as _;

use flate2::read::GzDecoder;

use super::overview::{Seen, get, get_with};
use crate::support::{app::TestApp, journal::Journal};

/// The addresses of what a page loads.
fn loaded(page: &str) -> Vec<String> {
    let parts = page.split('"').filter(|part| part.starts_with("/assets/"));
    let mut all: Vec<String> = parts.map(|part| part.split('#').next().unwrap().to_owned()).collect();
    all.sort();
    all.dedup();
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_loads_is_small_packed_and_kept_for_good() {
    let app = TestApp::start(Journal::start([]).await).await;
    let page = get(&app, "/").await;
    let assets = loaded(&page.text);
    for name in ["app.css", "app.js", "htmx.js", "icon.svg", "icons.svg"] {
        assert!(assets.iter().any(|asset| asset.ends_with(name)), "{name} of {assets:?}");
    }
    let mut wire = page.bytes.len();
    for asset in &assets {
        let plain = get(&app, asset).await;
        assert_eq!(plain.status, 200, "{asset}");
        assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable", "{asset}");
        assert_eq!(plain.header("content-encoding"), "", "{asset}");
        let packed = get_with(&app, asset, &[("Accept-Encoding", "gzip, br")]).await;
        assert_eq!(packed.header("content-encoding"), "gzip", "{asset}");
        assert_eq!(packed.header("vary"), "Accept-Encoding", "{asset}");
        wire += packed.bytes.len();
        let mut opened = Vec::new();
        GzDecoder::new(packed.bytes.as_slice()).read_to_end(&mut opened).unwrap();
        assert_eq!(opened, plain.bytes, "{asset}");
    }
    let size =
        async |name: &str| get(&app, assets.iter().find(|asset| asset.ends_with(name)).unwrap()).await.bytes.len();
    assert!(size("app.css").await < 36 * 1024 && size("app.js").await < 16 * 1024);
    assert!(wire < 100_000, "the first load takes {wire} bytes");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_address_gives_what_is_there_now_and_is_not_kept() {
    let app = TestApp::start(Journal::start([]).await).await;
    let old = get(&app, "/assets/000000000000/app.css").await;
    assert_eq!((old.status, old.header("content-type")), (200, "text/css; charset=utf-8"));
    assert!(!old.header("cache-control").contains("immutable"));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_compiled_in_is_served_whatever_the_path_says() {
    let app = TestApp::start(Journal::start([]).await).await;
    let page = get(&app, "/").await;
    let folder = loaded(&page.text).into_iter().find(|asset| asset.ends_with("app.css")).unwrap();
    let folder = folder.strip_suffix("app.css").unwrap().to_owned();
    let tricks = [
        "..%2fapp.css",
        "%2e%2e/app.css",
        "%2e%2e%2f%2e%2e%2fbellwire.toml",
        "..%5capp.css",
        "%5c..%5cbellwire.toml",
        "%2fetc%2fpasswd",
        "/etc/passwd",
        ".env",
        ".git%2fHEAD",
        "app.css%00.js",
        "app.css%2f",
        "APP.CSS",
        "app.css.map",
        "app%2ecss%20",
        "",
        ".",
        "%2e",
        "*",
        "data%2fbellwire.db",
        "app.css;a=b",
    ];
    // Empty parts of a path say nothing: what is there is there.
    for same in ["app.css/", "/app.css"] {
        let seen = super::overview::raw(&app, &format!("{folder}{same}")).await;
        assert!(seen.status == 404 || seen.text.contains("text/css"), "{same}: {}", seen.status);
    }
    for trick in tricks {
        let path = format!("{folder}{trick}");
        let seen: Seen = super::overview::raw(&app, &path).await;
        assert_eq!(seen.status, 404, "{path}: {}", seen.text);
        assert!(!seen.text.contains("color-scheme") && !seen.text.contains("[server]"), "{path}");
    }
}
