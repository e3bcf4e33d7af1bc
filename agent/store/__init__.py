"""SQLite: the log, its cursors, records, filled values."""
