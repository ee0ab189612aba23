-- The value that a secret had before its present one, for as long as deliveries may still be signed with it.
CREATE TABLE earlier_secrets (
    name TEXT NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL,
    until BIGINT NOT NULL
) WITHOUT ROWID;
