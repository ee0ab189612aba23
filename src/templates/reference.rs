//! What a template looks at, seen in its text.

use crate::{model::Place, value::Path};

/// A place that a template looks at, seen in its text: for checks against schemas, and for computing `vars` as needed.
#[derive(Debug, Clone, PartialEq)]
pub struct Reference {
    /// As far as it is literal: `event.tracking.ticket`; `event.x[y]` gives `event.x`. A root alone is all of it.
    pub path: Path,
    /// Goes on after `path` in a way that the text does not tell: with `[x]`, or with `first`, `last` or `size`, which may
    /// be names or questions.
    pub open: bool,
    /// `default` is among its filters, or it stands in a bare condition or is compared with `nil`, `empty` or `blank`:
    /// it may be missing.
    pub has_default: bool,
    /// In the template's own text. For what an included file looks at: the tag that includes it.
    pub place: Place,
}
