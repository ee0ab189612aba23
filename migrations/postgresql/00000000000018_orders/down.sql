DROP INDEX attempts_run;
CREATE INDEX attempts_run ON attempts (run);
DROP INDEX runs_replay_of;
CREATE INDEX runs_replay_of ON runs (replay_of) WHERE replay_of IS NOT NULL;
DROP INDEX run_events_event;
CREATE INDEX run_events_event ON run_events (event);
