//! `bellwire config`: what the settings are.

use std::path::Path;

use super::{answer::Answer, arguments::ConfigVerb, failure::Failure, open};
use crate::config::{self, print};

pub(super) fn run(workspace: &Path, verb: &ConfigVerb) -> Result<Answer, Failure> {
    match verb {
        ConfigVerb::Defaults => Ok(Answer::text(config::DEFAULTS)),
        ConfigVerb::Print { json } => {
            let config = open::settings(workspace)?;
            if *json {
                return Ok(Answer::json(&print::as_json(&config)));
            }
            let answer = Answer::text(print::as_text(&config));
            if config.warnings.is_empty() {
                return Ok(answer);
            }
            Ok(answer.note(&format!("warning: {}", config.warnings.join("\nwarning: "))))
        }
    }
}
