//! Counts of failed sign-ins, by account, network and device; they outlive the process.

use std::time::Duration;

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};

use super::{
    dialect::{Conn, each},
    error::StoreError,
    handle::Store,
    schema::login_tries,
    writer::Desk,
};
use crate::clock::Time;

/// A count that nobody added to for so long is forgotten.
const FORGOTTEN: Duration = Duration::from_hours(48);

/// What one count allows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TryLimit {
    /// Such as `account:ada`.
    pub key: String,
    /// Tries that cost nothing.
    pub free: i64,
    /// How long the first try beyond them must wait; each further one twice as long.
    pub delay: Duration,
    /// The longest wait.
    pub longest: Duration,
    /// In which time one try is forgiven.
    pub forgives: Duration,
}

impl TryLimit {
    /// How many of `count` tries still stand.
    fn standing(&self, count: i64, last: Time, now: Time) -> i64 {
        let span = i64::try_from(self.forgives.as_millis()).unwrap_or(i64::MAX).max(1);
        let passed = now.0.saturating_sub(last.0).max(0);
        count.saturating_sub(passed / span).max(0)
    }

    /// How long a try must still wait. Zero: it may be made.
    fn wait(&self, count: i64, last: Time, now: Time) -> Duration {
        let beyond = self.standing(count, last, now).saturating_sub(self.free);
        let Ok(beyond) = u32::try_from(beyond) else { return Duration::ZERO };
        if self.standing(count, last, now) < self.free {
            return Duration::ZERO;
        }
        let delay = self.delay.saturating_mul(2_u32.saturating_pow(beyond.min(20))).min(self.longest);
        let passed = Duration::from_millis(u64::try_from(now.0.saturating_sub(last.0).max(0)).unwrap_or(0));
        delay.saturating_sub(passed)
    }
}

impl Store {
    /// Counts a try on each of these, before it is made: many at once cannot pass together. `Err` in the answer: it must wait so long,
    /// and nothing was counted.
    pub async fn count_try(&self, limits: Vec<TryLimit>, now: Time) -> Result<Result<(), Duration>, StoreError> {
        let count = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            let mut longest = Duration::ZERO;
            let mut counted = Vec::with_capacity(limits.len());
            for limit in &limits {
                let (count, last) = of(conn, &limit.key)?;
                longest = longest.max(limit.wait(count, last, now));
                counted.push(limit.standing(count, last, now) + 1);
            }
            if !longest.is_zero() {
                return Ok(Err(longest));
            }
            let old = login_tries::table.filter(login_tries::last_at.lt(now.minus(FORGOTTEN).0));
            each!(conn, c => diesel::delete(old).execute(c))?;
            for (limit, count) in limits.iter().zip(counted) {
                put(conn, &limit.key, count, now)?;
            }
            Ok(Ok(()))
        };
        self.write(256, count).await
    }

    /// Takes back a try that went well: it was no guess. Earlier ones stand.
    pub async fn forgive_try(&self, keys: Vec<String>) -> Result<(), StoreError> {
        let forgive = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            for key in &keys {
                let one = login_tries::table.find(key).filter(login_tries::count.gt(0));
                each!(conn, c => diesel::update(one)
                    .set(login_tries::count.eq(login_tries::count - 1))
                    .execute(c))?;
            }
            Ok(())
        };
        self.write(64, forgive).await
    }

    /// Forgets the counts of these.
    pub async fn forget_tries(&self, keys: Vec<String>) -> Result<(), StoreError> {
        let forget = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            for key in &keys {
                each!(conn, c => diesel::delete(login_tries::table.find(key)).execute(c))?;
            }
            Ok(())
        };
        self.write(64, forget).await
    }
}

fn of(conn: &mut Conn, key: &str) -> Result<(i64, Time), StoreError> {
    let found: Option<(i64, i64)> = each!(conn, c => login_tries::table
        .find(key)
        .select((login_tries::count, login_tries::last_at))
        .get_result(c)
        .optional())?;
    Ok(found.map_or((0, Time(0)), |(count, last)| (count, Time(last))))
}

fn put(conn: &mut Conn, key: &str, count: i64, now: Time) -> Result<(), StoreError> {
    each!(conn, c => diesel::insert_into(login_tries::table)
        .values((login_tries::key.eq(key), login_tries::count.eq(count), login_tries::last_at.eq(now.0)))
        .on_conflict(login_tries::key)
        .do_update()
        .set((login_tries::count.eq(count), login_tries::last_at.eq(now.0)))
        .execute(c))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_try_beyond_the_free_ones_waits_twice_as_long_and_time_forgives() {
        let limit = TryLimit {
            key: String::new(),
            free: 3,
            delay: Duration::from_secs(1),
            longest: Duration::from_secs(60),
            forgives: Duration::from_secs(900),
        };
        let last = Time(1_000_000);
        for (count, passed, wanted) in
            [(2, 0, 0), (3, 0, 1), (4, 0, 2), (6, 0, 8), (6, 5, 3), (90, 0, 60), (6, 3600, 0), (0, 0, 0)]
        {
            let now = last.plus(Duration::from_secs(passed));
            assert_eq!(limit.wait(count, last, now).as_secs(), wanted, "{count} after {passed} s");
        }
        // A clock that was set back makes nobody wait for longer than the delay.
        assert_eq!(limit.wait(4, last, Time(0)).as_secs(), 2);
    }
}
