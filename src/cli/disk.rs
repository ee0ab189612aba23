//! How much room a disk has left, by the system's own `df`.

use std::{path::Path, process::Command};

/// Bytes that are free where `folder` is. `None` where the system does not say.
pub(super) fn free(folder: &Path) -> Option<u64> {
    let output = Command::new("df").arg("-Pk").arg(folder).env("LC_ALL", "C").output().ok()?;
    if !output.status.success() {
        return None;
    }
    read(&String::from_utf8_lossy(&output.stdout))
}

/// The fourth column of the second line, in KiB; a device's name may hold blanks, so it is counted from the right.
fn read(text: &str) -> Option<u64> {
    let line = text.lines().nth(1)?;
    let percent = line.rfind('%')?;
    let mut words = line.get(..percent)?.split_whitespace().rev().skip(1);
    words.next()?.parse::<u64>().ok()?.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_free_room_is_read_from_df() {
        let text =
            "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/my disk 1000 400 600 40% /mnt/50% full\n";
        assert_eq!(read(&text.replace("50% full", "x")), Some(600 * 1_024));
        assert_eq!(read("nothing"), None);
    }
}
