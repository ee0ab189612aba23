//! Hostile templates and payloads: cases R13 to R18 of the catalogue, and what else grows.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{context, failure, fault, files, parse, try_render};
use crate::templates::{Context, Files, Limits, RenderErrorKind, Sink, Template};

/// Generous: a machine may be busy. The budgets themselves are what is tested.
const LONG: Duration = Duration::from_secs(10);

fn spends(text: &str, data: &Value) {
    let started = Instant::now();
    assert_eq!(failure(text, data), RenderErrorKind::Budget, "{text}");
    assert!(started.elapsed() < LONG, "{text} took {:?}", started.elapsed());
}

#[test]
fn loops_are_counted_and_ranges_never_laid_out() {
    let data = json!({"n": 20_000_000, "list": vec![0; 1000]});
    for text in [
        "{% for i in (1..9999999999) %}{% endfor %}",
        "{% for i in (1..n) %}{% endfor %}",
        "{% for i in (-9000000000000000000..9000000000000000000) %}{% endfor %}",
        "{% for i in (-9000000000000000000..9000000000000000000) reversed %}{% endfor %}",
        "{% tablerow i in (1..9999999999) %}{% endtablerow %}",
        "{% for a in list %}{% for b in list %}{% for c in list %}{% endfor %}{% endfor %}{% endfor %}",
        "{% for i in (1..9999999999) %}{% if i == -1 %}{% break %}{% endif %}{% endfor %}",
        "{% for i in (1..9999999999) %}{% continue %}{% endfor %}",
        "{{ (1..9999999999) | size }}",
        "{{ (-9000000000000000000..9000000000000000000) | join }}",
    ] {
        spends(text, &data);
    }
    assert_eq!(try_render("{% for i in (1..9999999999) %}{% break %}{% endfor %}x", &data).as_deref(), Ok("x"));
}

#[test]
fn what_grows_is_stopped_before_it_is_there() {
    let data = json!({"kilo": "x".repeat(1000), "e": ""});
    let mut doubling = "{% assign a = kilo %}".to_owned();
    for _ in 0..30 {
        doubling.push_str("{% assign a = a | append: a %}");
    }
    spends(&doubling, &data);
    for text in [
        "{% assign a = kilo %}{% for i in (1..100) %}{% assign a = a | prepend: a %}{% endfor %}",
        "{% assign a = kilo %}{% for i in (1..30) %}{% capture a %}{{ a }}{{ a }}{% endcapture %}{% endfor %}",
        "{% assign a = kilo %}{% for i in (1..6) %}{% assign a = a | replace: 'x', kilo %}{% endfor %}",
        "{% assign a = kilo %}{% for i in (1..6) %}{% assign a = a | replace: '', kilo %}{% endfor %}",
        "{% assign a = kilo | split: '' %}{% for i in (1..30) %}{% assign a = a | concat: a %}{% endfor %}",
        "{% assign a = kilo | split: '' %}{% for i in (1..30) %}{% assign a = a | join: kilo | split: '' %}{% endfor %}",
        "{% for i in (1..99999) %}{{ kilo }}{% endfor %}",
        "{% for i in (1..99999) %}{{ kilo }}{{ kilo }}{{ kilo }}{% capture b %}{{ kilo }}{% endcapture %}{% endfor %}",
        "{% assign a = kilo %}{% for i in (1..30) %}{% assign a = a | url_encode | append: '%%%%%%%' | append: a %}{% endfor %}",
        "{% assign a = kilo %}{% for i in (1..99) %}{% assign a = a | json | json | append: a %}{% endfor %}",
        "{% for i in (1..2000) %}{% ifchanged %}{{ i }}{{ kilo }}{% endifchanged %}{% endfor %}",
    ] {
        spends(text, &data);
    }
}

#[test]
fn many_names_with_large_values_are_stopped() {
    let data = json!({"large": "x".repeat(1_000_000)});
    let mut text = String::new();
    for number in 0..5000 {
        write!(text, "{{% assign a{number} = large %}}").unwrap();
    }
    spends(&text, &data);
}

#[test]
fn the_deadline_holds() {
    let data = json!({"large": "x".repeat(100_000)});
    let template = parse("{% for i in (1..99999) %}{% if large contains 'y' %}{% endif %}{% endfor %}");
    let limits = Limits { time: Duration::from_millis(20), ..Limits::default() };
    let mut context = Context::new(super::NOW, limits);
    context.set("large", &data["large"]);
    let error = template.render(&context, Sink::Plain).unwrap_err();
    assert_eq!(error.kind, RenderErrorKind::Budget);
}

