"""One rotten bit makes another type of a value: it costs that row, never the agent."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from types import NoneType

import pytest

from agent.mqtt.batches import encode
from agent.store.attempt import attempt
from agent.store.damage import note_set_aside
from agent.store.fitting import COLUMNS, fits
from agent.store.keeper import kept_store
from agent.store.log import Log
from agent.store.losses import DAMAGED, Loss
from agent.store.putting_back import _Salvage, waiting
from agent.store.reader import Reader
from agent.store.records import Row
from agent.store.rows import Rows as StoredRows
from agent.store.salvage import Findings, Names, Rows, pieces
from agent.store.schema import migrate
from agent.store.sealing import sealed
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from agent.store.zones import Span
from drivers.reading import Reading

ASIDE = "pump-agent.db.damaged-20260101T000000Z"
HARMS = (
    "UPDATE record SET kind = CAST(kind AS BLOB)",
    "UPDATE record SET ts_ms = 'noon'",
    "UPDATE loss SET tag = CAST(tag AS BLOB)",
    "UPDATE tag SET unit = NULL",
    "UPDATE filled SET std = NULL",
    "UPDATE reading SET value = x'ff' WHERE id = 3",
    "UPDATE cursor SET id = 'far'",
    "UPDATE reason SET text = x'ff'",
)


def fill(path: Path) -> None:
    with Log(path) as log, log.transaction():
        log.describe({"flow": "m³/h"})
        log.insert([Reading("flow", 1_000 * n, float(n), 192) for n in range(1, 50)])
        log.insert([Reading("flow", 50_000, None, 0, "sensor fault")])
        log.db.execute("INSERT INTO record (kind, key, ts_ms, body) VALUES ('alarm_event', 'low', 5, x'7b7d')")
        log.db.execute("INSERT INTO filled VALUES (1, 500, 1.0, 0.1, 'linear', 5)")
        log.db.execute("INSERT INTO cursor VALUES ('mqtt', 'live', 40)")
        log.lose([Loss("flow", "dropped by retention", 1, 2, 3, 4)])


def harm(path: Path, *changes: str) -> None:
    """Have rows of a type that their tables do not take, as bits that turned over on the disk do."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA writable_schema = ON")
        db.execute("UPDATE sqlite_schema SET sql = replace(replace(sql, 'STRICT', ''), 'NOT NULL', '')")
        db.execute("UPDATE sqlite_schema SET sql = replace(sql, ', WITHOUT ROWID', 'WITHOUT ROWID')")
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for change in changes:
            db.execute(change)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


async def kept(settings: StorageSettings) -> None:
    """Run the agent's keeper until no damaged file waits; whatever leaves it is raised here."""
    async with kept_store(settings) as (_, keeper), asyncio.TaskGroup() as tasks:
        task = tasks.create_task(keeper.keep())
        while waiting(settings.path):  # noqa: ASYNC110 - it tells nobody
            await asyncio.sleep(0.02)
        task.cancel()


def aside_of(settings: StorageSettings, *changes: str) -> Path:
    """A damaged file beside a new database."""
    fill(settings.path)
    aside = settings.path.with_name(ASIDE)
    settings.path.rename(aside)
    harm(aside, *changes)
    migrate(settings.path)
    note_set_aside(settings.path, aside)
    return aside


async def test_values_of_wrong_types_cost_their_rows_and_not_the_agent(
    settings: StorageSettings, caplog: pytest.LogCaptureFixture
) -> None:
    """Raised in the keeper they would end the process, which would find the same file again at its next start."""
    settings = settings.model_copy(update={"ballast_mb": 0})
    aside = aside_of(settings, *HARMS)

    await kept(settings)
    with Reader(settings.path) as reader:
        rows, losses, units = reader.window(["flow"], 0, 10**6), reader.losses(), reader.units

    assert [row.ts_ms for row in rows] == [1_000 * n for n in range(1, 51) if n != 3]
    assert [one.readings for one in losses if one.reason.startswith(DAMAGED)] == [1]
    assert units == {"flow": ""}
    assert aside.with_name(ASIDE + ".salvaged").exists()
    assert all(f"1 of {table}" in caplog.text for table in ("record", "loss", "tag", "filled", "reading", "reason"))


