"""Clocks of our own: a loop whose time passes without waiting, and a machine whose clock stands in a file."""

import asyncio
import json
import selectors
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from agent.clock.source import Look

T = TypeVar("T")


class _Instant(selectors.SelectSelector):
    """Waits for nobody: it sets the loop's clock forward instead."""

    now = 0.0  # s

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self.now += max(timeout or 0.0, 0.0)
        return super().select(0)


class _InstantLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._instant = _Instant()
        super().__init__(self._instant)

    def time(self) -> float:
        return self._instant.now


def run_at_once(work: Coroutine[Any, Any, T]) -> T:
    """The result of *work*, every sleep of which takes exactly its time and no waiting."""
    with asyncio.Runner(loop_factory=_InstantLoop) as runner:
        return runner.run(work)


class FileClock:
    """A machine's clock that stands in a file, which outlives the process that looks at it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def boot_id(self) -> str:
        """Which start of the machine it is."""
        boot_id: str = self._read()["boot_id"]
        return boot_id

    def look(self) -> Look:
        """What stands there."""
        said = self._read()
        return Look(said["boot_ms"] + said["offset_ms"], said["boot_ms"], said["is_synchronised"])

    def boot(self, wall_ms: int, *, name: str = "first", is_synchronised: bool | None = False) -> None:
        """Start the machine, with its clock at *wall_ms*."""
        said = {"boot_id": name, "boot_ms": 0, "offset_ms": wall_ms, "is_synchronised": is_synchronised}
        self._path.write_text(json.dumps(said))

    def go(self, ms: int) -> None:
        """Let time pass."""
        self._write(boot_ms=self._read()["boot_ms"] + ms)

    def set(self, by_ms: int, *, is_synchronised: bool | None = False) -> None:
        """Set the wall clock; only a time service makes it a synchronised one."""
        self._write(offset_ms=self._read()["offset_ms"] + by_ms, is_synchronised=is_synchronised)

    def _read(self) -> dict[str, Any]:
        said: dict[str, Any] = json.loads(self._path.read_text())
        return said

    def _write(self, **news: int | bool | None) -> None:
        self._path.write_text(json.dumps(self._read() | news))
