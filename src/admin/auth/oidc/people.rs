//! Who of ours somebody is whom the provider has proven: known, invited, new, or nobody.

use serde_json::{Map, Value, json};

use crate::{
    admin::{
        audit::Deed,
        auth::{email as read_address, signed::Browser, user_name},
        refused::Refused,
        state::Admin,
    },
    config::Oidc,
    model::Role,
    store::{NewUser, UserChange, UserRow},
};

/// Names that are tried for a new person: `ada`, `ada-2`, ...
const NAMES: u32 = 20;
/// Characters of a name that is made, before its number.
const LONGEST_NAME: usize = 60;

/// Somebody whom the provider has proven.
#[derive(Debug)]
pub(super) struct Proven {
    pub(super) issuer: String,
    pub(super) subject: String,
    /// Verified by the provider, or none.
    pub(super) email: Option<String>,
    /// What the person is called there.
    called: Option<String>,
}

/// Why somebody is not let in: a word for the audit log, and a sentence for the page.
pub(super) struct Nobody(pub(super) &'static str, pub(super) String);

impl Proven {
    pub(super) fn of(issuer: &str, subject: String, claims: &Map<String, Value>) -> Self {
        let text = |name: &str| claims.get(name).and_then(Value::as_str);
        // Some providers send it as a text.
        let is_verified = match claims.get("email_verified") {
            Some(Value::Bool(is)) => *is,
            Some(Value::String(word)) => word == "true",
            _ => false,
        };
        let email = text("email").filter(|_| is_verified).and_then(|email| read_address(email).ok().flatten());
        let called = text("preferred_username").map(str::to_owned);
        Self { issuer: issuer.to_owned(), subject, email, called }
    }

    /// Whether the address is of a domain that is let in.
    pub(super) fn check(&self, oidc: &Oidc) -> Result<(), Nobody> {
        if oidc.allowed_domains.is_empty() {
            return Ok(());
        }
        let domain = self.email.as_deref().and_then(|email| email.rsplit_once('@'));
        let domain = domain.map(|(_, domain)| domain.to_ascii_lowercase());
        if domain.is_some_and(|domain| oidc.allowed_domains.contains(&domain)) {
            return Ok(());
        }
        let domains = oidc.allowed_domains.join(", ");
        Err(Nobody(
            "no verified address of an allowed domain",
            format!(
                "Whoever signs in with {} needs an address of {domains} that is verified there. Use another account of yours, or sign \
                 in with a password.",
                oidc.label
            ),
        ))
    }

    fn remote(&self) -> (String, String) {
        (self.issuer.clone(), self.subject.clone())
    }
}

/// The user that somebody is: known by the provider's word, invited with the verified address, or made now where settings say so.
pub(super) async fn user_of(
    admin: &Admin,
    browser: &Browser,
    oidc: &Oidc,
    proven: &Proven,
) -> Result<Result<UserRow, Nobody>, Refused> {
    if let Some(user) = admin.store.user_by_remote(&proven.issuer, &proven.subject).await? {
        let disabled =
            || Nobody("disabled", "An owner has shut this account out. Ask one to let it in again.".to_owned());
        return Ok(if user.disabled_at.is_none() { Ok(user) } else { Err(disabled()) });
    }
    if let Some(user) = invited(admin, proven).await? {
        connect(admin, browser, &user, proven).await?;
        return Ok(Ok(user));
    }
    let role = match oidc.role.as_deref() {
        Some("editor") => Some(Role::Editor),
        Some("viewer") => Some(Role::Viewer),
        _ => None,
    };
    match role {
        // The first one is an owner, by the link that the server printed.
        Some(role) if admin.store.has_users().await? => make(admin, browser, role, proven).await,
        _ => Ok(Err(unknown(proven))),
    }
}

fn unknown(proven: &Proven) -> Nobody {
    let who = proven.email.as_deref().unwrap_or("your account there (it has no verified address)");
    Nobody(
        "unknown person",
        format!(
            "Nobody here is known as {who}. Ask an owner to add you with your address (Users, Add a user). If you have a password here, \
             sign in with it and connect both under Account."
        ),
    )
}

/// The one whom an owner has added with this address, and who has never signed in. An address of somebody who has could be of their
/// own choice: it proves nothing.
async fn invited(admin: &Admin, proven: &Proven) -> Result<Option<UserRow>, Refused> {
    let Some(email) = &proven.email else { return Ok(None) };
    let is_meant = |user: &UserRow| user.email.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(email));
    let mut meant: Vec<UserRow> = admin.store.users().await?.into_iter().filter(is_meant).collect();
    let one = if meant.len() == 1 { meant.pop() } else { None };
    Ok(one.filter(|user| user.password.is_none() && user.remote.is_none() && user.disabled_at.is_none()))
}

