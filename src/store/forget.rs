//! The right to erasure: everything that is stored about one person, by e-mail.

use diesel::{QueryableByName, RunQueryDsl as _, sql_query};

use super::{
    attributes, compress,
    dialect::{self, Conn, each},
    error::StoreError,
    events,
    handle::Store,
    names::Lookup,
    state,
};
use crate::{
    ids::{EventId, RunId},
    model::Keeper,
};

/// Events looked at in one question.
const PAGE: usize = 200;

/// What was forgotten, and what could not be.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Forgotten {
    /// The person's attributes.
    pub attributes: bool,
    /// Records whose key or value named the person.
    pub records: u64,
    /// Events whose payload, headers or runs named the person; they are deleted whole.
    pub events: u64,
    /// Their runs, with every request and reply.
    pub runs: u64,
    /// Open runs that still need such an event, which stays until they have ended.
    pub open: Vec<RunId>,
}

/// How far a search has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Searched {
    /// Events looked at.
    pub events: u64,
    /// Events that name the person.
    pub found: u64,
}

impl Store {
    /// Deletes what is stored about the person with this e-mail: attributes, records, and events with their runs. `seen` is told of the
    /// progress. With `dry` nothing is deleted, and the answer says what would be.
    pub async fn forget(
        &self,
        email: &str,
        dry: bool,
        seen: &mut (dyn FnMut(Searched) + Send),
    ) -> Result<Forgotten, StoreError> {
        let needle = Needle::of(email);
        let mut forgotten = Forgotten { attributes: self.forget_attributes(email, dry).await?, ..Forgotten::default() };
        forgotten.records = self.forget_records(&needle, dry).await?;
        let mut searched = Searched { events: 0, found: 0 };
        let mut after = EventId(i64::MIN);
        loop {
            let wanted = needle.clone();
            let look = move |conn: &mut Conn, lookup: &Lookup| naming(conn, lookup, &wanted, after);
            let Some(page) = self.read(look).await? else {
                if !dry {
                    // What was deleted still stands in the log of writes.
                    self.write(64, |desk| {
                        desk.empties_log = true;
                        Ok(())
                    })
                    .await?;
                }
                return Ok(forgotten);
            };
            after = page.last;
            searched.events += page.looked;
            searched.found += page.naming.len() as u64;
            forgotten.open.extend(&page.open);
            if dry {
                forgotten.events += page.free().count() as u64;
            } else {
                let free: Vec<i64> = page.free().collect();
                let (events, runs) = self.delete(free).await?;
                forgotten.events += events;
                forgotten.runs += runs;
            }
            seen(searched);
        }
    }

    async fn forget_attributes(&self, email: &str, dry: bool) -> Result<bool, StoreError> {
        let key = email.to_owned();
        let is_known = self.read(move |conn, _| attributes::find(conn, Keeper::Profile, &key)).await?.is_some();
        if is_known && !dry {
            let key = email.to_lowercase();
            self.write(64, move |desk| attributes::delete(&mut desk.conn, Keeper::Profile, &key)).await?;
        }
        Ok(is_known)
    }

    async fn forget_records(&self, needle: &Needle, dry: bool) -> Result<u64, StoreError> {
        let (mut after, mut gone) = (String::new(), 0);
        loop {
            let from = after.clone();
            let rows = self.read(move |conn, _| attributes::page(conn, Keeper::Record, &from, PAGE)).await?;
            let Some(last) = rows.last() else { return Ok(gone) };
            after.clone_from(&last.key);
            for row in rows {
                let text = serde_json::Value::Object(row.attributes).to_string();
                if !needle.is_in(row.key.as_bytes()) && !needle.is_in(text.as_bytes()) {
                    continue;
                }
                gone += 1;
                if !dry {
                    let key = row.key;
                    self.write(64, move |desk| attributes::delete(&mut desk.conn, Keeper::Record, &key)).await?;
                }
            }
        }
    }

    async fn delete(&self, free: Vec<i64>) -> Result<(u64, u64), StoreError> {
        if free.is_empty() {
            return Ok((0, 0));
        }
        self.write(free.len() * 8, move |desk| {
            dialect::overwrite_deleted(&mut desk.conn)?;
            let (mut events, mut runs) = (0, 0);
            for event in &free {
                let (e, r) = dialect::delete_event(&mut desk.conn, *event)?;
                events += e;
                runs += r;
            }
            dialect::count(&mut desk.conn, state::EVENTS, -i64::try_from(events).unwrap_or(0))?;
            Ok((events as u64, runs as u64))
        })
        .await
    }
}

/// How `@` may stand in a URL, in JSON, and in XML or HTML.
const ESCAPED: [&str; 6] = ["%40", "\\u0040", "&#64;", "&#064;", "&#x40;", "&commat;"];

/// An e-mail as it may stand in what is stored: as it is, or with its `@` escaped.
#[derive(Debug, Clone)]
pub struct Needle(Vec<Vec<u8>>);

impl Needle {
    /// What to look for; the e-mail's case does not count.
    pub fn of(email: &str) -> Self {
        let email = email.trim().to_lowercase();
        let escaped = ESCAPED.map(|form| email.replace('@', form));
        Self(std::iter::once(email).chain(escaped).map(String::into_bytes).collect())
    }

    /// Whether the text names the person: not as a part of another's address.
    pub fn is_in(&self, text: &[u8]) -> bool {
        let text = String::from_utf8_lossy(text).to_lowercase().into_bytes();
        self.0.iter().any(|form| stands_alone(&text, form))
    }
}

