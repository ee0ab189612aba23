//! `event` as rules see it.

use crate::value::{Object, Value};

/// The parsed body, with the pack's fields winning over its names. A body that is no object stays as it is.
pub fn payload(body: Value, fields: Object) -> Value {
    match body {
        Value::Object(mut object) => {
            object.extend(fields);
            Value::Object(object)
        }
        other => other,
    }
}
