//! `/events`: what came in, one delivery, and doing it again.

mod body;
mod event;
mod excerpt;
mod known;
mod list;
mod refusal;
mod replay;
mod rows;
mod table;
mod views;

use crate::{
    admin::guard::{Access, Guarded, guard},
    model::Role,
};

pub(super) fn routes() -> Vec<Guarded> {
    let mut all = guard(
        Access::Page(Role::Viewer),
        rocket::routes![
            list::list,
            list::live,
            list::more,
            views::keep,
            views::forget,
            event::show,
            body::download,
            refusal::show
        ],
    );
    all.extend(guard(Access::Page(Role::Editor), rocket::routes![replay::ask, replay::begin, event::save]));
    all
}
