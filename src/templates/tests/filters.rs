//! What each filter gives, and that none of them panics.

use serde_json::json;

use super::{call, failure, render, try_render};
use crate::templates::RenderErrorKind;

#[test]
fn filters_give_what_their_names_say() {
    let table = [
        (
            "{{ 'é' | size }}{{ 'aé' | upcase }}{{ 'ÀB' | downcase }}{{ 'hELLO wORLD' | capitalize }}",
            "1AÉàbHello world",
        ),
        ("[{{ ' a ' | strip }}{{ ' a ' | lstrip }}{{ ' a ' | rstrip }}]", "[aa  a]"),
        (
            "{{ 'a-b-a' | replace: 'a', 'x' }} {{ 'a-b-a' | replace_first: 'a', 'x' }} {{ 'a-b-a' | replace_last: 'a', 'x' }}",
            "x-b-x x-b-a a-b-x",
        ),
        (
            "{{ 'a-b-a' | remove: 'a' }} {{ 'a-b-a' | remove_first: 'a' }} {{ 'a-b-a' | remove_last: '-a' }}",
            "-b- -b-a a-b",
        ),
        (
            "{{ 'Ground control' | truncate: 9 }} {{ 'aéb' | truncate: 2, '' }} {{ 'ab' | truncate: -1 }}",
            "Ground... aé ...",
        ),
        ("{{ 'one two three' | truncatewords: 2 }}", "one two..."),
        (
            "{{ 'Liquid' | slice: 2, 3 }} {{ 'Liquid' | slice: -3, 2 }} {{ 'é' | slice: 0 }} {{ 'a' | slice: 1000000000000000000 }}",
            "qui ui é ",
        ),
        (
            "{{ 'a,b,,c,,' | split: ',' | join: '|' }} {{ 'ab' | split: '' | join: '-' }} {{ '' | split: ',' | size }}",
            "a|b||c a-b 0",
        ),
        (
            "{{ 'c,a,b' | split: ',' | sort | reverse | join }} {{ 'b,A,c' | split: ',' | sort_natural | join }}",
            "c b a A b c",
        ),
        ("{{ event.assignedUsers | map: 'name' | join: ', ' }}", "Bo, Cy"),
        (
            "{{ event.assignedUsers | where: 'name', 'Cy' | size }}{{ event.assignedUsers | reject: 'name', 'Cy' | size }}",
            "11",
        ),
        (
            "{{ event.assignedUsers | find: 'name', 'Cy' | json }}{{ event.assignedUsers | has: 'age' }}",
            "{\"name\":\"Cy\"}false",
        ),
        (
            "{{ 'a,b,a' | split: ',' | uniq | join: '' }} {{ 'a' | split: ',' | concat: event.assignedUsers | size }}",
            "ab 3",
        ),
        ("{{ 'a,b' | split: ',' | first }}{{ 'a,b' | split: ',' | last }}{{ 'xyz' | first }}{{ 5 | last }}", "abx"),
        ("{{ (1..4) | sum }} {{ event.assignedUsers | compact | size }}", "10 2"),
    ];
    for (text, shown) in table {
        assert_eq!(render(text, &call()), shown, "{text}");
    }
}

