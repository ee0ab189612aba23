//! `/rules`: the rules of the workspace, and everything that is done with their files.

mod answer;
mod endpoints;
mod forms;
mod history;
mod list;
mod new;
mod run;
mod show;
mod spark;

use crate::{
    admin::guard::{Access, Guarded, guard},
    model::Role,
};

pub(super) fn routes() -> Vec<Guarded> {
    let seen = rocket::routes![
        list::list,
        show::show,
        show::by_path,
        history::versions,
        history::diff,
        endpoints::schema,
        endpoints::samples,
        endpoints::text,
        endpoints::diff,
        endpoints::draft,
    ];
    let written = rocket::routes![
        new::new,
        run::form,
        run::run,
        endpoints::save,
        forms::switch,
        forms::bulk,
        forms::delete,
        forms::rename,
        forms::restore,
    ];
    let seen = guard(Access::Page(Role::Viewer), seen);
    seen.into_iter().chain(guard(Access::Page(Role::Editor), written)).collect()
}
