-- Schedules of the rules in force, the slots that were fired, problems, and since when a source is expected.

-- One row for each time table in `on` of an enabled rule; it goes when the rule set takes it out.
CREATE TABLE schedules (
    rule INTEGER NOT NULL,
    -- Its expression with its zone, as a name.
    schedule INTEGER NOT NULL,
    -- When it came into force: nothing before that is made up for.
    since BIGINT NOT NULL,
    -- Slots up to here were fired or skipped.
    upto BIGINT NOT NULL,
    -- The newest slot that was fired, and its event.
    last_slot BIGINT,
    last_event BIGINT,
    -- Slots that were never fired.
    missed BIGINT NOT NULL,
    PRIMARY KEY (rule, schedule)
);

-- Slots that were fired: whoever writes a row first has fired it. They outlive their schedule.
CREATE TABLE slots (
    rule INTEGER NOT NULL,
    schedule INTEGER NOT NULL,
    slot BIGINT NOT NULL,
    event BIGINT NOT NULL,
    PRIMARY KEY (rule, schedule, slot)
);

CREATE INDEX slots_slot ON slots (slot);

CREATE TABLE problems (
    fingerprint TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    message TEXT NOT NULL,
    -- How often it was seen since it was opened.
    count BIGINT NOT NULL,
    first_at BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    -- NULL while it is open.
    solved_at BIGINT
);

CREATE INDEX problems_last ON problems (last_at);

-- Sources that shall not be silent: since when that is asked of them.
CREATE TABLE expectations (
    source TEXT NOT NULL PRIMARY KEY,
    since BIGINT NOT NULL
);
