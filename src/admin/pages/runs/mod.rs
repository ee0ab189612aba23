//! `/runs`: one rule on one event, with every attempt, and what a person may do about it.

mod attempts;
mod curl;
mod deeds;
mod gantt;
mod holdup;
mod list;
mod replay;
mod show;
mod texts;
mod timeline;
mod words;

use crate::{
    admin::guard::{Access, Guarded, guard},
    model::Role,
};

pub(super) use attempts::{Exchange, exchange_of};
pub(super) use words::{Line, line_of, lines_of};

pub(super) fn routes() -> Vec<Guarded> {
    let mut all = guard(Access::Page(Role::Viewer), rocket::routes![list::list, show::show, show::live]);
    all.extend(guard(Access::Page(Role::Editor), deeds::routes()));
    all
}
