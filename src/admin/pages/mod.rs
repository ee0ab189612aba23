//! The pages, one a file.

mod account;
mod audit;
mod calls;
mod code;
mod connections;
mod editor;
mod events;
mod jobs;
mod overview;
mod people;
mod problems;
mod rules;
mod runs;
mod schedules;
mod secrets;
mod services;
mod settings;
mod sources;
mod tokens;
mod users;

use crate::admin::guard::Guarded;

/// Every page.
pub(super) fn routes() -> Vec<Guarded> {
    let all = [
        account::routes(),
        audit::routes(),
        calls::routes(),
        code::routes(),
        connections::routes(),
        editor::routes(),
        events::routes(),
        jobs::routes(),
        overview::routes(),
        people::routes(),
        problems::routes(),
        rules::routes(),
        runs::routes(),
        schedules::routes(),
        secrets::routes(),
        services::routes(),
        settings::routes(),
        sources::routes(),
        tokens::routes(),
        users::routes(),
    ];
    all.into_iter().flatten().collect()
}
