-- How much there was of what, by time: for charts, which then count no rows of events and runs.

CREATE TABLE tallies (
    -- 0: minutes of all; 1: hours of all; 2: hours of each subject; 3: days of each subject.
    span SMALLINT NOT NULL,
    -- When the minute, hour or day (UTC) begins, in milliseconds.
    bucket BIGINT NOT NULL,
    -- The name of a source (of what came in) or of a rule (of runs that ended); 0 for all.
    subject INTEGER NOT NULL,
    -- 0 accepted, 1 duplicate, 2 refused; 3 ok, 4 failed, 5 skipped, 6 cancelled.
    kind SMALLINT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (span, bucket, subject, kind)
);
