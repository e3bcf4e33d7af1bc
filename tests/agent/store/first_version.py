"""A database as the first tables were: made by script, as they stood before anything was added to them."""

import sqlite3
from contextlib import closing
from pathlib import Path

NAME = "first_tables"
TABLES = """
CREATE TABLE tag (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, unit TEXT NOT NULL,
    first INTEGER NOT NULL
) STRICT;
CREATE TABLE reason (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE reading (
    id INTEGER PRIMARY KEY, tag INTEGER NOT NULL, ts_ms INTEGER NOT NULL,
    value ANY, quality INTEGER NOT NULL, reason INTEGER
) STRICT;
CREATE TABLE span (
    first INTEGER PRIMARY KEY, last INTEGER NOT NULL,
    min_ms INTEGER NOT NULL, max_ms INTEGER NOT NULL,
    imported INTEGER NOT NULL
) STRICT;
CREATE INDEX span_end ON span (max_ms);
CREATE TABLE mark (name TEXT PRIMARY KEY, id INTEGER NOT NULL) STRICT;
CREATE TABLE latest (
    tag INTEGER PRIMARY KEY, id INTEGER NOT NULL, ts_ms INTEGER NOT NULL,
    value ANY, quality INTEGER NOT NULL, reason INTEGER, imported INTEGER NOT NULL
) STRICT;
CREATE TABLE filled (
    tag INTEGER NOT NULL, ts_ms INTEGER NOT NULL, value REAL NOT NULL, std REAL NOT NULL,
    method TEXT NOT NULL, made_ms INTEGER NOT NULL, PRIMARY KEY (tag, ts_ms)
) STRICT, WITHOUT ROWID;
CREATE TABLE record (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, key TEXT NOT NULL,
    ts_ms INTEGER NOT NULL, body BLOB NOT NULL
) STRICT;
CREATE INDEX record_key ON record (kind, key, id);
CREATE INDEX record_time ON record (kind, ts_ms);
CREATE TABLE cursor (
    sink TEXT NOT NULL, stream TEXT NOT NULL, id INTEGER NOT NULL, PRIMARY KEY (sink, stream)
) STRICT, WITHOUT ROWID;
CREATE TABLE backlog (
    sink TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL, PRIMARY KEY (sink, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE job (
    job TEXT PRIMARY KEY, mark INTEGER NOT NULL, state BLOB, ran_ms INTEGER NOT NULL, failed_ms INTEGER,
    took_ms INTEGER NOT NULL, error TEXT, failures INTEGER NOT NULL, counts TEXT NOT NULL
) STRICT;
CREATE TABLE loss (
    tag TEXT NOT NULL, reason TEXT NOT NULL, day INTEGER NOT NULL,
    first_ms INTEGER, last_ms INTEGER, count INTEGER NOT NULL, undelivered INTEGER NOT NULL,
    example TEXT, PRIMARY KEY (tag, reason, day)
) STRICT;
CREATE TABLE history (
    digest TEXT PRIMARY KEY, name TEXT NOT NULL, ended_ms INTEGER NOT NULL, counts TEXT NOT NULL
) STRICT;
CREATE TABLE _sqlite_migrations (
    id INTEGER PRIMARY KEY, migration_set TEXT, name TEXT, applied_at TEXT
);
CREATE UNIQUE INDEX idx__sqlite_migrations_migration_set_name ON _sqlite_migrations (migration_set, name);
"""
CONTENT = """
INSERT INTO _sqlite_migrations VALUES (1, 'pump-agent', 'first_tables', '2026-03-01 12:00:00.000000+00:00');
INSERT INTO tag VALUES (1, 'flow', 'm3/h', 1), (2, 'level', 'm', 2);
INSERT INTO reason VALUES (1, 'plc is silent');
INSERT INTO reading VALUES (1, 1, 1000, 36.5, 192, NULL), (2, 2, 1000, NULL, 24, 1), (3, 1, 2000, 37.0, 192, NULL),
    (4, 1, 500, 35.0, 192, NULL);
INSERT INTO span VALUES (1, 3, 1000, 2000, 0), (4, 4, 500, 500, 1);
INSERT INTO mark VALUES ('latest', 2);
INSERT INTO latest VALUES (1, 1, 1000, 36.5, 192, NULL, 0), (2, 2, 1000, NULL, 24, 1, 0);
INSERT INTO filled VALUES (2, 1500, 2.5, 0.1, 'linear', 1600);
INSERT INTO record VALUES (1, 'alarm_event', 'low', 1000, x'7b7d'), (2, 'curve', 'p1', 1500, x'7b7d');
INSERT INTO cursor VALUES ('mqtt', 'live', 2), ('mqtt', 'records', 1);
INSERT INTO backlog VALUES ('mqtt', 1, 1);
INSERT INTO job VALUES ('gaps', 3, x'7b7d', 1500, NULL, 12, NULL, 0, '{"gaps_filled": 1}');
INSERT INTO loss VALUES ('flow', 'dropped by retention', 0, 1, 9, 9, 2, NULL);
INSERT INTO history VALUES ('abc', 'week.csv', 1500, '{"imported": 1}');
"""


def first_version(path: Path) -> None:
    """Make such a database at *path*, with something in every table."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript(TABLES + CONTENT)
        db.execute("PRAGMA journal_mode = WAL")
