DROP TABLE source_queue;
DROP TABLE paused_sources;
