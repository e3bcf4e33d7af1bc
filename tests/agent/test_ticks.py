"""The beat of polling, on a clock that passes without waiting."""

import asyncio

import pytest

from agent.ticks import Ticks
from tests.simulators.clock import run_at_once


async def beats(rounds: dict[int, float], last: int) -> tuple[list[tuple[int, float]], int]:
    """The ticks of a beat of 1 s and when they came, if the round of tick n takes rounds[n] s."""
    ticks, seen = Ticks(1.0, last=last), []
    async for tick in ticks:
        seen.append((tick, asyncio.get_running_loop().time()))
        await asyncio.sleep(rounds.get(tick, 0.0))
    return seen, ticks.skipped


def test_the_beat_does_not_drift_with_the_work() -> None:
    """Rounds of 0.4 s: a loop that sleeps its period after each round would be at 1.4, 2.8, ..."""
    seen, skipped = run_at_once(beats(dict.fromkeys(range(4), 0.4), last=3))

    assert seen == [(0, 0.0), (1, pytest.approx(1.0)), (2, pytest.approx(2.0)), (3, pytest.approx(3.0))]
    assert skipped == 0


def test_ticks_that_pass_during_a_late_round_are_skipped_and_counted() -> None:
    """Catching up would ask a slow device ever faster."""
    seen, skipped = run_at_once(beats({1: 3.5}, last=6))

    assert seen == [(0, 0.0), (1, pytest.approx(1.0)), (5, pytest.approx(5.0)), (6, pytest.approx(6.0))]
    assert skipped == 3


async def test_a_lost_cancellation_is_found_at_the_next_tick() -> None:
    """Libraries on Python 3.11 can swallow one; the loop must end all the same."""

    async def swallow() -> None:
        async for _ in Ticks(0.001):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    task = asyncio.create_task(swallow())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, timeout=5)
