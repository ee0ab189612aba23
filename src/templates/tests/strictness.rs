//! Missing, null and `default`.

use serde_json::json;

use super::{call, context, failure, parse, render, try_render};
use crate::templates::{RenderErrorKind, Sink};

#[test]
fn a_missing_name_is_an_error_that_names_it() {
    for text in [
        "{{ event.resolutoin }}",
        "{{ nothing }}",
        "{{ event.assignedUsers[9].name }}",
        "{{ event.assignedUsers[-3] }}",
        "{{ event[event.nope] }}",
        "{{ event.user.name }}",
        "{{ event.location.upcase }}",
        "{{ event.nope | upcase }}",
        "{{ 'a' | append: event.nope }}",
        "{{ event.nope | default: 'x' | append: event.nope }}",
        "{% if event.nope == 'x' %}{% endif %}",
        "{% if event.location and event.nope > 1 %}{% endif %}",
        "{% for x in event.nope %}{% endfor %}",
        "{% assign x = event.nope %}",
        "{% case event.nope %}{% endcase %}",
        "{{ event.constructor }}",
        "{{ event.__class__ }}",
        "{{ self }}",
        "{{ env.HOME }}",
    ] {
        assert_eq!(failure(text, &call()), RenderErrorKind::Missing, "{text}");
    }
    let error = try_render("a\n  {{ event.resolutoin | upcase }}", &call()).unwrap_err();
    assert!(error.message.contains("`event.resolutoin`"), "{error}");
    assert_eq!((error.place.line, error.place.column), (2, 6));
}

#[test]
fn missing_is_no_error_where_the_template_asks_for_it() {
    let table = [
        ("{{ event.nope | default: 'x' }}", "x"),
        ("{{ event.nope.deeper[event.no] | default: 'x' }}", "x"),
        ("{{ event.nope | upcase | default: 'x' }}", "x"),
        ("{{ event.nope | default: event.nope }}", ""),
        ("{{ event.nope | default: event.nope | default: event.location }}", "Greece"),
        ("{{ event.nope | default }}", ""),
        ("{{ event.user | default: 1 }}{{ event.flag | default: 2 }}{{ event.none | default: 3 }}", "123"),
        ("{{ event.flag | default: 2, allow_false: true }}", "false"),
        ("{{ 0 | default: 2 }}{{ ' ' | default: 3 }}", "0 "),
        ("{% if event.nope %}a{% else %}b{% endif %}", "b"),
        ("{% if event.nope.deeper and event.nope.deeper == 1 %}a{% else %}b{% endif %}", "b"),
        ("{% if event.nope == nil %}a{% endif %}{% if event.nope != blank %}b{% endif %}", "a"),
        ("{% unless nothing %}a{% endunless %}", "a"),
    ];
    for (text, shown) in table {
        assert_eq!(render(text, &call()), shown, "{text}");
    }
}

#[test]
fn a_lenient_context_takes_missing_as_null() {
    let data = json!({"a": 1});
    let text = "[{{ b }}{{ a.c.d }}{% if b == 'x' %}x{% endif %}{% for i in b %}{% endfor %}{{ 'x' | append: b }}]";
    assert_eq!(parse(text).render(&context(&data).lenient(), Sink::Plain).as_deref(), Ok("[x]"));
}

#[test]
fn now_is_the_context_s_time() {
    assert_eq!(render("{{ now }}", &json!({})), "2026-03-01T10:00:00Z");
    assert_eq!(render("{{ now | date: '%H:%M' }} {{ 'now' | date: '%Y' }}", &json!({})), "10:00 2026");
}
