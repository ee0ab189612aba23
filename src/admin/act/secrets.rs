//! Secrets are set, retired and removed, and never shown.

use std::time::Duration;

use serde_json::json;

use crate::{
    admin::{audit::Deed, refused::Refused, state::Admin},
    clock::Time,
    config::forms,
    egress::Origin,
    model::Person,
    secret::{SHORTEST, Secret},
    store::{SecretRow, VaultError},
};

/// Characters of a value: more is a slip.
const LONGEST: usize = 8_192;
/// The most origins of a secret.
const ORIGINS: usize = 50;

/// A new value.
pub(in crate::admin) struct NewValue {
    /// The value itself.
    pub(in crate::admin) value: Secret,
    /// Where it may be sent, beside what the packs say.
    pub(in crate::admin) origins: Vec<String>,
    /// For how long deliveries that are signed with the value before it are taken too.
    pub(in crate::admin) overlap: Duration,
}

/// Every secret, by name, without values.
pub(in crate::admin) async fn list(admin: &Admin) -> Result<Vec<SecretRow>, Refused> {
    admin.vault.list().await.map_err(refused)
}

/// Sets a secret, or replaces its value; until when the value before it still counts.
pub(in crate::admin) async fn set(
    admin: &Admin,
    person: &Person,
    name: &str,
    new: NewValue,
) -> Result<Option<Time>, Refused> {
    let name = forms::secret_name(name).map_err(|why| Refused::new(422, "invalid", format!("{why}.")))?;
    if new.origins.len() > ORIGINS {
        return Err(Refused::new(422, "invalid", format!("`origins`: at most {ORIGINS} of them.")));
    }
    let origins = new.origins.iter().map(|origin| origin_of(origin)).collect::<Result<Vec<String>, Refused>>()?;
    let value = new.value.expose();
    if !(SHORTEST..=LONGEST).contains(&value.chars().count()) {
        let why =
            format!("A value has {SHORTEST} characters at least, so that it can be masked, and {LONGEST} at most.");
        return Err(Refused::new(422, "invalid", why));
    }
    let before = list(admin).await?.into_iter().find(|row| row.name == name && row.changed_at.is_some());
    let before = before.map_or(serde_json::Value::Null, |row| json!({ "origins": row.origins }));
    let until = admin.vault.rotate(&name, new.value, origins.clone(), new.overlap).await.map_err(refused)?;
    let after = json!({"origins": origins, "overlap_until": until.map(|at| at.to_string())});
    admin.audit(person, Deed { action: "secret.set", subject: name, before, after }).await?;
    Ok(until)
}

fn origin_of(text: &str) -> Result<String, Refused> {
    let read = Origin::parse(text).map(|origin| origin.as_str().to_owned());
    read.map_err(|error| Refused::new(422, "invalid", format!("`origins`: {error}.")))
}

/// Ends the overlap of a secret: the value before its present one counts no more.
pub(in crate::admin) async fn retire(admin: &Admin, person: &Person, name: &str) -> Result<(), Refused> {
    if !list(admin).await?.iter().any(|row| row.name == name) {
        return Err(missing(name));
    }
    if !admin.vault.retire(name).await.map_err(refused)? {
        return Err(Refused::conflict(format!("No earlier value of `{name}` is kept.")));
    }
    admin.audit(person, Deed { action: "secret.retire", subject: name.to_owned(), ..Deed::default() }).await
}

/// Removes a secret from the database.
pub(in crate::admin) async fn remove(admin: &Admin, person: &Person, name: &str) -> Result<(), Refused> {
    if name.contains('\0') || !admin.vault.remove(name).await.map_err(refused)? {
        return Err(missing(name));
    }
    admin.audit(person, Deed { action: "secret.remove", subject: name.to_owned(), ..Deed::default() }).await
}

/// There is no such secret.
pub(in crate::admin) fn missing(name: &str) -> Refused {
    Refused::missing(&format!("secret `{}` in the database", name.chars().take(64).collect::<String>()))
}

/// Why the vault did not do it.
pub(in crate::admin) fn refused(error: VaultError) -> Refused {
    match error {
        VaultError::Store(error) => error.into(),
        VaultError::Missing(name) => Refused::missing(&format!("secret `{name}`")),
        VaultError::TooShort(_) => Refused::new(422, "invalid", format!("{error}.")),
        VaultError::Sealed { .. } | VaultError::Unsealable { .. } => Refused::conflict(format!("{error}.")),
    }
}