#[test]
fn numbers_and_encodings_are_exact() {
    let table = [
        ("{{ 5.666 | round: -2 }} {{ 1250 | round: -2 }} {{ 5.5 | round: 0 }} {{ -15 | round: -1 }}", "0 1300 6 -20"),
        (
            "{{ 1 | plus: 2 }} {{ 1.0 | plus: 2 }} {{ 0.1 | plus: 0.2 }} {{ '3' | times: '4' }} {{ 5 | minus: 7 }}",
            "3 3.0 0.3 12 -2",
        ),
        (
            "{{ 7 | divided_by: 2 }} {{ -7 | divided_by: 2 }} {{ 7 | divided_by: 2.0 }} {{ -7 | modulo: 3 }} {{ 7 | modulo: -3 }}",
            "3 -4 3.5 2 -2",
        ),
        (
            "{{ -3 | abs }} {{ 1.2 | ceil }} {{ 1.8 | floor }} {{ 2.5 | round }} {{ 2.345 | round: 2 }} {{ 3 | at_least: 5 }} {{ 3 | at_most: 2 }}",
            "3 2 1 3 2.35 5 2",
        ),
        ("{{ 9223372036854775807 | plus: 1 }} {{ event.big | minus: 1 }}", "9223372036854775808 18446744073709551614"),
        (
            "{{ '<b>' | escape }} {{ '&lt; < &' | escape_once }} {{ '<p>a<br>b</p><!-- x --><script>y</script>c < d' | strip_html }}",
            "&lt;b&gt; &lt; &lt; &amp; abc < d",
        ),
        (
            "{{ 'a b&c' | url_encode }} {{ 'a+b%26c' | url_decode }} {{ 'hi' | base64_encode }} {{ 'aGk=' | base64_decode }}",
            "a+b%26c a b&c aGk= hi",
        ),
        ("{{ 'a' | sha256 }}", "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"),
        (
            "{{ 'what do ya want for nothing?' | hmac_sha256: 'Jefe' }}",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        (
            "{{ event.tracking | json }} {{ 'a\"b' | json }} {{ event.user | json }}",
            "{\"ticket\":\"42\",\"email\":\"ann@example.com\"} \"a\\\"b\" null",
        ),
        ("{{ 'a\r\nb' | newline_to_br }}|{{ 'a\nb' | strip_newlines }}", "a<br />\nb|ab"),
    ];
    for (text, shown) in table {
        assert_eq!(render(text, &call()), shown, "{text}");
    }
}

#[test]
fn times_are_read_and_shown() {
    let table = [
        ("{{ '2026-03-01T10:00:00Z' | date: '%Y-%m-%d %H:%M' }}", "2026-03-01 10:00"),
        ("{{ '2026-03-01T10:00:00.25+02:00' | date: '%H:%M:%S.%L %z' }}", "10:00:00.250 +0200"),
        ("{{ 0 | date: '%Y' }} {{ 1790000000 | date: '%d %b %Y' }}", "1970 21 Sep 2026"),
        ("{{ '2026-03-01T10:00:00Z' | in_timezone: 'Europe/Athens' }}", "2026-03-01T12:00:00+02:00"),
        ("{{ '2026-07-01T10:00:00Z' | in_timezone: 'Europe/Athens' | date: '%H:%M' }}", "13:00"),
        ("{{ 'now' | date: '%H:%M', timezone: 'Asia/Tokyo' }}", "19:00"),
        ("{{ '2026-03-01' | date: '%e %B' }}", " 1 March"),
        ("{{ '01/03/2026 12:30' | parse_time: '%d/%m/%Y %H:%M', 'Europe/Athens' }}", "2026-03-01T12:30:00+02:00"),
        ("{{ 'Sun, 01 Mar 2026 10:00:00 +0000' | parse_time }}", "2026-03-01T10:00:00Z"),
        ("{{ '2026-03-01 10:00:00 +0200' | parse_time: '%Y-%m-%d %H:%M:%S %z' }}", "2026-03-01T08:00:00Z"),
        ("[{{ event.user | date: '%Y' }}{{ event.none | date: '%Y' }}]", "[]"),
        ("{{ 0 | date: '%%%5Y' }}", "%01970"),
    ];
    for (text, shown) in table {
        assert_eq!(render(text, &call()), shown, "{text}");
    }
}

#[test]
fn what_cannot_be_done_is_an_error_and_no_panic() {
    for text in [
        "{{ 1 | divided_by: 0 }}",
        "{{ 1.0 | divided_by: 0 }}",
        "{{ 1 | modulo: 0 }}",
        "{{ 18446744073709551615 | times: 2 }}",
        "{{ -9223372036854775808 | minus: 1 }}",
        "{{ '9e300' | times: '1e300' }}",
        "{{ '1e300' | ceil }}",
        "{{ 'x' | plus: 1 }}",
        "{{ 'a' | slice: 'x' }}",
        "{{ event.big | in_timezone: 'UTC' }}",
        "{{ 'soon' | date: '%Y' }}",
        "{{ 0 | date: '%5000000d' }}",
        "{{ 0 | date: '%9223372036854775807Y' }}",
        "{{ 0 | date: '%65Y' }}",
        "{{ 0 | date: '%ém' }}",
        "{{ 1000000000000000000 | date: '%Y' }}",
        "{{ '2026-03-01T10:00:00' | in_timezone: 'UTC' }}",
        "{{ 0 | in_timezone: 'Mars/Olympus' }}",
        "{{ 0 | in_timezone: '../../etc/passwd' }}",
        "{{ '2026-03-01 10:00' | parse_time: '%Y-%m-%d %H:%M' }}",
        "{{ '###' | base64_decode }}",
        "{{ '%ff' | url_decode }}",
        "{{ 'a' | concat: 'b' }}",
        "{% for i in (1..'x') %}{% endfor %}",
    ] {
        assert_eq!(failure(text, &call()), RenderErrorKind::Other, "{text}");
    }
    let error = try_render("{{ 1 | divided_by: 0 }}", &json!({})).unwrap_err();
    assert_eq!(error.message, "`1 | divided_by: 0`: filter `divided_by`: divided by zero");
    assert_eq!(render("{{ -9223372036854775808 | divided_by: -1 }}", &json!({})), "9223372036854775808");
    assert_eq!(render("{{ -9223372036854775808 | modulo: -1 }}", &json!({})), "0");
}
