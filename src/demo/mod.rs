//! Stand-ins for outside services, for trying Bellwire without an account anywhere.

pub mod groove;
