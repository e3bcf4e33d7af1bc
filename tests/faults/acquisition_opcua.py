"""Faults of OPC UA servers and of their certificates, and what the agent makes of them at its defaults.

Rows 12 and 13 of the promises: for each fault how many rounds, how many wrong values were stored (0 is promised), how
long until the tag that it concerns was bad, and how long until it was good again after the end. The server is a
process of its own whose counter says the time, so that each stored value tells when it was true.
"""

import asyncio
import logging
import math
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

import uvloop

from agent.health import Part
from agent.store.opening import prepare
from agent.store.reader import Reader
from agent.store.records import Row
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from agent.supervisor import supervise
from agent.tasks import poll
from drivers.opcua.settings import OpcuaSettings
from drivers.reading import is_good
from tests.simulators.certificates import OUR_URI, Keys, keys
from tests.simulators.opcua import opcua_process

LASTS = 8.0  # s
PATIENCE = 60.0  # s
TO_BAD = 15.0  # s, promised
TO_BACK = 30.0  # s, promised
OLDEST = 2.5  # s, what a value may have aged when it is said to stand: a period, and what the server takes to look
ROUNDS = 2


@dataclass(slots=True)
class Figures:
    """What was measured, the worst of all rounds."""

    row: int  # of the promises
    name: str
    rounds: int = 0
    wrong: int = 0  # values that were not true when they were said to be
    to_bad: float = 0.0  # s
    to_back: float = 0.0  # s
    neighbour_bad: int = 0  # readings of a tag that the fault does not concern
    reason: str = ""  # of the last bad reading

    def __str__(self) -> str:
        return (
            f"{self.row:3}  {self.name:<34} {self.rounds:6}  {self.wrong:5}  {self.to_bad:5.1f}  {self.to_back:5.1f}"
            f"  {self.reason[:100]}"
        )

    @property
    def is_kept(self) -> bool:
        """Whether the promise is."""
        return not self.wrong and not self.neighbour_bad and self.to_bad <= TO_BAD and self.to_back <= TO_BACK


