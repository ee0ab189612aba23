//! Every action of every built-in pack, sent to a strict receiver and compared with what its vendor documents.

mod case;
mod complete;
mod seen;
mod sent;
