//! `if`, `unless` and `case`.

use std::io::Write;

use liquid_core::{Error, Renderable, Runtime, Template};
use serde_json::Value;

use super::stop;
use crate::{
    model::Place,
    templates::{
        RenderError,
        evaluate::{Evaluation, blank, empty},
        expression::{Chain, Condition, Expression},
        language::Arm,
        prepare::Prepared,
    },
    value::same,
};

/// `if` and `unless`: the first arm whose condition is as wanted.
#[derive(Debug)]
pub(super) struct Branching {
    arms: Vec<(Option<Question>, Template)>,
}

#[derive(Debug)]
struct Question {
    condition: Condition,
    /// What opens the arm; false for `unless` alone.
    wanted: bool,
}

impl Branching {
    #[expect(clippy::new_ret_no_self, reason = "tags are known by what renders them alone")]
    pub(super) fn new(arms: Vec<Arm>, wanted: bool) -> liquid_core::Result<Box<dyn Renderable>> {
        let mut wanted = wanted;
        let mut read = Vec::with_capacity(arms.len());
        for Arm { opening, body, .. } in arms {
            let question = match opening {
                Prepared::Condition(condition) => Some(Question { condition, wanted }),
                _ => None,
            };
            read.push((question, body));
            wanted = true;
        }
        Ok(Box::new(Self { arms: read }))
    }
}

impl Renderable for Branching {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        for (question, body) in &self.arms {
            let open = match question {
                None => true,
                Some(Question { condition, wanted }) => {
                    let holds = Evaluation::new(runtime).condition(condition);
                    holds.map_err(|error| stop(runtime, error))? == *wanted
                }
            };
            if open {
                return body.render_to(writer, runtime);
            }
        }
        Ok(())
    }
}

/// `case`: every `when` that fits, or else the `else`.
#[derive(Debug)]
pub(super) struct Case {
    subject: Chain,
    /// No values: `else`.
    arms: Vec<(Option<Vec<Expression>>, Template)>,
}

impl Case {
    #[expect(clippy::new_ret_no_self, reason = "tags are known by what renders them alone")]
    pub(super) fn new(arms: Vec<Arm>) -> liquid_core::Result<Box<dyn Renderable>> {
        let mut arms = arms.into_iter();
        // What stands before the first `when` is never shown.
        let Some(Arm { opening: Prepared::Case(subject), .. }) = arms.next() else {
            return Err(Error::with_msg("a case without a value"));
        };
        let arms = arms.map(|arm| match arm.opening {
            Prepared::When(values) => (Some(values), arm.body),
            _ => (None, arm.body),
        });
        Ok(Box::new(Self { subject, arms: arms.collect() }))
    }

    fn fits(
        evaluation: &Evaluation<'_>,
        subject: &Value,
        values: &[Expression],
        place: Place,
    ) -> Result<bool, RenderError> {
        for value in values {
            let fits = match value {
                Expression::Empty => empty(subject),
                Expression::Blank => blank(subject),
                value => same(subject, &evaluation.strict(value, place)?),
            };
            if fits {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Renderable for Case {
    fn render_to(&self, writer: &mut dyn Write, runtime: &dyn Runtime) -> liquid_core::Result<()> {
        let evaluation = Evaluation::new(runtime);
        let subject = evaluation.chain(&self.subject).map_err(|error| stop(runtime, error))?;
        let mut found = false;
        for (values, body) in &self.arms {
            let fits = match values {
                None => !found,
                Some(values) => Self::fits(&evaluation, &subject, values, self.subject.place)
                    .map_err(|error| stop(runtime, error))?,
            };
            if fits {
                found |= values.is_some();
                body.render_to(writer, runtime)?;
            }
        }
        Ok(())
    }
}
