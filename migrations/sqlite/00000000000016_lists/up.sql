-- Lists of problems and of the audit log by each of their filters, in the order that they are shown in.

DROP INDEX problems_state;
CREATE INDEX problems_state ON problems (state, last_at, id);
CREATE INDEX problems_rule ON problems (rule, state, last_at, id) WHERE rule IS NOT NULL;
CREATE INDEX problems_kind ON problems (kind, state, last_at, id);

-- `done` is the outcome of nearly all.
CREATE INDEX audit_by_outcome ON audit (outcome, id);
