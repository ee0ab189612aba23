//! What XML is as a value, both ways, and what is refused.

use serde_json::json;

use super::*;
use crate::value::Value;

fn read(text: &str) -> Result<Value, XmlError> {
    read_xml(text.as_bytes())
}

#[test]
fn elements_attributes_texts_and_lists_have_their_places() {
    for (text, value) in [
        ("<a/>", json!({"a": ""})),
        ("<a></a>", json!({"a": ""})),
        ("<a> x \n</a>", json!({"a": "x"})),
        ("<a b='1'/>", json!({"a": {"@b": "1"}})),
        ("<a b='1'>x</a>", json!({"a": {"@b": "1", "#text": "x"}})),
        ("<a>\n  <b>1</b>\n  <c/>\n</a>", json!({"a": {"b": "1", "c": ""}})),
        ("<a><b>1</b><c>2</c><b>3</b><b x=\"4\"/></a>", json!({"a": {"b": ["1", "3", {"@x": "4"}], "c": "2"}})),
        ("<a>x<b>1</b>y</a>", json!({"a": {"b": "1", "#text": "xy"}})),
        ("<a>&lt;&#x41;&#66;&amp;&quot;&apos;&gt;</a>", json!({"a": "<AB&\"'>"})),
        ("<a b='&lt;&#10;x\ny'/>", json!({"a": {"@b": "<\nx y"}})),
        ("<a><![CDATA[<b>&amp;]]></a>", json!({"a": "<b>&amp;"})),
        ("<a>1\r\n2\r3</a>", json!({"a": "1\n2\n3"})),
        (
            "<s:E xmlns:s='urn:x' xmlns='urn:y'><s:B><ä>é</ä></s:B></s:E>",
            json!({"s:E": {"@xmlns:s": "urn:x", "@xmlns": "urn:y", "s:B": {"ä": "é"}}}),
        ),
        ("\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?><!-- c --><?pi x?>\n<a/>\n<!-- d -->", json!({"a": ""})),
        ("<a><!-- no -->x<?pi?>y</a>", json!({"a": "xy"})),
    ] {
        assert_eq!(read(text), Ok(value), "{text}");
    }
}

#[test]
fn document_types_and_entities_are_refused() {
    let bomb = "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>";
    let external = "<!DOCTYPE a SYSTEM \"http://127.0.0.1/x.dtd\"><a/>";
    let file = "<?xml version='1.0'?><!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>";
    for text in [bomb, external, file, "<!doctype a><a/>"] {
        assert!(matches!(read(text), Err(XmlError::Doctype | XmlError::Syntax { .. })), "{text}");
    }
    assert_eq!(read(bomb), Err(XmlError::Doctype));
    assert_eq!(read("<a>\n&nbsp;</a>"), Err(XmlError::Entity { line: 2 }));
    assert_eq!(read("<a b='&x;'/>"), Err(XmlError::Entity { line: 1 }));
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for text in [
        "",
        " ",
        "x",
        "<a>",
        "<a></b>",
        "</a>",
        "<a/><b/>",
        "<a/>x",
        "x<a/>",
        "<a b='1' b='2'/>",
        "<a b=1/>",
        "<a b/>",
        "<a b='<'/>",
        "<a>&</a>",
        "<a>&#0;</a>",
        "<a>&#xFFFE;</a>",
        "<a b='&#1;'/>",
        "<a>\0</a>",
        "<a>\u{1}</a>",
        "<1/>",
        "<a><!-- -- --></a>",
        "<a/><?xml version='1.0'?>",
        " <?xml version='1.0'?><a/>",
        "<![CDATA[x]]><a/>",
        "&amp;<a/>",
        "{\"a\": 1}",
        "<a",
        "<",
    ] {
        assert!(matches!(read(text), Err(XmlError::Syntax { .. })), "{text:?}: {:?}", read(text));
    }
    assert_eq!(read("<a>\n\n</b>"), Err(XmlError::Syntax { line: 3 }));
    assert_eq!(read_xml(b"<a>\xff</a>"), Err(XmlError::NotUtf8));
    assert_eq!(read("<?xml version='1.0' encoding='ISO-8859-1'?><a/>"), Err(XmlError::Encoding));
    for other in [
        &b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe4</a>"[..],
        b"\xff\xfe<\0a\0/\0>\0",
        b"\xfe\xff\0<\0a\0/\0>",
        b"<\0?\0x\0m\0l\0",
        b"\0<\0?\0x\0m\0l",
    ] {
        assert_eq!(read_xml(other), Err(XmlError::Encoding), "{other:?}");
    }
}

