-- What stands between an event and its run: once, threshold, digest, the fuse; and the places of `concurrency`. A key is 16 bytes of a
-- digest over what `per` gave. Expired rows are deleted with retention; until then a key costs disk alone.

-- Bits: 1 it has a place or waits for one, 2 it waits for one (due, without a due time), 4 its rule's fuse holds it, 8 it is to end as
-- cancelled, 16 a newer run asked for that, 32 it is about more events than one. NULL for none: nearly all.
ALTER TABLE runs ADD COLUMN marks INTEGER;

-- The other events of a run, in order, without the newest, which is `runs.event`.
CREATE TABLE run_events (
    run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,
    event BIGINT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    PRIMARY KEY (run, seq)
);

CREATE INDEX run_events_event ON run_events (event);

-- Who took a key of `once`, and until when.
CREATE TABLE once_keys (
    rule INTEGER NOT NULL,
    "key" BYTEA NOT NULL,
    event BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (rule, "key")
);

CREATE INDEX once_keys_until ON once_keys (until);

-- Events that a threshold counts; kept while they count.
CREATE TABLE counted (
    rule INTEGER NOT NULL,
    "key" BYTEA NOT NULL,
    event BIGINT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    received_at BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (rule, "key", event)
);

CREATE INDEX counted_event ON counted (event);
CREATE INDEX counted_until ON counted (until);

-- Open windows of digests, and how many events each has.
CREATE TABLE windows (
    rule INTEGER NOT NULL,
    "key" BYTEA NOT NULL,
    run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    until BIGINT NOT NULL,
    events INTEGER NOT NULL,
    PRIMARY KEY (rule, "key")
);

CREATE INDEX windows_run ON windows (run);

-- Rules that matched an event without a run of their own: 0 once (event, until), 1 threshold (have, of), 2 no key, 3 digest (run).
CREATE TABLE suppressed (
    event BIGINT NOT NULL REFERENCES events (id) ON DELETE CASCADE,
    rule INTEGER NOT NULL,
    reason SMALLINT NOT NULL,
    one BIGINT NOT NULL,
    other BIGINT NOT NULL,
    PRIMARY KEY (event, rule)
);

-- Fuses that are blown or were mended. Runs up to `since` count no more.
CREATE TABLE fuses (
    rule INTEGER NOT NULL PRIMARY KEY,
    blown_at BIGINT,
    since BIGINT NOT NULL
);

-- Runs that hold a place (0) or wait for one (1), in the order of their ids; with how many places their rule gave the key.
CREATE TABLE places (
    rule INTEGER NOT NULL,
    "key" BYTEA NOT NULL,
    queued SMALLINT NOT NULL,
    run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    seats INTEGER NOT NULL,
    PRIMARY KEY (rule, "key", queued, run)
);

CREATE UNIQUE INDEX places_run ON places (run);
