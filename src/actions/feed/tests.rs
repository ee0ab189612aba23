//! The three kinds of feed, and what is refused.

use serde_json::json;

use super::*;

const RSS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<!-- made by hand -->
<rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:content="http://purl.org/rss/1.0/modules/content/"
     xmlns:atom="http://www.w3.org/2005/Atom">
  <channel>
    <title>News &amp; notes</title>
    <link>https://example.com/</link>
    <atom:link href="https://example.com/feed.xml" rel="self"/>
    <item>
      <title>Second &#8212; <![CDATA[<b>bold</b>]]></title>
      <link>https://example.com/2</link>
      <guid isPermaLink="false">tag-2</guid>
      <pubDate>Sun, 01 Mar 2026 10:00:00 +0200</pubDate>
      <description>&lt;p&gt;Two&lt;/p&gt;</description>
      <content:encoded><![CDATA[<p>Two in full</p>]]></content:encoded>
      <dc:creator>Ann</dc:creator>
      <category>a</category><category>b</category>
    </item>
    <item>
      <title>First</title>
      <guid>https://example.com/1</guid>
      <pubDate>yesterday</pubDate>
    </item>
    <item><title>Without both</title></item>
  </channel>
</rss>"#;

const RDF: &str = r#"<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
    xmlns:dc="http://purl.org/dc/elements/1.1/">
  <channel rdf:about="https://example.com/"><title>Old news</title></channel>
  <item rdf:about="https://example.com/1"><title>One</title><link>https://example.com/1?x</link><dc:date>2026-03-01T10:00:00Z</dc:date></item>
</rdf:RDF>"#;

const ATOM: &str = r#"<a:feed xmlns:a="http://www.w3.org/2005/Atom">
  <a:title type="text">Releases</a:title>
  <a:entry>
    <a:id>urn:uuid:7</a:id><a:title>v7</a:title>
    <a:link rel="self" href="https://example.com/self"/><a:link href="https://example.com/v7"/>
    <a:published>2026-03-01T10:00:00+01:00</a:published><a:updated>2026-03-01T11:00:00Z</a:updated>
    <a:content type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>New &amp; <b>fine</b></p></div></a:content>
    <a:author><a:name>Ann</a:name></a:author><a:category term="release"/>
  </a:entry>
</a:feed>"#;

#[test]
fn rss_2_is_read() {
    let feed = read(RSS).unwrap();
    assert_eq!(feed["title"], json!("News & notes"));
    assert_eq!(
        feed["items"][0],
        json!({
            "id": "tag-2", "title": "Second \u{2014} <b>bold</b>", "link": "https://example.com/2",
            "published": "2026-03-01T08:00:00Z", "updated": null, "summary": "<p>Two</p>", "content": "<p>Two in full</p>",
            "author": "Ann", "categories": ["a", "b"],
        })
    );
    let second = &feed["items"][1];
    assert_eq!((&second["id"], &second["link"]), (&json!("https://example.com/1"), &json!("https://example.com/1")));
    assert_eq!(second["published"], json!(null), "what is no time is none");
    assert_eq!(feed["items"][2]["id"], json!(null));
}

#[test]
fn rss_1_is_read() {
    let feed = read(RDF).unwrap();
    assert_eq!(feed["title"], json!("Old news"));
    let item = &feed["items"][0];
    assert_eq!((&item["id"], &item["link"]), (&json!("https://example.com/1"), &json!("https://example.com/1?x")));
    assert_eq!(item["published"], json!("2026-03-01T10:00:00Z"));
}

#[test]
fn atom_is_read_whatever_its_prefix() {
    let feed = read(ATOM).unwrap();
    assert_eq!(
        feed["items"],
        json!([{
            "id": "urn:uuid:7", "title": "v7", "link": "https://example.com/v7", "published": "2026-03-01T09:00:00Z",
            "updated": "2026-03-01T11:00:00Z", "summary": null,
            "content": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>New &amp; <b>fine</b></p></div>", "author": "Ann",
            "categories": ["release"],
        }])
    );
}

#[test]
fn a_feed_is_told_by_its_first_element() {
    for text in [RSS, RDF, ATOM, "\u{feff} <feed/>"] {
        assert!(is_feed(text));
    }
    for text in ["", "<html/>", "{}", "<?xml", "<!-- <rss> -->", "text about <rss>"] {
        assert!(!is_feed(text), "{text}");
    }
}

#[test]
fn hostile_xml_is_refused() {
    let deep = format!("<rss>{}{}</rss>", "<a>".repeat(100_000), "</a>".repeat(100_000));
    let wide = format!("<rss>{}</rss>", "<a/>".repeat(NAMES_AND_MORE));
    for (text, error) in [
        (r#"<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><rss>&b;</rss>"#, FeedError::Doctype),
        (r#"<!DOCTYPE rss SYSTEM "file:///etc/passwd"><rss/>"#, FeedError::Doctype),
        ("<rss>\n&boom;</rss>", FeedError::Entity(2)),
        ("<rss a=\"&boom;\"/>", FeedError::Entity(1)),
        (&deep, FeedError::Depth),
        (&wide, FeedError::Names),
        ("<rss>\n<a>\n</b></rss>", FeedError::Syntax(3)),
        ("<rss><channel>", FeedError::Syntax(1)),
        ("<feed/>", FeedError::Other("feed".to_owned())),
        ("<html/>", FeedError::Other("html".to_owned())),
        ("", FeedError::Syntax(1)),
    ] {
        assert_eq!(read(text), Err(error), "{}", text.get(..60).unwrap_or(text));
    }
    let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title type="xhtml"><div>never closed</feed>"#;
    assert!(matches!(read(atom), Err(FeedError::Syntax(_))));
}

/// More elements than are read.
const NAMES_AND_MORE: usize = tree::NAMES + 1;
