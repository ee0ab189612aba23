ALTER TABLE audit ENABLE TRIGGER audit_is_not_changed;
