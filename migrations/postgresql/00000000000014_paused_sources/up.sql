-- Sources whose deliveries are taken and whose runs are not begun, and the runs that wait for that, in the order of their ids.

CREATE TABLE paused_sources (
    source TEXT NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL,
    -- Who paused it.
    person TEXT NOT NULL
);

CREATE TABLE source_queue (
    source TEXT NOT NULL,
    run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    PRIMARY KEY (source, run)
);

CREATE UNIQUE INDEX source_queue_run ON source_queue (run);

-- Keys byte by byte, as SQLite has them in order: those that begin alike stand together.
CREATE INDEX attributes_bytes ON attributes (keeper, "key" COLLATE "C");
