"""What `append` returned for survives a power cut: seen in copies of all files, and of the disk, at random instants."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from agent.store.log import Log
from agent.store.reader import Reader
from agent.store.schema import migrate
from agent.store.settings import StorageSettings
from tests.simulators.disk import FailingDisk, failing_disk

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


def stopped(child: "subprocess.Popen[str]", after: float) -> int:
    """Stop it where it stands, *after* some seconds; the last second for which `append` has returned."""
    assert child.stdout is not None
    told = child.stdout.readline()
    time.sleep(after)
    child.send_signal(signal.SIGSTOP)
    pipe = child.stdout.fileno()
    os.set_blocking(pipe, False)
    with suppress(BlockingIOError):
        while more := os.read(pipe, 65_536).decode():
            told += more
    os.set_blocking(pipe, True)
    return max(int(line) for line in told.split("\n")[:-1])


def newest(path: Path) -> int:
    """The second of the last batch in a copy, of which no row is without the others, and none is told as lost."""
    with Log(path) as log:
        assert log.cut_off is None
    with Reader(path) as reader:
        assert reader.last_id % 100 == 0
        return reader.after(reader.last_id - 1, 1)[0].ts_ms // 1_000


def test_copies_at_random_instants_have_all_that_append_returned_for(settings: StorageSettings) -> None:
    """Database, log and index as they are at one instant, checkpoints included; no row of a batch without the others.

    The writer commits without a pause, so most instants lie inside of a commit. Takes seconds: they have to differ.
    """
    instants = random.Random(7)
    with writing(settings.path) as child:
        for number in range(12):
            told = stopped(child, instants.uniform(0.0, 0.2))
            copy = settings.path.with_name(f"copy-{number}.db")
            for suffix in ("", "-wal", "-shm", ".tail"):
                shutil.copy(f"{settings.path}{suffix}", f"{copy}{suffix}")
            child.send_signal(signal.SIGCONT)
            assert newest(copy) >= told


def test_a_disk_that_loses_power_has_all_that_append_returned_for(tmp_path: Path) -> None:
    """Of the disk itself, without what the machine has not written to it yet: whoever does not wait for that loses it.

    Takes seconds: the instants have to differ.
    """
    instants = random.Random(8)
    with failing_disk(tmp_path / "disk", 64) as disk:
        path = disk.folder / "a.db"
        migrate(path)
        with writing(path) as child:
            for number in range(4):
                told = stopped(child, instants.uniform(0.0, 0.3))
                image = tmp_path / f"copy-{number}.img"
                shutil.copy(disk.folder.with_name("disk.img"), image)
                child.send_signal(signal.SIGCONT)
                folder = tmp_path / f"copy-{number}"
                folder.mkdir()
                copy = FailingDisk(image, folder)
                copy.mount()
                try:
                    assert newest(folder / "a.db") >= told
                finally:
                    copy.unmount()
                image.unlink()


def test_a_torn_end_of_the_write_ahead_log_costs_what_lies_there_and_is_told(settings: StorageSettings) -> None:
    """Cut anywhere, or overwritten anywhere: whole batches up to there remain, and the others are counted as lost."""
    with writing(settings.path) as child:
        stopped(child, 0.1)
        told = {suffix: Path(f"{settings.path}{suffix}").read_bytes() for suffix in ("", "-wal", ".tail")}
    copy = settings.path.with_name("copy.db")

    def lost(wal: bytes) -> tuple[int, int]:
        """Rows that remain, and rows told as lost, with such a log."""
        for suffix, content in (told | {"-wal": wal}).items():
            Path(f"{copy}{suffix}").write_bytes(content)
        Path(f"{copy}-shm").unlink(missing_ok=True)
        with Log(copy) as log:
            cut_off = log.cut_off
        with Reader(copy) as reader:
            rows = len(reader.after(0, 1_000_000))
        assert rows % 100 == 0
        return rows, cut_off.readings if cut_off else 0

    whole = lost(told["-wal"])
    places = random.Random(9)
    found = []
    for _ in range(6):
        place = places.randrange(len(told["-wal"]) // 2, len(told["-wal"]))
        found += [lost(told["-wal"][:place]), lost(told["-wal"][:place] + places.randbytes(2_000))]

    assert whole[1] == 0
    assert lost(told["-wal"] + places.randbytes(3_000)) == whole
    assert {remain + gone for remain, gone in found} <= {whole[0], whole[0] - 100}  # stopped before the end was noted
    assert any(gone for _, gone in found)
