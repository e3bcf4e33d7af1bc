"""A child process that is ended is gone and leaves nothing open, however impatient whoever ends it is."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path

import agent
from agent.child import killed

TALKATIVE = "import sys\nwhile True: sys.stdout.buffer.write(bytes(1_000_000))"
DEAF = "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('deaf', flush=True)\nsignal.pause()"


async def cancelled_twice(ending: Awaitable[object]) -> None:
    """Wait for *ending*, which is cancelled at once, and again while it clears up."""
    task = asyncio.ensure_future(ending)
    for _ in range(2):
        await asyncio.sleep(0)
        task.cancel()
    with suppress(asyncio.CancelledError):
        await task


async def test_a_child_that_fills_its_pipe_is_gone_with_it() -> None:
    """While nobody reads on, asyncio pauses the pipe, and then waits for ever for its end."""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", TALKATIVE, stdout=PIPE, limit=1)
    assert child.stdout is not None
    await child.stdout.readexactly(1)  # with far more than the limit behind it

    assert await killed(child) == -9


async def test_a_child_is_waited_for_however_often_that_is_cancelled() -> None:
    """Ctrl-C twice: what is left of it would complain when the loop is gone, in whatever runs then."""
    child = await asyncio.create_subprocess_exec(sys.executable, "-c", DEAF, stdin=PIPE, stdout=PIPE)

    await cancelled_twice(killed(child))

    assert child.returncode == -9


def test_children_are_killed_in_one_place() -> None:
    """Whoever kills one elsewhere has to find both of these out again."""
    sources = Path(agent.__file__).parent.rglob("*.py")

    assert [path.name for path in sources if ".kill()" in path.read_text(encoding="utf-8")] == ["child.py"]