#[test]
fn one_context_has_one_budget() {
    let data = json!({});
    let context = context(&data);
    let template = parse("{% for i in (1..40000) %}{% endfor %}");
    assert!(template.render(&context, Sink::Plain).is_ok());
    assert!(template.render(&context, Sink::Plain).is_ok());
    assert_eq!(template.render(&context, Sink::Plain).unwrap_err().kind, RenderErrorKind::Budget);
}

#[test]
fn nesting_is_bounded_before_anything_recurses() {
    for depth in [65, 2_000, 20_000] {
        let text = "{% if true %}".repeat(depth) + &"{% endif %}".repeat(depth);
        assert!(fault(text.get(..text.len().min(256 * 1024)).unwrap()).message.contains("nested deeper"), "{depth}");
    }
    for (open, close) in [("a[", "]"), ("(1..", ")")] {
        let text = format!("{{{{ {}1{} }}}}", open.repeat(20_000), close.repeat(20_000));
        assert!(fault(&text).message.contains("nested deeper"), "{open}");
    }
    assert!(fault(&"{% if true %}".repeat(30_000)).message.contains("bytes"));
}

#[test]
fn the_deepest_template_fits_a_small_stack() {
    let inside = "{% for i in (1..1) %}".repeat(31)
        + "{{ a[a[a[a[a[a[a[a[0]]]]]]]] | default: 'x' }}"
        + &"{% endfor %}".repeat(31);
    let around = "{% if true %}".repeat(32) + "{% include 'inside' %}" + &"{% endif %}".repeat(32);
    let files = files(&[("inside", &inside)]);
    let render = move || {
        let data = json!({"a": [0]});
        let template = Template::parse(&around, &files).unwrap();
        template.render(&context(&data), Sink::Plain).unwrap()
    };
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(render).unwrap();
    assert_eq!(thread.join().unwrap(), "0");
}

#[test]
fn includes_multiply_within_the_budget() {
    let mut texts: Vec<(String, String)> = Vec::new();
    for level in 0..12 {
        let next = format!("{{% include 'f{}' %}}", level + 1).repeat(10);
        texts.push((format!("f{level}"), next));
    }
    texts.push(("f12".to_owned(), "x".to_owned()));
    let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let template = Template::parse("{% include 'f0' %}", &files(&texts)).unwrap();
    assert_eq!(template.render(&context(&json!({})), Sink::Plain).unwrap_err().kind, RenderErrorKind::Budget);
}

#[test]
fn large_sources_are_read_in_one_pass() {
    let size = 256 * 1024;
    let repeated = |piece: &str| piece.repeat(size / piece.len());
    for text in [
        repeated(" "),
        repeated("{{ ' }}"),
        repeated("{{ a }}"),
        repeated("{% raw %}{{%"),
        "{{".to_owned() + repeated("''").get(..size - 8).unwrap() + "}}",
        "{% comment %}".to_owned() + repeated("{% raw %}").get(..size - 16).unwrap(),
        repeated("{% liquid \n # x \n %}"),
        repeated("{{'<'|strip_html}}"),
        repeated("{"),
        repeated("{% # ' %}"),
    ] {
        let started = Instant::now();
        let parsed = Template::parse(&text, &Files::default());
        assert!(started.elapsed() < LONG, "{} took {:?}", text.chars().take(20).collect::<String>(), started.elapsed());
        drop(parsed);
    }
    assert!(fault(&" ".repeat(size + 1)).message.contains("bytes"));
}

#[test]
fn filters_stay_linear_on_large_values() {
    let half = 500_000;
    let data = json!({
        "angles": "<".repeat(half), "comments": "<!--".repeat(half / 4), "scripts": "<script".repeat(half / 7),
        "amps": "&".repeat(100_000), "words": "a ".repeat(30_000), "spaces": " ".repeat(half), "percents": "%".repeat(half),
        "list": (0..40_000).map(|n| n % 7).collect::<Vec<_>>(),
    });
    for text in [
        "{{ angles | strip_html | size }}",
        "{{ comments | strip_html | size }}",
        "{{ scripts | strip_html | size }}",
        "{{ amps | escape_once | size }}",
        "{{ words | split: ' ' | sort_natural | uniq | size }}",
        "{{ words | truncatewords: 20000 | size }}",
        "{{ spaces | strip | size }}",
        "{{ percents | url_decode | size }}",
        "{{ list | sort | uniq | join | size }}",
        "{{ spaces | replace: ' ', '' | size }}",
        "{{ spaces | remove_last: ' ' | size }}",
    ] {
        let started = Instant::now();
        try_render(text, &data).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(started.elapsed() < LONG, "{text} took {:?}", started.elapsed());
    }
}
