-- Who may use the admin, by what they are known, and what they did.

CREATE TABLE users (
    id BIGINT NOT NULL PRIMARY KEY,
    -- As they sign in: lower case.
    name TEXT NOT NULL,
    email TEXT,
    -- 0 viewer; 1 editor; 2 owner.
    role SMALLINT NOT NULL,
    -- Argon2id, in the PHC form. NULL: none was ever set.
    password TEXT,
    -- The sealed secret of one-time codes in force, and one that is not confirmed yet.
    totp BYTEA,
    totp_new BYTEA,
    -- The time step of the last code that was used: no code counts twice.
    totp_step BIGINT,
    -- Who they are at a provider of OpenID Connect.
    issuer TEXT,
    remote TEXT,
    -- NULL: they may sign in.
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX users_by_name ON users (name);
CREATE UNIQUE INDEX users_by_remote ON users (issuer, remote) WHERE issuer IS NOT NULL;

CREATE TABLE recovery_codes (
    user_id BIGINT NOT NULL,
    digest BYTEA NOT NULL,
    PRIMARY KEY (user_id, digest)
);

CREATE TABLE sessions (
    -- SHA-256 of the id in the cookie.
    digest BYTEA NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    -- Until when the password counts as just given.
    fresh_until BIGINT NOT NULL,
    -- 0 signed in; 1 the password was right, and a code is wanted.
    stage SMALLINT NOT NULL,
    peer TEXT NOT NULL,
    agent TEXT NOT NULL
);
CREATE INDEX sessions_by_user ON sessions (user_id);

CREATE TABLE devices (
    -- SHA-256 of what a browser keeps that its user has signed in with before.
    digest BYTEA NOT NULL PRIMARY KEY,
    user_id BIGINT NOT NULL,
    until BIGINT NOT NULL
);
CREATE INDEX devices_by_user ON devices (user_id);

CREATE TABLE one_time (
    -- SHA-256 of what stands in a link, or comes back from a provider.
    digest BYTEA NOT NULL PRIMARY KEY,
    -- setup, link, or what else is used once.
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    until BIGINT NOT NULL
);

CREATE TABLE api_tokens (
    id BIGINT NOT NULL PRIMARY KEY,
    digest BYTEA NOT NULL,
    name TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    -- Words with a comma between them.
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    used_at BIGINT
);
CREATE UNIQUE INDEX api_tokens_by_digest ON api_tokens (digest);
CREATE INDEX api_tokens_by_user ON api_tokens (user_id);

CREATE TABLE login_tries (
    -- An account, a network, a device, or all.
    key TEXT NOT NULL PRIMARY KEY,
    count BIGINT NOT NULL,
    last_at BIGINT NOT NULL
);
CREATE INDEX login_tries_by_age ON login_tries (last_at);

CREATE TABLE audit (
    id BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    -- The name as it was then; empty where nobody was known.
    who TEXT NOT NULL,
    user_id BIGINT,
    token BIGINT,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    -- JSON, never a secret. NULL: nothing.
    before TEXT,
    after TEXT,
    peer TEXT NOT NULL,
    -- done, or refused.
    outcome TEXT NOT NULL
);
CREATE INDEX audit_by_who ON audit (who, id);
CREATE INDEX audit_by_action ON audit (action, id);
CREATE INDEX audit_by_subject ON audit (subject, id);
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit EXECUTE FUNCTION audit_is_append_only();

CREATE TABLE request_keys (
    user_id BIGINT NOT NULL,
    -- Of the header Idempotency-Key.
    key TEXT NOT NULL,
    -- Of method, path and body: the same key with another request is refused.
    digest BYTEA NOT NULL,
    -- NULL: it is not answered yet.
    status SMALLINT,
    body BYTEA,
    until BIGINT NOT NULL,
    PRIMARY KEY (user_id, key)
);
CREATE INDEX request_keys_by_age ON request_keys (until);
