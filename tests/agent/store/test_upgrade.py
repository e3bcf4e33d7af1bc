"""A database of any earlier version becomes one of this version, with everything that was in it."""

import hashlib
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from agent.store.columns import columns
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.records import Filled, Record
from agent.store.schema import migrate, migrations, ours
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Reading
from tests.agent.store.first_version import NAME, first_version

LATER = [one.name for one in migrations.pending(Database(memory=True)) if one.name != NAME]


def tables(path: Path) -> dict[str, Any]:
    """Every table and index with its columns, as SQLite understands them."""
    with closing(sqlite3.connect(path)) as db:
        names = db.execute("SELECT name, type FROM sqlite_schema ORDER BY name").fetchall()
        return {
            name: (kind, db.execute("SELECT * FROM pragma_table_xinfo(?)", (name,)).fetchall())
            for name, kind in names
            if "migrations" not in name
        }


def upgraded(path: Path, upto: int) -> Path:
    """A database of the first version, brought to the one that had *upto* of the later migrations, and then to ours."""
    first_version(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for name in LATER[:upto]:
            migrations.apply(Database(db), stop_before=LATER[LATER.index(name) + 1] if name != LATER[-1] else None)
    migrate(path)
    return path


@pytest.mark.parametrize("upto", range(len(LATER) + 1))
def test_every_version_becomes_this_one(tmp_path: Path, upto: int) -> None:
    """The same tables as in a new database, and every migration once."""
    migrate(tmp_path / "new.db")

    old = upgraded(tmp_path / "old.db", upto)

    assert tables(old) == tables(tmp_path / "new.db")
    with closing(sqlite3.connect(old)) as db:
        applied = [name for (name,) in db.execute("SELECT name FROM _sqlite_migrations ORDER BY id")]
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert applied == [NAME, *LATER]
    assert set(applied) == ours()


def test_an_upgrade_twice_changes_nothing(tmp_path: Path) -> None:
    """The agent does it at each start."""
    old = upgraded(tmp_path / "old.db", 0)
    before = old.read_bytes()

    migrate(old)

    assert old.read_bytes() == before


async def test_all_that_was_kept_is_there_after_the_upgrade(tmp_path: Path) -> None:
    """Readings and why they were bad, filled values, alarms, jobs, losses, and what SCADA still has to get."""
    path = upgraded(tmp_path / "old.db", 0)
    with Reader(path) as reader:
        assert [row[1:] for row in reader.after(0, 9)] == [
            ("flow", 1000, 36.5, 192, None),
            ("level", 1000, None, 24, "plc is silent"),
            ("flow", 2000, 37.0, 192, None),
            ("flow", 500, 35.0, 192, None),
        ]
        assert columns(reader, ["flow"], 0, 9_000)["flow"].times_ms.tolist() == [500, 1000, 2000]
        assert reader.latest()["flow"].value == 37.0
        assert reader.filled(["level"], 0, 9_000) == [Filled("level", 1500, 2.5, 0.1, "linear", 1600)]
        assert reader.newest("curve") == [Record("curve", "p1", 1500, b"{}")]
        assert reader.job_state("gaps") == (3, b"{}")
        assert [(loss.tag, loss.readings, loss.undelivered) for loss in reader.losses()] == [("flow", 9, 2)]

    async with Store(StorageSettings(path=path)) as store:
        sink = store.sink("mqtt")
        await sink.start()
        held = [batch.rows for _ in range(2) if (batch := await sink.backlog(9))]
        events = await sink.records(9)
        await store.append([Reading("level", 3_000, 1.0, 192)])

    assert [row.id for rows in held for row in rows] == [1, 3]
    assert [record.kind for _, record in events] == ["curve"]
    with Log(path) as log:
        assert log.last_id == 5


def test_no_migration_is_changed_that_a_station_has_been_through(tmp_path: Path) -> None:
    """It is not done there a second time: what has to change is a new migration, and a new line here."""
    found = {}
    for upto, name in enumerate([NAME, *LATER]):
        path = tmp_path / f"{upto}.db"
        migrate_upto(path, upto)
        found[name] = hashlib.sha256(repr(sorted(tables(path).items())).encode()).hexdigest()[:12]

    assert found == AFTER


def migrate_upto(path: Path, upto: int) -> None:
    """A new database as the version with *upto* of the later migrations made it."""
    names = [NAME, *LATER]
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        migrations.apply(Database(db), stop_before=names[upto + 1] if upto + 1 < len(names) else None)


# What the tables are after each migration, shortened.
AFTER = {
    "first_tables": "b23dc8ac6582",
    "doubtful_times": "aeecfea9e548",
    "time_service": "c00518f0b2f1",
    "sealed_chunks": "7a2f66127157",
    "rolled_up": "1caef88433f9",
}
