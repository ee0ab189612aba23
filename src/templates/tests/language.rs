//! What the language does.

use serde_json::json;

use super::{call, files, render};
use crate::templates::{Sink, Template};

#[test]
fn tags_and_values_show_what_liquid_shows() {
    let table = [
        ("Call from {{ event.location }}.", "Call from Greece."),
        ("{{ event.assignedUsers[0].name }}{{ event.assignedUsers[-1].name }}", "BoCy"),
        ("{{ event.assignedUsers.1.name }}", "Cy"),
        (
            "{{ event.assignedUsers.first.name }} {{ event.assignedUsers.last.name }} {{ event.assignedUsers.size }}",
            "Bo Cy 2",
        ),
        ("{{ event['a.b'] }} {{ event[\"a.b\"] }}", "dotted dotted"),
        ("{% assign key = 'location' %}{{ event[key] }}", "Greece"),
        ("{{ event.user }}|{{ event.none }}", "|"),
        ("{{ event.ratio }} {{ event.big }} {{ 1.50 }} {{ 7 }}", "1.0 18446744073709551615 1.5 7"),
        ("{{ 'it is' }} {{ \"a }} b\" }}", "it is a }} b"),
        ("{% if event.resolution == 'missed' and event.waitingTime > 30 %}y{% else %}n{% endif %}", "y"),
        ("{% if event.waitingTime < 30 %}a{% elsif event.waitingTime == 31.0 %}b{% else %}c{% endif %}", "b"),
        ("{% unless event.flag %}u{% endunless %}", "u"),
        ("{% if true or false and false %}right to left{% endif %}", "right to left"),
        ("{% if event.link contains 'acme' %}in{% endif %}", "in"),
        ("{% if event.none == empty %}e{% endif %}{% if event.user == blank %}b{% endif %}", "eb"),
        (
            "{% case event.resolution %}{% when 'answered', 'missed' %}m{% when 'x' or 'y' %}x{% else %}o{% endcase %}",
            "m",
        ),
        ("{% case 5 %}x{% when 6 %}6{% else %}other{% endcase %}", "other"),
        (
            "{% for u in event.assignedUsers %}{{ forloop.index }}{{ u.name }}{% unless forloop.last %},{% endunless %}{% endfor %}",
            "1Bo,2Cy",
        ),
        ("{% for i in (1..5) reversed %}{{ i }}{% endfor %}", "54321"),
        (
            "{% for i in (1..9) limit: 2 offset: 3 %}{{ i }}{% endfor %}{% for i in (1..9) limit: 2, offset: continue %}{{ i }}{% endfor %}",
            "4567",
        ),
        (
            "{% for i in (1..5) %}{% if i == 2 %}{% continue %}{% endif %}{% if i == 4 %}{% break %}{% endif %}{{ i }}{% endfor %}",
            "13",
        ),
        ("{% for i in event.user %}x{% else %}none{% endfor %}", "none"),
        (
            "{% for i in (1..2) %}{% for j in (1..2) %}{{ forloop.parentloop.index }}{{ forloop.index }} {% endfor %}{% endfor %}",
            "11 12 21 22 ",
        ),
        (
            "{% for pair in event.tracking %}{{ pair[0] }}={{ pair[1] }};{% endfor %}",
            "ticket=42;email=ann@example.com;",
        ),
        (
            "{% tablerow i in (1..3) cols: 2 %}{{ i }}{% endtablerow %}",
            "<tr class=\"row1\">\n<td class=\"col1\">1</td><td class=\"col2\">2</td></tr>\n<tr class=\"row2\"><td class=\"col1\">3</td></tr>\n",
        ),
        ("{% capture x %}a{{ event.location }}{% endcapture %}{{ x | upcase }}", "AGREECE"),
        ("{% increment n %}{% increment n %}{% decrement m %}{{ n }}", "01-12"),
        ("{% for i in (1..3) %}{% cycle 'a', 'b' %}{% endfor %}{% cycle 'g': 1, 2 %}", "aba1"),
        ("{% for i in (1..4) %}{% ifchanged %}{{ i | divided_by: 2 }}{% endifchanged %}{% endfor %}", "012"),
        ("a{% comment %} {{ nothing | nofilter }} {% comment %}x{% endcomment %}{% endcomment %}b", "ab"),
        ("a{% raw %}{{ x }}{% if %}{% endraw %}b{%- raw -%} c {%- endraw -%} d", "a{{ x }}{% if %}bcd"),
        ("a {%- # it's a comment -%} b{%# another %}", "ab"),
        ("  {{- 1 -}}  2 {%- if true -%} 3 {%- endif %}", "123"),
        ("{% echo 'x' | upcase %}{% liquid\n  assign a = 3\n  # note\n  if a > 2\n    echo a\n  endif\n%}", "X3"),
        ("{{ nullable }}{{ empty_handed }}{{ true_or_not }}", "nem"),
        ("{{ 'a' | append: 'b' | prepend: event.none }}", "ab"),
        ("{% assign list = 'a,b' | split: ',' %}{{ list }}{{ list[1] }}", "abb"),
        ("!{% if true %}\n {% assign t = 1 %}\n{% else %}\n{% endif %}!", "!!"),
        ("!{% if true %} {% capture t %} {% endcapture %} {% endif %}[{{ t }}]", "![ ]"),
        ("!{% if true %} {% if true %}x{% endif %} {% endif %}", "! x "),
        ("{{ event.tracking }}", "{\"ticket\":\"42\",\"email\":\"ann@example.com\"}"),
    ];
    let mut data = call();
    data.as_object_mut()
        .unwrap()
        .extend(json!({"nullable": "n", "empty_handed": "e", "true_or_not": "m"}).as_object().unwrap().clone());
    for (text, shown) in table {
        assert_eq!(render(text, &data), shown, "{text}");
    }
}

#[test]
fn what_a_payload_holds_is_never_read_as_a_template() {
    let evil = "{{ event.link }}{% include 'x' %}{%- raw -%}";
    assert_eq!(render("{{ event.evil }}", &call()), evil);
    assert_eq!(render("{% capture x %}{{ event.evil }}{% endcapture %}{{ x }}", &call()), evil);
    assert_eq!(render("{% assign x = event.evil | append: '' %}{{ x }}", &call()), evil);
}

#[test]
fn files_are_included_by_name() {
    let files = files(&[
        ("notes/missed", "{{ greeting }} {{ event.location }}{% assign left = 'kept' %}"),
        ("line", "[{{ line }}{{ forloop.index }}]"),
        ("own", "{% if hidden %}seen{% else %}alone{% endif %}{{ given }}{{ event.location }}"),
    ]);
    let table = [
        ("{% assign greeting = 'Hi' %}{% include 'notes/missed' %} {{ left }}", "Hi Greece kept"),
        ("{% include 'notes/missed', greeting: 'Yo' %}", "Yo Greece"),
        ("{% assign hidden = 1 %}{% render 'own', given: hidden %}{{ hidden }}", "alone1Greece1"),
        ("{% render 'line' for event.assignedUsers as line %}", "[{\"name\":\"Bo\"}1][{\"name\":\"Cy\"}2]"),
        ("{% render \"line\" with event.location, forloop: event %}", "[Greece]"),
    ];
    let data = call();
    for (text, shown) in table {
        let template = Template::parse(text, &files).unwrap();
        let rendered = template.render(&super::context(&data).lenient(), Sink::Plain);
        assert_eq!(rendered.as_deref(), Ok(shown), "{text}");
    }
}
