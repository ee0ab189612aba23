//! `/services`: the packs, and a form to try each of their actions.

mod attempt;
mod list;
mod show;

use crate::{
    admin::guard::{Access, Guarded, guard},
    model::Role,
};

pub(super) fn routes() -> Vec<Guarded> {
    let mut all = guard(Access::Page(Role::Viewer), rocket::routes![list::list, show::show, attempt::form]);
    all.extend(guard(Access::Page(Role::Editor), rocket::routes![attempt::preview, attempt::send]));
    all
}
