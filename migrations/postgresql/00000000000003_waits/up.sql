-- Steps that wait, what steps keep (attributes), and how own echoes are told.

-- The `wait` step that a run has begun and not ended; a run has one at most.
CREATE TABLE waits (
    run BIGINT NOT NULL PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
    -- The run's rule: its open waits are counted.
    rule INTEGER NOT NULL,
    step INTEGER NOT NULL,
    began_at BIGINT NOT NULL,
    -- NULL where only an event ends it.
    until BIGINT,
    -- Events with ids above this one; 0 where time alone ends it.
    since BIGINT NOT NULL,
    -- The newest event when it began.
    upto BIGINT NOT NULL,
    -- Whether the events up to `upto` have been looked at.
    looked BOOLEAN NOT NULL
);

CREATE INDEX waits_rule ON waits (rule);

-- By what an event finds the waits that it may end: its type, where in its payload to look, and a hash of what must stand there.
CREATE TABLE wait_keys (
    kind INTEGER NOT NULL,
    pointer INTEGER NOT NULL,
    hash BYTEA NOT NULL,
    run BIGINT NOT NULL REFERENCES waits (run) ON DELETE CASCADE,
    PRIMARY KEY (kind, pointer, hash, run)
);

CREATE INDEX wait_keys_run ON wait_keys (run);

-- Events whose key is the one wanted, until a worker has looked at them.
CREATE TABLE wait_candidates (
    run BIGINT NOT NULL REFERENCES waits (run) ON DELETE CASCADE,
    event BIGINT NOT NULL,
    PRIMARY KEY (run, event)
);

CREATE INDEX wait_candidates_event ON wait_candidates (event);

-- What `profile` (0) and `record` (1) steps keep.
CREATE TABLE attributes (
    keeper SMALLINT NOT NULL,
    "key" TEXT NOT NULL,
    data BYTEA NOT NULL,
    -- Name of an attribute -> the run that last wrote it.
    origins BYTEA NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (keeper, "key")
);

-- By what an event is known that one of our own actions causes, with the depth of the run whose action it was.
CREATE TABLE echoes (
    hash BYTEA NOT NULL PRIMARY KEY,
    depth SMALLINT NOT NULL,
    until BIGINT NOT NULL
);

CREATE INDEX echoes_until ON echoes (until);

-- Events that may yet prove to be echoes: of an action whose end is recorded after them.
CREATE TABLE early_echoes (
    hash BYTEA NOT NULL,
    event BIGINT NOT NULL,
    until BIGINT NOT NULL,
    -- Runs of it that go on all the same.
    hearing BYTEA,
    PRIMARY KEY (hash, event)
);

CREATE INDEX early_echoes_until ON early_echoes (until);
