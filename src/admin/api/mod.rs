//! The API at `/api/v1`: one resource a file. Every route is in the document at `/api/openapi.json`, which is made of the code.
#![expect(unused_qualifications, reason = "utoipa's macros write out the paths of parameters")]

mod answer;
mod asked;
mod audit;
mod body;
mod calls;
mod checks;
mod connections;
mod document;
mod elsewhere;
mod event_writes;
mod events;
mod explained;
mod findings;
mod home;
mod jobs;
mod me;
mod once;
mod part;
mod polls;
mod problems;
mod profile_more;
mod profiles;
mod refusals;
mod rule_runs;
mod rule_writes;
mod rules;
mod run_writes;
mod runs;
mod schedules;
mod secrets;
mod services;
mod settings;
mod sources;
mod status;
mod tokens;
mod trials;
mod tries;
mod users;
mod views;

use rocket::fairing::AdHoc;

use crate::admin::guard::{Guarded, public};
use part::Part;

/// Every resource.
fn parts() -> Vec<Part> {
    vec![
        rules::part(),
        rule_writes::part(),
        rule_runs::part(),
        checks::part(),
        trials::part(),
        events::part(),
        event_writes::part(),
        jobs::part(),
        refusals::part(),
        calls::part(),
        runs::part(),
        run_writes::part(),
        problems::part(),
        schedules::part(),
        polls::part(),
        sources::part(),
        services::part(),
        connections::part(),
        tries::part(),
        settings::part(),
        views::part(),
        profiles::part(),
        profile_more::part(),
        secrets::part(),
        status::part(),
        me::part(),
        users::part(),
        tokens::part(),
        audit::part(),
    ]
}

/// Every route of the API.
pub(super) fn routes() -> Vec<Guarded> {
    let parts = parts();
    let mut known = rocket::routes![document::document, home::home];
    known.extend(parts.iter().flat_map(Part::routes));
    let mut all = elsewhere::routes(&known);
    all.extend(public(rocket::routes![document::document]));
    all.extend(home::routes());
    all.extend(parts.into_iter().flat_map(Part::into_guarded));
    all
}

/// Takes rule ids with slashes in addresses.
pub(super) fn rule_ids() -> AdHoc {
    elsewhere::rule_ids()
}