@dataclass(slots=True)
class Works:
    """One server and how it is polled."""

    folder: Path
    port: int
    store: Store
    reader: Reader
    tasks: asyncio.TaskGroup
    servers: AsyncExitStack = field(default_factory=AsyncExitStack)
    process: asyncio.subprocess.Process | None = None

    @property
    def trusted(self) -> Path:
        """The folder of certificates."""
        return self.folder / "trusted"

    @property
    def prefix(self) -> str:
        """What its tags begin with."""
        return self.folder.name

    async def serve(self, secured: Keys | None = None) -> None:
        """Start the server, in place of one that there may be."""
        await self.servers.aclose()
        self.process, _ = await self.servers.enter_async_context(opcua_process(self.port, secured))

    async def tell(self, order: str) -> None:
        """Have the server do something."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.write(f"{order}\n".encode())
        await self.process.stdin.drain()

    def send(self, number: int) -> None:
        """Send the server a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def poll(self, **security: object) -> asyncio.Task[None]:
        """Read it as the agent does, with the defaults of the configuration."""
        tags = [{"name": f"{self.prefix}.{name}", "node": f"ns=2;s={name}"} for name in ("counter", "steady")]
        settings = OpcuaSettings.model_validate(
            {
                "name": self.prefix,
                "protocol": "opcua",
                "url": f"opc.tcp://127.0.0.1:{self.port}/station",
                "tag": tags,
                **security,
            }
        )
        part = Part(self.prefix)
        return self.tasks.create_task(supervise(part, partial(poll, settings, self.store, part)))

    def rows(self, since_ms: float = 0.0, tag: str = "counter") -> list[Row]:
        """What is stored of a tag."""
        rows = self.reader.after(0, 10_000_000, [f"{self.prefix}.{tag}"])
        return [row for row in rows if row.ts_ms >= since_ms]

    async def first(self, since_ms: float, accept: Callable[[Row], bool]) -> float:
        """Wait for a reading that is accepted; s from *since_ms*."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for row in self.rows(since_ms):
                if accept(row):
                    return (row.ts_ms - since_ms) / 1000
            await asyncio.sleep(0.25)
        return math.inf


def _good(row: Row) -> bool:
    return is_good(row.quality)


def _bad(row: Row) -> bool:
    return not is_good(row.quality)


def _is_wrong(row: Row) -> bool:
    """Whether a good value was not true at its time, or not long before."""
    age = row.ts_ms / 1000 - row.value / 10 if isinstance(row.value, int) else 0.0
    return _good(row) and not -0.2 <= age <= OLDEST


Step = Callable[[Works], Awaitable[None]]


async def _round(works: Works, figures: Figures, begin: Step, end: Step, *, silent: bool = False) -> None:
    """One fault from its begin to good readings after its end."""
    began_ms = time.time() * 1000
    await begin(works)
    figures.to_bad = max(figures.to_bad, to_bad := await works.first(began_ms, _bad))
    if not silent:
        await asyncio.sleep(LASTS)
        figures.wrong += sum(map(_good, works.rows(began_ms + 1000 * max(to_bad, 1.0) + 1)))  # none may come meanwhile
    figures.reason = next((row.reason or "" for row in reversed(works.rows(began_ms)) if _bad(row)), "")
    ended_ms = time.time() * 1000
    await end(works)
    ended_ms = max(ended_ms, time.time() * 1000 - 500.0)  # a server that has to start is not there before
    figures.to_back = max(figures.to_back, await works.first(ended_ms, _good))
    figures.rounds += 1
    await asyncio.sleep(2.0)


async def _kill(works: Works) -> None:
    works.send(signal.SIGKILL)


async def _freeze(works: Works) -> None:
    works.send(signal.SIGSTOP)


async def _thaw(works: Works) -> None:
    works.send(signal.SIGCONT)


def _tell(order: str) -> Step:
    return lambda works: works.tell(order)


async def _trust_again(works: Works) -> None:
    """What the sentence asks for."""
    (kept,) = (works.trusted / "rejected").iterdir()
    shutil.move(kept, works.trusted)


async def _distrust(works: Works) -> None:
    (certificate,) = works.trusted.glob("*.der")
    certificate.unlink()


UNSECURED: dict[str, tuple[Step, Step]] = {
    "server killed": (_kill, lambda works: works.serve()),
    "server frozen": (_freeze, _thaw),
    "one node gone": (_tell("remove"), _tell("add")),
    "subscription dead in silence": (_tell("silent"), _tell("aloud")),
}


async def _unsecured(works: Works, name: str, rounds: int, /) -> Figures:
    figures = Figures(12, name)
    begin, end = UNSECURED[name]
    await works.serve()
    polling = works.poll()
    await works.first(0.0, _good)
    await asyncio.sleep(2.0)
    for _ in range(rounds):
        await _round(works, figures, begin, end, silent="silence" in name)
    return await _done(works, figures, polling, concerns_all="server" in name or "silence" in name)


async def _secured(works: Works, name: str, _rounds: int, /) -> Figures:
    """The same server again with another certificate, an expired one, or one that is no longer trusted; once."""
    figures = Figures(13, name)
    works.trusted.mkdir()
    ours = keys(works.folder, "ours", uri=OUR_URI)
    good = keys(works.folder, "good")
    expired = keys(works.folder, "expired", begins=timedelta(days=-400), ends=timedelta(days=-1))
    shutil.copy(good.cert_file, works.trusted)
    shutil.copy(expired.cert_file, works.folder / "expired.kept")
    steps: dict[str, tuple[Step, Step]] = {
        "certificate changed": (lambda one: one.serve(keys(works.folder, "other")), _trust_again),
        "certificate expired": (lambda one: one.serve(expired), lambda one: one.serve(good)),
        "certificate untrusted": (_distrust, _trust_again),
    }
    await works.serve(good)
    polling = works.poll(
        security="Aes256Sha256RsaPss", cert_file=ours.cert_file, key_file=ours.key_file, trust_dir=works.trusted
    )
    await works.first(0.0, _good)
    await asyncio.sleep(2.0)
    await _round(works, figures, *steps[name])
    return await _done(works, figures, polling, concerns_all=True)


async def _done(works: Works, figures: Figures, polling: asyncio.Task[None], *, concerns_all: bool) -> Figures:
    polling.cancel()
    await asyncio.wait([polling])
    await works.servers.aclose()
    figures.wrong += sum(map(_is_wrong, works.rows()))
    if not concerns_all:
        figures.neighbour_bad = sum(map(_bad, works.rows(tag="steady")))
    return figures


def _free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as one:
        port: int = one.getsockname()[1]
        return port


async def measure(wanted: Collection[str] | None = None, rounds: int = ROUNDS) -> list[Figures]:
    """Every fault, or those named, all at the same time; takes about two minutes."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        storage = StorageSettings(path=folder / "faults.db")
        await prepare(storage.path)
        store = await stack.enter_async_context(Store(storage))
        reader = stack.enter_context(Reader(storage.path))
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        kinds = [(_unsecured, name) for name in UNSECURED]
        kinds += [(_secured, f"certificate {what}") for what in ("changed", "expired", "untrusted")]
        running = []
        for number, (kind, name) in enumerate(kinds):
            if wanted is not None and name not in wanted:
                continue
            place = folder / f"works{number}"
            place.mkdir()
            running.append(kind(Works(place, _free_port(), store, reader, tasks), name, rounds))
        return list(await asyncio.gather(*running))


def main() -> int:
    """Print the table; 1 where a promise is broken."""
    logging.disable(logging.CRITICAL)
    found = uvloop.run(measure())
    print("row  fault                              rounds  wrong    bad   back  reason")
    print(*found, sep="\n")
    broken = [figures for figures in found if not figures.is_kept]
    print(f"{len(found)} faults, {sum(figures.wrong for figures in found)} wrong values; {len(broken)} promises broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
