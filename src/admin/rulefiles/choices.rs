//! What a rule that begins with an event could do: steps whose inputs are made of that event, and that hold as they stand.

use super::draft::{is_name, is_word, quoted};
use crate::{
    services::{Action, Input, InputType, Registry},
    value::{Object, Value},
};

/// Actions that are offered, and those of one service among them.
const OFFERED: usize = 3;
const OF_ONE: usize = 2;
/// Levels of the payload that inputs are taken from.
const DEPTH: usize = 3;
/// Services that are offered first, after the event's own.
const PREFERRED: [&str; 3] = ["groove", "slack", "email"];
/// Inputs that take a sentence for people.
const SPOKEN: [&str; 10] =
    ["body", "text", "message", "content", "note", "comment", "title", "subject", "description", "summary"];

/// What steps are made of.
pub(super) struct Made<'e> {
    /// The service that the event comes from.
    pub(super) service: &'e str,
    /// What happened, for people.
    pub(super) title: &'e str,
    pub(super) event: &'e Value,
    /// The path of the field that tells most. Empty: none does.
    pub(super) telling: &'e str,
}

/// A field of the event that holds one value.
struct Field<'e> {
    path: String,
    name: &'e str,
    value: &'e Value,
}

impl Made<'_> {
    /// Steps in comments: actions of services that are in use, and an event of one's own.
    pub(super) fn choices(&self, registry: &Registry, in_use: &dyn Fn(&str) -> bool) -> String {
        let mut fields = Vec::new();
        if let Some(map) = self.event.as_object() {
            gather(map, &mut Vec::new(), &mut fields);
        }
        fields.sort_by_key(|field| field.path.matches('.').count());
        let first: Vec<&str> = std::iter::once(self.service).chain(PREFERRED).collect();
        let rest = registry.packs.keys().map(String::as_str).filter(|name| !first.contains(name));
        let mut names: Vec<&str> = Vec::new();
        for name in first.iter().copied().chain(rest) {
            if !names.contains(&name) && in_use(name) {
                names.push(name);
            }
        }
        let mut all: Vec<String> = Vec::new();
        for pack in names.into_iter().filter_map(|name| registry.pack(name)) {
            let acts = pack.actions.values().filter(|action| !action.read);
            all.extend(acts.filter_map(|action| self.step(&pack.name, action, &fields)).take(OF_ONE));
        }
        all.truncate(OFFERED);
        all.push(self.emitted());
        all.into_iter().map(|choice| format!("  # - {choice}\n")).collect()
    }

    /// An action with the inputs that it must have. `None`: the event holds nothing that fits one of them.
    fn step(&self, pack: &str, action: &Action, fields: &[Field<'_>]) -> Option<String> {
        let needed = action.inputs.iter().filter(|input| input.required && input.default.is_none());
        let inputs: Option<Vec<String>> =
            needed.map(|input| Some(format!("{}: {}", input.name, self.input(input, fields)?))).collect();
        let inputs = inputs?.join(", ");
        Some(if inputs.is_empty() {
            format!("{pack}.{}: {{}}", action.name)
        } else {
            format!("{pack}.{}: {{ {inputs} }}", action.name)
        })
    }

    fn input(&self, input: &Input, fields: &[Field<'_>]) -> Option<String> {
        let named = |fits: fn(&Value) -> bool| {
            let found = fields.iter().find(|field| is_called(field.name, &input.name) && fits(field.value));
            found.map(|field| of_field(&field.path))
        };
        match input.kind {
            InputType::Enum => input.choices.first().map(|choice| quoted(choice)),
            InputType::Integer => named(is_whole),
            InputType::Number => named(Value::is_number),
            InputType::Boolean => named(Value::is_boolean),
            InputType::Email => named(is_email),
            InputType::Url => named(is_url),
            InputType::Text | InputType::Html if !input.target && SPOKEN.contains(&input.name.as_str()) => {
                Some(self.sentence())
            }
            InputType::Text | InputType::Html => named(is_said),
            InputType::List | InputType::Object | InputType::Time => None,
        }
    }

    /// What happened, with the value that tells most.
    fn sentence(&self) -> String {
        let title = self.title.replace(['{', '}'], "");
        let said = if self.telling.is_empty() { title } else { format!("{title}: {}", template(self.telling)) };
        Value::String(said).to_string()
    }

    /// An event of one's own, which other rules can listen to.
    fn emitted(&self) -> String {
        let name = self.telling.rsplit('.').next().unwrap_or_default();
        let data = match name {
            "" => "{}".to_owned(),
            name => format!("{{ {name}: {} }}", of_field(self.telling)),
        };
        format!("emit: {{ type: {}.noticed, data: {data} }}", own_service(self.service))
    }
}

/// The first part of the type of an event of one's own: that of the service itself is the service's alone.
fn own_service(service: &str) -> String {
    let plain: String = service.chars().filter(char::is_ascii_alphanumeric).collect();
    format!("my_{}", plain.to_ascii_lowercase())
}

fn template(path: &str) -> String {
    format!("{{{{ event.{path} }}}}")
}

fn of_field(path: &str) -> String {
    format!("\"{}\"", template(path))
}

/// Every field with one value that can stand in a path as it is.
fn gather<'e>(map: &'e Object, path: &mut Vec<&'e str>, found: &mut Vec<Field<'e>>) {
    for (name, value) in map.iter().filter(|(name, _)| is_name(name)) {
        path.push(name);
        match value {
            Value::Object(inner) if path.len() < DEPTH => gather(inner, path, found),
            Value::Object(_) | Value::Array(_) | Value::Null => {}
            _ => found.push(Field { path: path.join("."), name, value }),
        }
        path.pop();
    }
}

/// Whether a field is what an input asks for, by its name: `ticket`, `ticket_number`, `ticket_id`.
fn is_called(field: &str, input: &str) -> bool {
    let [field, input] = [field, input].map(str::to_ascii_lowercase);
    let rest = field.strip_prefix(&input);
    matches!(rest, Some("" | "_number" | "_id" | "_email" | "number" | "id" | "email"))
}

fn is_whole(value: &Value) -> bool {
    let digits = |text: &str| !text.is_empty() && text.len() < 19 && text.bytes().all(|byte| byte.is_ascii_digit());
    value.is_i64() || value.as_str().is_some_and(digits)
}

fn is_email(value: &Value) -> bool {
    value
        .as_str()
        .and_then(|text| text.split_once('@'))
        .is_some_and(|(who, host)| !who.is_empty() && host.contains('.'))
}

fn is_url(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.starts_with("https://") || text.starts_with("http://"))
}

fn is_said(value: &Value) -> bool {
    value.is_number() || value.as_str().is_some_and(|text| is_word(text) || is_whole(value))
}
