//! What is known of people is changed and forgotten.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::{
    admin::{audit::Deed, forgetting::Forgetting, refused::Refused, state::Admin},
    model::{Change, Keeper, Person, attribute_fault},
    store::By,
};

/// The longest e-mail there is (RFC 3696, erratum 1690: 254), with room to spare.
const LONGEST: usize = 320;

/// An e-mail as it is kept. `Err` for what is none.
pub(in crate::admin) fn email_of(text: &str) -> Result<String, Refused> {
    let email = text.trim().to_lowercase();
    let is_email = email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
        && email.len() <= LONGEST
        && !email.chars().any(|c| c.is_whitespace() || c.is_control());
    if is_email {
        return Ok(email);
    }
    let shown: String = text.chars().take(100).collect();
    Err(Refused::invalid(format!("`{shown}` is no e-mail address.")))
}

/// Whom the audit log speaks of: it outlives what is forgotten, so it does not name the person.
pub fn audited_person(email: &str) -> String {
    let digest: String = hex::encode(Sha256::digest(email.as_bytes())).chars().take(16).collect();
    format!("person {digest}")
}

/// Changes attributes of a person by hand; all of them afterwards.
pub(in crate::admin) async fn change(
    admin: &Admin,
    person: &Person,
    email: &str,
    change: Change,
) -> Result<Map<String, Value>, Refused> {
    let email = email_of(email)?;
    if change.is_read() {
        return Err(Refused::invalid("Say what to change."));
    }
    let names = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<_>>();
    let written = change.set.keys().chain(change.add.keys()).chain(change.append.keys()).collect();
    let after = json!({ "set": names(written), "removed": change.remove });
    let now = admin.clock.now();
    let changed = admin.store.change_attributes(Keeper::Profile, vec![(email.clone(), change)], By::Hand, now).await?;
    let attributes = changed.into_iter().next().unwrap_or_else(|| Ok(Map::new()));
    let attributes = attributes.map_err(|why| Refused::new(422, "invalid", format!("{why}.")))?;
    admin
        .audit(person, Deed { action: "person.set", subject: audited_person(&email), after, ..Deed::default() })
        .await?;
    Ok(attributes)
}

/// Sets attributes of many people, as an import does: how many, and of the others their place and why.
pub(in crate::admin) async fn import(
    admin: &Admin,
    person: &Person,
    rows: Vec<(String, Map<String, Value>)>,
) -> Result<(usize, Vec<(usize, String)>), Refused> {
    let (mut changes, mut places, mut faults) = (Vec::new(), Vec::new(), Vec::new());
    let mut known = BTreeSet::new();
    for (at, (email, attributes)) in rows.into_iter().enumerate() {
        let fault = attributes.iter().find_map(|(name, value)| attribute_fault(name, value));
        match (email_of(&email), fault) {
            (Err(refused), _) => faults.push((at, refused.message.trim_end_matches('.').to_owned())),
            (_, Some(why)) => faults.push((at, why)),
            _ if attributes.is_empty() => faults.push((at, "it has no attributes".to_owned())),
            (Ok(email), _) if !known.insert(email.clone()) => faults.push((at, format!("{email} is there twice"))),
            (Ok(email), None) => {
                changes.push((email, Change { set: attributes, ..Change::default() }));
                places.push(at);
            }
        }
    }
    let mut imported = 0;
    if !changes.is_empty() {
        let now = admin.clock.now();
        let results = admin.store.change_attributes(Keeper::Profile, changes, By::Import, now).await?;
        for (at, result) in places.into_iter().zip(results) {
            match result {
                Ok(_) => imported += 1,
                Err(why) => faults.push((at, why)),
            }
        }
    }
    faults.sort_unstable();
    let (after, subject) = (json!({ "imported": imported, "left_out": faults.len() }), "people".to_owned());
    admin.audit(person, Deed { action: "person.import", subject, after, ..Deed::default() }).await?;
    Ok((imported, faults))
}

/// Begins to forget a person: attributes, records, and every stored event that names the e-mail, with its runs. `typed` is the address once
/// more, by hand.
pub(in crate::admin) async fn forget(
    admin: &Admin,
    person: &Person,
    forgetting: &Forgetting,
    email: &str,
    typed: &str,
) -> Result<(), Refused> {
    let email = email_of(email)?;
    if typed.trim().to_lowercase() != email {
        return Err(Refused::invalid(
            "What was typed is not the address of this person, so nothing was deleted. Type it as it stands on the page.",
        ));
    }
    if !forgetting.begin(admin, &email).await? {
        return Err(Refused::conflict("This person is being forgotten already."));
    }
    admin.audit(person, Deed { action: "person.forget", subject: audited_person(&email), ..Deed::default() }).await
}
