//! How an answer in pages is gathered.

use super::{check::reply_path, raw::Node};
use crate::{templates::Leaf, value::Path};

/// Pages that are asked for at most unless a pack says otherwise.
const PAGES: u64 = 20;

/// How an answer in pages is gathered.
#[derive(Debug)]
pub struct Paging {
    /// Where in `{status, headers, body}` a page's list is; the lists of all pages together are what the action's result is taken from:
    /// they stand in the place of the first page's.
    pub items: Path,
    /// How the next page is asked for.
    pub next: Next,
    /// Parameters of the first request's query that are added to `next` where it lacks them.
    pub keep: Vec<String>,
    /// Items that are gathered at most; sees the action's inputs.
    pub limit: Leaf,
    /// Requests at most.
    pub pages: u32,
}

impl Paging {
    /// Items that are gathered unless a pack says otherwise.
    pub const LIMIT: u32 = 500;
}

/// How the next page is asked for. Each ends at an empty page, too.
#[derive(Debug)]
pub enum Next {
    /// A place with the address of the next page (whole, of the same origin, or a path); null or missing on the last.
    Url(Path),
    /// The address in the `Link` header whose `rel` is `next` (RFC 8288).
    Link,
    /// A place with a text that the next request gives back; null, missing or empty on the last.
    Cursor {
        /// The place.
        from: Path,
        /// The parameter of the query that takes it, or a place in the JSON body of the request.
        into: CursorPlace,
    },
    /// Pages are counted, from 1 unless the request says otherwise.
    Page {
        /// The parameter of the query.
        query: String,
        /// The place with the number of the last page. `None`: an empty page is behind the last.
        last: Option<Path>,
    },
    /// Items are counted.
    Offset {
        /// The parameter of the query with how many were seen.
        query: String,
    },
}

/// Where a cursor goes.
#[derive(Debug)]
pub enum CursorPlace {
    /// A parameter of the query.
    Query(String),
    /// A place in the JSON body.
    Json(Path),
}

/// Reads `paging`. `None` where it does not hold together; the findings say why.
pub(super) fn paging(node: &Node<'_>, inputs: &[&str]) -> Option<Paging> {
    node.object()?;
    node.keys(&["items", "next", "link", "cursor", "page", "offset", "keep", "limit", "pages"]);
    let items = node.want("items").and_then(|node| reply_path(&node));
    let next = next(node);
    let keep = node.get("keep").map(|node| node.list().iter().filter_map(Node::text).collect()).unwrap_or_default();
    let limit = match node.get("limit") {
        Some(node) => node.leaf(inputs),
        None => Leaf::parse(&Paging::LIMIT.into(), &crate::templates::Files::default()).ok(),
    };
    let pages = node.get("pages").map_or(Some(PAGES), |node| node.number(1, 100));
    Some(Paging { items: items?, next: next?, keep, limit: limit?, pages: u32::try_from(pages?).ok()? })
}

fn next(node: &Node<'_>) -> Option<Next> {
    let ways: Vec<Node<'_>> =
        ["next", "link", "cursor", "page", "offset"].iter().filter_map(|name| node.get(name)).collect();
    let [way] = ways.as_slice() else {
        node.finding(
            "P004",
            "one of `next`, `link`, `cursor`, `page` and `offset` wanted",
            "it says how the next page is asked for",
        );
        return None;
    };
    match way.name() {
        "next" => Some(Next::Url(reply_path(way)?)),
        "link" => way.word(&[("next", ())]).map(|()| Next::Link),
        "cursor" => {
            way.object()?;
            way.keys(&["from", "query", "json"]);
            let from = way.want("from").and_then(|node| reply_path(&node));
            let into = match (way.get("query"), way.get("json")) {
                (Some(query), None) => CursorPlace::Query(query.text()?),
                (None, Some(json)) => CursorPlace::Json(json.path()?),
                _ => {
                    way.finding(
                        "P004",
                        "one of `query` and `json` wanted",
                        "it says where the next request gives the cursor back",
                    );
                    return None;
                }
            };
            Some(Next::Cursor { from: from?, into })
        }
        "page" => {
            way.object()?;
            way.keys(&["query", "last"]);
            let last = way.get("last").and_then(|node| reply_path(&node));
            Some(Next::Page { query: way.want("query")?.text()?, last })
        }
        _ => {
            way.object()?;
            way.keys(&["query"]);
            Some(Next::Offset { query: way.want("query")?.text()? })
        }
    }
}
