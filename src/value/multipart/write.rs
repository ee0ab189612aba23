//! Writes a multipart body: the same parts are always the same bytes, so that a retry sends what was sent before.

use sha2::{Digest as _, Sha256};

/// One part to be written.
#[derive(Debug, Clone, Copy)]
pub struct NewPart<'p> {
    /// The name of its field.
    pub name: &'p str,
    /// What the file is called. `None`: the part is a field.
    pub filename: Option<&'p str>,
    /// Its media type. `None`: for a file `application/octet-stream`, for a field none.
    pub content_type: Option<&'p str>,
    /// What it holds.
    pub bytes: &'p [u8],
}

/// A name, file name or type that a header cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("part `{0}`: its name, file name or content type holds a control character")]
pub struct MultipartWriteError(pub String);

/// The content type, with the boundary, and the body. The boundary comes from the parts themselves and stands in none of them.
pub fn write_multipart(parts: &[NewPart<'_>]) -> Result<(String, Vec<u8>), MultipartWriteError> {
    let boundary = boundary(parts);
    let mut body = Vec::new();
    for part in parts {
        let wrong = || MultipartWriteError(part.name.chars().filter(|c| !c.is_control()).collect());
        let name = quoted(part.name).ok_or_else(wrong)?;
        let mut head = format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
        if let Some(filename) = part.filename {
            head.push_str(&format!("; filename=\"{}\"", quoted(filename).ok_or_else(wrong)?));
        }
        let of_file = part.filename.map(|_| "application/octet-stream");
        if let Some(kind) = part.content_type.or(of_file) {
            if kind.chars().any(char::is_control) {
                return Err(wrong());
            }
            head.push_str(&format!("\r\nContent-Type: {kind}"));
        }
        head.push_str("\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(part.bytes);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((format!("multipart/form-data; boundary={boundary}"), body))
}

/// A name between quotes, with what would end it written as browsers do. `None`: it holds another control character.
fn quoted(name: &str) -> Option<String> {
    let mut plain = name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A");
    // Before the closing quote it would be read as the mark of a quote that belongs to the name.
    if plain.ends_with('\\') {
        plain.pop();
        plain.push_str("%5C");
    }
    (!plain.chars().any(char::is_control)).then_some(plain)
}

fn boundary(parts: &[NewPart<'_>]) -> String {
    let mut salt = 0_u64;
    loop {
        let mut hash = Sha256::new();
        hash.update(salt.to_be_bytes());
        for part in parts {
            for piece in [
                part.name.as_bytes(),
                part.filename.unwrap_or_default().as_bytes(),
                part.content_type.unwrap_or_default().as_bytes(),
                part.bytes,
            ] {
                hash.update(piece.len().to_be_bytes());
                hash.update(piece);
            }
        }
        let digest = hash.finalize();
        let boundary = format!("bellwire-{}", hex::encode(digest.get(..16).unwrap_or_default()));
        let stands_in = |bytes: &[u8]| bytes.windows(boundary.len()).any(|window| window == boundary.as_bytes());
        if !parts.iter().any(|part| stands_in(part.bytes)) {
            return boundary;
        }
        salt += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::read_multipart;

    const FIELD: NewPart<'_> = NewPart { name: "a", filename: None, content_type: None, bytes: b"1" };

    #[test]
    fn what_is_written_is_read_again_and_is_always_the_same() {
        let file = NewPart {
            name: "f",
            filename: Some("a\"\r\nb.txt"),
            content_type: Some("text/plain"),
            bytes: b"\r\n--x\0",
        };
        let (kind, body) = write_multipart(&[FIELD, file]).unwrap();
        assert_eq!(write_multipart(&[FIELD, file]).unwrap(), (kind.clone(), body.clone()));
        let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
        let parts = read_multipart(&body, boundary).unwrap();
        assert_eq!((parts[0].name.as_str(), parts[0].bytes, parts[0].content_type.as_deref()), ("a", &b"1"[..], None));
        assert_eq!(parts[1].filename.as_deref(), Some("a%22%0D%0Ab.txt"));
        assert_eq!((parts[1].bytes, parts[1].content_type.as_deref()), (&b"\r\n--x\0"[..], Some("text/plain")));
        let (_, other) = write_multipart(&[NewPart { bytes: b"2", ..FIELD }]).unwrap();
        assert!(
            !other.windows(boundary.len()).any(|window| window == boundary.as_bytes()),
            "other parts, another boundary"
        );
    }

    #[test]
    fn a_file_without_a_type_is_bytes_and_no_parts_are_a_body_too() {
        let (_, body) = write_multipart(&[NewPart { filename: Some("x"), ..FIELD }]).unwrap();
        assert!(
            String::from_utf8(body).unwrap().contains("filename=\"x\"\r\nContent-Type: application/octet-stream\r\n")
        );
        let (kind, body) = write_multipart(&[]).unwrap();
        assert_eq!(read_multipart(&body, kind.split_once('=').unwrap().1), Ok(Vec::new()));
    }

    #[test]
    fn what_would_break_a_header_is_refused() {
        for part in [
            NewPart { name: "a\0", ..FIELD },
            NewPart { filename: Some("a\u{1b}"), ..FIELD },
            NewPart { content_type: Some("text/plain\r\nX: y"), ..FIELD },
        ] {
            assert_eq!(write_multipart(&[part]), Err(MultipartWriteError("a".to_owned())));
        }
    }
}
