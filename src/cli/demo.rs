//! `bellwire demo`: one missed call, from webhook to note, with a stand-in for Groove.

use std::{path::Path, process::ExitCode};

use super::{arguments::Demo, failure::Failure, open, serve};

pub(super) fn run(workspace: &Path, options: &Demo) -> Result<ExitCode, Failure> {
    let folder = options.dir.as_deref().unwrap_or(workspace);
    serve::serve(open::settings(folder)?)
}
