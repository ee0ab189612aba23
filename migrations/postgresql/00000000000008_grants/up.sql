-- What services have granted to connections (OAuth 2.0), logins that are on their way, and the runs that wait for a grant.

CREATE TABLE grants (
    connection TEXT NOT NULL PRIMARY KEY,
    -- 0 ok, 1 lost, 2 none.
    state SMALLINT NOT NULL,
    -- Goes up with every change of the tokens, and never back.
    generation BIGINT NOT NULL,
    -- Sealed.
    access BYTEA,
    refresh BYTEA,
    -- NULL: the service has not said when.
    expires_at BIGINT,
    scopes TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    -- Why it is lost.
    why TEXT,
    -- Whoever renews the tokens now, and until when nobody else does.
    lease BIGINT,
    lease_until BIGINT
);

-- By the digest of the state that went to the service. A row serves once.
CREATE TABLE logins (
    digest BYTEA NOT NULL PRIMARY KEY,
    connection TEXT NOT NULL,
    -- Sealed: proves that whoever brings the code also asked for it (RFC 7636).
    verifier BYTEA NOT NULL,
    redirect TEXT NOT NULL,
    until BIGINT NOT NULL
);

-- Runs whose next attempt waits until the connection has a grant again.
CREATE TABLE paused (
    run BIGINT NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    connection TEXT NOT NULL
);

CREATE INDEX paused_connection ON paused (connection);
