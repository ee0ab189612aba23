use std::os::unix::fs::symlink;

use super::*;

fn key() -> SealingKey {
    SealingKey::parse(&"0123456789abcdef".repeat(4)).unwrap()
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().mode() & 0o777
}

#[test]
fn what_was_sealed_opens_for_its_name() {
    for text in ["", "a-token-of-groove", "Schlüssel ☂ \u{0}\n"] {
        let sealed = key().seal("groove_token", &Secret::new(text.into())).unwrap();
        assert_eq!(key().open("groove_token", &sealed).unwrap().expose(), text);
        assert!(text.is_empty() || !sealed.windows(text.len()).any(|part| part == text.as_bytes()));
    }
}

#[test]
fn the_same_secret_is_sealed_differently_each_time() {
    let secret = Secret::new("a-token-of-groove".into());
    assert_ne!(key().seal("a", &secret).unwrap(), key().seal("a", &secret).unwrap());
}

#[test]
fn a_sealed_value_moved_to_another_name_is_refused() {
    let sealed = key().seal("groove_token", &Secret::new("a-token-of-groove".into())).unwrap();
    for name in ["groove_toke", "groove_token2", "", "Groove_token"] {
        assert!(matches!(key().open(name, &sealed), Err(SealError::Broken)), "{name}");
    }
}

#[test]
fn another_key_is_told_apart_by_its_id() {
    let other = SealingKey::parse(&"ff".repeat(32)).unwrap();
    let sealed = key().seal("a", &Secret::new("a-token-of-groove".into())).unwrap();
    let Err(SealError::OtherKey { found, wanted }) = other.open("a", &sealed) else { panic!("opened") };
    assert_eq!((found, wanted), (key().id(), other.id()));
    assert_eq!(key().id().len(), 8);
}

#[test]
fn one_flipped_bit_anywhere_is_refused() {
    let sealed = key().seal("a", &Secret::new("a-token-of-groove".into())).unwrap();
    for at in 0..sealed.len() * 8 {
        let mut bent = sealed.clone();
        bent[at / 8] ^= 1 << (at % 8);
        assert!(key().open("a", &bent).is_err(), "bit {at}");
    }
}

#[test]
fn a_cut_or_longer_value_is_refused() {
    let mut sealed = key().seal("a", &Secret::new("a-token-of-groove".into())).unwrap();
    for length in 0..sealed.len() {
        assert!(key().open("a", &sealed[..length]).is_err(), "{length} bytes");
    }
    sealed.push(0);
    assert!(key().open("a", &sealed).is_err());
}

#[test]
fn a_key_file_is_made_once_and_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bellwire.key");
    assert!(SealingKey::load(&file, false).unwrap_err().to_string().contains("is not there"));
    let made = SealingKey::load(&file, true).unwrap();
    assert_eq!(mode(&file), 0o600);
    assert_eq!(SealingKey::load(&file, true).unwrap().id(), made.id());
    assert_eq!(SealingKey::load(&file, false).unwrap().id(), made.id());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "no draft is left");
}

#[test]
fn a_key_of_base64_is_read() {
    let same = STANDARD.encode(hex::decode("0123456789abcdef".repeat(4)).unwrap());
    assert_eq!(SealingKey::parse(&format!("{same}\n")).unwrap().id(), key().id());
}

#[test]
fn what_is_no_key_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bellwire.key");
    for text in ["", "hello", &"ab".repeat(31), &"ab".repeat(33), &"zz".repeat(32)] {
        fs::write(&file, text).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        assert!(SealingKey::load(&file, true).unwrap_err().to_string().contains("is not a key"), "{text:?}");
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
}

#[test]
fn a_key_file_that_others_read_is_closed_and_one_they_write_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bellwire.key");
    let made = SealingKey::load(&file, true).unwrap();
    for open in [0o644, 0o640, 0o604, 0o444] {
        fs::set_permissions(&file, fs::Permissions::from_mode(open)).unwrap();
        assert_eq!(SealingKey::load(&file, false).unwrap().id(), made.id());
        assert_eq!(mode(&file), 0o600, "from {open:o}");
    }
    for open in [0o620, 0o602, 0o666] {
        fs::set_permissions(&file, fs::Permissions::from_mode(open)).unwrap();
        assert!(SealingKey::load(&file, false).unwrap_err().to_string().contains("others may write"), "{open:o}");
    }
}

#[test]
fn no_key_is_made_through_a_symlink() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("bellwire.key");
    symlink(folder.path().join("elsewhere"), &file).unwrap();
    assert!(SealingKey::load(&file, true).is_err());
    assert!(!folder.path().join("elsewhere").exists());
}

#[test]
fn a_folder_in_the_keys_place_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    assert!(SealingKey::load(folder.path(), true).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn a_key_does_not_show_itself() {
    assert_eq!(format!("{:?}", key()), format!("SealingKey({})", key().id()));
}
