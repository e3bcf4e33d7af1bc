"""Readings from a clock in doubt, from the driver to their true time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from agent.clock.dating import Dating
from agent.clock.settings import ClockSettings
from agent.health import Part
from agent.store.reader import Reader
from agent.store.records import Row
from agent.store.schema import migrate
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from drivers.reading import Quality, Reading, Sourced
from tests.simulators.clock import FileClock

NOON = 1_772_366_400_000  # 2026-03-01 12:00 UTC
HOUR = 3_600_000
STRICT = ClockSettings(trust="strict")


class Machine:
    """A machine with a clock, on which the agent runs; true time is the time since noon, when it was started."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "agent.db"
        self.clock = FileClock(folder / "clock")
        self.part = Part("clock")

    @asynccontextmanager
    async def agent(self, settings: ClockSettings = STRICT) -> AsyncIterator[Dating]:
        """One run of the agent."""
        migrate(self.path)
        storage = StorageSettings(path=self.path, commit_interval=0.001)
        async with Store(storage) as store, Dating(store, self.clock, settings, self.part) as dating:
            self.store = store
            yield dating

    async def offer(self, dating: Dating, *readings: Reading) -> None:
        """Keep *readings*, and wait until they are on the disk."""
        await dating.offer(readings)
        await self.store.write(lambda _: None)

    def read(self, tag: str = "flow") -> Reading:
        """What a driver reads now: the value is the true time, ms since noon."""
        look = self.clock.look()
        return Reading(tag, look.wall_ms, look.boot_ms, Quality.GOOD)

    async def poll(self, dating: Dating, times: int = 3) -> None:
        """Read once a second."""
        for _ in range(times):
            await self.offer(dating, self.read())
            self.clock.go(1000)

    def rows(self) -> list[Row]:
        with Reader(self.path) as reader:
            return reader.after(0, 1_000)

    def wrong(self) -> list[Row]:
        """Rows with another time than the true one."""
        return [row for row in self.rows() if row.value != row.ts_ms - NOON]


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("wrong_ms", [-NOON + 17_300, HOUR, -HOUR])
async def test_once_the_clock_is_right_all_readings_have_their_true_time(machine: Machine, wrong_ms: int) -> None:
    """Started in 1970 or an hour off; what was read meanwhile says what was done to it, and is not called good."""
    machine.clock.boot(NOON + wrong_ms)
    async with machine.agent() as dating:
        await machine.poll(dating)
        await dating.settle()
        doubted = [(row.quality, row.reason) for row in machine.rows()]
        state = machine.part.state
        machine.clock.set(-wrong_ms, is_synchronised=True)
        await machine.poll(dating)
        await dating.settle()

    assert doubted == [(64, "clock not synchronised")] * 3
    assert state == "degraded"
    assert machine.wrong() == []
    assert [row.quality for row in machine.rows()] == [64, 64, 64, 192, 192, 192]
    assert {row.reason for row in machine.rows()} == {None, f"re-dated by {-wrong_ms / 1000:+.1f} s"}
    assert (machine.part.state, machine.part.counts) == ("ok", {"redated": 3})


async def test_a_reading_stamped_before_the_step_and_kept_after_it_is_dated_as_it_comes(machine: Machine) -> None:
    """A slow device answers while the clock is being set: its readings would else stay in 1970, and be called good."""
    machine.clock.boot(17_300)
    async with machine.agent() as dating:
        slow = machine.read("slow")
        machine.clock.go(800)
        machine.clock.set(NOON - 17_300, is_synchronised=True)
        await machine.poll(dating, times=1)
        await machine.offer(dating, slow)

    assert machine.wrong() == []


async def test_source_times_are_not_touched(machine: Machine) -> None:
    """The clock of an OPC UA server is right, however wrong ours is; its readings are good."""
    machine.clock.boot(NOON - HOUR)
    async with machine.agent() as dating:
        await machine.offer(dating, Sourced("level", NOON, 0, Quality.GOOD), machine.read())
        machine.clock.set(HOUR, is_synchronised=True)
        await dating.settle()

    assert [(row.tag, row.ts_ms, row.quality) for row in machine.rows()] == [("level", NOON, 192), ("flow", NOON, 64)]


