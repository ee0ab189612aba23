//! Trying rules without sending anything: what they would say and do.

pub mod backtest;
pub mod explain;
pub mod save;
