DROP INDEX attributes_bytes;
DROP TABLE source_queue;
DROP TABLE paused_sources;
