//! Steps in their order: what each looks at, what has surely run before it, and what strangers decide.

use super::{Checker, Guards, Here, Part, each_reference, inner, of_leaf};
use crate::{
    rules::{HttpBody, HttpStep, OnStepError, Step, StepKind, Unknown, codes, reader::place},
    templates::{Leaf, Tree},
};

impl Checker<'_> {
    /// Checks a list of steps; `here` then knows that they have been there.
    pub(super) fn steps(&self, steps: &[Step], here: &mut Here) {
        for step in steps {
            self.step(step, here);
        }
    }

    fn step(&self, step: &Step, here: &mut Here) {
        let mut inner = here.clone();
        if let Some(condition) = &step.condition {
            self.condition(condition, &inner);
            inner.guards = inner.guards.and(&Guards::of(condition));
        }
        let pointer = format!("/{}", step.path.0.replace('.', "/"));
        self.can_verify(step, &pointer);
        match &step.kind {
            StepKind::Action { name, inputs, .. } => self.action(name, inputs, &inner),
            StepKind::Http(http) => self.http(http, &format!("{pointer}/http"), &inner),
            StepKind::Stop(leaf) => self.leaf(leaf, &format!("{pointer}/stop"), &inner),
            StepKind::Fail(leaf) => self.leaf(leaf, &format!("{pointer}/fail"), &inner),
            StepKind::ForEach { list, name, steps, .. } => self.for_each(list, name, steps, &pointer, &inner, here),
            StepKind::Wait(wait) => self.wait(wait, &pointer, &inner),
            StepKind::Attributes(attributes) => self.attributes(attributes, &pointer, &inner),
            StepKind::Emit { data, .. } => self.tree(data, &inner),
            StepKind::Vars(vars) => vars.iter().for_each(|(_, tree)| self.tree(tree, &inner)),
            StepKind::Block { then, otherwise } => {
                let mut branch = inner.clone();
                self.steps(then, &mut branch);
                let mut other = here.clone();
                self.steps(otherwise, &mut other);
                // Seen from after the block, no step of a branch has surely run.
                let before = here.done.len();
                let of_branches = branch.done.into_iter().skip(before).chain(other.done.into_iter().skip(before));
                here.done.extend(of_branches.map(|(id, _)| (id, false)));
                let before = here.written.len();
                let of_branches = branch.written.into_iter().skip(before).chain(other.written.into_iter().skip(before));
                here.written.extend(of_branches.map(|(name, _)| (name, false)));
            }
        }
        if let OnStepError::Steps(steps) = &step.on_error {
            let mut failed = inner.clone();
            failed.part = Part::OnError;
            failed.done.extend(step.id.iter().map(|id| (id.clone(), false)));
            self.steps(steps, &mut failed);
            let before = here.done.len();
            here.done.extend(failed.done.into_iter().skip(before).map(|(id, _)| (id, false)));
            let before = here.written.len();
            here.written.extend(failed.written.into_iter().skip(before).map(|(name, _)| (name, false)));
        }
        let sure = step.condition.is_none() && matches!(step.on_error, OnStepError::Stop);
        if let StepKind::Vars(vars) = &step.kind {
            here.written.extend(vars.iter().map(|(name, _)| (name.clone(), sure)));
        }
        if let Some(id) = &step.id {
            here.done.push((id.clone(), sure && !inner::may_time_out(&step.kind)));
        }
    }

    /// `unknown: verify` wants an action whose pack says how to look.
    fn can_verify(&self, step: &Step, pointer: &str) {
        if step.retry.unknown != Some(Unknown::Verify) {
            return;
        }
        let name = match &step.kind {
            StepKind::Action { name, .. } => {
                // An unknown action has its own finding.
                if self.reader.vocabulary.action(name).is_none_or(|info| info.verify) {
                    return;
                }
                name.as_str()
            }
            _ => "http",
        };
        let at = place(self.reader.document.place(&format!("{pointer}/retry/unknown")));
        let message =
            format!("`unknown: verify` needs a read that tells what became of an attempt, and `{name}` has none");
        let help = "use `ask` (a person decides) or `retry` (it is sent again), or leave `unknown` out";
        self.reader.error(codes::NO_READ_BACK, at, message, help);
    }

    pub(super) fn action(&self, name: &str, inputs: &[(String, Tree)], here: &Here) {
        let info = self.reader.vocabulary.action(name);
        for (input, tree) in inputs {
            self.tree(tree, here);
            let known = info.as_ref().and_then(|info| info.inputs.iter().find(|known| known.name == *input));
            if let Some(known) = known.filter(|known| known.target) {
                each_reference(tree, &mut |leaf, reference| self.untrusted_input(leaf, reference, known, here));
            }
        }
    }

    pub(super) fn http(&self, http: &HttpStep, pointer: &str, here: &Here) {
        self.leaf(&http.url, &format!("{pointer}/url"), here);
        let at = place(self.reader.document.place(&format!("{pointer}/url")));
        for reference in of_leaf(&http.url) {
            self.untrusted(at, reference, "url", here);
        }
        for (name, leaf) in &http.headers {
            self.leaf(leaf, &crate::value::pointer_to(&format!("{pointer}/headers"), name), here);
        }
        for (_, tree) in &http.query {
            self.tree(tree, here);
        }
        match &http.body {
            HttpBody::None => {}
            HttpBody::Json(tree) | HttpBody::Xml(tree) => self.tree(tree, here),
            HttpBody::Form(pairs) => pairs.iter().for_each(|(_, tree)| self.tree(tree, here)),
            HttpBody::Text(leaf) => self.leaf(leaf, &format!("{pointer}/text"), here),
            HttpBody::Multipart(parts) => {
                for part in parts {
                    self.tree(&part.value, here);
                    let of_part = crate::value::pointer_to(&format!("{pointer}/multipart"), &part.name);
                    for (key, leaf) in [("filename", &part.filename), ("content_type", &part.content_type)] {
                        if let Some(leaf) = leaf {
                            self.leaf(leaf, &format!("{of_part}/{key}"), here);
                        }
                    }
                }
            }
        }
    }

    pub(super) fn leaf(&self, leaf: &Leaf, pointer: &str, here: &Here) {
        let at = place(self.reader.document.place(pointer));
        for reference in of_leaf(leaf) {
            self.reference(at, reference, here);
        }
    }
}
