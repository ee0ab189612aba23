//! The texts that templates may name.

use std::{collections::BTreeMap, sync::Arc};

/// The workspace's `templates/**/*.liquid` by the name that `{% include "notes/missed_call" %}` uses.
#[derive(Debug, Clone, Default)]
pub struct Files(pub Arc<BTreeMap<String, String>>);
