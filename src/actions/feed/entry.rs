//! One entry of a feed, by the names that all kinds of feed share.

use super::tree::{Element, Space};
use crate::{
    clock::Time,
    value::{Object, Value},
};

/// An item of RSS, whatever its version.
pub(super) fn rss(item: &Element) -> Value {
    let plain = |name: &str| item.text_of(Space::Plain, name);
    let guid = plain("guid").or_else(|| item.attribute("rdf:about"));
    let link = plain("link").or_else(|| guid.clone().filter(|guid| is_address(guid)));
    let content = item.text_of(Space::Content, "encoded");
    let published = plain("pubDate").or_else(|| item.text_of(Space::Dublin, "date"));
    let author = plain("author").or_else(|| item.text_of(Space::Dublin, "creator"));
    let categories = item.texts(Space::Plain, "category").chain(item.texts(Space::Dublin, "subject"));
    entry([
        ("id", guid.or_else(|| link.clone()).into()),
        ("title", plain("title").into()),
        ("link", link.into()),
        ("published", time(published.as_deref())),
        ("updated", Value::Null),
        ("summary", plain("description").into()),
        ("content", content.into()),
        ("author", author.into()),
        ("categories", categories.collect()),
    ])
}

/// An entry of Atom.
pub(super) fn atom(item: &Element) -> Value {
    let own = |name: &str| item.text_of(Space::Atom, name);
    let links = item.children.iter().filter(|child| child.space == Space::Atom && child.name == "link");
    let is_alternate = |link: &&Element| link.attribute("rel").is_none_or(|rel| rel == "alternate");
    let link = links.filter(is_alternate).find_map(|link| link.attribute("href"));
    let author = item.child(Space::Atom, "author");
    let author =
        author.and_then(|author| author.text_of(Space::Atom, "name").or_else(|| author.text_of(Space::Atom, "email")));
    let categories = item.children.iter().filter(|child| child.space == Space::Atom && child.name == "category");
    entry([
        ("id", own("id").or_else(|| link.clone()).into()),
        ("title", own("title").into()),
        ("link", link.into()),
        ("published", time(own("published").as_deref())),
        ("updated", time(own("updated").as_deref())),
        ("summary", own("summary").into()),
        ("content", own("content").into()),
        ("author", author.into()),
        ("categories", categories.filter_map(|category| category.attribute("term")).collect()),
    ])
}

fn entry(fields: [(&str, Value); 9]) -> Value {
    Value::Object(fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Object>())
}

fn is_address(text: &str) -> bool {
    text.starts_with("https://") || text.starts_with("http://")
}

/// A time as RFC 3339 or as e-mails have it. Null where it is neither.
fn time(text: Option<&str>) -> Value {
    let Some(text) = text else { return Value::Null };
    let mail = || jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok();
    let at = Time::parse(text).or_else(|| mail().map(|at| Time(at.as_millisecond())));
    at.map_or(Value::Null, |at| at.to_string().into())
}