#[test]
fn depth_and_names_are_bounded() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    assert!(read(&nested(XML_DEPTH)).is_ok());
    assert_eq!(read(&nested(XML_DEPTH + 1)), Err(XmlError::TooDeep));
    assert_eq!(read(&"<a>".repeat(100_000)), Err(XmlError::TooDeep));
    assert_eq!(read(&format!("<a>{}</a>", "<b/>".repeat(MOST_XML_NAMES))), Err(XmlError::TooMany));
    let attributes: String = (0..100_000).map(|n| format!(" a{n}=''")).collect();
    assert_eq!(read(&format!("<a{attributes}/>")), Err(XmlError::TooMany));
    assert_eq!(read(&format!("<{}/>", "n".repeat(1025))), Err(XmlError::LongName));
}

#[test]
fn the_deepest_document_is_a_value_that_json_takes_too() {
    let mut deep = "<x y='1'/><x/>".to_owned();
    for _ in 0..XML_DEPTH - 2 {
        deep = format!("<x>{deep}</x><x/>");
    }
    let value = read(&format!("<r>{deep}</r>")).unwrap();
    assert!(crate::value::read_json(value.to_string().as_bytes(), crate::value::JsonLimits::default()).is_ok());
}

#[test]
fn a_value_is_written_with_its_marks_escaped() {
    let value = json!({"order": {
        "@id": 7, "@note": "a\"<\n\t&", "item": [{"sku": "1 & 2"}, "]]>", null], "none": null, "empty": "", "paid": true,
        "nothing": [], "#text": "x\r",
    }});
    assert_eq!(
        write_xml(&value).unwrap(),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><order id=\"7\" note=\"a&quot;&lt;&#10;&#9;&amp;\">\
         <item><sku>1 &amp; 2</sku></item><item>]]&gt;</item><empty></empty><paid>true</paid>x&#13;</order>"
    );
    assert_eq!(write_xml(&json!({"a": null})).unwrap(), "<?xml version=\"1.0\" encoding=\"UTF-8\"?><a/>");
    assert_eq!(write_xml(&json!({"a": {"@b": "1>0"}})).unwrap().split_once("?>").unwrap().1, "<a b=\"1&gt;0\"/>");
    assert_eq!(write_xml(&json!({"a": {"l": []}})).unwrap().split_once("?>").unwrap().1, "<a></a>");
}

#[test]
fn what_is_written_is_read_again_as_it_was() {
    for value in [
        json!({"a": "x"}),
        json!({"a": {"@b": "'\"<>&\n\t ]]>", "c": ["1", {"d": "2", "@e": "3"}], "f": "", "#text": "&amp;"}}),
        json!({"s:E": {"@xmlns:s": "urn:x", "s:B": "ä"}}),
    ] {
        assert_eq!(read(&write_xml(&value).unwrap()), Ok(value));
    }
}

#[test]
fn what_is_no_document_says_where() {
    for (value, says) in [
        (json!("x"), "one element stands at the top"),
        (json!({}), "0 names seen"),
        (json!({"a": 1, "b": 2}), "2 names seen"),
        (json!({"a": []}), "a list of it seen"),
        (json!({"a b": 1}), "`a b` at `a b` cannot be the name"),
        (json!({"a": {"b": {"1": 2}}}), "`1` at `a.b.1` cannot be the name"),
        (json!({"a": {"@ x": 1}}), "cannot be the name"),
        (json!({"a": {"@b": [1]}}), "`a.@b`: text wanted, "),
        (json!({"a": {"#text": {}}}), "`a.#text`: text wanted, "),
        (json!({"a": {"b": [[1]]}}), "`a.b`: text wanted, a list in a list seen"),
        (json!({"a": {"b": "\u{1}"}}), "`a.b` holds a control character"),
    ] {
        let error = write_xml(&value).unwrap_err().to_string();
        assert!(error.contains(says), "{value}: {error}");
    }
}
