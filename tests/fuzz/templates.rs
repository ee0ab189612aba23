//! Mutated templates: whatever stands in one, it neither panics nor goes beyond its budget.

use std::{collections::BTreeMap, sync::Arc};

use bellwire::{
    clock::Time,
    templates::{Context, Files, Limits, RenderErrorKind, Sink, Template},
};
use serde_json::{Value, json};

use super::{
    dice::Dice,
    measure::{Counts, Meter},
    run,
};

/// Cases of one go.
const CASES: u64 = 20_000;
/// What a parser or a filter that panicked would be told as.
const PANICKED: &str = "fault of Bellwire";

pub const CORPUS: [&str; 64] = [
    "Missed call from {{ event.location }} on {{ event.link }} after {{ event.waitingTime }} seconds.",
    "{{ event.tracking.ticket | default: event.tracking.case }}",
    "{{ event.nope }}",
    "{{ event['a.b'][0].c[event.key] }}",
    "{% if event.resolution == 'missed' and event.waitingTime > 30 %}y{% elsif event.flag %}z{% else %}n{% endif %}",
    "{% unless event.flag or event.x contains 'y' %}u{% else %}v{% endunless %}",
    "{% case event.n %}{% when 1, 2 or 3 %}a{% when 'x' %}b{% else %}c{% endcase %}",
    "{% for u in event.users reversed limit: 2 offset: 1 %}{{ forloop.index }}{{ u.name }}{% else %}none{% endfor %}",
    "{% for i in (1..9999999999) %}{% endfor %}",
    "{% for i in (-9000000000000000000..event.big) %}{{ i }}{% break %}{% continue %}{% endfor %}",
    "{% for i in (1..3) %}{% for j in (1..i) %}{{ forloop.parentloop.index }}{{ j }}{% endfor %}{% endfor %}",
    "{% for pair in event.tracking %}{{ pair[0] }}: {{ pair[1] }}{% endfor %}",
    "{% for i in (1..9) limit: 2 offset: continue %}{{ i }}{% endfor %}",
    "{% tablerow i in (1..5) cols: 2 limit: 4 %}{{ tablerowloop.col }}{% endtablerow %}",
    "{% assign a = event.location | append: event.location %}{{ a }}",
    "{% assign a = a | append: a %}{% assign a = a | append: a %}{% assign a = a | prepend: a %}",
    "{% capture x %}{{ event.evil }}{{ x }}{% endcapture %}{{ x | upcase | size }}",
    "{% increment n %}{% decrement n %}{{ n }}{% cycle 'a', 'b', event.x %}{% cycle 'g': 1, 2 %}",
    "{% for i in (1..4) %}{% ifchanged %}{{ i | divided_by: 2 }}{% endifchanged %}{% endfor %}",
    "a{% comment %}{% raw %}{% endcomment %}b{% raw %}{{ x }}{% endraw %}c",
    "{% comment %}{% raw %}",
    "{%- # it's a comment -%}{{- 1 -}} {%# x %}{% doc %} @param {% enddoc %}",
    "{% liquid\n  assign a = 3\n  if a > 2\n    echo a\n  endif\n  for i in (1..3)\n    echo i\n  endfor\n%}",
    "{% echo event.location | upcase %}",
    "{% include 'a' %}{% include 'b', x: 1 %}{% render 'b' with event.users as y %}{% render 'b' for event.users as x %}",
    "{% include event.name %}{% include '../x' %}",
    "{{ 'now' | date: '%9223372036854775807Y' }}{{ event.at | date: '%5000000d' }}{{ 0 | date: '%ém' }}",
    "{{ event.at | in_timezone: 'Europe/Athens' | date: '%Y-%m-%d %H:%M %z %Z %L %% %e %j %s %a %A %b %p', timezone: 'UTC' }}",
    "{{ '01/02/2026 10:00' | parse_time: '%d/%m/%Y %H:%M', 'Asia/Tokyo' }}{{ event.at | parse_time }}",
    "{{ event.n | plus: 1 | minus: 2.5 | times: event.big | divided_by: 0 | modulo: -1 | abs | round: 2 }}",
    "{{ -9223372036854775808 | divided_by: -1 }}{{ -9223372036854775808 | modulo: -1 }}{{ 18446744073709551615 }}",
    "{{ 99999999999999999999 }}{{ 1.0 }}{{ -0.5 | ceil | floor }}{{ 1e9 }}{{ 12345678901234567890.12345678901234567890 }}",
    "{{ event.big | at_least: 1 | at_most: event.ratio }}",
    "{{ 'Liquid' | slice: -3, 1000000000000000000 }}{{ event.users | slice: 1, 2 | json }}{{ 'é' | slice: -1 }}",
    "{{ event.location | truncate: -1 }}{{ event.location | truncate: 3, 'éé' }}{{ event.location | truncatewords: 1 }}",
    "{{ 'a,b,,c,,' | split: ',' | join: '|' | split: '' | reverse | sort | uniq | first }}",
    "{{ event.users | map: 'name' | sort_natural | join: ', ' }}{{ event.users | where: 'name', 'Bo' | size }}",
    "{{ event.users | concat: event.list | compact | sum }}{{ event.list | sum }}{{ event.users | sum: 'age' }}",
    "{{ event.users | find: 'name', 'x' | default: 'y' }}{{ event.users | has: 'name' }}{{ event.users | reject: 'a' | json }}",
    "{{ event.evil | escape | escape_once | strip_html | newline_to_br | strip_newlines }}",
    "{{ '<script>x</script><!-- <p' | strip_html }}{{ '&amp; & &#39; &lt' | escape_once }}",
    "{{ event.evil | url_encode | url_decode | base64_encode | base64_decode }}{{ '%ff' | url_decode }}",
    "{{ event.evil | sha256 | hmac_sha256: event.location | upcase | downcase | capitalize }}",
    "{{ event | json }}{{ event.user | json }}{{ event.evil | raw }}",
    "{{ event.x | replace: '', event.evil | replace_first: 'a', 'b' | replace_last: 'b', 'c' | remove: 'c' | remove_last: 'd' }}",
    "{{ 'a' | default: 1, allow_false: true | default }}",
    "{% if a and b or c and d == nil %}{% endif %}{% if x != blank %}{% endif %}{% if y == empty %}{% endif %}",
    "{% if event.a == 'x' %}{% if true %}{% if false %}{% endif %}{% endif %}{% endif %}",
    "{% if true %}{% if true %}{% if true %}{% if true %}{% if true %}{% if true %}{% if true %}{% if true %}",
    "{{ a[a[a[a[a[a[a[a[a[a[a[a[a[a[a[a[a[0]]]]]]]]]]]]]]]]] }}",
    "{{ (1..3) | join }}{{ (1..event.n) | size }}{{ ((1..2)..3) }}{{ (1..9223372036854775807) | last }}",
    "{{ nullable }}{{ true_x }}{{ nil }}{{ empty }}{{ blank.x }}{{ false }}",
    "{{ event.users.first.name }}{{ event.users.last.size }}{{ event.users.size }}{{ event.location.size }}",
    "{% cycle a:%}{% cycle %}{% for %}{% case %}{% assign %}{% capture %}{% if %}{% include %}",
    "{{ }}{% %}{{{{}}}}{%%}{{-}}{%-%}{{--}}{{ - }}",
    "{{ 'unclosed }} {{ \"other }} {% if 'x %}",
    "{{ x | }}{{ | y }}{{ x | y: }}{{ x | append: , }}{{ x | append: 1 2 }}",
    "\u{feff}{{ 'é' | size }}\u{202e}\u{0}{{ event.ключ }}",
    "{% raw %}{% raw %}{% endraw %}{% endraw %}",
    "{% for i in (1..100) %}{% for j in (1..100) %}{% for k in (1..100) %}{% endfor %}{% endfor %}{% endfor %}",
    "{% assign vars = 1 %}{{ vars }}{% for event in events %}{{ event }}{% endfor %}",
    "{% else %}{% elsif x %}{% when y %}{% endif %}{% endfor %}{% break %}",
    "{{ event.tracking }}{{ event.users }}{{ event.list }}",
    "{{ now }}{{ now | date: '%s' }}{{ forloop.index }}{{ event.at | date }}",
];

