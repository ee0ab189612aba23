//! A secret that is a member of the JSON body.

use serde_json::{Map, Value};

use super::address::refused;
use crate::{
    model::{ErrorClass, StepError},
    secret::Secret,
};

/// A JSON object with one more member, first of all. `Err` where the body is no object, or has such a member already.
pub(super) fn with_member(body: Option<&str>, name: &str, secret: &Secret) -> Result<String, StepError> {
    let wrong = |why: &str| refused(ErrorClass::RenderType, format!("the auth of this service needs {why}"));
    let object: Map<String, Value> =
        serde_json::from_str(body.unwrap_or_default()).map_err(|_| wrong("a JSON object as the body"))?;
    if object.contains_key(name) {
        return Err(wrong(&format!("the body's `{name}` for itself; leave it out")));
    }
    let mut whole = Map::new();
    whole.insert(name.to_owned(), Value::from(secret.expose()));
    whole.extend(object);
    Ok(Value::Object(whole).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_joins_an_object_and_nothing_else() {
        let of = |body| with_member(body, "key", &Secret::new("se\"cret-1".to_owned())).map_err(|error| error.class);
        assert_eq!(of(Some(r#"{"a": [1.5, {}]}"#)), Ok(r#"{"key":"se\"cret-1","a":[1.5,{}]}"#.to_owned()));
        assert_eq!(of(Some("{}")), Ok(r#"{"key":"se\"cret-1"}"#.to_owned()));
        for body in [None, Some("[]"), Some("a=b"), Some(r#"{"key": "mine"}"#)] {
            assert_eq!(of(body), Err(ErrorClass::RenderType), "{body:?}");
        }
    }
}
