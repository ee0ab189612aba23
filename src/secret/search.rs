//! Finds many forms of secrets in a text at once: by their beginnings, each of which is then compared whole.

use std::ops::Range;

use aho_corasick::{AhoCorasick, AhoCorasickKind, BuildError, Input, MatchKind};

/// Bytes at the beginning of a form by which it is looked for. What is built is bounded by that, however long the secrets are: a state for
/// each of their bytes kept the threads that answer requests at work for minutes.
const BEGINNING: usize = 64;
/// Bytes of all beginnings together from which on the search is built small rather than quick: a table of every state and byte would take
/// hundreds of megabytes for many secrets.
const SMALL_FROM: usize = 32 * 1024;

/// Looks for forms: where several begin at one place, the longest of them.
pub(super) struct Search {
    automaton: AhoCorasick,
    forms: Vec<Vec<u8>>,
    /// By beginning: the forms that may stand where it does, the longest first.
    candidates: Vec<Vec<usize>>,
    longest: usize,
    #[cfg(test)]
    states: usize,
}

impl Search {
    /// Of forms without an empty one among them.
    pub(super) fn new(forms: Vec<Vec<u8>>) -> Result<Self, BuildError> {
        let beginning = |form: &Vec<u8>| form.get(..BEGINNING).unwrap_or(form).to_vec();
        let mut beginnings: Vec<Vec<u8>> = forms.iter().map(beginning).collect();
        beginnings.sort_unstable();
        beginnings.dedup();
        let mut candidates: Vec<Vec<usize>> = vec![Vec::new(); beginnings.len()];
        for (number, form) in forms.iter().enumerate() {
            // Sorted, what begins with a text stands in one row from that text on; a whole form may stand at the beginning of another.
            let begin = beginning(form);
            let is_whole = begin.len() == form.len();
            let from = beginnings.partition_point(|known| *known < begin);
            for (known, candidates) in beginnings.iter().zip(&mut candidates).skip(from) {
                if !known.starts_with(&begin) || (!is_whole && *known != begin) {
                    break;
                }
                candidates.push(number);
            }
        }
        let length = |number: &usize| forms.get(*number).map_or(0, Vec::len);
        for candidates in &mut candidates {
            candidates.sort_by_key(|number| std::cmp::Reverse(length(number)));
        }
        let bytes: usize = beginnings.iter().map(Vec::len).sum();
        let kind = (bytes >= SMALL_FROM).then_some(AhoCorasickKind::ContiguousNFA);
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).kind(kind).build(&beginnings)?;
        let longest = forms.iter().map(Vec::len).max().unwrap_or(0);
        Ok(Self {
            automaton,
            forms,
            candidates,
            longest,
            #[cfg(test)]
            states: bytes,
        })
    }

    /// Bytes of the longest form.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Every place where a form stands, with the form; none lies over another.
    pub(super) fn all_in(&self, text: &[u8]) -> Vec<(Range<usize>, usize)> {
        let (mut found, mut at) = (Vec::new(), 0);
        while let Some(begun) = self.automaton.find(Input::new(text).range(at..)) {
            let rest = text.get(begun.start()..).unwrap_or_default();
            let known = self.candidates.get(begun.pattern().as_usize()).map(Vec::as_slice).unwrap_or_default();
            let whole = known.iter().find_map(|number| {
                let form = self.forms.get(*number).filter(|form| rest.starts_with(form))?;
                Some((begun.start()..begun.start() + form.len(), *number))
            });
            // Where none stands whole, another may begin at the next byte.
            at = whole.as_ref().map_or(begun.start() + 1, |(place, _)| place.end);
            found.extend(whole);
        }
        found
    }
}

#[cfg(test)]
impl Search {
    /// States that the automaton has, at most.
    pub(super) fn states_at_most(&self) -> usize {
        self.states
    }

    /// What the automaton takes.
    pub(super) fn bytes_of_automaton(&self) -> usize {
        self.automaton.memory_usage()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(forms: &[&str], text: &str) -> Vec<(usize, usize, usize)> {
        let search = Search::new(forms.iter().map(|form| form.as_bytes().to_vec()).collect()).unwrap();
        search.all_in(text.as_bytes()).into_iter().map(|(at, form)| (at.start, at.end, form)).collect()
    }

    #[test]
    fn of_forms_that_begin_alike_the_longest_is_found_that_stands_there_whole() {
        let begin = "x".repeat(BEGINNING);
        let (one, other, short) = (format!("{begin}one"), format!("{begin}one more"), "xxxx".to_owned());
        let forms = [one.as_str(), &other, &short];
        assert_eq!(found(&forms, &format!(" {other} ")), [(1, 1 + other.len(), 1)]);
        assert_eq!(found(&forms, &format!(" {one} ")), [(1, 1 + one.len(), 0)]);
        // Neither stands there: what is shorter does, again and again.
        assert_eq!(found(&forms, &format!("{begin}two")).len(), BEGINNING / 4);
        assert_eq!(found(&forms[..2], &format!("{begin}two")), []);
        // One that begins a byte later than what only looked like one.
        assert_eq!(found(&forms[..2], &format!("x{one}")), [(1, 1 + one.len(), 0)]);
    }

    #[test]
    fn what_is_found_is_what_a_search_for_the_whole_forms_finds() {
        let long = |sign: char| format!("{}{sign}", "ab".repeat(40));
        let (first, second) = (long('c'), long('d'));
        let forms = [first.as_str(), &second, "ababab", "bab", "cd", "abababx"];
        let text = format!("{second}{first}abababxbabcd{}cabab", "ab".repeat(40));
        let whole = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(forms).unwrap();
        let wanted: Vec<_> =
            whole.find_iter(&text).map(|found| (found.start(), found.end(), found.pattern().as_usize())).collect();
        assert_eq!(found(&forms, &text), wanted);
    }
}
