//! A secret text in memory.

use std::fmt;

use zeroize::Zeroizing;

/// Characters below which a secret is refused: masking shorter ones would shred the logs.
pub const SHORTEST: usize = 8;

/// A secret text. `Debug` does not show it, memory is wiped when it goes.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text as a secret.
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself: for signing, sending and sealing alone.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Some(Secret::new("hunter2-hunter2".into()))), "Some([secret])");
    }
}
