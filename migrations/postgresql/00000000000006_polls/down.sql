DROP TABLE poll_keys;
DROP TABLE polls;
