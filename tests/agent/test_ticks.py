"""The beat of polling, on a clock that passes without waiting."""

import asyncio
from collections.abc import Callable, Mapping
from itertools import pairwise

import pytest

from agent.ticks import Ticks, WallTicks
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


NOON = 1_772_366_400.0  # s; 2026-03-01 12:00 UTC


async def on_the_wall(
    period: float, rounds: int, *, start: float = NOON, sets: Mapping[int, float] | None = None, takes: float = 0.0
) -> list[tuple[int, float, float]]:
    """Number, monotonic and wall time (s) of each tick, where the clock is set by sets[n] s in the nth round."""
    loop = asyncio.get_running_loop()
    offset = start - loop.time()
    wall: Callable[[], float] = lambda: loop.time() + offset  # noqa: E731 - sees each new offset
    seen = []
    async for tick in WallTicks(period, wall=wall, rounds=rounds):
        seen.append((tick, loop.time(), wall()))
        await asyncio.sleep(takes)
        offset += (sets or {}).get(len(seen), 0.0)
    return seen


def test_a_device_of_10_s_is_polled_at_the_tens_of_the_wall_clock() -> None:
    """At once when it is opened, in the middle of a period, so that nobody waits; then in step with all others."""
    seen = run_at_once(on_the_wall(10.0, 5, start=NOON + 13.4, takes=0.7))

    assert [wall - NOON for _, _, wall in seen] == pytest.approx([13.4, 20.0, 30.0, 40.0, 50.0], abs=1e-6)
    assert [tick - seen[0][0] for tick, _, _ in seen] == [0, 1, 2, 3, 4]


def test_a_tick_has_the_number_of_its_period_since_1970() -> None:
    """A tag of a minute on a device of a second is then due at full minutes, whenever its device was opened."""
    seen = run_at_once(on_the_wall(1.0, 3, start=NOON + 58.2))

    assert [tick for tick, _, _ in seen] == [int(NOON) + 58, int(NOON) + 59, int(NOON) + 60]


@pytest.mark.parametrize("period", [0.2, 1.0, 7.0, 10.0])
@pytest.mark.parametrize("step", [3600.0, -3600.0, -NOON + 17.3, 0.4, -0.003])
def test_no_period_is_wrong_by_one_per_cent_when_the_clock_is_set(period: float, step: float) -> None:
    """Neither at the step nor while the beat comes into step again; and it does, within a hundred periods."""
    seen = run_at_once(on_the_wall(period, 130, sets={10: step}))

    periods = [after[1] - before[1] for before, after in pairwise(seen[1:])]
    assert max(abs(one / period - 1) for one in periods) < 0.01
    assert [after[0] - before[0] for before, after in pairwise(seen)] == [1] * 129
    out_of_step = (seen[-1][2] + period / 2) % period - period / 2
    assert out_of_step == pytest.approx(0.0, abs=1e-5)


def test_from_1970_to_now_no_tick_is_made_up_for() -> None:
    """56 years of ticks would stop the loop, and ask the device 56 years of times."""
    seen = run_at_once(on_the_wall(1.0, 20, start=12.25, sets={5: NOON}))

    assert seen[-1][1] == pytest.approx(18.75, abs=0.2)


def test_aligned_ticks_that_pass_during_a_late_round_are_skipped_and_counted() -> None:
    """A slow device is late alone and comes back into step at once."""

    async def late() -> tuple[list[float], int]:
        loop, ticks, seen = asyncio.get_running_loop(), WallTicks(1.0, wall=lambda: loop.time() + NOON, rounds=4), []
        async for _ in ticks:
            seen.append(loop.time())
            await asyncio.sleep(2.5 if len(seen) == 2 else 0.1)
        return seen, ticks.skipped

    seen, skipped = run_at_once(late())

    assert (seen, skipped) == ([0.0, pytest.approx(1.0), pytest.approx(4.0), pytest.approx(5.0)], 2)


def test_a_slewed_clock_is_followed() -> None:
    """A clock that runs 500 ppm fast, the most that Linux slews: after a day the beat is still in step."""

    async def slewed() -> float:
        loop, wall = asyncio.get_running_loop(), NOON
        async for _ in WallTicks(60.0, wall=lambda: NOON + 1.0005 * loop.time(), rounds=1440):
            wall = NOON + 1.0005 * loop.time()
        return (wall + 30) % 60 - 30

    assert run_at_once(slewed()) == pytest.approx(0.0, abs=0.05)


async def test_a_cancellation_that_was_lost_is_found_at_the_next_aligned_tick() -> None:
    """As with the other beat."""

    async def swallow() -> None:
        async for _ in WallTicks(0.001):
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
