//! What is wrong for longer than a moment, and is somebody's to see: an overdue schedule, a silent source, a poll that fails.

/// Something that is wrong. Raised again with the same fingerprint it is the same problem, seen once more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What makes two of them one: the kind and what it is about, such as `poll:leads/new#0`.
    pub fingerprint: String,
    /// `schedule`, `silence`, `poll`, `circuit`, `grant` or `subscription`.
    pub kind: &'static str,
    /// What it is about, as a person names it: a rule, a source, a host, a connection.
    pub subject: String,
    /// One sentence: what is wrong, and the way out.
    pub message: String,
}
