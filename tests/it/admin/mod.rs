//! The admin as a browser sees it.

mod events;
