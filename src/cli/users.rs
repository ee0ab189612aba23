//! `bellwire users`: who may use the admin, without the admin.

use std::{
    io::{self, IsTerminal as _, Read as _},
    path::Path,
};

use serde_json::json;

use super::{
    answer::{Answer, clean, machine},
    arguments::{SessionsVerb, UsersVerb},
    failure::Failure,
    open,
    table::table,
};
use crate::{
    admin, app,
    clock::Time,
    config::Config,
    model::Role,
    store::{AuditRow, Mode, NewUser, Store, UserChange, UserRow},
};

/// Who did it, where a person at the machine did.
pub(super) const HERE: &str = "(command line)";
/// Bytes of standard input that are read of a password.
const LONGEST: u64 = 64 << 10;

pub(super) fn run(workspace: &Path, verb: UsersVerb) -> Result<Answer, Failure> {
    let config = open::settings(workspace)?;
    match verb {
        UsersVerb::List { json } => list(&config, json),
        UsersVerb::Add { name, role, email, json } => add(&config, &name, role, email, json),
        UsersVerb::Link { name, json } => link(&config, name.as_deref(), json),
        UsersVerb::Role { name, role } => set_role(&config, &name, role),
        UsersVerb::Disable { name } => set_disabled(&config, &name, true),
        UsersVerb::Enable { name } => set_disabled(&config, &name, false),
        UsersVerb::Remove { name } => remove(&config, &name),
        UsersVerb::Password { name } => password(&config, &name),
        UsersVerb::Sessions(SessionsVerb::List { name, json }) => sessions(&config, &name, json),
        UsersVerb::Sessions(SessionsVerb::End { name }) => end_sessions(&config, &name),
    }
}

/// Opens the store, works, and closes again.
pub(super) fn with_store<T>(
    config: &Config,
    mode: Mode,
    work: impl AsyncFnOnce(&Store, Time) -> Result<T, Failure>,
) -> Result<T, Failure> {
    open::block_on(async {
        let store = open::store(config, mode)?;
        let done = work(&store, open::clock().now()).await;
        store.close();
        done
    })
}

/// The user of this name. The failure names the way to see those there are.
pub(super) async fn known(store: &Store, name: &str) -> Result<UserRow, Failure> {
    let found = store.user_by_name(&name.to_ascii_lowercase()).await?;
    found.ok_or_else(|| Failure::No(format!("there is no user `{}`; see `bellwire users list`", clean(name, 80))))
}

/// Keeps in the audit log what was done here.
pub(super) async fn keep(
    store: &Store,
    now: Time,
    action: &str,
    subject: &str,
    after: serde_json::Value,
) -> Result<(), Failure> {
    keep_change(store, now, action, subject, (serde_json::Value::Null, after)).await
}

/// The same of something that was there before.
pub(super) async fn keep_change(
    store: &Store,
    now: Time,
    action: &str,
    subject: &str,
    (before, after): (serde_json::Value, serde_json::Value),
) -> Result<(), Failure> {
    let text = |value: serde_json::Value| (!value.is_null()).then(|| value.to_string());
    let (before, after) = (text(before), text(after));
    open::with_ids(now, async |ids| {
        let row = AuditRow {
            id: ids.next(now),
            at: now,
            who: HERE.to_owned(),
            user: None,
            token: None,
            action: action.to_owned(),
            subject: subject.to_owned(),
            before: before.clone(),
            after: after.clone(),
            peer: String::new(),
            outcome: "done".to_owned(),
        };
        store.keep_audit(row).await
    })
    .await
}

fn list(config: &Config, json: bool) -> Result<Answer, Failure> {
    let rows = if open::is_unborn(config)? {
        Vec::new()
    } else {
        with_store(config, Mode::Read, async |store, _| Ok(store.users().await?))?
    };
    if json {
        return Ok(Answer::json(&machine(&rows)));
    }
    if rows.is_empty() {
        return Ok(Answer::text("Nobody may sign in yet. A link that makes the owner:\n\n  bellwire users link"));
    }
    let lines: Vec<Vec<String>> = rows
        .iter()
        .map(|row| {
            let state = match (row.disabled_at, &row.password) {
                (Some(_), _) => "disabled",
                (None, None) if row.remote.is_none() => "no password yet",
                _ => "ok",
            };
            let code = if row.totp.is_some() { "code" } else { "" };
            let email = clean(row.email.as_deref().unwrap_or_default(), 80);
            vec![
                row.name.clone(),
                row.role.to_string(),
                state.to_owned(),
                code.to_owned(),
                row.created_at.to_string(),
                email,
            ]
        })
        .collect();
    Ok(Answer::text(table(&["NAME", "ROLE", "STATE", "SECOND", "SINCE", "EMAIL"], &lines)))
}

