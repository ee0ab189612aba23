-- Failed runs as problems, lists of runs by what they failed with, replays that are asked for once, and when attempts were planned.

-- As ids are made (src/ids.rs); those of before count from 1.
ALTER TABLE problems ADD COLUMN id BIGINT NOT NULL DEFAULT 0;
-- 0 open, 1 acknowledged, 2 muted, 3 solved.
ALTER TABLE problems ADD COLUMN state SMALLINT NOT NULL DEFAULT 0;
-- When it was opened, or opened again; `first_at` is when it was first seen at all.
ALTER TABLE problems ADD COLUMN opened_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE problems ADD COLUMN acknowledged_by TEXT;
ALTER TABLE problems ADD COLUMN acknowledged_at BIGINT;
-- Also while it is solved: opened again before that, it is muted.
ALTER TABLE problems ADD COLUMN muted_until BIGINT;
-- Of failed runs alone: what they have in common, and the newest of them.
ALTER TABLE problems ADD COLUMN rule TEXT;
ALTER TABLE problems ADD COLUMN step TEXT;
-- The step's path in the rule's text; empty where no step failed.
ALTER TABLE problems ADD COLUMN path TEXT;
ALTER TABLE problems ADD COLUMN host TEXT;
ALTER TABLE problems ADD COLUMN class TEXT;
ALTER TABLE problems ADD COLUMN run BIGINT;
-- Of the event whose run opened or solved it: what is told of it stands one deeper.
ALTER TABLE problems ADD COLUMN depth SMALLINT NOT NULL DEFAULT 0;
-- What rules are still to be told: 0 nothing, 1 that it was opened, 2 that it was solved.
ALTER TABLE problems ADD COLUMN told SMALLINT NOT NULL DEFAULT 0;

UPDATE problems SET
    id = (SELECT count(*) FROM problems AS other WHERE other.fingerprint <= problems.fingerprint),
    state = CASE WHEN solved_at IS NULL THEN 0 ELSE 3 END,
    opened_at = first_at;

CREATE UNIQUE INDEX problems_id ON problems (id);
CREATE INDEX problems_state ON problems (state, last_at);
CREATE INDEX problems_told ON problems (told) WHERE told <> 0;

-- The failed runs of a problem, the newest of very many.
CREATE TABLE problem_runs (
    problem BIGINT NOT NULL,
    run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
    PRIMARY KEY (problem, run)
);

CREATE INDEX problem_runs_run ON problem_runs (run);

-- The class of error that a run failed with, as a name.
ALTER TABLE runs ADD COLUMN class INTEGER;

CREATE INDEX runs_class ON runs (class, id) WHERE class IS NOT NULL;
-- 7 and above are `failed`, `skipped` and `cancelled`: a run that ends well is never in it.
CREATE INDEX runs_ended ON runs (rule, status, id) WHERE status > 6;
CREATE INDEX runs_replay_of ON runs (replay_of) WHERE replay_of IS NOT NULL;

-- What tells a replay from the same one asked for twice.
CREATE TABLE replay_keys (
    "key" BYTEA NOT NULL PRIMARY KEY,
    run BIGINT NOT NULL REFERENCES runs (id) ON DELETE CASCADE
);

CREATE INDEX replay_keys_run ON replay_keys (run);

-- Of all but a step's first attempt: when it was to begin. How long it was kept waiting is the rest.
ALTER TABLE attempts ADD COLUMN planned_at BIGINT;
