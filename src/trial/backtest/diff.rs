//! Two texts, line by line: what was taken away and what was put in.

/// Lines around a change that are shown.
const AROUND: usize = 2;
/// Pairs of lines that are compared at most; beyond that the whole is shown as replaced.
const MOST: usize = 1_000_000;

/// `-` before lines of the old text that are gone, `+` before those of the new one, a blank before the few around them. Empty for the
/// same texts.
pub fn unified(old: &str, new: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    let lines = compared(&old, &new);
    let is_near = |at: usize| {
        let from = at.saturating_sub(AROUND);
        lines.iter().skip(from).take(at + AROUND + 1 - from).any(|(mark, _)| *mark != ' ')
    };
    let mut text = String::new();
    let mut skipped = false;
    for (at, (mark, line)) in lines.iter().enumerate() {
        if !is_near(at) {
            skipped = true;
            continue;
        }
        if skipped && !text.is_empty() {
            text.push_str("...\n");
        }
        skipped = false;
        text.push_str(format!("{mark} {line}").trim_end());
        text.push('\n');
    }
    text
}

/// Every line of both with its mark, by their longest common subsequence.
fn compared<'t>(old: &[&'t str], new: &[&'t str]) -> Vec<(char, &'t str)> {
    let marked = |mark: char, lines: &[&'t str]| lines.iter().map(|line| (mark, *line)).collect::<Vec<_>>();
    if old.len().saturating_mul(new.len()) > MOST {
        return [marked('-', old), marked('+', new)].concat();
    }
    // `longest[i][j]` is the length of what `old[i..]` and `new[j..]` have in common.
    let width = new.len() + 1;
    let mut longest = vec![0_usize; (old.len() + 1) * width];
    let at = |longest: &[usize], i: usize, j: usize| longest.get(i * width + j).copied().unwrap_or(0);
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let best = if old.get(i) == new.get(j) {
                at(&longest, i + 1, j + 1) + 1
            } else {
                at(&longest, i + 1, j).max(at(&longest, i, j + 1))
            };
            if let Some(cell) = longest.get_mut(i * width + j) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::new());
    while let (Some(was), Some(is)) = (old.get(i), new.get(j)) {
        if was == is {
            lines.push((' ', *was));
            (i, j) = (i + 1, j + 1);
        } else if at(&longest, i + 1, j) >= at(&longest, i, j + 1) {
            lines.push(('-', *was));
            i += 1;
        } else {
            lines.push(('+', *is));
            j += 1;
        }
    }
    lines.extend(marked('-', old.get(i..).unwrap_or_default()));
    lines.extend(marked('+', new.get(j..).unwrap_or_default()));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_changed_is_shown_with_a_little_around_it() {
        let old = "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n11\n12";
        let new = "1\n2\n3\n4\nfive\n6\n7\n8\n9\n10\n11\n12\n13";
        assert_eq!(unified(old, new), "  3\n  4\n- 5\n+ five\n  6\n  7\n...\n  11\n  12\n+ 13\n");
        assert_eq!(unified(old, old), "");
    }

    #[test]
    fn large_texts_are_replaced_as_a_whole() {
        let (old, new) = ("a\n".repeat(2_000), "b\n".repeat(2_000));
        assert_eq!(unified(&old, &new).lines().count(), 4_000);
    }
}
