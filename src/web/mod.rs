//! What every HTTP answer shares: the gate, the statuses, the headers, the server that joins them.

mod counters;
mod errors;
mod exchange;
mod foreign;
pub mod gate;
mod headers;
mod mark;
mod method;
mod peer;
mod server;

pub use counters::{Counters, Sampler};
pub use errors::{Fault, catchers, refuse_method};
pub use exchange::exchange_lines;
pub use foreign::{Foreign, loggable};
pub use headers::{Headers, STANDARD};
pub use mark::MARK;
pub use peer::{PEER, PeerRules, client_address, peer_of};
pub use server::{ServeError, Server, Settings, start};
