"""A beat on the monotonic clock: late ticks are skipped and counted."""

import asyncio
from collections.abc import AsyncIterator


class Ticks:
    """Yields 0, 1, 2, ... at multiples of *period* (s) after the first, which is at once.

    After a late round the ticks that have passed are left out, so that work never runs after
    itself to catch up. Setting the wall clock changes nothing.

    >>> async def beats() -> list[int]:
    ...     return [tick async for tick in Ticks(0.001, last=2)]
    >>> asyncio.run(beats())[0]
    0
    """

    def __init__(self, period: float, last: int | None = None) -> None:
        self._period = period
        self._last = last
        self.skipped = 0  # ticks left out so far

    async def __aiter__(self) -> AsyncIterator[int]:
        loop = asyncio.get_running_loop()
        start, tick = loop.time(), 0
        while self._last is None or tick <= self._last:
            yield tick
            _leave_if_cancelled()
            due = int((loop.time() - start) / self._period) + 1
            self.skipped += due - tick - 1
            tick = due
            await asyncio.sleep(start + tick * self._period - loop.time())


def _leave_if_cancelled() -> None:
    # on Python 3.11 asyncio.wait_for, used inside libraries, can lose a cancellation
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
