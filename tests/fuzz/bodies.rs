//! Mutated bodies of deliveries: whatever comes in as XML, a form or parts, it is read within its bounds or refused.

use bellwire::value::{
    JsonLimits, NewPart, Value, read_form, read_json, read_multipart, read_xml, write_multipart, write_xml,
};

use super::{
    dice::Dice,
    measure::{Counts, Meter},
    run,
};

/// Cases of one go.
const CASES: u64 = 20_000;

const XML: [&str; 14] = [
    "<a/>",
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><order id=\"7\"><item>1</item><item x='y'>2</item> text </order>",
    "<s:Envelope xmlns:s='urn:x'><s:Body><a xmlns='urn:y' s:b=\"c\">&lt;&#x41;&amp;</a></s:Body></s:Envelope>",
    "<a><![CDATA[<b>]]></a><!-- c --><?pi x?>",
    "<!DOCTYPE a [<!ENTITY b \"bbbbbbbb\"><!ENTITY c \"&b;&b;&b;\">]><a>&c;</a>",
    "<a b=\"1\" b=\"2\"/>",
    "<a><b><c><d><e><f><g><h><i><j>x</j></i></h></g></f></e></d></c></b></a>",
    "<a>&unknown;&#0;&#xFFFFFFFF;&#55296;</a>",
    "\u{feff}<ä é='ü'>ö</ä>",
    "<a\n\tb = \"x\ny\"\r\n>\r\n</a >",
    "<a b='<'>]]></a>",
    "<a/><b/>",
    "<a></b>",
    "<a><b/><b/><b/><b/><b/><b/><b/><b/></a>",
];
const XML_WORDS: [&str; 26] = [
    "<",
    ">",
    "/>",
    "</",
    "<a>",
    "</a>",
    "<a b='c'>",
    "\"",
    "'",
    "=",
    "&",
    ";",
    "&lt;",
    "&#x;",
    "&#1;",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?",
    "?>",
    "<!DOCTYPE",
    "\0",
    "\u{feff}",
    "#text",
    "@",
];

const FORMS: [&str; 8] = [
    "a=1&b=2&a=3",
    "a=%C3%A4+x&b=%00",
    "a[]=1&a[]=2&a[b][c]=d",
    "=&=&&=x",
    "a=%ff&b=%zz",
    "payload=%7B%22a%22%3A1%7D",
    "k&l&m",
    "a=b=c=d",
];
const FORM_WORDS: [&str; 12] = ["&", "=", "%", "+", "%2", "%00", "%ff", "%C3", ";", "[", "]", "\0"];

const PARTS: [&str; 7] = [
    "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--b--\r\n",
    "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"../x\"\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--",
    "--b\r\nContent-Disposition: form-data; name=a\r\n\r\n\r\n--b\r\nContent-Disposition: form-data; name=a\r\n\r\n--b--",
    "--b\r\nContent-Type: multipart/mixed; boundary=c\r\nContent-Disposition: form-data; name=a\r\n\r\n--c--\r\n--b--",
    "preamble\r\n--b  \r\nX: y\r\nContent-Disposition: form-data; name=\"\\\"\\\\\"; filename*=UTF-8''x\r\n\r\n\r\n--b--",
    "--b--",
    "--b\r\n\r\n\r\n--b\r\n\r\n\r\n--b--",
];
const PARTS_WORDS: [&str; 14] = [
    "\r\n",
    "\r",
    "\n",
    "--b",
    "--b--",
    "\r\n--b",
    "\r\n\r\n",
    "name=",
    "filename=\"",
    "\"",
    ";",
    ":",
    "\\",
    "Content-Type: ",
];

fn xml(text: &str) -> &'static str {
    let Ok(value) = read_xml(text.as_bytes()) else { return "refused" };
    let written = write_xml(&value).unwrap_or_else(|error| panic!("{error}: {text:?}"));
    let again = read_xml(written.as_bytes()).unwrap_or_else(|error| panic!("{error}: {written:?} of {text:?}"));
    assert_eq!(again, value, "{text:?}");
    // What was taken once is taken again, wherever it is kept as JSON.
    assert!(read_json(value.to_string().as_bytes(), JsonLimits::default()).is_ok(), "{text:?}");
    "read"
}

fn form(text: &str) -> &'static str {
    match read_form(text.as_bytes()) {
        Ok(Value::Object(_)) => "read",
        Ok(other) => panic!("{other}: {text:?}"),
        Err(_) => "refused",
    }
}

fn parts(text: &str) -> &'static str {
    let Ok(parts) = read_multipart(text.as_bytes(), "b") else { return "refused" };
    let size: usize = parts.iter().map(|part| part.bytes.len()).sum();
    assert!(size <= text.len(), "{text:?}");
    let again: Vec<NewPart<'_>> = parts
        .iter()
        .map(|part| NewPart {
            name: &part.name,
            filename: part.filename.as_deref(),
            content_type: part.content_type.as_deref(),
            bytes: part.bytes,
        })
        .collect();
    if let Ok((kind, body)) = write_multipart(&again) {
        let boundary = kind.rsplit('=').next().unwrap();
        let read = read_multipart(&body, boundary).unwrap_or_else(|error| panic!("{error}: {text:?}"));
        assert!(read.iter().map(|part| part.bytes).eq(parts.iter().map(|part| part.bytes)), "{text:?}");
    }
    "read"
}

#[test]
fn mutated_xml_is_read_within_its_bounds_or_refused() {
    run(&["read", "refused"], |dice, meter| go(dice, meter, &XML, &XML_WORDS, xml));
}

#[test]
fn mutated_forms_and_parts_are_read_within_their_bounds_or_refused() {
    run(&["read", "refused"], |dice, meter| {
        let mut counts = go(dice, meter, &FORMS, &FORM_WORDS, form);
        for (kind, count) in go(dice, meter, &PARTS, &PARTS_WORDS, parts) {
            *counts.entry(kind).or_default() += count;
        }
        counts
    });
}

fn go(dice: &mut Dice, meter: &mut Meter, corpus: &[&str], words: &[&str], case: fn(&str) -> &'static str) -> Counts {
    let mut counts = Counts::new();
    for _ in 0..CASES {
        let text = dice.mutate(corpus, words);
        *counts.entry(meter.measure(&text, || case(&text))).or_default() += 1;
    }
    counts
}
