//! The files of a workspace as a commit has them, by the `git` program: it is asked to read, and nothing else.

use std::{
    fs,
    io::Write as _,
    path::{Component, Path},
    process::{Command, Stdio},
};

/// Bytes of one file that are taken; larger ones are left out, as they are on disk.
const LARGEST: usize = 1024 * 1024;

/// Writes `rules/` and `templates/` of a commit into a folder. `Err` is one sentence with the way out.
pub(super) fn export(workspace: &Path, commit: &str, into: &Path) -> Result<(), String> {
    let shown = commit.escape_debug().to_string();
    if commit.is_empty() || commit.starts_with('-') {
        return Err(format!("`{shown}` is neither a folder nor a commit"));
    }
    let whole = format!("{commit}^{{commit}}");
    let id = asked(git(workspace, &["rev-parse", "--verify", "--quiet", "--end-of-options", &whole]), &[])
        .map_err(|why| format!("`{shown}` is neither a folder nor a commit of the workspace's repository{why}"))?;
    let id = String::from_utf8_lossy(&id).trim().to_owned();
    let list = asked(git(workspace, &["ls-tree", "-r", "-z", &id, "--", "rules", "templates"]), &[])
        .map_err(|why| format!("git cannot list the files of `{shown}`{why}"))?;
    let mut files = Vec::new();
    for entry in list.split(|byte| *byte == 0).filter(|entry| !entry.is_empty()) {
        let entry = String::from_utf8_lossy(entry);
        // `100644 blob 3f2a...<tab>rules/a.yaml`; links and submodules are not taken, as on disk.
        let Some((about, path)) = entry.split_once('\t') else { continue };
        let mut words = about.split(' ');
        if let (Some("100644" | "100755"), Some("blob"), Some(blob)) = (words.next(), words.next(), words.next())
            && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
        {
            files.push((path.to_owned(), blob.to_owned()));
        }
    }
    let wanted: String = files.iter().map(|(_, blob)| format!("{blob}\n")).collect();
    let texts = asked(git(workspace, &["cat-file", "--batch"]), wanted.as_bytes())
        .map_err(|why| format!("git cannot read the files of `{shown}`{why}"))?;
    let mut rest = texts.as_slice();
    for (path, _) in files {
        let (text, after) = next(rest).ok_or_else(|| format!("git's answer on `{shown}` does not read"))?;
        rest = after;
        if text.len() <= LARGEST {
            write(&into.join(&path), text).map_err(|error| format!("{path} cannot be written: {error}"))?;
        }
    }
    Ok(())
}

/// One object of `cat-file --batch`: `ID blob LENGTH`, its bytes, a line end.
fn next(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = answer.iter().position(|byte| *byte == b'\n')?;
    let head = std::str::from_utf8(answer.get(..end)?).ok()?;
    let length: usize = head.rsplit(' ').next()?.parse().ok()?;
    let begin = end.checked_add(1)?;
    let stop = begin.checked_add(length)?;
    Some((answer.get(begin..stop)?, answer.get(stop.checked_add(1)?..)?))
}

fn write(file: &Path, text: &[u8]) -> std::io::Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(file, text)
}

fn git(workspace: &Path, words: &[&str]) -> Command {
    let mut command = Command::new("git");
    // A repository's own settings may name programs to be run; none of them is needed to read.
    command.args(["--no-pager", "--no-optional-locks", "-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null"]);
    command.arg("-C").arg(workspace).args(words);
    command.env("GIT_TERMINAL_PROMPT", "0").env("GIT_NO_LAZY_FETCH", "1").env("LC_ALL", "C");
    command
}

/// What a command prints. `Err` is the rest of a sentence.
fn asked(mut command: Command, input: &[u8]) -> Result<Vec<u8>, String> {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.map_err(|error| format!("; the `git` program cannot be started: {error}"))?;
    let stdin = child.stdin.take();
    // Written beside the reading: neither pipe can hold everything.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut pipe| pipe.write_all(input)));
        child.wait_with_output()
    });
    let output = output.map_err(|error| format!(": {error}"))?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = String::from_utf8_lossy(&output.stderr).trim().escape_debug().to_string();
    Err(if said.is_empty() { String::new() } else { format!(": {said}") })
}