@pytest.mark.parametrize("column", ["last", "min_ms", "max_ms"])
async def test_a_zone_map_of_wrong_types_is_told_by_its_readings(settings: StorageSettings, column: str) -> None:
    """It is looked at when the file is set aside as well, which would fail at each start."""
    aside = aside_of(settings, f"UPDATE span SET {column} = 'late'")  # noqa: S608 - ours

    assert [row[0] for piece in pieces(aside) if isinstance(piece, Rows) for row in piece.rows] == list(range(1, 51))


async def test_what_the_tables_refuse_all_the_same_costs_one_piece(settings: StorageSettings) -> None:
    """Whatever a file says, the pieces after it are put back, and the file is not tried for ever."""
    rows = Rows(Span(1, 2, 0, 9, 0), [(1, 1, 5, 1.0, 192, None), (2, 1, 6, 2.0, 192, None)], [])
    async with Store(settings) as store:
        salvage = _Salvage(store, settings.path.with_name(ASIDE))
        await salvage.take(Names({1: ("flow", "", 1)}, {}))
        await salvage.take(Findings(records=[(7, b"x", "k", 5, b"{}")]))
        await salvage.take(Rows(rows.span, [(1, 1, 5, 1.0, 192, None), (2, 1, "six", 2.0, 192, None)], []))  # type: ignore[list-item]
        await salvage.take(rows)
        await salvage.end()

    assert (salvage.rows, salvage.missing, len(salvage.faults)) == (2, 2, 2)
    assert "have a look" in salvage.told("file")


def test_an_attempt_that_fails_leaves_the_rest_of_its_transaction(settings: StorageSettings) -> None:
    """Readings that were polled meanwhile share the transaction, and names learnt in vain have no numbers."""

    def change(log: Log) -> None:
        log.insert([Reading("new", 5, 1.0, 192)])
        log.db.execute("INSERT INTO record (kind, key, ts_ms, body) VALUES (x'00', '', 1, x'')")

    with Log(settings.path) as log:
        with log.transaction():
            log.insert([Reading("flow", 1, 1.0, 192)])
            assert isinstance(attempt(log, change), sqlite3.IntegrityError)
            log.insert([Reading("new", 2, 2.0, 192)])
        assert sorted((row.id, row.tag, row.ts_ms) for row in log.latest()) == [(1, "flow", 1), (2, "new", 2)]


def test_every_column_of_the_tables_is_looked_at(settings: StorageSettings) -> None:
    """A column that a later version adds is to be told here."""
    types = {int: "INTEGER", float: "REAL", str: "TEXT", bytes: "BLOB"}
    with closing(sqlite3.connect(settings.path)) as db:
        for table, columns in COLUMNS.items():
            told = db.execute(f"SELECT type, \"notnull\" OR pk FROM pragma_table_info('{table}')").fetchall()  # noqa: S608
            assert [types[one[0]] if len(one) < 4 else "ANY" for one in columns] == [one for one, _ in told]
            assert [NoneType in one for one in columns] == [not is_needed for _, is_needed in told]


def test_numbers_that_are_none_do_not_fit() -> None:
    """What rotted into an infinity was no reading."""
    assert fits("reading", (1, 1, 1, 1.5, 192, None))
    assert not fits("reading", (1, 1, 1, float("inf"), 192, None))
    assert not fits("reading", (1, 1, 1, b"open", 192, None))


def test_a_text_that_rotted_into_bytes_leaves_the_store_as_a_bad_reading(settings: StorageSettings) -> None:
    """JSON has no bytes: the publisher would stop at that row at each try, and sealing as well."""
    with Log(settings.path) as log, log.transaction():
        log.insert([Reading("mode", 1_000, "auto", 192), Reading("mode", 2_000, "hand", 192)])
    with closing(sqlite3.connect(settings.path, isolation_level=None)) as db:
        db.execute("UPDATE reading SET value = x'ff61' WHERE id = 2")
        db.execute("UPDATE latest SET value = x'ff61'")

    with Reader(settings.path) as reader:
        found = [reader.after(0, 9), reader.window(["mode"], 0, 9_999), reader.appended(1, 2, 9)]
        newest = reader.latest()["mode"]
        stored = reader.ask(lambda db: StoredRows(db).between(1, 2))
    with Log(settings.path) as log:
        again = log.latest()

    bad = Row(2, "mode", 2_000, None, 0, "damaged on the disk")
    assert [rows[1] for rows in found] == [bad] * 3
    assert [newest, *again] == [bad] * 2
    assert json.loads(encode(found[0]))["rows"] == [["mode", 1_000, "auto", 192], ["mode", 2_000, None, 0]]
    assert sealed(stored, imported=0).rows == 2
