//! A rule that intake had no time for: evaluated here, and put to its gates.

use std::time::Duration;

use super::hold::{Hold, Left, error_of};
use crate::{
    matcher::{self, Keys},
    model::{ErrorClass, RunStatus, Verdict},
    starts,
    store::{Gates, StoreError, Then},
    value::Value,
};

impl Hold<'_> {
    /// Evaluates the rule. `None`: it matched, has nothing to pass, and its run goes on here.
    pub(super) async fn decide(&mut self) -> Result<Option<Left>, StoreError> {
        // Its rule was too slow for intake: whoever shares this thread must not wait for it.
        let (then, vars, gates) = match tokio::task::block_in_place(|| self.decided()) {
            Decided::Matched { gates, .. } if gates == Gates::default() && self.rule.around.concurrency.is_none() => {
                return Ok(None);
            }
            Decided::Matched { vars, gates } => (None, vars, gates),
            Decided::Ends(then) => (Some(then), serde_json::Map::new(), Gates::default()),
        };
        if !self.claim(Duration::ZERO, None, None).await?.is_mine() {
            return Ok(Some(Left::NotMine));
        }
        if let Some(then) = then {
            return self.leave(then).await.map(Some);
        }
        let Some(claim) = self.claim else { return Ok(Some(Left::NotMine)) };
        let passed = self.parts.store.pass_gates(self.run.id, claim, vars, gates, self.now()).await?;
        Ok(Some(if passed { Left::Waits } else { Left::NotMine }))
    }

    fn decided(&self) -> Decided {
        let subject = match starts::subject_of(&self.run.event, &self.pinned.registry) {
            Ok(subject) => subject,
            Err(why) => return Decided::failed(ErrorClass::Internal, why),
        };
        let (settings, bound) = (&self.parts.config.vars, self.parts.config.limits.match_event);
        let (verdict, mut vars) = matcher::verdict(&self.rule, &subject, settings, bound);
        match verdict {
            Verdict::Matched => {
                let keys = Keys::of_subject(&self.rule, &subject, settings, &mut vars);
                let gates = starts::gates(&self.rule, &keys, subject.received_at);
                Decided::Matched { vars, gates }
            }
            Verdict::NotMatched(evidence) => Decided::Ends(Then::End {
                status: RunStatus::Skipped,
                error: None,
                why: Some(format!("{} {} did not hold", evidence.path, evidence.operator)),
            }),
            Verdict::Undecided | Verdict::Error { .. } => {
                Decided::failed(ErrorClass::Template, "the rule could not be evaluated in its time".to_owned())
            }
        }
    }
}

/// What a rule said to its event.
enum Decided {
    Matched { vars: serde_json::Map<String, Value>, gates: Gates },
    Ends(Then),
}

impl Decided {
    fn failed(class: ErrorClass, why: String) -> Self {
        Self::Ends(Then::End { status: RunStatus::Failed, error: Some(error_of("when", class, why)), why: None })
    }
}
