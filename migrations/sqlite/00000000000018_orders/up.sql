-- Only PostgreSQL needs these: an index of SQLite holds the key of its table.
SELECT 1;
