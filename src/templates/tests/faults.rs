//! Faults of a template's text, with place and way out.

use super::{fault, files};
use crate::templates::Template;

#[test]
fn faults_have_a_place_and_a_way_out() {
    let table = [
        ("a\nb {{ x", 2, 3, "`{{` is never closed", "`}}` ends it"),
        ("{% if x ", 1, 1, "`{%` is never closed", "`%}` ends it"),
        ("\n{% if x %}", 2, 1, "`if` is never closed", "`{% endif %}` ends it"),
        ("{% if x %}{% endfor %}", 1, 11, "`endfor` found where `endif` is wanted", "`if` in line 1 is still open"),
        ("{% endif %}", 1, 1, "`endif` ends nothing", ""),
        ("{% else %}", 1, 1, "`else` stands outside of if, unless, case, for", ""),
        ("{{ a | upcas }}", 1, 8, "there is no filter `upcas`", "did you mean `upcase`?"),
        ("{% asign x = 1 %}", 1, 1, "there is no tag `asign`", "did you mean `assign`?"),
        ("{{ a | b: }}", 1, 8, "there is no filter `b`", ""),
        ("{{ a | append: }}", 1, 16, "a value wanted, the end found", ""),
        ("{{ a | append }}", 1, 8, "filter `append` takes 1 arguments, not 0", ""),
        ("{{ a | upcase: 1, 2 }}", 1, 8, "filter `upcase` takes 0 arguments, not 2", ""),
        (
            "{{ a | default: 1, alow_false: true }}",
            1,
            20,
            "filter `default` has no option `alow_false`",
            "did you mean `allow_false`?",
        ),
        ("{{ a b }}", 1, 6, "the end wanted, `b` found", ""),
        ("{{ }}", 1, 4, "a value wanted, the end found", ""),
        ("{{ 'a }}", 1, 4, "a quote is opened and never closed", ""),
        (
            "{{ a & b }}",
            1,
            6,
            "`&` means nothing here",
            "texts stand in quotes, names are letters, digits, `_` and `-`",
        ),
        ("{{ a. }}", 1, 7, "a name wanted, the end found", ""),
        ("{{ 99999999999999999999 }}", 1, 4, "a number of at most 64 bits wanted, `99999999999999999999` found", ""),
        ("{% comment %}{% raw %}", 1, 1, "`comment` is never closed", "`{% endcomment %}` ends it"),
        ("{% raw %}{{", 1, 1, "`raw` is never closed", "`{% endraw %}` ends it"),
        ("{% cycle a:%}", 1, 12, "a value wanted, the end found", ""),
        ("{% for x of y %}{% endfor %}", 1, 10, "`in` wanted, `of` found", ""),
        (
            "{% assign vars = 1 %}",
            1,
            1,
            "`vars` has a meaning already and cannot be given another",
            "choose another name",
        ),
        (
            "{% if a | size %}{% endif %}",
            1,
            9,
            "a comparison, `and` or `or` wanted, `|` found",
            "a condition takes no filters: use `{% assign %}` before it",
        ),
        (
            "{% include x %}",
            1,
            12,
            "a name in quotes wanted, `x` found",
            "the name of an included file stands in quotes and is never computed",
        ),
        ("{% include 'x' %}", 1, 1, "there is no template `x`", ""),
        ("{% include '../x' %}", 1, 1, "there is no template `../x`", ""),
        ("{% render '/etc/passwd' %}", 1, 1, "there is no template `/etc/passwd`", ""),
        ("{% liquid\n  if a\n    eco b\n  endif\n%}", 3, 5, "there is no tag `eco`", "did you mean `echo`?"),
        ("{%%}", 1, 1, "a tag without a name", ""),
        ("ü{{ y | z }}", 1, 9, "there is no filter `z`", ""),
    ];
    for (text, line, column, message, help) in table {
        let fault = fault(text);
        assert_eq!((fault.place.line, fault.place.column), (line, column), "{text}: {fault}");
        assert_eq!((fault.message.as_str(), fault.help.as_str()), (message, help), "{text}");
    }
}

#[test]
fn files_that_include_each_other_are_a_fault() {
    let files = files(&[
        ("a", "{% include 'b' %}"),
        ("b", "\n {% if true %}{% render 'a' %}{% endif %}"),
        ("notes/x", "{{ y | nofilter }}"),
    ]);
    let fault = |text: &str| Template::parse(text, &files).unwrap_err();
    assert_eq!(
        fault("{% include 'a' %}").message,
        "in `a`, line 1, column 1: in `b`, line 2, column 15: `a` includes itself: a, b"
    );
    assert_eq!(fault("{% include 'notes/y' %}").help, "did you mean `notes/x`?");
    assert_eq!(
        fault("\n{% include 'notes/x' %}").message,
        "in `notes/x`, line 1, column 8: there is no filter `nofilter`"
    );
}
