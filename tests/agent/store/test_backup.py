"""A backup is whole though the agent writes, and whoever starts from it goes on where it stood."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from agent.store.backup import APART, back_up
from agent.store.errors import StorageError
from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.schema import prepare_now
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Reading


def poll(second: int) -> list[Reading]:
    """Readings of a second."""
    return [Reading(f"t{tag}", 1_000 * second, second + tag / 7, 192) for tag in range(200)]


async def test_a_backup_while_the_agent_appends_is_one_moment_of_it(settings: StorageSettings, tmp_path: Path) -> None:
    """Whole polls, none torn, none missing before the last; and the agent appends as it does without.

    Takes a second: thousands of pages are copied while polls come in.
    """
    async with Store(settings) as store:
        for second in range(300):
            await store.append(poll(second))
        copying = asyncio.get_running_loop().run_in_executor(None, back_up, settings.path, tmp_path / "copy.db")
        second = 300
        while not copying.done():
            await store.append(poll(second))
            second += 1
        made = await copying

    with Reader(tmp_path / "copy.db") as reader:
        rows = reader.after(0, 10**7)
    assert 300 * 200 <= len(rows) <= second * 200
    assert [row[1:5] for row in rows] == [one[:4] for number in range(len(rows) // 200) for one in poll(number)]
    assert made.rows["span"] > 0
    assert made.largest_wal < 64 * 2**20
    assert copies(tmp_path) == ["copy.db"]


def copies(folder: Path) -> list[str]:
    """Names of the files that a backup has made."""
    return sorted(path.name for path in folder.glob("copy*"))


async def test_an_agent_that_starts_from_a_backup_goes_on_where_it_stood(
    settings: StorageSettings, tmp_path: Path
) -> None:
    """Receivers get what they did not have, not everything; and no id comes twice, by which they drop repetitions."""
    async with Store(settings) as store:
        sink = store.sink("mqtt")
        await sink.start()
        await store.append(poll(0))
        sink.acknowledge(await sink.live(10**6))
        await store.append(poll(1))
        await asyncio.get_running_loop().run_in_executor(None, back_up, settings.path, tmp_path / "copy.db")
        await store.append(poll(2))
        highest = store.last_id

    fresh = tmp_path / "fresh"
    fresh.mkdir()
    restored = settings.model_copy(update={"path": fresh / "pump-agent.db"})
    shutil.copy(tmp_path / "copy.db", restored.path)
    prepare_now(restored.path)
    async with Store(restored) as store:
        sink = store.sink("mqtt")
        await sink.start()
        held = await sink.backlog(10**6)
        await store.append(poll(3))
        live = await sink.live(10**6)

    assert held is not None
    assert [row[1:5] for row in held.rows] == [one[:4] for one in poll(1)]
    assert [row[1:5] for row in live.rows] == [one[:4] for one in poll(3)]
    assert live.first > highest + APART // 2


def test_a_backup_never_overwrites(settings: StorageSettings, tmp_path: Path) -> None:
    """The only good copy must not be lost to a bad one."""
    (tmp_path / "copy.db").write_text("the good one")

    with pytest.raises(StorageError, match=r"copy\.db is there already; name a new file"):
        back_up(settings.path, tmp_path / "copy.db")

    assert (tmp_path / "copy.db").read_text() == "the good one"


def test_a_damaged_store_gives_no_backup(settings: StorageSettings, tmp_path: Path) -> None:
    """A copy with a flipped byte would be found out when it is needed."""
    with Log(settings.path) as log, log.transaction():
        log.insert([reading for second in range(100) for reading in poll(second)])
    with closing(sqlite3.connect(settings.path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        root, size = db.execute(
            "SELECT rootpage, (SELECT page_size FROM pragma_page_size) FROM sqlite_schema WHERE name = 'span_end'"
        ).fetchone()
    with settings.path.open("r+b") as file:
        file.seek((root - 1) * size)
        file.write(b"\xff" * 64)

    with pytest.raises(StorageError):
        back_up(settings.path, tmp_path / "copy.db")

    assert copies(tmp_path) == []
