//! What the engine speaks of: plain data and its laws, no I/O.

mod attempt;
mod delivery;
mod effect;
mod event;
mod finding;
mod headers;
mod kept;
mod person;
mod problem;
mod profile;
mod run;
mod step;
mod verdict;

pub use attempt::{AttemptKind, AttemptOutcome, ErrorClass, SMTP_CODE};
pub use delivery::{Refusal, RefusalReason};
pub use effect::{Change, Effect, Keeper};
pub use event::{EventFlags, EventType};
pub use finding::{Finding, Place, Severity};
pub use headers::OWN_HEADERS;
pub use kept::{is_dropped, is_telling};
pub use person::{Person, Role, Scope, Via};
pub use problem::{Problem, ProblemState};
pub use profile::{RESERVED, answer_faults, attribute_fault, flat, joined_fault, name_fault};
pub use run::{IllegalMove, RunStatus};
pub use step::{StepError, StepOutcome, StepOutput, StepPath};
pub use verdict::{Evidence, Verdict};
