DROP TABLE places;
DROP TABLE fuses;
DROP TABLE suppressed;
DROP TABLE windows;
DROP TABLE counted;
DROP TABLE once_keys;
DROP TABLE run_events;
ALTER TABLE runs DROP COLUMN marks;
