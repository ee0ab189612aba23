DROP TABLE views;
DROP INDEX runs_rule_event;
DROP TABLE repeats;
