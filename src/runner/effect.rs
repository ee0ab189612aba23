//! A step that changes the store itself: attributes of a person or key, and events of our own. One record holds the step's end and its
//! effect, so that it takes effect once.

use serde_json::json;

use super::hold::{Flow, Hold, Left, error_of, failed, name, output};
use crate::{
    model::{Change, Effect, ErrorClass, Keeper, StepOutcome, StepPath},
    starts,
    store::{Recorded, StoreError, Then},
    value::{Object, Value},
    walk::Walk,
};

impl Hold<'_> {
    pub(super) async fn effect(&mut self, walk: &Walk, path: StepPath, effect: Effect) -> Result<Flow, StoreError> {
        // Also a read is of a run that is ours: what follows from it is then in one record with it.
        if let Some(left) = self.ensure().await? {
            return Ok(Flow::Leave(left));
        }
        match effect {
            Effect::Attributes { keeper, key, change } if change.is_read() => {
                let attributes = self.parts.store.attributes(keeper, key).await?;
                Ok(Flow::Ended(output(&path, StepOutcome::Ok, Value::Object(attributes))))
            }
            Effect::Attributes { keeper, key, change } => self.attributes(walk, path, keeper, key, change).await,
            Effect::Emit { kind, data } => self.emit(walk, path, kind, data).await,
        }
    }

    async fn attributes(
        &mut self,
        walk: &Walk,
        path: StepPath,
        keeper: Keeper,
        key: String,
        change: Change,
    ) -> Result<Flow, StoreError> {
        let Some(mut record) = self.drafted(Then::Go) else { return Ok(Flow::Leave(Left::NotMine)) };
        // Its result is made in the transaction: only there it is known what the change is laid over.
        record.outputs.push(output(&path, StepOutcome::Ok, Value::Null));
        record.attributes = Some((path.clone(), keeper, key, change));
        let recorded = self.parts.persist(&record).await?;
        self.settle(&record, &recorded);
        Ok(match recorded {
            Recorded::Kept(attributes) => {
                let attributes: Object = attributes.unwrap_or_default();
                Flow::Kept(output(&path, StepOutcome::Ok, Value::Object(attributes)))
            }
            Recorded::Unfit(why) => {
                let step = name(walk.step(&path), &path);
                Flow::Ended(failed(&path, error_of(&step, ErrorClass::InvalidInput, why)))
            }
            Recorded::Lost => Flow::Leave(Left::NotMine),
        })
    }

    async fn emit(&mut self, walk: &Walk, path: StepPath, kind: String, data: Value) -> Result<Flow, StoreError> {
        let step = name(walk.step(&path), &path);
        let depth = self.run.event.depth.saturating_add(1);
        if depth > starts::DEEPEST {
            let why = format!("`{kind}` would be event {depth} in a chain of our own; {} are taken", starts::DEEPEST);
            return Ok(Flow::Ended(failed(&path, error_of(&step, ErrorClass::Loop, why))));
        }
        let Some(mut record) = self.drafted(Then::Go) else { return Ok(Flow::Leave(Left::NotMine)) };
        let by = json!({"run": self.run.id.to_string(), "step": path.0});
        let fresh = starts::emitted(kind, data, depth, by);
        let in_force = (self.parts.in_force)();
        // Rules may take their time to match it.
        let event = tokio::task::block_in_place(|| {
            starts::started(&self.parts.config, &self.parts.ids, &in_force, fresh, self.now())
        });
        let ended = output(&path, StepOutcome::Ok, json!({"id": event.id.to_string()}));
        // The event is made once and stored with the step's end: a record that is written again writes the same event, and a step that
        // has ended emits no other.
        record.outputs.push(ended.clone());
        record.emitted = Some(Box::new(event));
        let recorded = self.parts.persist(&record).await?;
        self.settle(&record, &recorded);
        Ok(match recorded {
            Recorded::Kept(_) => {
                self.parts.wake.ring();
                Flow::Kept(ended)
            }
            Recorded::Unfit(why) => Flow::Ended(failed(&path, error_of(&step, ErrorClass::Internal, why))),
            Recorded::Lost => Flow::Leave(Left::NotMine),
        })
    }
}
