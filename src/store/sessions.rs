//! Sessions of browsers, and the devices that users have signed in with.

use std::time::Duration;

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, Queryable, RunQueryDsl as _};

use super::{
    dialect::each,
    error::StoreError,
    handle::Store,
    schema::{devices, sessions},
    users::{self, UserRow, UserTableRow},
    writer::Desk,
};
use crate::clock::Time;

/// A session ends after so long without a request.
pub const SESSION_IDLE: Duration = Duration::from_hours(12);
/// A session ends so long after it began.
pub const SESSION_LONGEST: Duration = Duration::from_hours(7 * 24);
/// Sessions of one user at most: the one unused for longest makes room.
const PER_USER: i64 = 50;

/// Devices of one user that are known at most: each has tries of its own.
const DEVICES: i64 = 20;

/// Where a session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Signed in.
    Full,
    /// The password was right, and a code is wanted: nothing may be done with it but to give that.
    Half,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// SHA-256 of the id in the cookie.
    pub digest: [u8; 32],
    /// Whose.
    pub user: i64,
    /// When it began.
    pub created_at: Time,
    /// When it was used last, to a minute.
    pub seen_at: Time,
    /// Until when the password counts as just given.
    pub fresh_until: Time,
    /// Where it stands.
    pub stage: Stage,
    /// The address that it began from.
    pub peer: String,
    /// What the browser called itself, cut.
    pub agent: String,
}

impl SessionRow {
    /// Whether it is over at `now`.
    pub fn is_over(&self, now: Time) -> bool {
        self.seen_at.plus(SESSION_IDLE) <= now || self.created_at.plus(SESSION_LONGEST) <= now
    }
}

#[derive(Queryable)]
struct SessionTableRow {
    digest: Vec<u8>,
    user_id: i64,
    created_at: i64,
    seen_at: i64,
    fresh_until: i64,
    stage: i16,
    peer: String,
    agent: String,
}

impl TryFrom<SessionTableRow> for SessionRow {
    type Error = StoreError;

    fn try_from(row: SessionTableRow) -> Result<Self, StoreError> {
        let digest = row.digest.try_into();
        Ok(Self {
            digest: digest.map_err(|_| StoreError::Corrupt("the digest of a session has not 32 bytes".to_owned()))?,
            user: row.user_id,
            created_at: Time(row.created_at),
            seen_at: Time(row.seen_at),
            fresh_until: Time(row.fresh_until),
            stage: if row.stage == 0 { Stage::Full } else { Stage::Half },
            peer: row.peer,
            agent: row.agent,
        })
    }
}

