//! `bellwire runs release` and `bellwire runs cancel`: what a person says to runs that are held or open.

use serde_json::json;

use super::{
    answer::{Answer, clean},
    check::count,
    failure::Failure,
    open, users,
};
use crate::{
    config::Config,
    ids::RunId,
    store::{Mode, Store},
};

/// Lets go of what a rule's blown fuse holds.
pub(super) fn release(config: &Config, rule: &str) -> Result<Answer, Failure> {
    let released = beside(config, async |store| {
        let now = open::clock().now();
        let released = store.release(rule.to_owned(), now).await?;
        if released > 0 {
            users::keep(store, now, "run.release", rule, json!({ "released": released })).await?;
        }
        Ok(released)
    })?;
    if released == 0 {
        return Err(Failure::No(format!(
            "the fuse of `{}` holds no run; see `bellwire runs list --state held`",
            clean(rule, 128)
        )));
    }
    Ok(released_as(released, rule))
}

/// What letting go of runs has led to.
pub(super) fn released_as(released: usize, rule: &str) -> Answer {
    Answer::text(format!("{} of {} released, and its fuse is mended", count(released, "run"), clean(rule, 128)))
}

/// Ends an open run.
pub(super) fn cancel(config: &Config, id: RunId) -> Result<Answer, Failure> {
    let cancelled = beside(config, async |store| {
        let missing = || Failure::No(format!("there is no run {id}; see `bellwire runs list`"));
        let status = store.run(id).await?.ok_or_else(missing)?.row.status;
        if status.is_final() {
            return Err(Failure::No(format!("run {id} is {status}: it is over already")));
        }
        let now = open::clock().now();
        let cancelled = store.cancel(id, now).await?;
        if cancelled {
            users::keep(store, now, "run.cancel", &id.to_string(), json!("cancelled")).await?;
        }
        Ok(cancelled)
    })?;
    if !cancelled {
        return Err(Failure::No(format!("run {id} was over before; see `bellwire runs show {id}`")));
    }
    Ok(cancelled_as(id))
}

/// What an open run's cancelling leads to.
pub(super) fn cancelled_as(id: RunId) -> Answer {
    Answer::text(format!("{id} ends as cancelled, after its open request, if it has one, has been answered"))
}

fn beside<T>(config: &Config, work: impl AsyncFnOnce(&Store) -> Result<T, Failure>) -> Result<T, Failure> {
    if open::is_unborn(config)? {
        return Err(Failure::No("nothing ran in this workspace yet; see `bellwire runs list`".to_owned()));
    }
    open::block_on(async {
        let store = open::store(config, Mode::Write)?;
        let done = work(&store).await;
        store.close();
        done
    })
}
