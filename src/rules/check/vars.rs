//! Vars: what they look at, and circles among them.

use super::{Checker, Here};
use crate::{
    rules::codes,
    value::{Path, Segment},
};

impl Checker<'_> {
    pub(super) fn vars(&self, here: &Here) {
        let mut told: Vec<&str> = Vec::new();
        for var in &self.rule.vars {
            self.tree(&var.value, here);
            let mut way = vec![var.name.as_str()];
            if !told.contains(&var.name.as_str()) && self.circle(&mut way) {
                told.extend(&way);
                let message = format!("vars need each other in a circle: {}", way.join(" → "));
                self.reader.error(codes::VAR_CYCLE, var.place, message, "write one of them without the others");
            }
        }
    }

    /// Whether the first var of `way` is needed, over those after it, by the last one.
    fn circle<'v>(&'v self, way: &mut Vec<&'v str>) -> bool {
        let Some(last) = way.last().copied() else { return false };
        for needed in self.needs.get(last).into_iter().flatten().filter_map(var_name) {
            if way.first() == Some(&needed) {
                way.push(needed);
                return true;
            }
            if way.contains(&needed) {
                continue;
            }
            way.push(needed);
            if self.circle(way) {
                return true;
            }
            way.pop();
        }
        false
    }

    /// Every place outside `vars` and the turns of loops that a value at `path` comes from; circles end.
    pub(super) fn sources(&self, path: &Path, here: &Here) -> Vec<Path> {
        let mut found = Vec::new();
        let mut seen: Vec<Path> = Vec::new();
        let mut open = vec![path.clone()];
        while let Some(path) = open.pop() {
            if seen.contains(&path) {
                continue;
            }
            seen.push(path.clone());
            if let Some(turn) = here.loops.iter().find(|turn| Some(turn.name.as_str()) == path.root()) {
                let of_element = |list: &Path| {
                    let rest = path.below_root().iter().cloned();
                    Path::new(list.segments().iter().cloned().chain([Segment::Any]).chain(rest).collect())
                };
                open.extend(turn.sources.iter().map(of_element));
                continue;
            }
            let of_var = |name| [self.needs.get(name), self.written.get(name)].into_iter().flatten().flatten();
            let needs: Vec<Path> = var_name(&path).into_iter().flat_map(of_var).cloned().collect();
            let known =
                var_name(&path).is_some_and(|name| self.needs.contains_key(name) || self.written.contains_key(name));
            if known { open.extend(needs) } else { found.push(path) }
        }
        found
    }
}

/// `x` of `vars.x`.
pub(super) fn var_name(path: &Path) -> Option<&str> {
    match path.segments() {
        [Segment::Name(root), Segment::Name(name), ..] if root == "vars" => Some(name),
        _ => None,
    }
}
