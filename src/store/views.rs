//! Filters of lists that a person has given a name.

use diesel::{ExpressionMethods as _, QueryDsl as _, RunQueryDsl as _};

use super::{
    dialect::{Conn, each},
    error::StoreError,
    handle::Store,
    schema::views,
};
use crate::clock::Time;

/// Views that one person may keep.
pub const MOST_VIEWS: usize = 50;

impl Store {
    /// The views of a person, by name: name and query.
    pub async fn views(&self, person: i64) -> Result<Vec<(String, String)>, StoreError> {
        self.read(move |conn, _| list(conn, person)).await
    }

    /// Keeps a view in the place of the one of this name. False: the person has as many as may be.
    pub async fn put_view(&self, person: i64, name: String, query: String, at: Time) -> Result<bool, StoreError> {
        self.write(256, move |desk| {
            let known = list(&mut desk.conn, person)?;
            if known.len() >= MOST_VIEWS && !known.iter().any(|(one, _)| *one == name) {
                return Ok(false);
            }
            remove(&mut desk.conn, person, &name)?;
            let row =
                (views::person.eq(person), views::name.eq(&name), views::query.eq(&query), views::created_at.eq(at.0));
            each!(&mut desk.conn, c => diesel::insert_into(views::table).values(row).execute(c))?;
            Ok(true)
        })
        .await
    }

    /// Forgets a view. False: there is none of this name.
    pub async fn remove_view(&self, person: i64, name: String) -> Result<bool, StoreError> {
        self.write(64, move |desk| remove(&mut desk.conn, person, &name)).await
    }
}

fn list(conn: &mut Conn, person: i64) -> Result<Vec<(String, String)>, StoreError> {
    Ok(each!(conn, c => views::table
        .filter(views::person.eq(person))
        .order(views::name.asc())
        .select((views::name, views::query))
        .load(c))?)
}

fn remove(conn: &mut Conn, person: i64, name: &str) -> Result<bool, StoreError> {
    let changed = each!(conn, c => diesel::delete(views::table.find((person, name))).execute(c))?;
    Ok(changed == 1)
}
