//! What the store must ask of its own memory before a run starts.

use sha2::{Digest as _, Sha256};

use crate::{
    clock::Time,
    matcher::{Key, Keys},
    rules::{Every, Rule, WhenFull},
    store::{DigestGate, Full, FuseGate, GateKey, Gates, OnceGate, PlaceWish, ThresholdGate},
};

/// The gates of a rule that matched: keys cut to digests, durations and ends as instants.
pub fn gates(rule: &Rule, keys: &Keys, now: Time) -> Gates {
    let around = &rule.around;
    let threshold = around.threshold.as_ref().and_then(|threshold| {
        let key = of_text("threshold", text_of(&keys.threshold)?);
        Some(ThresholdGate { key, count: threshold.count, within: threshold.within })
    });
    let once = around.once.as_ref().and_then(|once| {
        let key = of_text("once", text_of(&keys.once)?);
        Some(OnceGate { key, within: once.within })
    });
    let digest = around.digest.as_ref().map(|digest| DigestGate {
        key: of_text("digest", text_of(&keys.digest).unwrap_or(Text::Nothing)),
        until: match &digest.every {
            Every::After(span) => now.plus(*span),
            // A window that would never end is no window: the event's run starts.
            Every::Cron(cron) => cron.next_after(now).unwrap_or(now),
        },
        max: digest.max,
    });
    Gates {
        threshold_without_key: around.threshold.is_some() && threshold.is_none(),
        threshold,
        once,
        digest,
        fuse: around.fuse.map(|fuse| FuseGate { count: fuse.count, within: fuse.within }),
    }
}

/// The place that a run of a rule needs among those of its key. `None`: the rule has no `concurrency`, or no key of it.
pub fn place(rule: &Rule, key: &Key) -> Option<PlaceWish> {
    let concurrency = rule.around.concurrency.as_ref()?;
    let when_full = match concurrency.when_full {
        WhenFull::Queue => Full::Queue,
        WhenFull::Skip => Full::Skip,
        WhenFull::CancelOldest => Full::CancelOldest,
    };
    Some(PlaceWish { key: of_text(&rule.id, text_of(key)?), limit: concurrency.limit, when_full })
}

/// What a key is, where it is one.
#[derive(Clone, Copy)]
enum Text<'k> {
    Whole,
    Of(&'k str),
    Nothing,
}

/// `None` where there is no key.
fn text_of(key: &Key) -> Option<Text<'_>> {
    match key {
        Key::Whole => Some(Text::Whole),
        Key::Of(text) => Some(Text::Of(text)),
        Key::Unset | Key::Nothing(_) => None,
    }
}

/// SHA-256 over what the key is for and its text, cut. A rule without `per` and one whose key is a text never meet.
fn of_text(what: &str, text: Text<'_>) -> GateKey {
    let mut hash = Sha256::new();
    hash.update(what.as_bytes());
    match text {
        Text::Whole => hash.update(b"\0whole"),
        Text::Nothing => hash.update(b"\0nothing"),
        Text::Of(text) => {
            hash.update(b"\0of\0");
            hash.update(text.as_bytes());
        }
    }
    let whole: [u8; 32] = hash.finalize().into();
    let mut key = GateKey::default();
    key.copy_from_slice(whole.first_chunk::<16>().unwrap_or(&[0; 16]));
    key
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use super::*;
    use crate::rules::{Around, Concurrency, Condition, Cron, DigestWindow, Fuse, Once, Threshold};

    const NOW: Time = Time(1_772_359_200_000);
    const HOUR: Duration = Duration::from_hours(1);

    fn rule(id: &str, around: Around) -> Rule {
        Rule {
            id: Arc::from(id),
            file: Arc::from("rules/a.yaml"),
            name: id.to_owned(),
            description: None,
            enabled: true,
            on: Vec::new(),
            vars: Vec::new(),
            when: Condition::All(Vec::new()),
            around,
            timeout: None,
            steps: Vec::new(),
            on_error: Vec::new(),
            tests: Vec::new(),
        }
    }

    fn all_words() -> Rule {
        let around = Around {
            threshold: Some(Threshold { per: None, count: 3, within: HOUR }),
            once: Some(Once { per: None, within: HOUR }),
            digest: Some(DigestWindow { per: None, every: Every::After(HOUR), max: 5 }),
            concurrency: Some(Concurrency { per: None, limit: 2, when_full: WhenFull::Skip }),
            fuse: Some(Fuse { count: 100, within: HOUR }),
        };
        rule("calls/missed", around)
    }

    fn of(key: &Key) -> Keys {
        Keys { once: key.clone(), threshold: key.clone(), digest: key.clone() }
    }

    fn text(text: &str) -> Key {
        Key::Of(text.to_owned())
    }

    #[test]
    fn a_rule_without_words_has_nothing_to_pass() {
        let rule = rule("a", Around::default());
        assert_eq!(gates(&rule, &Keys::default(), NOW), Gates::default());
        assert_eq!(place(&rule, &Key::Unset), None);
    }

    #[test]
    fn words_become_keys_counts_and_instants() {
        let gates = gates(&all_words(), &of(&text("a")), NOW);
        let (threshold, once, digest) = (gates.threshold.unwrap(), gates.once.unwrap(), gates.digest.unwrap());
        assert_eq!((threshold.count, threshold.within, once.within), (3, HOUR, HOUR));
        assert_eq!((digest.until, digest.max), (NOW.plus(HOUR), 5));
        assert_eq!(gates.fuse, Some(FuseGate { count: 100, within: HOUR }));
        assert!(!gates.threshold_without_key);
        assert!(threshold.key != once.key && once.key != digest.key && digest.key != threshold.key);
    }

    #[test]
    fn the_same_text_is_the_same_key_and_another_is_another() {
        let key = |key: &Key| gates(&all_words(), &of(key), NOW).once.unwrap().key;
        assert_eq!(key(&text("a")), key(&text("a")));
        assert_ne!(key(&text("a")), key(&text("b")));
        assert_ne!(key(&text("whole")), key(&Key::Whole));
    }

    #[test]
    fn without_a_key_once_lets_pass_threshold_is_not_reached_and_digest_gathers() {
        let nothing = Key::Nothing("the key is null".to_owned());
        let without = gates(&all_words(), &of(&nothing), NOW);
        assert_eq!((without.once, without.threshold), (None, None));
        assert!(without.threshold_without_key);
        let whole = gates(&all_words(), &of(&Key::Whole), NOW).digest.unwrap().key;
        assert!(without.digest.is_some_and(|digest| digest.key != whole));
        assert_eq!(place(&all_words(), &nothing), None);
    }

    #[test]
    fn a_digest_by_cron_ends_at_the_next_slot() {
        let mut daily = all_words();
        let cron = Cron::parse("0 18 * * *", None).unwrap();
        let next = cron.next_after(NOW).unwrap_or(NOW);
        daily.around.digest = Some(DigestWindow { per: None, every: Every::Cron(cron), max: 5 });
        assert_eq!(gates(&daily, &of(&Key::Whole), NOW).digest.map(|digest| digest.until), Some(next));
    }

    #[test]
    fn places_are_counted_by_rule_and_key() {
        let wish = place(&all_words(), &text("a")).unwrap();
        assert_eq!((wish.limit, wish.when_full), (2, Full::Skip));
        let other = Rule { id: Arc::from("calls/other"), ..all_words() };
        assert_ne!(place(&other, &text("a")).map(|wish| wish.key), Some(wish.key));
        assert_ne!(place(&all_words(), &text("b")).map(|wish| wish.key), Some(wish.key));
    }
}
