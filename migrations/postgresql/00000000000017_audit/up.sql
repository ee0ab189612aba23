-- Here a row that is replaced is an update, which is refused already; so it is in sessions that play a replica, too.

ALTER TABLE audit ENABLE ALWAYS TRIGGER audit_is_not_changed;
