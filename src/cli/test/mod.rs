//! `bellwire test`: the tests that stand in rule files, run with no network, database or secrets.

mod junit;
mod run;
mod told;

pub(super) use run::run;
