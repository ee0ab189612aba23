-- Sources whose deliveries are taken and whose runs are not begun, and the runs that wait for that, in the order of their ids.

CREATE TABLE paused_sources (
    source TEXT NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL,
    -- Who paused it.
    person TEXT NOT NULL
) WITHOUT ROWID;

CREATE TABLE source_queue (
    source TEXT NOT NULL,
    run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    PRIMARY KEY (source, run)
) WITHOUT ROWID;

CREATE UNIQUE INDEX source_queue_run ON source_queue (run);
