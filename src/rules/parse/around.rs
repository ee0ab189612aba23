//! Reads what stands around the run: `threshold`, `once`, `digest`, `concurrency` and `fuse`.

use std::{ops::RangeInclusive, time::Duration};

use super::{
    span::{WINDOW, needed, read_duration, read_whole},
    times::read_every,
};
use crate::{
    rules::{
        Around, Concurrency, DigestWindow, Fuse, On, OnStepError, Once, Step, StepKind, Threshold, WhenFull, codes,
        keys,
        reader::{Node, Reader, has_template},
    },
    templates::Leaf,
};

/// Events that a `threshold` counts to and a `digest` gathers: they are `events` of one run.
const EVENTS: RangeInclusive<u32> = 1..=1000;
/// Runs of one key under way at once.
const PLACES: RangeInclusive<u32> = 1..=1000;
/// Runs that blow a fuse.
const FUSE_RUNS: RangeInclusive<u32> = 1..=100_000;

/// The fuse of a rule that acts on the service it listens to, by language.md.
const STANDARD_FUSE: Fuse = Fuse { count: 100, within: Duration::from_mins(10) };

/// What other tools call `per`.
const KEY_WORDS: [(&str, &str); 4] = [("key", "`per`"), ("group", "`per`"), ("group_by", "`per`"), ("by", "`per`")];

/// Reads all of it; what has findings is left out. The standard fuse is not in it: see [`standard_fuse`].
pub(super) fn read_around<'a>(reader: &Reader<'a>, root: &Node<'a>) -> Around {
    if let (Some(_), Some(digest)) = (root.get("threshold"), root.get("digest")) {
        let help = "a digest gathers all events of a time, a threshold waits for so many: keep one";
        reader.error(codes::EXCLUSIVE, reader.key_place(&digest), "a rule has `digest` or `threshold`, not both", help);
    }
    Around {
        threshold: root.get("threshold").and_then(|node| read_threshold(reader, &node)),
        once: root.get("once").and_then(|node| read_once(reader, &node)),
        digest: root.get("digest").and_then(|node| read_digest(reader, &node)),
        concurrency: root.get("concurrency").and_then(|node| read_concurrency(reader, &node)),
        fuse: root.get("fuse").and_then(|node| read_fuse(reader, &node)),
    }
}

fn read_threshold<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<Threshold> {
    let what = "`threshold`";
    reader.object(node, what)?;
    keys_of(reader, node, &["per", "count", "within"], what, &[("limit", "`count`"), ("for", "`within`")]);
    let example = "write `threshold: { count: 3, within: 1h }`";
    let count = needed(reader, node, what, "count", example);
    let within = needed(reader, node, what, "within", example);
    let per = read_per(reader, node);
    let count = count.and_then(|count| read_whole(reader, &count, "`count` of `threshold`", &EVENTS));
    let within = within.and_then(|within| read_duration(reader, &within, "`within` of `threshold`", &WINDOW));
    Some(Threshold { per, count: count?, within: within? })
}

fn read_once<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<Once> {
    let what = "`once`";
    reader.object(node, what)?;
    keys_of(reader, node, &["per", "within"], what, &[("every", "`within`"), ("for", "`within`")]);
    let within = needed(reader, node, what, "within", "write `once: { per: \"{{ event.link }}\", within: 10m }`");
    let per = read_per(reader, node);
    let within = within.and_then(|within| read_duration(reader, &within, "`within` of `once`", &WINDOW));
    Some(Once { per, within: within? })
}

fn read_digest<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<DigestWindow> {
    let what = "`digest`";
    reader.object(node, what)?;
    let foreign = [("within", "`every`"), ("for", "`every`"), ("schedule", "`cron`"), ("limit", "`max`")];
    keys_of(reader, node, &["per", "every", "cron", "timezone", "max"], what, &foreign);
    let per = read_per(reader, node);
    let max = match node.get("max") {
        Some(inner) => read_whole(reader, &inner, "`max` of `digest`", &EVENTS),
        None => Some(*EVENTS.end()),
    };
    let every = read_every(reader, node, "digest");
    Some(DigestWindow { per, every: every?, max: max? })
}

fn read_concurrency<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<Concurrency> {
    let what = "`concurrency`";
    reader.object(node, what)?;
    let foreign = [
        ("max", "`limit`"),
        ("mode", "`when_full`"),
        ("cancel-in-progress", "`when_full: cancel_oldest`"),
        ("cancel_in_progress", "`when_full: cancel_oldest`"),
    ];
    keys_of(reader, node, &["per", "limit", "when_full"], what, &foreign);
    let per = read_per(reader, node);
    let limit = match node.get("limit") {
        Some(inner) => read_whole(reader, &inner, "`limit` of `concurrency`", &PLACES),
        None => Some(1),
    };
    let when_full = match node.get("when_full") {
        Some(inner) => read_when_full(reader, &inner),
        None => Some(WhenFull::Queue),
    };
    Some(Concurrency { per, limit: limit?, when_full: when_full? })
}

