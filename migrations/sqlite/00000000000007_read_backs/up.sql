-- Attempts that are no try of their step but a read, which decides what became of one without an answer.

-- 1 such a read; NULL a try: nearly all.
ALTER TABLE attempts ADD COLUMN kind SMALLINT;