async def test_a_crash_before_the_clock_is_right_costs_nothing(machine: Machine) -> None:
    """The note of how wrong it was is on the disk before the first doubtful reading; the next process finds it."""
    machine.clock.boot(17_300)
    async with machine.agent() as dating:
        await machine.poll(dating)
    async with machine.agent() as dating:
        await machine.poll(dating)
        machine.clock.set(NOON - 17_300, is_synchronised=True)
    async with machine.agent() as dating:
        await dating.settle()

    assert (len(machine.rows()), machine.wrong()) == (6, [])


async def test_what_an_earlier_start_of_the_machine_left_in_doubt_stays_so(machine: Machine) -> None:
    """Nobody knows how long the machine was off."""
    machine.clock.boot(17_300)
    async with machine.agent() as dating:
        await machine.poll(dating, times=1)
    machine.clock.boot(NOON, name="second", is_synchronised=True)
    async with machine.agent() as dating:
        await dating.settle()

    assert [(row.ts_ms, row.reason) for row in machine.rows()] == [(17_300, "clock not synchronised")]


async def test_each_doubtful_part_between_two_steps_is_dated_by_its_own(machine: Machine) -> None:
    """Set by hand, an hour wrong, and set right by the time service later; nothing between them is lost."""
    machine.clock.boot(17_300)
    async with machine.agent() as dating:
        await machine.poll(dating)
        machine.clock.set(NOON - 17_300 + HOUR)
        await machine.poll(dating)
        machine.clock.set(-HOUR, is_synchronised=True)
        await machine.poll(dating)
        await dating.settle()

    assert (len(machine.rows()), machine.wrong()) == (9, [])


async def test_a_right_clock_that_somebody_sets_wrong_is_mended_afterwards(machine: Machine) -> None:
    """The kernel withdraws its word when the clock is set by hand, until the time service is back."""
    machine.clock.boot(NOON, is_synchronised=True)
    async with machine.agent(ClockSettings()) as dating:
        await machine.poll(dating)
        await dating.settle()
        machine.clock.set(HOUR)
        await machine.poll(dating)
        await dating.settle()
        machine.clock.set(-HOUR, is_synchronised=True)
        await machine.poll(dating)
        await dating.settle()

    assert (len(machine.rows()), machine.wrong()) == (9, [])
    assert [row.quality for row in machine.rows()] == [192] * 3 + [64] * 3 + [192] * 3


@pytest.mark.parametrize("is_synchronised", [True, False])
async def test_readings_of_a_minute_in_another_century_have_their_true_time_afterwards(
    machine: Machine, *, is_synchronised: bool
) -> None:
    """Whatever the time service says; analyses and retention wait meanwhile, from the first reading on."""
    machine.clock.boot(NOON, is_synchronised=is_synchronised)
    async with machine.agent(ClockSettings()) as dating:
        await machine.poll(dating)
        await dating.settle()
        machine.clock.set(56 * 365 * 24 * HOUR, is_synchronised=is_synchronised)
        await machine.poll(dating)
        state, error = machine.part.state, machine.part.error
        await dating.settle()
        machine.clock.set(-56 * 365 * 24 * HOUR, is_synchronised=is_synchronised)
        await machine.poll(dating)
        await dating.settle()

    assert (state, error) == (
        "degraded",
        "the clock was set ahead by 20440 days and is not believed before it has lasted a day",
    )
    assert (len(machine.rows()), machine.wrong()) == (9, [])
    assert machine.part.state == "ok"


async def test_a_machine_without_a_time_service_has_good_readings_from_the_first(machine: Machine) -> None:
    """And it learns from the first synchronisation on that there is one."""
    machine.clock.boot(NOON)
    async with machine.agent(ClockSettings()) as dating:
        await machine.poll(dating, times=1)
        machine.clock.set(0, is_synchronised=True)
        await dating.settle()
    machine.clock.boot(NOON + 60_000, name="second")
    async with machine.agent(ClockSettings()) as dating:
        await machine.poll(dating, times=1)

    assert [row.quality for row in machine.rows()] == [192, 64]


async def test_a_bad_reading_stays_bad_and_keeps_its_reason(machine: Machine) -> None:
    machine.clock.boot(17_300)
    async with machine.agent() as dating:
        await machine.offer(dating, Reading("flow", 17_300, None, Quality.COMM_FAILURE, "no answer"))
        doubted = machine.rows()[0]
        machine.clock.set(NOON - 17_300, is_synchronised=True)
        await dating.settle()
    dated = machine.rows()[0]

    assert doubted[3:] == (None, 24, "no answer; clock not synchronised")
    assert (dated.ts_ms, dated.reason) == (NOON, f"no answer; re-dated by +{(NOON - 17_300) / 1000:.1f} s")
