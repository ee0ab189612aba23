//! What a template is known to look at.

use super::{files, parse};
use crate::templates::Template;

/// Paths, with `+` where they go on and `?` where they may be missing.
fn seen(template: &Template) -> Vec<String> {
    let show = |seen: &crate::templates::Reference| {
        format!("{}{}{}", seen.path, if seen.open { "+" } else { "" }, if seen.has_default { "?" } else { "" })
    };
    template.references().iter().map(show).collect()
}

#[test]
fn references_are_seen_in_the_text() {
    let table: &[(&str, &[&str])] = &[
        ("{{ event.tracking.ticket }}", &["event.tracking.ticket"]),
        ("{{ event.a | default: vars.b | append: vars.c }}", &["event.a?", "vars.b?", "vars.c"]),
        ("{{ event[vars.key].x }}", &["event+", "vars.key"]),
        ("{{ event['a.b'][0].c }}", &["event[\"a.b\"].0.c"]),
        ("{{ event.list.size }} {{ event.list[-1] }}", &["event.list+", "event.list+"]),
        ("{{ vars }}", &["vars"]),
        ("{% if event.a %}{% endif %}", &["event.a?"]),
        ("{% if event.a == vars.b or event.c %}{% endif %}", &["event.a", "vars.b", "event.c?"]),
        ("{% if event.a == nil %}{% endif %}", &["event.a?"]),
        ("{% unless x.y %}{% elsif z %}{% endunless %}", &["x.y?", "z?"]),
        ("{% case event.a %}{% when vars.x, 'b' %}{% endcase %}", &["event.a", "vars.x"]),
        (
            "{% for i in event.list limit: vars.n %}{{ i.x }}{{ forloop.index }}{{ vars.z }}{% endfor %}{{ i }}",
            &["event.list", "vars.n", "vars.z", "i"],
        ),
        ("{% for i in (1..vars.n) %}{% endfor %}", &["vars.n"]),
        ("{% assign t = vars.t %}{{ t.x }}{% capture u %}{{ vars.u }}{% endcapture %}{{ u }}", &["vars.t", "vars.u"]),
        ("{{ t }}{% assign t = 1 %}{{ t }}", &["t"]),
        ("{% cycle vars.a, vars.b %}{% increment n %}{{ n }}", &["vars.a", "vars.b"]),
        ("{% liquid\n assign a = vars.q\n echo vars.r %}", &["vars.q", "vars.r"]),
        ("{% comment %}{{ vars.a }}{% endcomment %}{% raw %}{{ vars.b }}{% endraw %}{%# vars.c %}", &[]),
        ("{% tablerow r in vars.rows cols: vars.c %}{{ tablerowloop.col }}{% endtablerow %}", &["vars.rows", "vars.c"]),
        ("{{ (1..vars.a) | slice: vars.b }}", &["vars.a", "vars.b"]),
    ];
    for (text, wanted) in table {
        let template = parse(text);
        assert_eq!(&seen(&template), wanted, "{text}");
    }
}

#[test]
fn references_of_included_files_are_theirs_who_include_them() {
    let files = files(&[
        ("inner", "{{ vars.deep }}{{ given }}{{ outer }}"),
        ("middle", "{% include 'inner', given: vars.g %}{% assign made = 1 %}"),
    ]);
    let parse = |text: &str| Template::parse(text, &files).unwrap();
    assert_eq!(seen(&parse("{% include 'middle' %}{{ made }}")), ["vars.g", "vars.deep", "outer"]);
    assert_eq!(seen(&parse("{% assign outer = 1 %}{% include 'middle' %}")), ["vars.g", "vars.deep"]);
    assert_eq!(seen(&parse("{% assign outer = 1 %}{% render 'inner', given: 2 %}")), ["vars.deep", "outer"]);
    assert_eq!(seen(&parse("{% render 'inner' with vars.w as given %}")), ["vars.w", "vars.deep", "outer"]);
}
