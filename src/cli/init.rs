//! `bellwire init`: makes a workspace.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use super::{answer::Answer, arguments::Init, failure::Failure, schema};
use crate::admin::CARD_TEMPLATE;

/// What a workspace begins with: path and text. The rule is the repository's own.
pub(super) const FILES: [(&str, &str); 5] = [
    ("bellwire.toml", SETTINGS),
    ("rules/calls/missed.yaml", include_str!("../../rules/calls/missed.yaml")),
    ("templates/profile/groove.liquid", CARD_TEMPLATE),
    (".gitignore", "# The database, its key and its lock.\n/data/\n"),
    ("README.md", README),
];

const SETTINGS: &str = r#"# Settings of this workspace. `bellwire config defaults` prints every setting with what it means; `bellwire config print`
# what is in force. The environment wins over this file: server.listen is BELLWIRE_SERVER_LISTEN.

[server]
# Where deliveries come in. Put a reverse proxy with TLS before it.
listen = "127.0.0.1:8000"
# trusted_proxies = ["127.0.0.1"]
# public_url = "https://bellwire.example.com"

# Values that rules see as vars.NAME.
# [vars]
# sales_team = "sales@example.com"
"#;

const README: &str = "# Automations\n\n\
    A workspace of Bellwire. Rules are in `rules/`, one a file; settings in `bellwire.toml`; `data/` is not for git.\n\n\
    ```sh\nbellwire check    # every fault of settings and rules\nbellwire doctor   # what is well, what is not\nbellwire serve    # run\n```\n";

pub(super) fn run(options: &Init) -> Result<Answer, Failure> {
    let folder = &options.dir;
    if folder.exists() && !folder.is_dir() {
        return Err(Failure::Usage(format!("{} is a file; name a folder", folder.display())));
    }
    if !options.force && !is_empty(folder)? {
        return Err(Failure::No(format!(
            "{} is not empty; with --force what is missing is added and nothing that is there is changed",
            folder.display()
        )));
    }
    let mut said = Vec::new();
    for (name, text) in FILES {
        let made = make(&folder.join(name), text).map_err(|error| failed(&folder.join(name), &error))?;
        said.push(format!("{}  {name}", if made { "made" } else { "kept" }));
    }
    schema::place(folder)?;
    said.push(next_steps(folder));
    Ok(Answer::text(said.join("\n")))
}

pub(super) fn is_empty(folder: &Path) -> Result<bool, Failure> {
    match fs::read_dir(folder) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(failed(folder, &error)),
    }
}

/// False: it was there, and stays as it is.
pub(super) fn make(path: &Path, text: &str) -> io::Result<bool> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    match fs::OpenOptions::new().write(true).create_new(true).open(path) {
        Ok(mut file) => file.write_all(text.as_bytes()).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

pub(super) fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure::Storage(format!("{}: {error}", path.display()))
}

fn next_steps(folder: &Path) -> String {
    let change = if folder == Path::new(".") { String::new() } else { format!("  cd {}\n", quoted(folder)) };
    format!(
        "\nNext, with the key that Gruveo gave you, an access token of Groove, and a token of your own making:\n\n{change}  \
         bellwire secrets set gruveo_key\n  bellwire secrets set groove_token\n  bellwire secrets set groove_hook_token\n  \
         bellwire check\n  bellwire serve\n\n\
         Then give Gruveo the address https://<your host>/hooks/gruveo, and links such as\n\
         https://www.gruveo.com/@your.link?ticket=42 to your customers.\n"
    )
}

/// A path as a shell reads it.
pub(super) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') {
        return text;
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn init(folder: &Path, force: bool) -> Result<Answer, Failure> {
        run(&Init { dir: folder.to_owned(), force })
    }

    #[test]
    fn a_workspace_is_made_and_its_settings_load() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("my-automations");
        let answer = init(&folder, false).unwrap();
        assert!(answer.out.contains("bellwire secrets set groove_hook_token\n"), "{}", answer.out);
        assert!(answer.out.contains("bellwire serve\n"));
        for (name, _) in FILES {
            assert!(folder.join(name).is_file(), "{name}");
        }
        assert!(crate::config::load(&folder, &BTreeMap::new()).is_ok());
    }

    #[test]
    fn a_folder_that_is_not_empty_is_left_alone_unless_forced() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("bellwire.toml"), "[vars]\n").unwrap();
        let refused = init(folder.path(), false).unwrap_err();
        assert_eq!(refused.exit(), 1);
        assert!(!folder.path().join("rules").exists());
        init(folder.path(), true).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join("bellwire.toml")).unwrap(), "[vars]\n", "it stays as it is");
        assert!(folder.path().join("rules/calls/missed.yaml").is_file());
    }

    #[test]
    fn a_path_is_printed_as_a_shell_reads_it() {
        assert_eq!(quoted(Path::new("my-automations")), "my-automations");
        assert_eq!(quoted(Path::new("it's here")), "'it'\\''s here'");
    }
}
