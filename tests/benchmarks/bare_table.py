"""What a store would be without one: a plain table of readings, and lines that set the two beside each other."""

import sqlite3
from pathlib import Path

PLAIN = "CREATE TABLE reading (id INTEGER PRIMARY KEY, tag, ts_ms, value, quality, reason)"
INSERT = "INSERT INTO reading (tag, ts_ms, value, quality, reason) VALUES (?, ?, ?, ?, ?)"


def line(what: str, ours: str, bare: str = "", ratio: float | None = None, aim: str = "") -> None:
    """Print one figure."""
    print(f"{what:44} {ours:>16} {bare:>16} {'' if ratio is None else f'{ratio:.2f}':>6}  {aim}")


def bare_table(path: Path) -> sqlite3.Connection:
    """A plain table, as durable as ours."""
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute(PLAIN)
    return db
