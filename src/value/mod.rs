//! JSON values: paths into them, how they compare, and strict readers for what comes from outside: JSON, YAML, XML, forms.

mod compare;
mod form;
mod json;
mod kinds;
mod multipart;
mod path;
mod xml;
mod yaml;

pub use compare::{compare_numbers, same, type_name};
pub use form::{FormError, LONGEST_NAME, MOST_PAIRS, put_field, read_form};
pub use json::{JsonError, JsonLimits, Parsed, read_json};
pub use kinds::{is_email, is_web_url, number_of, whole_number_of};
pub use multipart::{MOST_FILES, MultipartError, MultipartWriteError, NewPart, Part, read_multipart, write_multipart};
pub use path::{Path, PathError, Segment, find_all_in, find_in};
pub use serde_json::Value;
pub use xml::{MOST_XML_NAMES, XML_DEPTH, XmlError, XmlWriteError, read_xml, write_xml};
pub use yaml::{Document, MOST_FAULTS, YamlFault, YamlFaultKind, YamlLimits, pointer_to, read_yaml};

/// An object of JSON, in the order of its writer.
pub type Object = serde_json::Map<String, Value>;

/// Lays `patch` over `base`: objects are merged name by name, anything else is replaced.
pub fn merge(base: &mut Value, patch: Value) {
    match (base, patch) {
        (Value::Object(base), Value::Object(patch)) => {
            for (name, value) in patch {
                match base.get_mut(&name) {
                    Some(old) => merge(old, value),
                    None => {
                        base.insert(name, value);
                    }
                }
            }
        }
        (base, patch) => *base = patch,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn objects_merge_and_all_else_is_replaced() {
        let mut base = json!({"a": {"x": 1, "y": [1, 2]}, "b": 1});
        merge(&mut base, json!({"a": {"y": [3]}, "c": null}));
        assert_eq!(base, json!({"a": {"x": 1, "y": [3]}, "b": 1, "c": null}));
    }
}