/// Says that a user is this person from now on.
pub(super) async fn connect(admin: &Admin, browser: &Browser, user: &UserRow, proven: &Proven) -> Result<(), Refused> {
    if admin.store.set_remote(user.id, Some(proven.remote()), admin.clock.now()).await? != UserChange::Done {
        return Err(Refused::missing("user of this id"));
    }
    let before = json!({ "remote": user.remote });
    let after = json!({ "remote": proven.remote() });
    admin.audit(&browser.person(user), Deed { action: "user.connect", subject: user.name.clone(), before, after }).await
}

async fn make(
    admin: &Admin,
    browser: &Browser,
    role: Role,
    proven: &Proven,
) -> Result<Result<UserRow, Nobody>, Refused> {
    let base = name_of(proven);
    for number in 1..=NAMES {
        let name = if number == 1 { base.clone() } else { format!("{base}-{number}") };
        let at = admin.clock.now();
        let (id, email, remote) = (admin.ids.next(at), proven.email.clone(), Some(proven.remote()));
        let new = NewUser { id, name, email, role, password: None, remote, at };
        if admin.store.add_user(new).await?
            && let Some(user) = admin.store.user(id).await?
        {
            let after = json!({"role": role, "email": user.email, "remote": user.remote});
            let deed = Deed { action: "user.add", subject: user.name.clone(), after, ..Deed::default() };
            admin.audit(&browser.person(&user), deed).await?;
            return Ok(Ok(user));
        }
        // Another request of the same person was a moment earlier.
        if let Some(user) = admin.store.user_by_remote(&proven.issuer, &proven.subject).await? {
            return Ok(Ok(user));
        }
    }
    Ok(Err(Nobody(
        "no name left",
        format!("All names like {base} are taken here. Ask an owner to add you (Users, Add a user)."),
    )))
}

/// A name as ours are, of what the person is called there.
fn name_of(proven: &Proven) -> String {
    let called = [proven.called.as_deref(), proven.email.as_deref()];
    let tidy = |text: &str| {
        let mut name: String = text
            .trim()
            .to_ascii_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@' | '+') { c } else { '-' })
            .skip_while(|c| !c.is_ascii_alphanumeric())
            .collect();
        name.truncate(LONGEST_NAME);
        user_name(&name).ok()
    };
    called.into_iter().flatten().find_map(tidy).unwrap_or_else(|| "person".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proven(claims: &Value) -> Proven {
        Proven::of("https://login.example.com", "1".to_owned(), claims.as_object().unwrap())
    }

    #[test]
    fn an_address_counts_where_it_is_verified() {
        for (claims, wanted) in [
            (json!({"email": "a@example.com", "email_verified": true}), Some("a@example.com")),
            (json!({"email": "a@example.com", "email_verified": "true"}), Some("a@example.com")),
            (json!({"email": "a@example.com", "email_verified": false}), None),
            (json!({"email": "a@example.com", "email_verified": "false"}), None),
            (json!({"email": "a@example.com", "email_verified": 1}), None),
            (json!({"email": "a@example.com"}), None),
            (json!({"email": "<script>@example.com", "email_verified": true}), None),
            (json!({"email": "a@b@example.com", "email_verified": true}), None),
            (json!({"email_verified": true}), None),
        ] {
            assert_eq!(proven(&claims).email.as_deref(), wanted, "{claims}");
        }
    }

    #[test]
    fn a_name_is_made_of_whatever_somebody_is_called() {
        for (claims, wanted) in [
            (json!({"preferred_username": "Ada.Lovelace"}), "ada.lovelace"),
            (json!({"preferred_username": " -<b>Ada</b>"}), "b-ada--b-"),
            (
                json!({"preferred_username": "Ελένη", "email": "eleni@example.com", "email_verified": true}),
                "eleni@example.com",
            ),
            (json!({"preferred_username": "a".repeat(99)}), "a".repeat(60).as_str()),
            (json!({}), "person"),
        ] {
            assert_eq!(name_of(&proven(&claims)), wanted, "{claims}");
        }
    }
}
