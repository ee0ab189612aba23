DROP INDEX audit_by_outcome;
DROP INDEX problems_kind;
DROP INDEX problems_rule;
DROP INDEX problems_state;
CREATE INDEX problems_state ON problems (state, last_at);
