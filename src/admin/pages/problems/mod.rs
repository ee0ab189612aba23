//! `/problems`: what is wrong for longer than a moment, grouped, and what a person says of it.

mod deeds;
mod list;
mod show;
mod thing;

use crate::{
    admin::guard::{Access, Guarded, guard},
    model::Role,
};

pub(super) fn routes() -> Vec<Guarded> {
    let mut all = guard(Access::Page(Role::Viewer), rocket::routes![list::list, show::show]);
    all.extend(guard(Access::Page(Role::Editor), deeds::routes()));
    all
}
