//! What people have said became of a run's attempts: the audit log knows who, and when.

use super::{refused::Refused, state::Admin};
use crate::{clock::Time, ids::RunId, store::AuditFilter};

/// Rows of the log on one run that are looked at, the newest.
const LOOKED: usize = 100;

/// A person's word on an attempt without an answer.
pub(super) struct Said {
    /// The name as it was then.
    pub(super) who: String,
    /// When.
    pub(super) at: Time,
    /// `done`, `retry`, `fail` or `verify`.
    pub(super) outcome: String,
}

impl Said {
    /// What it says, to stand behind "ada said".
    pub(super) fn words(&self) -> &'static str {
        match self.outcome.as_str() {
            "done" => "it was done",
            "retry" => "it was not done, and is to be tried again",
            "fail" => "it was not done, and is to fail",
            "verify" => "the service is to be asked",
            _ => "something that is not known here",
        }
    }
}

/// What was said of a run's attempts, oldest first.
pub(super) async fn of_run(admin: &Admin, run: RunId) -> Result<Vec<Said>, Refused> {
    // By the subject alone, which is the narrowest that an index has.
    let filter = AuditFilter { subject: Some(run.to_string()), limit: Some(LOOKED), ..AuditFilter::default() };
    let rows = admin.store.audit(filter).await?.into_iter().rev();
    let said = rows.filter(|row| row.action == "run.resolve" && row.outcome == "done").filter_map(|row| {
        let outcome = serde_json::from_str(row.after.as_deref()?).ok()?;
        Some(Said { who: row.who, at: row.at, outcome })
    });
    Ok(said.collect())
}
