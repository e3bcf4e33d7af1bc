"""What `append` returned for survives a power cut: seen in copies of all files at random instants."""

import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.settings import StorageSettings

WRITER = """
import asyncio, sys
from pathlib import Path
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Reading

async def main():
    async with Store(StorageSettings(path=Path(sys.argv[1]), commit_interval=0.001)) as store:
        second = 0
        while True:
            second += 1
            await store.append([Reading(f"t{tag}", 1_000 * second, float(second), 192) for tag in range(100)])
            print(second, flush=True)

asyncio.run(main())
"""


@contextmanager
def writing(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that appends and says for what `append` has returned."""
    child = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


@pytest.mark.timeout(120)
def test_copies_at_random_instants_have_all_that_append_returned_for(settings: StorageSettings) -> None:
    """Database, log and index as they are at one instant, checkpoints included; no row of a batch without the others.

    Takes seconds: the instants have to differ.
    """
    instants = random.Random(7)
    missing, torn, rounds = [], [], 12
    with writing(settings.path) as child:
        assert child.stdout is not None
        for number in range(rounds):
            told = int(child.stdout.readline())
            time.sleep(instants.uniform(0.0, 0.2))
            child.send_signal(signal.SIGSTOP)
            copy = settings.path.with_name(f"copy-{number}.db")
            for suffix in ("", "-wal", "-shm", ".tail"):
                shutil.copy(f"{settings.path}{suffix}", f"{copy}{suffix}")
            child.send_signal(signal.SIGCONT)
            with Log(copy) as log:
                missing.append(log.cut_off)
            with Reader(copy) as reader:
                rows, latest = reader.last_id, reader.after(reader.last_id - 1, 1)[0].ts_ms // 1_000
            torn.append(rows % 100)
            assert latest >= told

    assert missing == [None] * rounds
    assert torn == [0] * rounds
