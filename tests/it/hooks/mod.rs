//! Deliveries: what is accepted, what is refused, what is kept of either.

mod accepted;
