//! A leaf of a rule's tree: a literal, an expression or a text.

use serde_json::Value;

use super::{Context, Files, Reference, RenderError, Sink, Template, TemplateFault};

/// A leaf of a rule's tree.
#[derive(Debug, Clone)]
pub enum Leaf {
    /// No template in it.
    Literal(Value),
    /// Exactly one `{{ }}`: keeps its type.
    Expression(Template),
    /// Text with templates in it.
    Text(Template),
}

impl Leaf {
    /// Reads a leaf: text with `{{` or `{%` is a template, all else a literal.
    pub fn parse(value: &Value, files: &Files) -> Result<Self, TemplateFault> {
        let template = match value {
            Value::String(text) if text.contains("{{") || text.contains("{%") => Template::parse(text, files)?,
            other => return Ok(Self::Literal(other.clone())),
        };
        Ok(if template.lone().is_some() { Self::Expression(template) } else { Self::Text(template) })
    }

    /// The value: a literal as it is; an expression typed (with `Sink::Plain`) or as escaped text (any other sink), null where
    /// it is null in every sink, so that what is optional can be left out; text as text.
    pub fn render(&self, context: &Context<'_>, sink: Sink) -> Result<Value, RenderError> {
        match self {
            Self::Literal(value) => Ok(value.clone()),
            Self::Text(template) => template.render(context, sink).map(Value::String),
            Self::Expression(template) => {
                let value = template.value(context)?;
                if sink == Sink::Plain || value.is_null() {
                    return Ok(value);
                }
                template.render(context, sink).map(Value::String)
            }
        }
    }

    /// What it looks at.
    pub fn references(&self) -> &[Reference] {
        match self {
            Self::Literal(_) => &[],
            Self::Expression(template) | Self::Text(template) => template.references(),
        }
    }

    /// Whether it is a literal.
    pub fn is_literal(&self) -> bool {
        matches!(self, Self::Literal(_))
    }
}
