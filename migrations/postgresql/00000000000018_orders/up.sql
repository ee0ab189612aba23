-- The rows of a run, in the order of their ids: with the column alone, a planner may rather walk the primary key from its end. SQLite has the
-- key in each of its indexes.
DROP INDEX attempts_run;
CREATE INDEX attempts_run ON attempts (run, id);
DROP INDEX runs_replay_of;
CREATE INDEX runs_replay_of ON runs (replay_of, id) WHERE replay_of IS NOT NULL;
DROP INDEX run_events_event;
CREATE INDEX run_events_event ON run_events (event, run);