/// Whether `form` stands in `text` with nothing around it that would make it part of a longer address.
fn stands_alone(text: &[u8], form: &[u8]) -> bool {
    let Some(first) = form.first() else { return false };
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'%' | b'+' | b'-');
    text.iter().enumerate().filter(|(_, byte)| *byte == first).any(|(at, _)| {
        let Some(rest) = text.get(at..).filter(|rest| rest.starts_with(form)) else { return false };
        let before = at.checked_sub(1).and_then(|at| text.get(at));
        // `\n` before it is an escape and no letter.
        let is_escape = at >= 2 && text.get(at - 2) == Some(&b'\\');
        let after = (rest.get(form.len()), rest.get(form.len() + 1));
        let goes_on = match after {
            (Some(b'.'), Some(next)) => next.is_ascii_alphanumeric(),
            (Some(next), _) => next.is_ascii_alphanumeric() || *next == b'-',
            (None, _) => false,
        };
        let begins = before.is_none_or(|byte| !is_part(byte) && *byte != b'.') || is_escape;
        begins && !goes_on
    })
}

/// What one look at a stretch of events found.
struct Page {
    /// The last one looked at.
    last: EventId,
    looked: u64,
    naming: Vec<i64>,
    /// Runs that need some of them, and the events.
    open: Vec<RunId>,
    needed: Vec<i64>,
}

impl Page {
    /// Those that nothing needs.
    fn free(&self) -> impl Iterator<Item = i64> {
        self.naming.iter().copied().filter(|event| !self.needed.contains(event))
    }
}

#[derive(QueryableByName)]
struct Blob {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    id: i64,
    #[diesel(sql_type = diesel::sql_types::Nullable<diesel::sql_types::Binary>)]
    data: Option<Vec<u8>>,
}

#[derive(QueryableByName)]
struct Need {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    id: i64,
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    event: i64,
}

/// The next stretch of events, and which of them name the person. `None`: there are no more.
fn naming(conn: &mut Conn, lookup: &Lookup, needle: &Needle, after: EventId) -> Result<Option<Page>, StoreError> {
    let events = events::page(conn, lookup, &|_| true, (after, EventId(i64::MAX)), PAGE)?;
    let (Some(first), Some(last)) = (events.first().map(|event| event.id.0), events.last().map(|event| event.id.0))
    else {
        return Ok(None);
    };
    let mut naming: Vec<i64> = Vec::new();
    for event in &events {
        let meta = serde_json::Value::Object(event.meta.clone()).to_string();
        if needle.is_in(meta.as_bytes()) || event.body.as_ref().is_some_and(|body| needle.is_in(body)) {
            naming.push(event.id.0);
        }
    }
    let range = format!("runs.event >= {first} AND runs.event <= {last}");
    let of_runs = |column: &str| format!("SELECT runs.event AS id, runs.{column} AS data FROM runs WHERE {range}");
    let beside = |table: &str, column: &str| {
        format!(
            "SELECT runs.event AS id, {table}.{column} AS data FROM {table} JOIN runs ON runs.id = {table}.run WHERE {range}"
        )
    };
    for sql in [
        of_runs("vars"),
        of_runs("failure"),
        of_runs("error"),
        beside("outputs", "data"),
        beside("requests", "data"),
        beside("attempts", "reply"),
        beside("attempts", "error"),
    ] {
        let blobs: Vec<Blob> = each!(conn, c => sql_query(&sql).load(c))?;
        for Blob { id, data } in blobs {
            let Some(packed) = data.filter(|_| !naming.contains(&id)) else { continue };
            if needle.is_in(&compress::open(&packed)?) {
                naming.push(id);
            }
        }
    }
    let needs: Vec<Need> = each!(conn, c => sql_query(format!(
        "SELECT runs.id AS id, runs.event AS event FROM runs WHERE {range} AND runs.ended_at IS NULL UNION \
         SELECT runs.id AS id, run_events.event AS event FROM run_events JOIN runs ON runs.id = run_events.run \
         WHERE run_events.event >= {first} AND run_events.event <= {last} AND runs.ended_at IS NULL"
    )).load(c))?;
    let needs: Vec<Need> = needs.into_iter().filter(|need| naming.contains(&need.event)).collect();
    Ok(Some(Page {
        last: EventId(last),
        looked: events.len() as u64,
        naming,
        open: needs.iter().map(|need| RunId(need.id)).collect(),
        needed: needs.iter().map(|need| need.event).collect(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_is_found_and_no_other_whose_address_holds_theirs() {
        let needle = Needle::of("Maria@Example.com");
        for text in [
            "maria@example.com",
            "{\"email\":\"MARIA@example.com\"}",
            "to=maria%40example.com&x",
            "say \\nmaria@example.com.",
            "{\"m\":\"maria\\u0040example.com\"}",
            "<maria@example.com>",
            "<to>maria&#64;example.com</to>",
            "<to>Maria&#X40;example.com</to>",
            "maria&commat;example.com",
        ] {
            assert!(needle.is_in(text.as_bytes()), "{text}");
        }
        for text in [
            "anna-maria@example.com",
            "maria@example.com.au",
            "x.maria@example.com",
            "maria@example.community",
            "maria",
        ] {
            assert!(!needle.is_in(text.as_bytes()), "{text}");
        }
    }
}
