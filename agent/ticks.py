"""Beats on the monotonic clock, on their own or in step with the wall clock: late ticks are skipped and counted."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable

SLIDE = 0.005  # of a period, by which a beat moves at most to come into step with the wall clock


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


class WallTicks:
    """Yields the number of the present period since 1970, first at once and then whenever the wall clock enters one.

    A beat of 10 s comes at :00, :10, :20. Between two ticks only the monotonic clock counts; where the wall clock has
    been set, or is slewed, each tick moves by half a per cent of the period at most until both are in step again.
    So no period is wrong by more than that, whatever is done to the clock. The numbers go on by one a period
    and never back.

    >>> async def beats() -> list[int]:
    ...     return [tick async for tick in WallTicks(10.0, rounds=1, wall=lambda: 73.0)]
    >>> asyncio.run(beats())
    [7]
    """

    def __init__(self, period: float, *, wall: Callable[[], float] = time.time, rounds: int | None = None) -> None:
        self._period = period
        self._wall = wall
        self._rounds = rounds
        self.skipped = 0  # ticks left out so far

    async def __aiter__(self) -> AsyncIterator[int]:
        loop, period = asyncio.get_running_loop(), self._period
        wall = self._wall()
        tick = int(wall / period + 1e-6)  # 7 s are 7,000 times 0.001 s, whatever floating point says
        due, rounds = loop.time() - (wall - tick * period), 0
        while True:
            yield tick
            rounds += 1
            if rounds == self._rounds:
                return
            _leave_if_cancelled()
            passed = int((loop.time() - due) / period)
            self.skipped += passed
            tick += passed + 1
            due += (passed + 1) * period
            due += self._slide(due)
            await asyncio.sleep(due - loop.time())

    def _slide(self, due: float) -> float:
        """By how much the tick due at *due* (s, of the loop) moves towards a multiple of the period."""
        wall = due - asyncio.get_running_loop().time() + self._wall()
        late = (wall + self._period / 2) % self._period - self._period / 2
        return -min(max(late, -SLIDE * self._period), SLIDE * self._period)


def _leave_if_cancelled() -> None:
    # on Python 3.11 asyncio.wait_for, used inside libraries, can lose a cancellation
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