fn read_when_full<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<WhenFull> {
    const WORDS: [(&str, WhenFull); 3] =
        [("queue", WhenFull::Queue), ("skip", WhenFull::Skip), ("cancel_oldest", WhenFull::CancelOldest)];
    const FOREIGN: [(&str, &str); 4] =
        [("queued", "queue"), ("single", "skip"), ("drop", "skip"), ("restart", "cancel_oldest")];
    let word = reader.text(node, "`when_full`")?;
    let known = WORDS.iter().find(|(known, _)| *known == word);
    if known.is_none() {
        let message = format!("`when_full: {}` is not known", keys::shortened(word));
        let help = match FOREIGN.iter().find(|(theirs, _)| *theirs == word) {
            Some((_, ours)) => format!("here it is called `{ours}`"),
            None => keys::suggestion(word, WORDS.map(|(known, _)| known)),
        };
        reader.error(codes::CHOICE, reader.place(node), message, help);
    }
    known.map(|(_, when_full)| *when_full)
}

fn read_fuse<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<Fuse> {
    let what = "`fuse`";
    reader.object(node, what)?;
    reader.only_keys(node, &["count", "within"], what, &[("limit", "`count`"), ("max", "`count`")]);
    let example = "write `fuse: { count: 100, within: 10m }`";
    let count = needed(reader, node, what, "count", example);
    let within = needed(reader, node, what, "within", example);
    let count = count.and_then(|count| read_whole(reader, &count, "`count` of `fuse`", &FUSE_RUNS));
    let within = within.and_then(|within| read_duration(reader, &within, "`within` of `fuse`", &WINDOW));
    Some(Fuse { count: count?, within: within? })
}

fn keys_of<'a>(reader: &Reader<'a>, node: &Node<'a>, known: &[&str], what: &str, foreign: &[(&str, &str)]) {
    let words: Vec<(&str, &str)> = foreign.iter().chain(&KEY_WORDS).copied().collect();
    reader.only_keys(node, known, what, &words);
}

/// Reads `per`: a template; a literal makes every event one key, which is what leaving it out says.
fn read_per<'a>(reader: &Reader<'a>, node: &Node<'a>) -> Option<Leaf> {
    let inner = node.get("per")?;
    if inner.value.is_null() || inner.value.is_array() || inner.value.is_object() {
        reader.wrong_type(&inner, "`per` must be a template");
        return None;
    }
    if !has_template(inner.value) {
        let shown = keys::shortened(inner.value.as_str().unwrap_or_default());
        let message = "every event has this key: it is no template";
        let help = if shown.contains('.') && !shown.contains(' ') {
            format!("write \"{{{{ {shown} }}}}\"")
        } else {
            "write a template such as \"{{ event.link }}\", or leave `per` out".to_owned()
        };
        reader.warn(codes::CONSTANT_KEY, reader.place(&inner), message, help);
    }
    reader.leaf(&inner)
}

/// The fuse of a rule that sets none: one that acts on a service it listens to could feed itself.
pub(super) fn standard_fuse(on: &[On], steps: &[Step], on_error: &[Step]) -> Option<Fuse> {
    let heard: Vec<&str> = on
        .iter()
        .filter_map(|on| match on {
            On::Type { event, .. } => event.split('.').next(),
            On::Service { service, .. } => Some(service.as_str()),
            On::Manual { .. } | On::Schedule(_) => None,
            On::Poll(poll) => match &poll.step.kind {
                StepKind::Action { name, .. } => name.split('.').next(),
                _ => None,
            },
        })
        .collect();
    (acts_on(steps, &heard) || acts_on(on_error, &heard)).then_some(STANDARD_FUSE)
}

fn acts_on(steps: &[Step], services: &[&str]) -> bool {
    steps.iter().any(|step| {
        let itself = match &step.kind {
            StepKind::Action { name, .. } => name.split('.').next().is_some_and(|service| services.contains(&service)),
            StepKind::Block { then, otherwise } => acts_on(then, services) || acts_on(otherwise, services),
            StepKind::ForEach { steps, .. } => acts_on(steps, services),
            _ => false,
        };
        itself || matches!(&step.on_error, OnStepError::Steps(steps) if acts_on(steps, services))
    })
}
