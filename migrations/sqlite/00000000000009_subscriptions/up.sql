-- Webhooks that were set up at services, as the services answered.

CREATE TABLE subscriptions (
    source TEXT NOT NULL,
    connection TEXT NOT NULL,
    -- What a person said, such as which repository: a JSON object, names in order.
    inputs TEXT NOT NULL,
    -- Names of events with a comma between them, in order.
    events TEXT NOT NULL,
    -- The service's id of it. NULL: it gave none.
    remote TEXT,
    -- The address without the token in it.
    url TEXT NOT NULL,
    -- Of the address with its token.
    digest BLOB NOT NULL,
    -- What the service answered, as JSON, masked.
    answer TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- 0 made; 1 no answer came, so that it may be there or not.
    state SMALLINT NOT NULL,
    PRIMARY KEY (source, connection, inputs, events)
) WITHOUT ROWID;
