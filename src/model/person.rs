//! Who acts: a person who is signed in, or a token of one.

use std::{fmt, str::FromStr};

use serde::Serialize;

/// What a person may do. Each may do what those before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees rules, events, runs and people.
    Viewer,
    /// Writes rules, replays, resolves, changes people.
    Editor,
    /// Secrets, users, tokens, connections, settings.
    Owner,
}

impl Role {
    /// Every role, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Editor, Self::Owner];

    /// The word in tables, pages and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Editor => "editor",
            Self::Owner => "owner",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|role| role.word() == text);
        found.ok_or_else(|| format!("`{text}` is no role; there are viewer, editor and owner"))
    }
}

/// What an API token may do, within its person's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Reads everything that a viewer sees.
    Read,
    /// Starts, replays, cancels and resolves runs; problems, schedules, polls, sources.
    Run,
    /// Writes rules.
    Rules,
    /// Changes and forgets people.
    People,
    /// Sets and removes secrets.
    Secrets,
    /// Users, tokens, connections.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 6] = [Self::Read, Self::Run, Self::Rules, Self::People, Self::Secrets, Self::Admin];

    /// The word in tables, pages and logs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Run => "run",
            Self::Rules => "rules",
            Self::People => "people",
            Self::Secrets => "secrets",
            Self::Admin => "admin",
        }
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = Self::ALL.map(Self::word).join(", ");
        Self::ALL
            .into_iter()
            .find(|scope| scope.word() == text)
            .ok_or(format!("`{text}` is no scope; there are {known}"))
    }
}

/// By what a person is known in a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Via {
    /// A cookie of a session.
    Session {
        /// Expected in every form and in `X-CSRF` of every script.
        csrf: String,
        /// Whether the password was given a few minutes ago: secrets, users and tokens ask for that.
        fresh: bool,
    },
    /// A bearer token of the API.
    Token {
        /// Its id, as the list of tokens shows it.
        id: i64,
        /// What it may do.
        scopes: Vec<Scope>,
    },
}

/// Who acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// In the store.
    pub id: i64,
    /// As it signs in; lower case.
    pub name: String,
    /// For commits. `None`: not known.
    pub email: Option<String>,
    /// What it may do.
    pub role: Role,
    /// By what it is known.
    pub via: Via,
    /// The address that it acts from.
    pub peer: String,
}

impl Person {
    /// Whether it has this scope: a session has all that its role may do.
    pub fn has(&self, scope: Scope) -> bool {
        match &self.via {
            Via::Session { .. } => true,
            Via::Token { scopes, .. } => scopes.contains(&scope),
        }
    }

    /// Whether it may all that its role may: a session does, and a token with every scope.
    pub fn has_all(&self) -> bool {
        Scope::ALL.into_iter().all(|scope| self.has(scope))
    }

    /// What forms send back. Empty for a token, which sends no forms.
    pub fn csrf(&self) -> &str {
        match &self.via {
            Via::Session { csrf, .. } => csrf,
            Via::Token { .. } => "",
        }
    }
}
