-- Long actions of people, worked off in steps.

CREATE TABLE jobs (
    id INTEGER NOT NULL PRIMARY KEY,
    -- Of the form that asked: the same key begins no second one.
    request TEXT NOT NULL UNIQUE,
    -- What it does, as JSON.
    work TEXT NOT NULL,
    what TEXT NOT NULL,
    -- The page that the person came from, as a path.
    back TEXT NOT NULL,
    -- 0 running, 1 done, 2 failed, 3 cancelled.
    state SMALLINT NOT NULL,
    person BIGINT NOT NULL,
    person_name TEXT NOT NULL,
    -- NULL: not known beforehand.
    total BIGINT,
    done BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    -- Runs that it has made.
    made BIGINT NOT NULL,
    -- The last thing that it has dealt with; 0 for none.
    place BIGINT NOT NULL,
    -- What failed, the first of them: a JSON array of texts.
    faults TEXT NOT NULL,
    -- The first of the runs that it has made: a JSON array of ids.
    runs TEXT NOT NULL,
    -- Why it ended as it did. NULL: it is running, or there is nothing to say.
    why TEXT,
    ended_at BIGINT
);

-- 0 is `running`, the state of few.
CREATE INDEX jobs_running ON jobs (state) WHERE state = 0;
