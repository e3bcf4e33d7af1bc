"""Whether the disk keeps everybody waiting, and how to wait for it no longer than that."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

from agent.store.errors import SlowError

T = TypeVar("T")


class Slowness:
    """Begins and ends; made on the event loop."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._begun: asyncio.Future[SlowError] = self._loop.create_future()

    def begin(self, error: SlowError) -> None:
        """The disk keeps everybody waiting."""
        self._begun.set_result(error)

    def end(self) -> None:
        """It has answered."""
        if self._begun.done():
            self._begun = self._loop.create_future()

    async def unless(self, ask: "Callable[[], asyncio.Future[T]]") -> T:
        """What the disk answers, which it is asked now.

        Raises:
            SlowError: It keeps everybody waiting, and is not asked, or its answer is not heard any more.
        """
        begun = self._begun
        if begun.done():
            raise begun.result()
        answer = ask()
        answer.add_done_callback(_hear)
        either: set[asyncio.Future[Any]] = {answer, begun}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if begun.done() and not answer.done():
            raise begun.result()
        return answer.result()


def _hear(answer: "asyncio.Future[T]") -> None:
    """An error that nobody waits for any more is no news."""
    if not answer.cancelled():
        answer.exception()
