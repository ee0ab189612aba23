//! The same mutations on every machine.

/// Xorshift64*.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.roll() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    pub fn pick<'t, T: AsRef<str>>(&mut self, list: &'t [T]) -> &'t str {
        list[self.below(list.len())].as_ref()
    }

    /// A place between two characters.
    fn cut(&mut self, text: &str) -> usize {
        let mut at = self.below(text.len() + 1);
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    /// One text of the corpus with up to three changes: parts taken out, repeated, replaced, taken from other texts.
    pub fn mutate<T: AsRef<str>>(&mut self, corpus: &[T], words: &[&str]) -> String {
        let mut text = self.pick(corpus).to_owned();
        for _ in 0..self.below(4) {
            let (from, to) = (self.cut(&text), self.cut(&text));
            let (from, to) = (from.min(to), from.max(to));
            match self.below(6) {
                0 => text.replace_range(from..to, ""),
                1 => text.insert_str(from, self.pick(words)),
                2 => text.replace_range(from..to, self.pick(words)),
                3 => {
                    let part = text.get(from..to).unwrap().repeat(1 + self.below(8));
                    text.insert_str(to, &part);
                }
                4 => {
                    let other = self.pick(corpus).to_owned();
                    let (start, end) = (self.cut(&other), self.cut(&other));
                    text.insert_str(from, other.get(start.min(end)..start.max(end)).unwrap());
                }
                _ => {
                    let odd = char::from_u32(u32::try_from(self.below(0x250)).unwrap()).unwrap_or('x');
                    text.insert(from, odd);
                }
            }
        }
        text
    }

    /// One text of the corpus with up to three changes to its lines: so that what comes of it is often still YAML.
    pub fn mutate_lines(&mut self, corpus: &[String], words: &[&str]) -> String {
        let mut lines: Vec<String> = self.pick(corpus).lines().map(str::to_owned).collect();
        for _ in 0..self.below(4) {
            let at = self.below(lines.len());
            let Some(line) = lines.get(at).cloned() else { continue };
            let indent: String = line.chars().take_while(|character| *character == ' ').collect();
            match self.below(7) {
                0 => drop(lines.remove(at)),
                1 => lines.insert(at, line),
                2 => {
                    let other: Vec<&str> = self.pick(corpus).lines().collect();
                    let other = other.get(self.below(other.len())).map_or("", |line| line.trim_start());
                    lines.insert(at, format!("{indent}{other}"));
                }
                3 => lines[at] = format!("  {line}"),
                4 => lines[at] = line.replacen("  ", "", 1),
                // Another value behind the same key.
                5 => {
                    let key = line.split_once(": ").map_or(line.as_str(), |(key, _)| key);
                    lines[at] = format!("{key}: {}", self.pick(words));
                }
                _ => {
                    let at_word = self.cut(&line);
                    lines[at].insert_str(at_word, self.pick(words));
                }
            }
        }
        lines.join("\n")
    }
}