impl Store {
    /// Begins a session. The one that it takes the place of ends; so do those that are over, and the oldest of too many.
    pub async fn begin_session(&self, session: SessionRow, instead_of: Option<[u8; 32]>) -> Result<(), StoreError> {
        let begin = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            let now = session.seen_at;
            let over = now.minus(SESSION_IDLE).0;
            each!(conn, c => diesel::delete(sessions::table.filter(sessions::user_id.eq(session.user)).filter(sessions::seen_at.le(over))).execute(c))?;
            if let Some(other) = instead_of {
                each!(conn, c => diesel::delete(sessions::table.find(other.to_vec())).execute(c))?;
            }
            let row = (
                (sessions::digest.eq(session.digest.as_slice()), sessions::user_id.eq(session.user)),
                (sessions::created_at.eq(session.created_at.0), sessions::seen_at.eq(session.seen_at.0)),
                (
                    sessions::fresh_until.eq(session.fresh_until.0),
                    sessions::stage.eq(i16::from(session.stage == Stage::Half)),
                ),
                (sessions::peer.eq(&session.peer), sessions::agent.eq(&session.agent)),
            );
            each!(conn, c => diesel::insert_into(sessions::table).values(row).execute(c))?;
            let many: Vec<Vec<u8>> = each!(conn, c => sessions::table
                .filter(sessions::user_id.eq(session.user))
                .order(sessions::seen_at.desc())
                .select(sessions::digest)
                .offset(PER_USER)
                .limit(PER_USER)
                .load(c))?;
            for digest in many {
                each!(conn, c => diesel::delete(sessions::table.find(digest)).execute(c))?;
            }
            Ok(())
        };
        self.write(256, begin).await
    }

    /// A session with its user, over or not, disabled or not.
    pub async fn session(&self, digest: [u8; 32]) -> Result<Option<(SessionRow, UserRow)>, StoreError> {
        let found = self
            .read(move |conn, _| {
                let session: Option<SessionTableRow> =
                    each!(conn, c => sessions::table.find(digest.to_vec()).get_result(c).optional())?;
                let Some(session) = session else { return Ok(None) };
                let user: Option<UserTableRow> =
                    each!(conn, c => crate::store::schema::users::table.find(session.user_id).get_result(c).optional())?;
                Ok(user.map(|user| (session, user)))
            })
            .await?;
        found.map(|(session, user)| Ok((SessionRow::try_from(session)?, UserRow::from(user)))).transpose()
    }

    /// Keeps that a session was used.
    pub async fn see_session(&self, digest: [u8; 32], at: Time) -> Result<(), StoreError> {
        let see = move |desk: &mut Desk| {
            each!(&mut desk.conn, c => diesel::update(sessions::table.find(digest.to_vec()))
                .set(sessions::seen_at.eq(at.0))
                .execute(c))?;
            Ok(())
        };
        self.write(64, see).await
    }

    /// Every session of a user, the one used last first.
    pub async fn sessions_of(&self, user: i64) -> Result<Vec<SessionRow>, StoreError> {
        let rows: Vec<SessionTableRow> = self
            .read(move |conn, _| {
                Ok(each!(conn, c => sessions::table
                    .filter(sessions::user_id.eq(user))
                    .order(sessions::seen_at.desc())
                    .load(c))?)
            })
            .await?;
        rows.into_iter().map(SessionRow::try_from).collect()
    }

    /// Ends a session of a user. False: it has none of this digest.
    pub async fn end_session(&self, user: i64, digest: [u8; 32]) -> Result<bool, StoreError> {
        let end = move |desk: &mut Desk| {
            let one = sessions::table.find(digest.to_vec()).filter(sessions::user_id.eq(user));
            let gone = each!(&mut desk.conn, c => diesel::delete(one).execute(c))?;
            Ok(gone == 1)
        };
        self.write(64, end).await
    }

    /// Ends the sessions of a user, but one; how many.
    pub async fn end_sessions(&self, user: i64, but: Option<[u8; 32]>) -> Result<usize, StoreError> {
        self.write(64, move |desk| users::end_sessions(&mut desk.conn, user, but)).await
    }

    /// Keeps that a user signed in with a device; what is over goes, and so do the oldest beyond the newest 20.
    pub async fn know_device(&self, digest: [u8; 32], user: i64, until: Time, now: Time) -> Result<(), StoreError> {
        let know = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            let mine = devices::table.filter(devices::user_id.eq(user));
            each!(conn, c => diesel::delete(mine.filter(devices::until.le(now.0))).execute(c))?;
            each!(conn, c => diesel::delete(devices::table.find(digest.to_vec())).execute(c))?;
            let row = (devices::digest.eq(digest.as_slice()), devices::user_id.eq(user), devices::until.eq(until.0));
            each!(conn, c => diesel::insert_into(devices::table).values(row).execute(c))?;
            let oldest: Vec<Vec<u8>> = each!(conn, c => mine
                .order((devices::until.desc(), devices::digest.asc()))
                .select(devices::digest)
                .offset(DEVICES)
                .load(c))?;
            each!(conn, c => diesel::delete(mine.filter(devices::digest.eq_any(&oldest))).execute(c))?;
            Ok(())
        };
        self.write(128, know).await
    }

    /// Whether this user has signed in with a device.
    pub async fn is_device_of(&self, digest: [u8; 32], user: i64, now: Time) -> Result<bool, StoreError> {
        self.read(move |conn, _| {
            let known: i64 = each!(conn, c => devices::table
                .find(digest.to_vec())
                .filter(devices::user_id.eq(user))
                .filter(devices::until.gt(now.0))
                .count()
                .get_result(c))?;
            Ok(known == 1)
        })
        .await
    }
}
