//! Trying rules without sending anything: what they would say and do.

pub mod backtest;
pub mod explain;
pub mod save;

mod answers;
mod dry;
mod events;
mod gates;
mod judge;
mod play;
mod report;
mod suite;
mod timeline;
mod world;

pub use answers::{Answers, Call, Reply};
pub use dry::{Assumed, Door, DryRun, Exchange, Outgoing, Wire, dry_run};
pub use events::{Given, sample};
pub use report::{Miss, Report, Row, TraceLine};
pub use suite::{Bench, Case, Replies, Wanted, WantedVerdict, read_suite, run_case};