/// Words that stand where something may go wrong.
const WORDS: [&str; 24] = [
    "{{",
    "}}",
    "{%",
    "%}",
    "-",
    "|",
    ":",
    ",",
    "'",
    "\"",
    "[",
    "]",
    "(",
    ")",
    "..",
    " | append: event.evil",
    " | split: ''",
    "9223372036854775807",
    "-9223372036854775808",
    "1e999",
    "\u{0}",
    "é",
    "{% endif %}",
    "{% endfor %}",
];

pub fn payload() -> Value {
    json!({
        "location": "Greece", "link": "https://example.com/?a=1", "waitingTime": 31, "resolution": "missed", "flag": false,
        "tracking": {"ticket": "42"}, "users": [{"name": "Bo", "age": 1}, {"name": "Cy", "age": null}], "user": null,
        "n": 3, "big": u64::MAX, "ratio": 1.5, "list": [3, 1, 2, 1], "key": "users", "a.b": [{"c": {"users": 1}}],
        "at": "2026-03-01T10:00:00Z", "x": "xyz", "name": "a", "evil": "{{ x }}{% raw %}<b>'\"&\r\n\u{0}%ff../..é\u{1F600}",
    })
}

/// One case. Gives what it came to, for the count at the end.
fn case(text: &str, event: &Value, files: &Files, sink: Sink, limits: Limits) -> &'static str {
    let template = match Template::parse(text, files) {
        Ok(template) => template,
        Err(fault) => {
            assert!(!fault.help.contains(PANICKED), "parsing panicked: {text:?}");
            assert!(fault.place.line > 0 && fault.place.column > 0, "a fault without a place: {text:?}: {fault:?}");
            return "fault";
        }
    };
    let mut context = Context::new(Time(1_772_359_200_000), limits);
    context.set("event", event).set("vars", event);
    match template.render(&context, sink) {
        Ok(shown) => {
            assert!(shown.len() <= limits.bytes, "{} bytes: {text:?}", shown.len());
            "shown"
        }
        Err(error) => {
            assert!(!error.message.contains(PANICKED), "rendering panicked: {text:?}");
            match error.kind {
                RenderErrorKind::Missing => "missing",
                RenderErrorKind::Budget => "budget",
                RenderErrorKind::Refused => "refused",
                RenderErrorKind::Other => "other",
            }
        }
    }
}

#[test]
fn mutated_templates_neither_panic_nor_outgrow_their_budget() {
    run(&["fault", "shown", "missing", "budget", "other"], go);
}

fn go(dice: &mut Dice, meter: &mut Meter) -> Counts {
    let event = payload();
    let texts = [
        ("a", "{{ event.location }}{% include 'b' %}"),
        ("b", "{{ x }}{{ y }}{% for i in (1..3) %}{{ i }}{% endfor %}"),
    ];
    let texts: BTreeMap<String, String> = texts.map(|(name, text)| (name.to_owned(), text.to_owned())).into();
    let files = Files(Arc::new(texts));
    let sinks = [Sink::Plain, Sink::PathSegment, Sink::QueryValue, Sink::Html, Sink::Header];
    let limits = Limits { steps: 2_000, bytes: 64 * 1024, ..Limits::default() };
    let mut counts = Counts::new();
    for _ in 0..CASES {
        let text = dice.mutate(&CORPUS, &WORDS);
        let sink = sinks[dice.below(sinks.len())];
        *counts.entry(meter.measure(&text, || case(&text, &event, &files, sink, limits))).or_default() += 1;
    }
    counts
}
