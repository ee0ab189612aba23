//! One-time codes and recovery codes of users.

use diesel::{BoolExpressionMethods as _, ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};

use super::{
    dialect::each,
    error::StoreError,
    handle::Store,
    schema::{recovery_codes, users},
    users::{end_sessions, forget_devices},
    writer::Desk,
};
use crate::clock::Time;

impl Store {
    /// Keeps a sealed secret of one-time codes that counts once it is confirmed.
    pub async fn propose_totp(&self, id: i64, sealed: Vec<u8>) -> Result<(), StoreError> {
        let propose = move |desk: &mut Desk| {
            each!(&mut desk.conn, c => diesel::update(users::table.find(id))
                .set(users::totp_new.eq(Some(&sealed)))
                .execute(c))?;
            Ok(())
        };
        self.write(256, propose).await
    }

    /// The proposed secret counts from now on, with these digests of recovery codes; `step` is that of the code that proved it. Ends the
    /// user's sessions but one, and forgets the devices, which signed in without a code. False: none was proposed.
    pub async fn confirm_totp(
        &self,
        id: i64,
        step: i64,
        codes: Vec<[u8; 32]>,
        but: Option<[u8; 32]>,
        at: Time,
    ) -> Result<bool, StoreError> {
        let confirm = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            let changed = each!(conn, c => diesel::update(users::table.find(id).filter(users::totp_new.is_not_null()))
                .set((
                    users::totp.eq(users::totp_new),
                    users::totp_step.eq(Some(step)),
                    users::changed_at.eq(at.0),
                ))
                .execute(c))?;
            if changed == 0 {
                return Ok(false);
            }
            each!(conn, c => diesel::update(users::table.find(id)).set(users::totp_new.eq(None::<Vec<u8>>)).execute(c))?;
            replace_codes(conn, id, &codes)?;
            end_sessions(conn, id, but)?;
            forget_devices(conn, id)?;
            Ok(true)
        };
        self.write(1024, confirm).await
    }

    /// No code is wanted of the user any more; its recovery codes are gone.
    pub async fn drop_totp(&self, id: i64, at: Time) -> Result<(), StoreError> {
        let drop = move |desk: &mut Desk| {
            let conn = &mut desk.conn;
            each!(conn, c => diesel::update(users::table.find(id))
                .set((
                    users::totp.eq(None::<Vec<u8>>),
                    users::totp_new.eq(None::<Vec<u8>>),
                    users::totp_step.eq(None::<i64>),
                    users::changed_at.eq(at.0),
                ))
                .execute(c))?;
            replace_codes(conn, id, &[])
        };
        self.write(64, drop).await
    }

    /// Uses the code of a time step. False: one of that step or a later one was used before.
    pub async fn use_totp_step(&self, id: i64, step: i64) -> Result<bool, StoreError> {
        let used = move |desk: &mut Desk| {
            let older = users::totp_step.is_null().or(users::totp_step.lt(step));
            let changed = each!(&mut desk.conn, c => diesel::update(users::table.find(id).filter(older))
                .set(users::totp_step.eq(Some(step)))
                .execute(c))?;
            Ok(changed == 1)
        };
        self.write(64, used).await
    }

    /// Takes other recovery codes in the place of those that are there.
    pub async fn set_recovery_codes(&self, id: i64, codes: Vec<[u8; 32]>) -> Result<(), StoreError> {
        self.write(1024, move |desk| replace_codes(&mut desk.conn, id, &codes)).await
    }

    /// Uses a recovery code. False: it is none, or was used before.
    pub async fn use_recovery_code(&self, id: i64, digest: [u8; 32]) -> Result<bool, StoreError> {
        let used = move |desk: &mut Desk| {
            let code = recovery_codes::table.find((id, digest.to_vec()));
            let gone = each!(&mut desk.conn, c => diesel::delete(code).execute(c))?;
            Ok(gone == 1)
        };
        self.write(64, used).await
    }

    /// How many recovery codes are left.
    pub async fn recovery_codes_left(&self, id: i64) -> Result<i64, StoreError> {
        self.read(move |conn, _| {
            Ok(each!(conn, c => recovery_codes::table
                .filter(recovery_codes::user_id.eq(id))
                .count()
                .get_result(c))?)
        })
        .await
    }
}

fn replace_codes(conn: &mut super::dialect::Conn, id: i64, codes: &[[u8; 32]]) -> Result<(), StoreError> {
    each!(conn, c => diesel::delete(recovery_codes::table.filter(recovery_codes::user_id.eq(id))).execute(c))?;
    for code in codes {
        let row = (recovery_codes::user_id.eq(id), recovery_codes::digest.eq(code.as_slice()));
        each!(conn, c => diesel::insert_into(recovery_codes::table).values(row).execute(c))?;
    }
    Ok(())
}
