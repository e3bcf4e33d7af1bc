"""A torn or foreign database never stops the agent for good, and what is missing is told."""

import asyncio
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from agent.store.damage import SMALL
from agent.store.errors import DamagedError, StorageError, StorageRefusedError
from agent.store.log import Log
from agent.store.opening import prepare
from agent.store.reader import Reader
from agent.store.schema import migrate, prepare_now
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Reading


def poll(second: int) -> list[Reading]:
    """What a device says at one second."""
    return [Reading(f"t{tag}", 1_000 * second, second + tag / 7, 192) for tag in range(250)]


def fill(path: Path, seconds: int) -> None:
    """Put some seconds into the log."""
    with Log(path) as log:
        for second in range(seconds):
            with log.transaction():
                log.insert(poll(second))


def flip(path: Path) -> None:
    """Turn over a byte in each page but the first: the disk rots."""
    content = bytearray(path.read_bytes())
    for place in range(4_096 + 100, len(content), 4_096):
        content[place - 96] ^= 0xFF
    path.write_bytes(content)


def cut(path: Path) -> None:
    """Lose the second half, as after a file system check."""
    os.truncate(path, path.stat().st_size // 2)


def overwrite(path: Path) -> None:
    """Something else was written into the file's beginning."""
    with path.open("r+b") as file:
        file.write(b"not a database at all" * 100)


@pytest.mark.parametrize("damage", [flip, cut, overwrite])
async def test_a_damaged_database_is_set_aside_and_a_new_one_begun(
    settings: StorageSettings, damage: Callable[[Path], None]
) -> None:
    """The station goes on within seconds; the old file stays for whoever can save more, and ids go on above its ids.

    Takes a second: a child prepares the database as for the agent.
    """
    fill(settings.path, 40)
    damage(settings.path)

    await prepare(settings.path)

    async with Store(settings) as store:
        await store.append(poll(50))
        losses = await store.read(Reader.losses)
        first = (await store.read(lambda reader: reader.after(0, 1)))[0]
    aside = [path.name for path in settings.path.parent.glob("*.damaged-*")]
    assert len(aside) == 1
    assert [loss.reason for loss in losses] == [f"the database was damaged and set aside as {aside[0]}"]
    assert first.id > 10_000


def test_a_sound_database_is_left_alone(settings: StorageSettings) -> None:
    """Also one whose agent was killed, with a write-ahead log beside it."""
    fill(settings.path, 3)
    prepare_now(settings.path)
    prepare_now(settings.path)

    with Reader(settings.path) as reader:
        assert (reader.last_id, reader.losses()) == (750, [])


async def test_damage_found_while_running_is_looked_at_when_opened_next(settings: StorageSettings) -> None:
    """A large file is not read whole at each start; an error on the way makes it suspect."""
    fill(settings.path, 40)
    with closing(sqlite3.connect(settings.path)) as db:
        db.execute("CREATE TABLE padding (text TEXT)")
        db.execute("INSERT INTO padding VALUES (zeroblob(?))", (SMALL,))
        db.commit()
        root = db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'record_key'").fetchone()[0]
    with settings.path.open("r+b") as file:
        file.seek(4_096 * (root - 1))
        file.write(b"\xff" * 4_096)

    prepare_now(settings.path)
    with (
        Reader(settings.path) as reader,
        pytest.raises(DamagedError, match=r"is damaged .* set aside when it is opened next"),
    ):
        reader.newest("pump")
    prepare_now(settings.path)

    with Reader(settings.path) as reader:
        assert reader.newest("pump") == []
        assert [loss.readings for loss in reader.losses()] == [10_000]


def test_a_database_of_a_newer_version_is_refused(settings: StorageSettings) -> None:
    """Writing to tables one does not know is how a downgrade destroys a history."""
    with closing(sqlite3.connect(settings.path)) as db:
        db.execute("INSERT INTO _sqlite_migrations (migration_set, name, applied_at) VALUES ('pump-agent', 'seal', '')")
        db.commit()

    with pytest.raises(StorageRefusedError, match=r"written by a newer version .it has seal.; install that version"):
        migrate(settings.path)


async def test_preparing_tells_who_has_the_database(settings: StorageSettings) -> None:
    """The child's sentence and kind of trouble arrive: a person must act.

    Takes a second: a child has to start.
    """
    with Log(settings.path), pytest.raises(StorageRefusedError, match=f"written by process {os.getpid()}; stop it"):
        await prepare(settings.path)


async def test_preparing_where_nothing_can_be_written_is_trouble(tmp_path: Path) -> None:
    """The disk is not mounted yet; the supervisor tries again.

    Takes a second: a child has to start.
    """
    with pytest.raises(StorageError, match="cannot be used: No such file or directory"):
        await prepare(tmp_path / "missing" / "pump-agent.db")


async def test_the_polling_process_loads_no_heavy_library() -> None:
    """sqlite-utils brings pandas (70 MB) with it, and NumPy is for jobs.

    Takes a second: a child has to start.
    """
    check = (
        "import sys, agent.store.writer, agent.store.opening, agent.store.retention;"
        "print(sorted({'sqlite_utils', 'pandas', 'numpy', 'scipy'} & set(sys.modules)))"
    )
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", check, stdout=asyncio.subprocess.PIPE)
    told, _ = await child.communicate()

    assert told == b"[]\n"
