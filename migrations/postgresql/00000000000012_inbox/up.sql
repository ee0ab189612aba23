-- What the inbox shows beside accepted events, and what it is asked by.

-- Deliveries that were seen before, in a ring: the id is the one that the delivery would have had as an event, so that it tells when.
CREATE TABLE repeats (
    id BIGINT NOT NULL PRIMARY KEY,
    -- The first event of it.
    event BIGINT NOT NULL,
    channel INTEGER NOT NULL,
    peer TEXT NOT NULL
);

CREATE INDEX repeats_event ON repeats (event, id);

-- Events that a rule ran on, in their order.
CREATE INDEX runs_rule_event ON runs (rule, event);

-- Filters of lists that a person has given a name.
CREATE TABLE views (
    person BIGINT NOT NULL,
    name TEXT NOT NULL,
    -- As it stands in the address of the list.
    query TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (person, name)
);
