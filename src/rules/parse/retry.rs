//! Reads `retry` and the time limits.

use std::{ops::RangeInclusive, time::Duration};

use super::span::read_duration;
use crate::{
    rules::{
        Retry, RetryWhen, Unknown, codes, keys,
        reader::{Node, Reader},
    },
    value::Value,
};

/// Retries of a step.
const RETRIES: RangeInclusive<u64> = 0..=50;
/// Delay before a retry, in seconds.
const DELAY: RangeInclusive<u64> = 1..=30 * 86_400;
/// Time limit of an attempt, in seconds.
const STEP_TIMEOUT: RangeInclusive<u64> = 1..=120;
/// Time limit of a run, in seconds.
const RUN_TIMEOUT: RangeInclusive<u64> = 1..=30 * 86_400;

/// Time limit of an attempt where a step says nothing, by language.md.
const STANDARD_TIMEOUT: Duration = Duration::from_secs(30);

impl Default for Retry {
    /// The standard delays, after `[network, 429, 5xx]`.
    fn default() -> Self {
        Self { after: standard(Self::STANDARD_SECONDS.len()), when: RetryWhen::default(), unknown: None }
    }
}

impl Default for RetryWhen {
    /// `[network, 429, 5xx]`.
    fn default() -> Self {
        Self { network: true, statuses: vec![(429, 429), (500, 599)] }
    }
}

/// The first `count` standard delays; the last one is repeated.
fn standard(count: usize) -> Vec<Duration> {
    let last = Retry::STANDARD_SECONDS.last().copied().unwrap_or_default();
    let delays = Retry::STANDARD_SECONDS.into_iter().chain(std::iter::repeat(last));
    delays.take(count).map(Duration::from_secs).collect()
}

/// Reads `retry`; the standard where there are findings.
pub(super) fn read_retry<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Retry {
    match node.value {
        Value::Number(number) => {
            let Some(count) = number.as_u64().filter(|count| RETRIES.contains(count)) else {
                let message = format!("`retry: {number}` is out of range");
                let help = "a whole number from 0 to 50 is taken";
                reader.error(codes::RANGE, reader.place(node), message, help);
                return Retry::default();
            };
            Retry { after: standard(usize::try_from(count).unwrap_or_default()), ..Retry::default() }
        }
        Value::Object(_) => read_map(reader, node),
        _ => {
            reader.wrong_type(node, "`retry` must be a number of retries, or a map with `after`, `when` or `unknown`");
            Retry::default()
        }
    }
}

fn read_map<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Retry {
    reader.only_keys(node, &["after", "when", "unknown"], "`retry`", keys::FOREIGN_RETRY);
    let mut retry = Retry::default();
    if let Some(after) = node.get("after") {
        retry.after = read_delays(reader, &after);
    }
    if let Some(when) = node.get("when") {
        retry.when = read_when(reader, &when);
    }
    if let Some(unknown) = node.get("unknown") {
        retry.unknown = read_unknown(reader, &unknown);
    }
    retry
}

fn read_delays<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Vec<Duration> {
    let Some(list) = reader.list(node, "`after`") else { return Vec::new() };
    if u64::try_from(list.len()).is_ok_and(|count| !RETRIES.contains(&count)) {
        let message = format!("`after` has {} delays", list.len());
        reader.error(codes::RANGE, reader.place(node), message, "at most 50 retries are taken");
        return Vec::new();
    }
    let nodes = (0..).zip(list).map(|(index, value)| node.element(index, value));
    nodes.filter_map(|node| read_duration(reader, &node, "a delay", &DELAY)).collect()
}

fn read_when<'a>(reader: &Reader<'a>, node: &Node<'a>) -> RetryWhen {
    let mut when = RetryWhen { network: false, statuses: Vec::new() };
    let Some(list) = reader.list(node, "`when` of `retry`") else { return RetryWhen::default() };
    for (index, value) in list.iter().enumerate() {
        let class = value.as_str().and_then(|text| text.strip_suffix("xx")).and_then(|first| match first.as_bytes() {
            [digit @ b'1'..=b'5'] => Some(u16::from(digit - b'0') * 100),
            _ => None,
        });
        let status = value.as_u64().and_then(|status| u16::try_from(status).ok()).filter(|s| (100..=599).contains(s));
        match (value.as_str(), class, status) {
            (Some("network"), ..) => when.network = true,
            (_, Some(first), _) => when.statuses.push((first, first + 99)),
            (_, _, Some(status)) => when.statuses.push((status, status)),
            _ => {
                let node = node.element(index, value);
                let message = format!("`{}` is nothing to retry on", keys::shortened(&value.to_string()));
                let help = "known are network, a status such as 429, and a class such as 5xx";
                reader.error(codes::CHOICE, reader.place(&node), message, help);
            }
        }
    }
    when
}

fn read_unknown<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<Unknown> {
    match reader.text(node, "`unknown`")? {
        "retry" => Some(Unknown::Retry),
        "ask" => Some(Unknown::Ask),
        "verify" => Some(Unknown::Verify),
        other => {
            let message = format!("`unknown: {}` is not known", keys::shortened(other));
            reader.error(codes::CHOICE, reader.place(node), message, "known are retry, ask and verify");
            None
        }
    }
}

/// Reads a step's `timeout`.
pub(super) fn read_step_timeout<'a>(reader: &Reader<'a>, node: Option<&Node<'a>>) -> Duration {
    let read = node.and_then(|node| read_duration(reader, node, "`timeout` of a step", &STEP_TIMEOUT));
    read.unwrap_or(STANDARD_TIMEOUT)
}

/// Reads a rule's `timeout`.
pub(super) fn read_run_timeout<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<Duration> {
    read_duration(reader, node, "`timeout` of a rule", &RUN_TIMEOUT)
}
