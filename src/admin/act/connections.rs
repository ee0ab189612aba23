//! What leads out: connections are tested and logged in, actions are tried.

use serde_json::json;

use crate::{
    admin::{
        audit::Deed,
        outward::{Begun, Came, Link, Prepared, Trial},
        refused::Refused,
        state::Admin,
    },
    model::Person,
};

/// A way out by its name.
pub(in crate::admin) async fn link(admin: &Admin, name: &str) -> Result<Link, Refused> {
    let found = admin.outward.links().await?.into_iter().find(|link| link.name == name);
    found.ok_or_else(|| Refused::missing(&format!("connection `{}`", name.chars().take(100).collect::<String>())))
}

/// Sends the request that tells whether a connection works.
pub(in crate::admin) async fn test(admin: &Admin, person: &Person, name: &str) -> Result<Came, Refused> {
    let came = admin.outward.test(name).await?;
    admin.tests().keep(name, &came, admin.clock.now());
    let after = json!({ "action": came.action, "status": came.status, "ok": came.ok });
    audit(admin, person, "connection.test", name, after).await?;
    Ok(came)
}

/// Begins a login at the service of a connection.
pub(in crate::admin) async fn login(admin: &Admin, person: &Person, name: &str) -> Result<Begun, Refused> {
    let begun = admin.outward.begin_login(name).await?;
    admin.tests().forget(name);
    let after = json!({ "done": matches!(begun, Begun::Done) });
    audit(admin, person, "connection.login", name, after).await?;
    Ok(begun)
}

/// Forgets what a service has granted to a connection: its runs wait until somebody logs in.
pub(in crate::admin) async fn logout(admin: &Admin, person: &Person, name: &str) -> Result<(), Refused> {
    let forgotten = admin.vault.forget_grant(name).await.map_err(|error| Refused::conflict(error.to_string()))?;
    if !forgotten {
        return Err(Refused::conflict("This connection is not logged in."));
    }
    admin.tests().forget(name);
    audit(admin, person, "connection.logout", name, json!({ "granted": false })).await
}

/// What a person wants to try. `Err`: there is no such action, or the connection is of another service, or nobody's.
pub(in crate::admin) async fn trial(
    admin: &Admin,
    (service, action): (&str, &str),
    connection: &str,
    mut given: impl FnMut(&str) -> Result<Option<String>, Refused>,
) -> Result<Trial, Refused> {
    let link = link(admin, connection).await?;
    if link.service != service {
        return Err(Refused::invalid(format!(
            "The connection `{connection}` is one of `{}`, not of this service.",
            link.service
        )));
    }
    let registry = (admin.in_force)().registry;
    let shown = |text: &str| text.chars().take(100).collect::<String>();
    let pack = registry.pack(service).ok_or_else(|| Refused::missing(&format!("service `{}`", shown(service))))?;
    let missing = || Refused::missing(&format!("action `{}`", shown(action)));
    let mut inputs = Vec::new();
    for input in &pack.actions.get(action).ok_or_else(missing)?.inputs {
        if let Some(text) = given(&input.name)? {
            inputs.push((input.name.clone(), text));
        }
    }
    Ok(Trial { connection: connection.to_owned(), action: action.to_owned(), inputs })
}

/// Prepares a request of an action, and sends nothing.
pub(in crate::admin) async fn prepare(admin: &Admin, trial: &Trial) -> Result<Prepared, Refused> {
    Ok(admin.outward.prepare(trial).await?)
}

/// Sends it, for real and once a key.
pub(in crate::admin) async fn send(admin: &Admin, person: &Person, trial: &Trial, key: &str) -> Result<Came, Refused> {
    let came = admin.outward.send(trial, key).await?;
    // What was sent may be about people: only which inputs it had is kept.
    let inputs: Vec<&str> =
        trial.inputs.iter().filter(|(_, text)| !text.is_empty()).map(|(name, _)| name.as_str()).collect();
    let after = json!({ "action": came.action, "inputs": inputs, "status": came.status, "ok": came.ok });
    audit(admin, person, "action.try", &trial.connection, after).await?;
    Ok(came)
}

async fn audit(
    admin: &Admin,
    person: &Person,
    action: &'static str,
    name: &str,
    after: serde_json::Value,
) -> Result<(), Refused> {
    admin.audit(person, Deed { action, subject: name.to_owned(), after, ..Deed::default() }).await
}
