//! A link as a picture that a telephone reads, drawn here: nobody else learns of it.

use qrcodegen::{QrCode, QrCodeEcc};

/// Light modules around it (ISO/IEC 18004 asks for four).
const MARGIN: i32 = 4;

/// A QR code as an SVG path over a square.
pub(in crate::admin) struct Picture {
    /// Modules of a side, with the margin.
    pub(in crate::admin) side: i32,
    /// The dark modules, a stroke for each run of them in a row.
    pub(in crate::admin) path: String,
}

impl Picture {
    /// `None`: the text is too long for one.
    pub(in crate::admin) fn of(text: &str) -> Option<Self> {
        let code = QrCode::encode_text(text, QrCodeEcc::Low).ok()?;
        let side = code.size();
        let mut path = String::new();
        for y in 0..side {
            let mut x = 0;
            while x < side {
                let length = (x..side).take_while(|x| code.get_module(*x, y)).count();
                let length = i32::try_from(length).unwrap_or(0);
                if length > 0 {
                    path.push_str(&format!("M{} {}h{length}v1h-{length}z", x + MARGIN, y + MARGIN));
                }
                x += length + 1;
            }
        }
        Some(Self { side: side + 2 * MARGIN, path })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dark_module_is_drawn_once() {
        let text = "otpauth://totp/Bellwire%20bell.example.com:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let (picture, code) = (Picture::of(text).unwrap(), QrCode::encode_text(text, QrCodeEcc::Low).unwrap());
        let side = picture.side;
        let mut drawn = std::collections::BTreeSet::new();
        for stroke in picture.path.split_terminator('z') {
            let (at, rest) = stroke.trim_start_matches('M').split_once('h').unwrap();
            let (x, y) = at.split_once(' ').unwrap();
            let (x, y): (i32, i32) = (x.parse().unwrap(), y.parse().unwrap());
            let length: i32 = rest.split('v').next().unwrap().parse().unwrap();
            for x in x..x + length {
                assert!(drawn.insert((x, y)), "{x} {y}");
            }
        }
        for (x, y) in (0..side).flat_map(|x| (0..side).map(move |y| (x, y))) {
            assert_eq!(drawn.contains(&(x, y)), code.get_module(x - MARGIN, y - MARGIN), "{x} {y}");
        }
        assert!(Picture::of(&"a".repeat(10_000)).is_none());
    }
}
