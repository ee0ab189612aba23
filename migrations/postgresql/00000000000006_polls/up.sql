-- Polls of rules: when each asks next, and which items it has seen.

CREATE TABLE polls (
    rule INTEGER NOT NULL,
    -- Which of the rule's polls, from 0.
    place INTEGER NOT NULL,
    -- Digest of what it asks; where that is another, it begins anew.
    target BYTEA NOT NULL,
    -- Milliseconds between two beginnings, as `due_at` was reckoned.
    every BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    tried_at BIGINT,
    -- When the last one that went well began.
    last_at BIGINT,
    -- How many went well; 0 until the first answer has told what is old.
    turn BIGINT NOT NULL,
    -- Since the last one that went well.
    failures INTEGER NOT NULL,
    error TEXT,
    -- What was odd about single items of the last answer.
    odd TEXT,
    -- Events that it made.
    items BIGINT NOT NULL,
    -- The place `cursor` of the last answer, as JSON.
    cursor TEXT,
    -- Digest of the request that `etag` and `modified` belong to.
    asked BYTEA,
    etag TEXT,
    modified TEXT,
    PRIMARY KEY (rule, place)
);

-- Keys of items that were seen, and the turn in which each was seen last.
CREATE TABLE poll_keys (
    rule INTEGER NOT NULL,
    place INTEGER NOT NULL,
    "key" BYTEA NOT NULL,
    turn BIGINT NOT NULL,
    PRIMARY KEY (rule, place, "key")
);
