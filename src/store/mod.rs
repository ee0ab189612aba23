//! What is kept, on SQLite or PostgreSQL. Knows no HTTP. One writer thread commits for everyone (group commit); readers have a pool.

mod accept;
mod admit;
mod api_tokens;
mod attempts;
mod attributes;
mod audit;
mod canonical;
mod claim;
mod compress;
mod counts;
mod dialect;
mod due;
mod echoes;
mod error;
mod events;
mod failures;
#[cfg(debug_assertions)]
mod fault;
mod forget;
mod gates;
mod granted;
mod grants;
mod handle;
mod inbox;
mod instance;
mod jobs;
mod json;
mod lock;
mod marks;
mod names;
mod one_time;
mod open;
mod outputs;
mod overview;
mod places;
mod polls;
mod pool;
mod problem_lists;
mod problems;
mod prune;
mod record;
mod refusals;
mod replay;
mod request_keys;
mod resolve;
mod rule_facts;
mod run_lists;
mod runs;
mod schedules;
mod schema;
mod second_factor;
mod secrets;
mod sessions;
mod sets;
mod sources;
mod state;
mod subscriptions;
mod suppressed;
mod tallies;
mod vault;
mod views;
mod waits;
mod watched;
mod writer;

#[cfg(test)]
mod tests;
mod tries;
mod users;

pub use accept::{Accepted, Dedupe, NewEvent, NewRun, PEER};
pub use api_tokens::ApiToken;
pub use attempts::AttemptRow;
pub use attributes::{AttributesRow, By};
pub use audit::{AuditFilter, AuditRow};
pub use claim::{Claim, ClaimId, LastRead, LoadedRun, NewAttempt, Pending};
pub use counts::Counts;
pub use due::{Due, DueRun};
pub use error::StoreError;
pub use events::{EventDetail, EventFilter, EventRow, StoredEvent};
pub use forget::{Forgotten, Needle, Searched};
pub use gates::{
    Claimed, DigestGate, Full, FuseGate, GateKey, Gates, OnceGate, PlaceWish, Suppressed, SuppressedBy, ThresholdGate,
};
pub use granted::{Grant, GrantState, Lease, NewGrant, PendingLogin};
pub use handle::{Mode, Store};
pub use inbox::{
    Glimpse, InboxAsk, InboxFilter, InboxPage, InboxRow, InboxState, Joined, Probe, RepeatRow, Test as InboxTest,
};
pub use jobs::{JobRow, JobStart, JobState, JobStep, OPEN_JOBS};
pub use one_time::OneTime;
pub use overview::{Backlog, BriefRun, COUNTED, OpenProblem, Standing, Stored};
pub use polls::{PollDone, PollId, PollRow};
pub use problem_lists::{ProblemFilter, ProblemRow};
pub use problems::{ProblemWord, Untold};
pub use prune::Pruned;
pub use record::Recorded;
pub use record::{AttemptEnd, Record, Then};
pub use replay::Replay;
pub use request_keys::KnownRequest;
pub use resolve::{Recovered, Resolution};
pub use rule_facts::{RuleFacts, Spans, TextVersion};
pub use runs::{RunDetail, RunFilter, RunPage, RunRow};
pub use schedules::{ScheduleId, ScheduleRow};
pub use sessions::{SESSION_IDLE, SESSION_LONGEST, SessionRow, Stage};
pub use sets::NewSet;
pub use sources::{KindCount, PAUSED, PausedSource};
pub use subscriptions::Subscription;
pub use tallies::{LastRun, RuleDay, RuleTally, Stretch, Window};
pub use tries::TryLimit;
pub use users::{NewUser, UserChange, UserRow};
pub use vault::{SecretRow, Vault, VaultError};
pub use views::MOST_VIEWS;
pub use waits::{NewWait, OpenWait, WaitEvents, WaitRow};

/// Rows of a page unless asked for otherwise, and at most.
const PAGE: usize = 50;
const LARGEST_PAGE: usize = 1000;

/// How many rows a list shows.
fn page_size(asked: Option<usize>) -> i64 {
    i64::try_from(asked.unwrap_or(PAGE).min(LARGEST_PAGE)).unwrap_or(0)
}
