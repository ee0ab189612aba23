//! The answers, as files; each fact's grade is in `answers/README.md`.

use crate::value::Value;

/// What an answer is made of.
#[derive(Debug, Clone, Copy)]
pub(super) enum File {
    Message,
    Ticket,
    Created,
    Pagination,
    State,
    Mailboxes,
}

impl File {
    /// The file, parsed. A file that does not parse would be null; a test reads them all.
    pub(super) fn read(self) -> Value {
        let text = match self {
            Self::Message => include_str!("answers/message.json"),
            Self::Ticket => include_str!("answers/ticket.json"),
            Self::Created => include_str!("answers/created.json"),
            Self::Pagination => include_str!("answers/pagination.json"),
            Self::State => include_str!("answers/state.json"),
            Self::Mailboxes => include_str!("answers/mailboxes.json"),
        };
        serde_json::from_str(text).unwrap_or_default()
    }
}

/// Replaces what stands at a pointer (RFC 6901). Nothing happens where nothing stands there: the files say what there is.
pub(super) fn put(answer: &mut Value, pointer: &str, value: impl Into<Value>) {
    if let Some(place) = answer.pointer_mut(pointer) {
        *place = value.into();
    }
}

/// Takes the fields at these names out of the object at a pointer.
pub(super) fn drop_fields(answer: &mut Value, pointer: &str, names: &[&str]) {
    if let Some(object) = answer.pointer_mut(pointer).and_then(Value::as_object_mut) {
        object.retain(|name, _| !names.contains(&name.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_an_object_and_is_graded() {
        let grades = include_str!("answers/README.md");
        let files = [
            (File::Message, "message"),
            (File::Ticket, "ticket"),
            (File::Created, "created"),
            (File::Pagination, "pagination"),
            (File::State, "state"),
            (File::Mailboxes, "mailboxes"),
        ];
        for (file, name) in files {
            assert!(file.read().is_object(), "{name}");
            assert!(grades.contains(&format!("## {name}.json")), "{name}");
        }
        for name in File::Message.read()["message"]
            .as_object()
            .unwrap()
            .keys()
            .chain(File::Ticket.read()["ticket"].as_object().unwrap().keys())
        {
            assert!(grades.contains(&format!("`{name}")), "{name} has no grade");
        }
    }
}
