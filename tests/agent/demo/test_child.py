"""Children of the demo end with it, and so do theirs."""

import asyncio
import sys
from pathlib import Path

import pytest

from agent.demo.child import child, last_words
from tests.agent.demo.waiting import is_alive, until

# Prints its own child's id; that one would live for an hour and ignores a polite request.
PARENT = """
import subprocess, sys, time
deaf = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"
print(subprocess.Popen([sys.executable, "-c", deaf]).pid, flush=True)
time.sleep(3600)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("no", flush=True))
print("here", flush=True)
while True:
    time.sleep(1)
"""


async def test_leaving_ends_a_child_and_its_children(tmp_path: Path) -> None:
    """The agent's worker must not outlive the demo, whatever it is doing."""
    log = tmp_path / "log"
    async with child(sys.executable, "-c", PARENT, log=log) as process:
        await until(lambda: text(log).endswith("\n"))
        grandchild = int(text(log))
        assert is_alive(grandchild)

    assert process.returncode == -15
    await until(lambda: not is_alive(grandchild))


async def test_an_impatient_person_is_obeyed(tmp_path: Path) -> None:
    """A second Ctrl-C, while a stubborn child is being asked politely, kills it."""
    log = tmp_path / "log"
    pids: list[int] = []

    async def run() -> None:
        async with child(sys.executable, "-c", STUBBORN, log=log) as process:
            pids.append(process.pid)
            await process.wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(run())
        await until(lambda: "here" in text(log))
        task.cancel()
        await until(lambda: "no" in text(log))
        task.cancel()

    await until(lambda: not is_alive(pids[0]))


def text(log: Path) -> str:
    """What a child has printed so far."""
    return log.read_text() if log.exists() else ""


def test_last_words_are_the_end_of_a_log(tmp_path: Path) -> None:
    """What a person needs to see of a child that failed, even where it is no text."""
    log = tmp_path / "log"
    log.write_bytes(b"\n".join(b"line %d" % number for number in range(20)) + b"\n\xff\n")

    assert last_words(log).splitlines()[-2:] == ["  line 19", "  \N{REPLACEMENT CHARACTER}"]


@pytest.mark.parametrize("status", [0, 3])
async def test_a_child_that_ends_by_itself_is_left_with_its_status(tmp_path: Path, status: int) -> None:
    """The demo tells an import that worked from one that did not."""
    async with child(sys.executable, "-c", f"raise SystemExit({status})", log=tmp_path / "log") as process:
        assert await process.wait() == status
