DROP TABLE early_echoes;
DROP TABLE echoes;
DROP TABLE attributes;
DROP TABLE wait_candidates;
DROP TABLE wait_keys;
DROP TABLE waits;
