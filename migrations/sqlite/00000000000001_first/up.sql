-- Ids are milliseconds and a sequence (src/ids.rs), times are milliseconds since the epoch. Words that come again and again (rules,
-- step paths, types) are kept once, in `names` and `channels`; rows hold their small numbers.

-- What there is one of: the id of this database, the rule set in force, counters.
CREATE TABLE state (
    name TEXT NOT NULL PRIMARY KEY,
    number BIGINT,
    text TEXT,
    data BLOB
) WITHOUT ROWID;

CREATE TABLE names (
    id INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- Where an event came in: its type, source, service ('' for none) and how it was verified.
CREATE TABLE channels (
    id INTEGER NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    source TEXT NOT NULL,
    service TEXT NOT NULL,
    verified TEXT NOT NULL,
    UNIQUE (kind, source, service, verified)
);

-- Compression dictionaries of bodies; 0 and 1 are no ids here (`events.dictionary`).
CREATE TABLE dictionaries (
    id INTEGER NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    data BLOB NOT NULL
);

CREATE TABLE texts (
    id INTEGER NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    data BLOB NOT NULL
);

CREATE TABLE sets (
    id INTEGER NOT NULL PRIMARY KEY,
    digest BLOB NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    -- When another set came into force; NULL for the one that is.
    superseded_at BIGINT
);

CREATE TABLE set_texts (
    rule_set BIGINT NOT NULL REFERENCES sets (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    text BIGINT NOT NULL REFERENCES texts (id),
    PRIMARY KEY (rule_set, path)
) WITHOUT ROWID;

CREATE INDEX set_texts_text ON set_texts (text);

CREATE TABLE events (
    id INTEGER NOT NULL PRIMARY KEY,
    channel INTEGER NOT NULL,
    received_at BIGINT NOT NULL,
    depth SMALLINT NOT NULL,
    flags INTEGER NOT NULL,
    rule_set BIGINT NOT NULL,
    runs INTEGER NOT NULL,
    matched BOOLEAN NOT NULL,
    seen INTEGER NOT NULL,
    -- Of the body as it came.
    bytes BIGINT NOT NULL,
    -- What the body is compressed with: 0 nothing, 1 no dictionary, else an id of `dictionaries`.
    dictionary INTEGER NOT NULL
);

-- Lists by type, source and state; the row's id, which orders them, is part of every index.
CREATE INDEX events_channel ON events (channel, matched);

-- Meta and body of an event in one compressed value; deleted before the event.
CREATE TABLE bodies (
    event INTEGER NOT NULL PRIMARY KEY REFERENCES events (id) ON DELETE CASCADE,
    data BLOB NOT NULL
);

-- Apart from the events, and outliving them: pruning a body does not reopen its key.
CREATE TABLE dedupe (
    source INTEGER NOT NULL,
    "key" BLOB NOT NULL,
    digest BLOB NOT NULL,
    event BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    seen INTEGER NOT NULL,
    PRIMARY KEY (source, "key", digest)
) WITHOUT ROWID;

CREATE TABLE runs (
    id INTEGER NOT NULL PRIMARY KEY,
    event BIGINT NOT NULL REFERENCES events (id),
    rule_set BIGINT NOT NULL,
    rule INTEGER NOT NULL,
    status SMALLINT NOT NULL,
    -- Set in the states collecting, undecided, due (but for a run that waits for a place) and waiting, and in no other.
    due_at BIGINT,
    started_at BIGINT,
    ended_at BIGINT,
    claim_id BIGINT,
    claimed_by INTEGER,
    claimed_until BIGINT,
    -- The step that was begun and has not ended.
    step INTEGER,
    resolution SMALLINT,
    root BIGINT,
    replay_of BIGINT,
    vars BLOB,
    failure BLOB,
    error BLOB,
    why TEXT
);

CREATE INDEX runs_event ON runs (event);
CREATE INDEX runs_rule ON runs (rule);
-- Open runs by rule, for fairness.
CREATE INDEX runs_due ON runs (rule, due_at) WHERE due_at IS NOT NULL;
-- 6 is `ok`, the state of nearly all.
CREATE INDEX runs_status ON runs (status) WHERE status <> 6;

CREATE TABLE attempts (
    id INTEGER NOT NULL PRIMARY KEY,
    run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    number INTEGER NOT NULL,
    started_at BIGINT NOT NULL,
    ended_at BIGINT,
    outcome SMALLINT NOT NULL,
    -- Until the attempt has ended.
    claim_id BIGINT,
    status INTEGER,
    reason INTEGER,
    -- Its end came after its claim was lost.
    late BOOLEAN NOT NULL,
    error BLOB,
    reply BLOB
);

CREATE INDEX attempts_run ON attempts (run);

CREATE TABLE outputs (
    run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    -- In the order in which steps ended.
    seq INTEGER NOT NULL,
    step INTEGER NOT NULL,
    outcome SMALLINT NOT NULL,
    data BLOB,
    PRIMARY KEY (run, seq)
) WITHOUT ROWID;

CREATE TABLE requests (
    run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    step INTEGER NOT NULL,
    data BLOB NOT NULL,
    PRIMARY KEY (run, step)
) WITHOUT ROWID;

CREATE TABLE refusals (
    id INTEGER NOT NULL PRIMARY KEY,
    refused_at BIGINT NOT NULL,
    source TEXT,
    peer TEXT NOT NULL,
    reason TEXT NOT NULL,
    status INTEGER NOT NULL,
    detail TEXT NOT NULL,
    bytes BIGINT NOT NULL
);

CREATE TABLE secrets (
    name TEXT NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL,
    -- A JSON array of origins.
    origins TEXT NOT NULL,
    changed_at BIGINT NOT NULL
) WITHOUT ROWID;
