//! The command line: one verb a file.

/// Runs the command line of this process.
pub fn main() -> std::process::ExitCode {
    unimplemented!()
}
