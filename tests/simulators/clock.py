"""An event loop whose time passes without waiting, for what is about time and nothing else."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

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
