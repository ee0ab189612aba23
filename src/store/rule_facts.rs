//! What lists and versions of rules ask: what each did lately, and what each said once.

use diesel::{ExpressionMethods as _, OptionalExtension as _, QueryDsl as _, RunQueryDsl as _};
use sha2::{Digest as _, Sha256};

use super::{
    compress,
    dialect::{Conn, each},
    error::StoreError,
    handle::Store,
    names::name_id,
    runs::status_of,
    schema::{runs, set_texts, sets, texts},
};
use crate::{
    clock::Time,
    ids::{RunId, first_at, time_of},
    model::RunStatus,
};

/// Rule sets that are looked at for the versions of one text.
const SETS: i64 = 1_000;

/// What a rule did lately.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleFacts {
    /// The rule's id.
    pub rule: String,
    /// Its newest run, when that was made, and how it stands. `None`: it never ran.
    pub last: Option<(RunId, Time, RunStatus)>,
    /// How its newest run that is over ended.
    pub last_end: Option<RunStatus>,
    /// Its runs of each span, the oldest first: how many, and how many of them failed.
    pub spans: Vec<(u32, u32)>,
    /// There were more runs than were counted: the oldest spans say too little.
    pub is_cut: bool,
}

/// Spans of time that runs are counted by.
#[derive(Debug, Clone, Copy)]
pub struct Spans {
    /// The end of the last one.
    pub until: Time,
    /// The length of each, in milliseconds.
    pub length: i64,
    /// How many; 0: none is counted.
    pub count: usize,
    /// Runs of one rule that are counted at most, the newest ones.
    pub most: usize,
}

/// A text that a file once had in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextVersion {
    /// The first rule set that had it since it was another.
    pub set: i64,
    /// When that was made.
    pub at: Time,
    /// SHA-256 of the text in hexadecimal. `None`: the file was not there.
    pub digest: Option<String>,
}

impl Store {
    /// What each of these rules did lately, in their order.
    pub async fn rule_facts(&self, rules: Vec<String>, spans: Spans) -> Result<Vec<RuleFacts>, StoreError> {
        self.read(move |conn, _| rules.into_iter().map(|rule| facts(conn, rule, spans)).collect()).await
    }

    /// The texts that a file had in force, newest first. `most` at most.
    pub async fn text_versions(&self, path: &str, most: usize) -> Result<Vec<TextVersion>, StoreError> {
        let path = path.to_owned();
        self.read(move |conn, _| versions(conn, &path, most)).await
    }

    /// The text with this SHA-256 (in hexadecimal). `None`: no rule set that is kept has it.
    pub async fn text_of_digest(&self, digest: &str) -> Result<Option<String>, StoreError> {
        let Ok(digest) = hex::decode(digest) else { return Ok(None) };
        self.read(move |conn, _| text_of(conn, &digest)).await
    }
}

fn facts(conn: &mut Conn, rule: String, spans: Spans) -> Result<RuleFacts, StoreError> {
    let mut facts = RuleFacts { rule, spans: vec![(0, 0); spans.count], ..RuleFacts::default() };
    let Some(id) = name_id(conn, &facts.rule)? else { return Ok(facts) };
    let newest: Vec<(i64, i16)> = each!(conn, c => runs::table
        .filter(runs::rule.eq(id))
        .order(runs::id.desc())
        .limit(20)
        .select((runs::id, runs::status))
        .load(c))?;
    for (run, code) in newest {
        let status = status_of(code)?;
        facts.last = facts.last.or(Some((RunId(run), time_of(run), status)));
        if status.is_final() {
            facts.last_end = Some(status);
            break;
        }
    }
    if facts.last.is_none() || spans.count == 0 || spans.length <= 0 {
        return Ok(facts);
    }
    let count = i64::try_from(spans.count).unwrap_or(1);
    let begin = spans.until.0.saturating_sub(spans.length.saturating_mul(count));
    let lately: Vec<(i64, i16)> = each!(conn, c => runs::table
        .filter(runs::rule.eq(id))
        .filter(runs::id.ge(first_at(Time(begin))))
        .order(runs::id.desc())
        .limit(i64::try_from(spans.most).unwrap_or(i64::MAX))
        .select((runs::id, runs::status))
        .load(c))?;
    facts.is_cut = lately.len() >= spans.most;
    for (run, code) in lately {
        let at = time_of(run).0.saturating_sub(begin).div_euclid(spans.length);
        // One that was made at this very moment stands at the end of the last span.
        let at = usize::try_from(at).unwrap_or(0).min(spans.count - 1);
        let Some(span) = facts.spans.get_mut(at) else { continue };
        span.0 += 1;
        span.1 += u32::from(status_of(code)? == RunStatus::Failed);
    }
    Ok(facts)
}

fn versions(conn: &mut Conn, path: &str, most: usize) -> Result<Vec<TextVersion>, StoreError> {
    let all: Vec<(i64, i64)> = each!(conn, c => sets::table
        .order(sets::id.desc())
        .limit(SETS)
        .select((sets::id, sets::created_at))
        .load(c))?;
    let ids: Vec<i64> = all.iter().map(|(id, _)| *id).collect();
    // One look at the key of each set: a set has as many rows as the workspace has files.
    let found: Vec<(i64, i64)> = each!(conn, c => set_texts::table
        .filter(set_texts::rule_set.eq_any(&ids))
        .filter(set_texts::path.eq(path))
        .select((set_texts::rule_set, set_texts::text))
        .load(c))?;
    let text_in = |set: i64| found.iter().find(|(of, _)| *of == set).map(|(_, text)| *text);
    let mut versions: Vec<(Option<i64>, TextVersion)> = Vec::new();
    for (set, at) in all {
        let text = text_in(set);
        // From the newest to the oldest: the oldest of a row of equal ones is when it came.
        if let Some((_, version)) = versions.last_mut().filter(|(known, _)| *known == text) {
            (version.set, version.at) = (set, Time(at));
        } else if versions.len() < most {
            versions.push((text, TextVersion { set, at: Time(at), digest: None }));
        } else {
            break;
        }
    }
    // Before its first text the file was not there: that is no version.
    if versions.last().is_some_and(|(text, _)| text.is_none()) {
        versions.pop();
    }
    for (text, version) in &mut versions {
        let Some(text) = text else { continue };
        let digest: Vec<u8> = each!(conn, c => texts::table.find(*text).select(texts::digest).get_result(c))?;
        version.digest = Some(hex::encode(digest));
    }
    Ok(versions.into_iter().map(|(_, version)| version).collect())
}

fn text_of(conn: &mut Conn, digest: &[u8]) -> Result<Option<String>, StoreError> {
    let packed: Option<Vec<u8>> = each!(conn, c => texts::table
        .filter(texts::digest.eq(digest))
        .select(texts::data)
        .get_result(c)
        .optional())?;
    let Some(packed) = packed else { return Ok(None) };
    let bytes = compress::open(&packed)?;
    if Sha256::digest(&bytes).as_slice() != digest {
        return Err(StoreError::Corrupt("a kept text is not what its digest says".to_owned()));
    }
    Ok(String::from_utf8(bytes).ok())
}
