//! Values are escaped by where they go, and never change its shape.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{context, parse};
use crate::templates::{Files, RenderErrorKind, Sink, Tree};

fn shown(text: &str, data: &Value, sink: Sink) -> Result<String, RenderErrorKind> {
    parse(text).render(&context(data), sink).map_err(|error| error.kind)
}

#[test]
fn literal_text_stays_and_values_are_escaped() {
    let data = json!({"v": "a/b ?#&<\"é", "ok": "x", "crlf": "a\r\nb"});
    assert_eq!(shown("/t/{{ v }}/m", &data, Sink::PathSegment).as_deref(), Ok("/t/a%2Fb%20%3F%23%26%3C%22%C3%A9/m"));
    assert_eq!(shown("q=1&{{ v }}", &data, Sink::QueryValue).as_deref(), Ok("q=1&a%2Fb%20%3F%23%26%3C%22%C3%A9"));
    assert_eq!(shown("<i>{{ v }}</i>", &data, Sink::Html).as_deref(), Ok("<i>a/b ?#&amp;&lt;&quot;é</i>"));
    assert_eq!(shown("<i>{{ v | raw }}</i>", &data, Sink::Html).as_deref(), Ok("<i>a/b ?#&<\"é</i>"));
    assert_eq!(shown("{{ v | raw }}", &data, Sink::QueryValue).as_deref(), Ok("a%2Fb%20%3F%23%26%3C%22%C3%A9"));
    assert_eq!(
        shown("{% capture x %}<b>{{ v }}{% endcapture %}{{ x }}", &data, Sink::Html).as_deref(),
        Ok("&lt;b&gt;a/b ?#&amp;&lt;&quot;é")
    );
    assert_eq!(shown("{% cycle v %}", &data, Sink::QueryValue).as_deref(), Ok("a%2Fb%20%3F%23%26%3C%22%C3%A9"));
    assert_eq!(shown("Bearer {{ ok }}", &data, Sink::Header).as_deref(), Ok("Bearer x"));
    assert_eq!(shown("{{ crlf }}", &data, Sink::Header), Err(RenderErrorKind::Refused));
    assert_eq!(shown("{{ crlf | raw }}", &data, Sink::Header), Err(RenderErrorKind::Refused));
}

#[test]
fn dots_cannot_climb_out_of_a_path() {
    for (text, value) in
        [("/t/{{ v }}/m", ".."), ("/t/{{ v }}", "."), ("/t/{{ v }}{{ v }}/m", "."), ("/t/.{{ v }}", ".")]
    {
        assert_eq!(shown(text, &json!({"v": value}), Sink::PathSegment), Err(RenderErrorKind::Refused), "{text}");
    }
    assert_eq!(shown("/t/{{ v }}", &json!({"v": "../x"}), Sink::PathSegment).as_deref(), Ok("/t/..%2Fx"));
    assert_eq!(shown("/t/{{ v }}", &json!({"v": "%2e%2e"}), Sink::PathSegment).as_deref(), Ok("/t/%252e%252e"));
}

proptest! {
    #[test]
    fn a_value_in_a_path_stays_one_segment(value in any::<String>()) {
        let data = json!({"v": value});
        if let Ok(path) = shown("https://api.example.com/a/{{ v }}/z", &data, Sink::PathSegment) {
            let url = url::Url::parse(&path).unwrap();
            prop_assert_eq!(url.host_str(), Some("api.example.com"));
            let segments: Vec<_> = url.path_segments().unwrap().collect();
            prop_assert_eq!(segments.len(), 3);
            let decoded = percent_encoding::percent_decode_str(segments[1]).decode_utf8().unwrap();
            prop_assert_eq!(decoded.as_ref(), &value);
            prop_assert!(url.query().is_none() && url.fragment().is_none());
        } else {
            prop_assert!(value == "." || value == "..");
        }
    }

    #[test]
    fn a_value_in_a_query_stays_one_value(value in any::<String>()) {
        let query = shown("a={{ v }}&b=2", &json!({"v": value}), Sink::QueryValue).unwrap();
        let url = url::Url::parse(&format!("https://api.example.com/?{query}")).unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        prop_assert_eq!(pairs, vec![("a".to_owned(), value), ("b".to_owned(), "2".to_owned())]);
    }

    #[test]
    fn a_header_never_holds_a_control_character(value in any::<String>()) {
        match shown("x {{ v }}", &json!({"v": value}), Sink::Header) {
            Ok(header) => prop_assert!(!header.chars().any(char::is_control)),
            Err(kind) => {
                prop_assert_eq!(kind, RenderErrorKind::Refused);
                prop_assert!(value.chars().any(char::is_control));
            }
        }
    }

    #[test]
    fn a_tree_keeps_one_text_a_leaf(value in any::<String>(), number in any::<u64>()) {
        let tree = json!({"a": "x {{ v }}", "b": ["{{ v }}", "{{ n }}", true], "c": {"d": "{{ v }}{{ v }}"}});
        let tree = Tree::parse(&tree, &Files::default(), &|_| crate::model::Place::default()).unwrap();
        let data = json!({"v": value, "n": number});
        let rendered = tree.render(&context(&data), Sink::Plain).unwrap();
        let read: Value = serde_json::from_str(&rendered.to_string()).unwrap();
        let expected = json!({
            "a": format!("x {value}"), "b": [value, number, true], "c": {"d": format!("{value}{value}")}
        });
        prop_assert_eq!(read, expected);
    }

    #[test]
    fn html_holds_no_tag_of_a_value(value in any::<String>()) {
        let html = shown("<p title=\"{{ v }}\">{{ v }}</p>", &json!({"v": value}), Sink::Html).unwrap();
        prop_assert_eq!(html.matches('<').count(), 2);
        prop_assert_eq!(html.matches('"').count(), 2);
    }
}
