//! What a first visit loads: the page and all that it names, as it comes over the wire.

use std::{collections::BTreeSet, net::SocketAddr};

use super::{asked::Asker, person::Person};

const PAGES: [&str; 15] = [
    "/",
    "/events",
    "/runs",
    "/problems",
    "/rules",
    "/people",
    "/calls",
    "/audit",
    "/jobs",
    "/sources",
    "/services",
    "/schedules",
    "/settings",
    "/users",
    "/tokens",
];

pub(super) async fn figures(address: SocketAddr, person: &Person) {
    let mut asker = Asker::connect(address, person.clone()).await;
    let mut largest = (0, "");
    for path in PAGES {
        let (page, assets) = load(&mut asker, path).await;
        if page + assets > largest.0 {
            largest = (page + assets, path);
        }
        println!("    {path:<12} {:>6.1} KB of page, {:>5.1} KB of assets", kb(page), kb(assets));
    }
    println!("  the largest first load is {} with {:.1} KB (goal: under 100)", largest.1, kb(largest.0));
    let (page, assets) = load(&mut asker, "/rules/new").await;
    println!("    /rules/new {:.1} KB of page, {:.1} KB of assets", kb(page), kb(assets));
    let answer = asker.get_packed("/rules/schema.json").await;
    let is_packed = answer.head.to_ascii_lowercase().contains("content-encoding: gzip");
    println!("  /rules/schema.json {:.1} KB, packed: {is_packed}", kb(answer.body.len()));
}

/// Bytes of a page, and of the assets that it names.
async fn load(asker: &mut Asker, path: &str) -> (usize, usize) {
    let plain = String::from_utf8(asker.get(path).await.body).unwrap();
    let page = asker.get_packed(path).await.body.len();
    let named: BTreeSet<&str> =
        plain.match_indices("\"/assets/").filter_map(|(at, _)| plain.get(at + 1..)?.split(['"', '#']).next()).collect();
    let mut assets = 0;
    for asset in named {
        assets += asker.get_packed(asset).await.body.len();
    }
    (page, assets)
}

fn kb(bytes: usize) -> f64 {
    bytes as f64 / 1000.0
}