fn add(config: &Config, name: &str, role: Role, email: Option<String>, json: bool) -> Result<Answer, Failure> {
    let name = admin::user_name(name).map_err(Failure::Usage)?;
    let email = admin::email(email.as_deref().unwrap_or_default()).map_err(Failure::Usage)?;
    born(config)?;
    let path = with_store(config, Mode::Write, async |store, now| {
        let added = open::with_ids(now, async |ids| {
            let id = ids.next(now);
            let (name, email) = (name.clone(), email.clone());
            let user = NewUser { id, name, email, role, password: None, remote: None, at: now };
            Ok(store.add_user(user).await?.then_some(id))
        });
        let Some(id) = added.await? else {
            return Err(Failure::No(format!(
                "there is a user `{name}` already; a new link: bellwire users link {name}"
            )));
        };
        keep(store, now, "user.add", &name, json!({"role": role})).await?;
        made(admin::password_link(store, id, now).await)
    })?;
    Ok(linked(config, &path, json, &format!("{name} is {role}. The password is chosen, once and within 24 hours, at")))
}

fn link(config: &Config, name: Option<&str>, json: bool) -> Result<Answer, Failure> {
    born(config)?;
    let (path, what) = with_store(config, Mode::Write, async |store, now| {
        if let Some(name) = name {
            let user = known(store, name).await?;
            keep(store, now, "user.link", &user.name, serde_json::Value::Null).await?;
            let path = made(admin::password_link(store, user.id, now).await)?;
            return Ok((path, format!("{} chooses a password, once and within 24 hours, at", user.name)));
        }
        let made = made(admin::setup_link(store, now).await)?;
        let none = || Failure::Usage("there are users already; name one: bellwire users link NAME".to_owned());
        Ok((made.ok_or_else(none)?, "The owner is made, once and within 24 hours, at".to_owned()))
    })?;
    Ok(linked(config, &path, json, &what))
}

fn made<T>(link: Result<T, admin::LinkError>) -> Result<T, Failure> {
    link.map_err(|error| Failure::Storage(error.to_string()))
}

fn linked(config: &Config, path: &str, json: bool, what: &str) -> Answer {
    let listen = config.server.admin_listen.unwrap_or(config.server.listen);
    let link = format!("{}{path}", app::admin_url(config, listen));
    if json {
        return Answer::json(&json!({ "link": link }));
    }
    Answer::text(format!("{what}\n\n  {link}"))
}

/// Makes the database where there is none: the first thing that is done in a new workspace.
fn born(config: &Config) -> Result<(), Failure> {
    if open::is_unborn(config)? {
        open::birth(config)?;
    }
    Ok(())
}

fn set_role(config: &Config, name: &str, role: Role) -> Result<Answer, Failure> {
    let roles = |user: &UserRow| (json!({ "role": user.role }), json!({ "role": role }));
    change(config, name, "user.role", roles, async |store, user, now| Ok(store.set_role(user.id, role, now).await?))?;
    Ok(Answer::text(format!("{} is {role} now; open sessions have ended", name.to_ascii_lowercase())))
}

fn set_disabled(config: &Config, name: &str, disabled: bool) -> Result<Answer, Failure> {
    let action = if disabled { "user.disable" } else { "user.enable" };
    let states = |user: &UserRow| (json!({ "disabled": user.disabled_at.is_some() }), json!({ "disabled": disabled }));
    change(config, name, action, states, async |store, user, now| {
        Ok(store.set_disabled(user.id, disabled, now).await?)
    })?;
    let name = name.to_ascii_lowercase();
    Ok(Answer::text(if disabled {
        format!("{name} may not sign in any more; sessions have ended, and tokens are refused")
    } else {
        format!("{name} may sign in again")
    }))
}

