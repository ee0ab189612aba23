//! Filters of the inbox that a person has given a name.

use serde_json::json;

use super::named;
use crate::{
    admin::{audit::Deed, inbox::Asked, refused::Refused, state::Admin},
    model::Person,
    store::MOST_VIEWS,
};

/// Characters of a view's name.
const LONGEST: usize = 60;

/// What everybody has: name and filter.
pub(in crate::admin) const SHARED: [(&str, &str); 6] = [
    ("All", ""),
    ("Failed", "state=failed"),
    ("Unmatched", "state=unmatched"),
    ("Refused", "state=refused"),
    ("Duplicates", "state=duplicate"),
    ("Last hour", "since=1h"),
];

/// Keeps a filter under a name; one of that name is replaced.
pub(in crate::admin) async fn keep(admin: &Admin, person: &Person, name: &str, asked: &Asked) -> Result<(), Refused> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST || !name.chars().all(named::fits) {
        let why = format!("A view's name has 1 to {LONGEST} characters, and no line breaks.");
        return Err(Refused::invalid(why));
    }
    if SHARED.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) {
        return Err(Refused::conflict(format!("`{name}` is a view that everybody has. Choose another name.")));
    }
    let query = asked.filter_alone().query();
    let kept = admin.store.put_view(person.id, name.to_owned(), query.clone(), admin.clock.now()).await?;
    if !kept {
        return Err(Refused::conflict(format!("You have {MOST_VIEWS} views, which is the most. Remove one first.")));
    }
    let deed =
        Deed { action: "view.keep", subject: name.to_owned(), after: json!({ "query": query }), ..Deed::default() };
    admin.audit(person, deed).await
}

/// Removes a view of the person's own.
pub(in crate::admin) async fn remove(admin: &Admin, person: &Person, name: &str) -> Result<(), Refused> {
    if name.contains('\0') || !admin.store.remove_view(person.id, name.to_owned()).await? {
        return Err(Refused::missing("view of yours with this name"));
    }
    admin.audit(person, Deed { action: "view.remove", subject: name.to_owned(), ..Deed::default() }).await
}
