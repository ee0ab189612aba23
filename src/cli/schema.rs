//! `bellwire schema`: JSON Schemas for editors.

use std::{fs, path::Path};

use super::{
    answer::Answer,
    arguments::{Schema, SchemaOf},
    failure::Failure,
    open,
};
use crate::{app, config, services, value::Value};

/// Where the schema of rules is written in a workspace: what the modeline of the shipped rules names.
/// Rule sets do not read what is hidden.
const FOLDER: &str = "templates/.schema";

pub(super) fn run(workspace: &Path, options: &Schema) -> Result<Answer, Failure> {
    let schemas = schemas(workspace)?;
    if options.write {
        write(workspace, &schemas)?;
        return Ok(Answer::text(format!(
            "Wrote rule.json, pack.json and bellwire.json to {}.\n\n\
             An editor that speaks YAML Language Server finds the first by this line at the top of a rule in rules/calls/:\n\n  \
             # yaml-language-server: $schema=../../{FOLDER}/rule.json",
            workspace.join(FOLDER).display()
        )));
    }
    let wanted = match options.of {
        SchemaOf::Rules => "rule.json",
        SchemaOf::Packs => "pack.json",
        SchemaOf::Settings => "bellwire.json",
    };
    let found = schemas.iter().find(|(name, _)| *name == wanted);
    Ok(found.map_or_else(Answer::default, |(_, schema)| Answer::json(schema)))
}

/// Name and schema of each.
fn schemas(workspace: &Path) -> Result<[(&'static str, Value); 3], Failure> {
    let config = open::settings(workspace)?;
    Ok([
        ("rule.json", app::rule_schema(&config)),
        ("pack.json", services::schema()),
        ("bellwire.json", config::schema()),
    ])
}

/// Writes the schemas of a workspace that was just made.
pub(super) fn place(workspace: &Path) -> Result<(), Failure> {
    write(workspace, &schemas(workspace)?)
}

fn write(workspace: &Path, schemas: &[(&'static str, Value)]) -> Result<(), Failure> {
    let folder = workspace.join(FOLDER);
    let failed = |error: std::io::Error| Failure::Storage(format!("{} cannot be written: {error}", folder.display()));
    fs::create_dir_all(&folder).map_err(failed)?;
    for (name, schema) in schemas {
        let text = serde_json::to_string_pretty(schema).unwrap_or_default() + "\n";
        fs::write(folder.join(name), text).map_err(failed)?;
    }
    Ok(())
}