fn remove(config: &Config, name: &str) -> Result<Answer, Failure> {
    let gone = |user: &UserRow| (json!({"role": user.role, "email": user.email}), serde_json::Value::Null);
    change(config, name, "user.remove", gone, async |store, user, _| Ok(store.remove_user(user.id).await?))?;
    Ok(Answer::text(format!("{} is removed, with sessions and tokens", name.to_ascii_lowercase())))
}

fn password(config: &Config, name: &str) -> Result<Answer, Failure> {
    let password = read_password()?;
    if let Some(fault) = admin::password_fault(&password, name) {
        return Err(Failure::Usage(fault));
    }
    let hash = admin::hash_password(&password).map_err(|error| Failure::Storage(error.to_string()))?;
    let untold = |_: &UserRow| (serde_json::Value::Null, serde_json::Value::Null);
    change(config, name, "user.password", untold, async |store, user, now| {
        Ok(store.set_password(user.id, hash.clone(), None, now).await?)
    })?;
    Ok(Answer::text(format!("{} has a new password; open sessions have ended", name.to_ascii_lowercase())))
}

fn read_password() -> Result<String, Failure> {
    let mut text = String::new();
    if io::stdin().is_terminal() {
        eprintln!(
            "The new password, ended by Enter and Ctrl-D. It shows on the screen; a link avoids that: bellwire users link NAME"
        );
    }
    let read = io::stdin().lock().take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| Failure::Usage(format!("standard input cannot be read: {error}")))?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    Ok(text.strip_suffix('\r').unwrap_or(text).to_owned())
}

/// One change of a user that is there.
fn change(
    config: &Config,
    name: &str,
    action: &'static str,
    was_and_is: impl FnOnce(&UserRow) -> (serde_json::Value, serde_json::Value),
    work: impl AsyncFnOnce(&Store, &UserRow, Time) -> Result<UserChange, Failure>,
) -> Result<(), Failure> {
    existing(config)?;
    with_store(config, Mode::Write, async |store, now| {
        let user = known(store, name).await?;
        match work(store, &user, now).await? {
            UserChange::Done => keep_change(store, now, action, &user.name, was_and_is(&user)).await,
            UserChange::Missing => Err(Failure::No(format!("{} went away meanwhile", user.name))),
            UserChange::LastOwner => Err(Failure::No(format!(
                "{} is the last owner who may sign in; make another one first: bellwire users role NAME owner",
                user.name
            ))),
        }
    })
}

/// A workspace without a database has nobody.
pub(super) fn existing(config: &Config) -> Result<(), Failure> {
    if open::is_unborn(config)? {
        return Err(Failure::No("there are no users yet; make the owner: bellwire users link".to_owned()));
    }
    Ok(())
}

fn sessions(config: &Config, name: &str, json: bool) -> Result<Answer, Failure> {
    existing(config)?;
    let rows = with_store(config, Mode::Read, async |store, _| {
        let user = known(store, name).await?;
        Ok(store.sessions_of(user.id).await?)
    })?;
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(|row| json!({"created_at": row.created_at, "seen_at": row.seen_at, "peer": row.peer, "agent": row.agent}))
            .collect();
        return Ok(Answer::json(&machine(&rows)));
    }
    if rows.is_empty() {
        return Ok(Answer::text("No open session."));
    }
    let line = |row: &crate::store::SessionRow| {
        vec![row.created_at.to_string(), row.seen_at.to_string(), row.peer.clone(), clean(&row.agent, 80)]
    };
    let lines: Vec<Vec<String>> = rows.iter().map(line).collect();
    Ok(Answer::text(table(&["SINCE", "LAST SEEN", "FROM", "BROWSER"], &lines)))
}

fn end_sessions(config: &Config, name: &str) -> Result<Answer, Failure> {
    existing(config)?;
    let ended = with_store(config, Mode::Write, async |store, now| {
        let user = known(store, name).await?;
        let ended = store.end_sessions(user.id, None).await?;
        keep(store, now, "user.sign_out", &user.name, json!({ "sessions": ended })).await?;
        Ok(ended)
    })?;
    Ok(Answer::text(format!("{ended} sessions have ended")))
}
