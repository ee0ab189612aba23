//! Words of secrets, users and tokens.

use std::time::Duration;

use clap::Subcommand;

use crate::{
    config::forms::{duration, secret_name},
    ids::TokenId,
    model::{Role, Scope},
};

#[derive(Debug, Subcommand)]
#[expect(clippy::doc_markdown, reason = "these comments are the help texts")]
pub(in crate::cli) enum SecretsVerb {
    /// Set a secret; its value comes from standard input
    #[command(after_long_help = "Examples:\n  bellwire secrets set gruveo_key < key.txt\n  \
        printf %s \"$TOKEN\" | bellwire secrets set crm_token --for https://crm.example.com\n\n\
        A running server knows it within a second. Where the secret had another value, deliveries that are signed with that one are\n\
        taken for 24 hours more, so that it can be changed at the sender after this: --overlap 0 ends it at once.")]
    Set {
        /// Such as gruveo_key
        #[arg(value_parser = secret_name)]
        name: String,
        /// Where it may be sent, such as https://crm.example.com; a secret that a pack names knows that by itself
        #[arg(long = "for", value_name = "ORIGIN")]
        origins: Vec<String>,
        /// How long deliveries may still be signed with the value that it replaces, such as 24h; 0: no longer
        #[arg(long, value_name = "SPAN", default_value = "24h", value_parser = overlap)]
        overlap: Duration,
    },
    /// End the time in which the earlier value of a secret still counts
    #[command(after_long_help = "Example:\n  bellwire secrets retire gruveo_key")]
    Retire {
        /// Such as gruveo_key
        #[arg(value_parser = secret_name)]
        name: String,
    },
    /// List secrets, never their values
    #[command(after_long_help = "Examples:\n  bellwire secrets list\n  bellwire secrets list --json")]
    List {
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Remove a secret from the database
    #[command(after_long_help = "Example:\n  bellwire secrets remove crm_token")]
    Remove {
        /// Such as gruveo_key
        #[arg(value_parser = secret_name)]
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum UsersVerb {
    /// List who may use the admin
    #[command(after_long_help = "Examples:\n  bellwire users list\n  bellwire users list --json")]
    List {
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Let somebody use the admin; prints a one-time link at which that person chooses a password
    #[command(after_long_help = "Examples:\n  bellwire users add ada --role editor\n  \
        bellwire users add bob --role viewer --email bob@example.com")]
    Add {
        /// What the person signs in with, such as ada
        name: String,
        /// viewer, editor or owner
        #[arg(long)]
        role: Role,
        /// Stands in the history of rules that the person saves
        #[arg(long)]
        email: Option<String>,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Print a one-time link: for a user to choose a password, or without a name for the first owner
    #[command(after_long_help = "Examples:\n  bellwire users link\n  bellwire users link ada\n\n\
        It counts once and for 24 hours; the one before it ends.")]
    Link {
        /// Whose password is chosen anew; left out, the first owner is made
        name: Option<String>,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Give a user another role; open sessions end
    #[command(after_long_help = "Example:\n  bellwire users role ada owner")]
    Role {
        /// Such as ada
        name: String,
        /// viewer, editor or owner
        role: Role,
    },
    /// Let a user sign in no more; sessions end, tokens are refused
    #[command(after_long_help = "Example:\n  bellwire users disable ada")]
    Disable {
        /// Such as ada
        name: String,
    },
    /// Let a user sign in again
    #[command(after_long_help = "Example:\n  bellwire users enable ada")]
    Enable {
        /// Such as ada
        name: String,
    },
    /// Remove a user with sessions and tokens; what was done stays in the audit log
    #[command(after_long_help = "Example:\n  bellwire users remove ada")]
    Remove {
        /// Such as ada
        name: String,
    },
    /// Set a user's password; it comes from standard input, and open sessions end
    #[command(after_long_help = "Example:\n  bellwire users password ada < password.txt")]
    Password {
        /// Such as ada
        name: String,
    },
    /// Look at a user's open sessions, and end them
    #[command(subcommand)]
    Sessions(SessionsVerb),
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum SessionsVerb {
    /// List the open sessions of a user
    #[command(
        after_long_help = "Examples:\n  bellwire users sessions list ada\n  bellwire users sessions list ada --json"
    )]
    List {
        /// Such as ada
        name: String,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// End all sessions of a user
    #[command(after_long_help = "Example:\n  bellwire users sessions end ada")]
    End {
        /// Such as ada
        name: String,
    },
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TokensVerb {
    /// List tokens of the API, never the tokens themselves
    #[command(after_long_help = "Examples:\n  bellwire tokens list\n  bellwire tokens list --user ada --json")]
    List {
        /// Those of one user
        #[arg(long, value_name = "NAME")]
        user: Option<String>,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// Make a token of the API; it is shown once
    #[command(
        after_long_help = "Examples:\n  bellwire tokens new ci --user ada --scope read --scope run --expires 90d\n  \
        bellwire tokens new backup --user ada --scope read --json\n\n\
        It may do what its scopes and its user's role both allow."
    )]
    New {
        /// What people call it
        name: String,
        /// Whose it is
        #[arg(long, value_name = "NAME")]
        user: String,
        /// What it may do: read, run, rules, people, secrets, admin; several times for several
        #[arg(long = "scope", value_name = "SCOPE", required = true)]
        scopes: Vec<Scope>,
        /// When it ends, such as 90d; left out, it does not
        #[arg(long, value_name = "SPAN", value_parser = duration)]
        expires: Option<Duration>,
        /// The machine's form
        #[arg(long)]
        json: bool,
    },
    /// End a token
    #[command(after_long_help = "Example:\n  bellwire tokens revoke tok_01hf3y8a9d000")]
    Revoke {
        /// tok_...
        id: TokenId,
    },
}

/// The longest overlap: longer is no rotation any more.
const LONGEST_OVERLAP: Duration = Duration::from_hours(30 * 24);

fn overlap(text: &str) -> Result<Duration, String> {
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let span = duration(text)?;
    if span > LONGEST_OVERLAP {
        return Err("30 days at most".to_owned());
    }
    Ok(span)
}
