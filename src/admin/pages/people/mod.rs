//! `/people`: what is known of whom.

mod card;
mod change;
mod forget;
mod list;
mod show;

use crate::{
    admin::guard::{Access, Guarded, guard},
    model::Role,
};

pub(super) fn routes() -> Vec<Guarded> {
    let mut all =
        guard(Access::Page(Role::Viewer), rocket::routes![list::list, show::show, card::card, forget::progress]);
    all.extend(guard(
        Access::Page(Role::Editor),
        rocket::routes![change::add, change::set, change::remove, forget::forget],
    ));
    all
}
