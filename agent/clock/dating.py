"""Readings under a doubtful clock: marked while it lasts, and dated once the clock is right."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, NoReturn, Protocol, Self

from agent.clock.marks import doubted
from agent.clock.memory import note_synchronised, synchronised
from agent.clock.settings import ClockSettings
from agent.clock.source import Clock, Look
from agent.clock.trust import STEP_MS, Trust
from agent.health import Part
from agent.store.errors import StorageError
from agent.store.redating import forget_anchors, open_anchor
from agent.store.writer import Store
from agent.ticks import Ticks
from drivers.reading import Reading, Sourced

log = logging.getLogger(__name__)

PERIOD: Final = 1.0  # s, between two looks at the clock
REMEMBERED_MS: Final = 120_000  # a reading is kept within this time after it was stamped, or it is dated as it comes
SHIFTED_MS: Final = 2_000  # the least step that tells what was stamped before it from what was stamped after it
NOTED_MS: Final = 600_000  # between two notes that the clock is synchronised


class Keeps(Protocol):
    """Where readings go."""

    async def offer(self, readings: Sequence[Reading]) -> None:
        """Keep *readings* with the next transaction; the disk is not waited for."""


class Step(NamedTuple):
    """The wall clock was set."""

    boot_ms: int  # when that was seen
    by_ms: int


class Dating:
    """The door through which readings come to the log, and the clock's watch on it.

    What our clock has stamped while it is not to be believed gets a doubt; where the doubtful readings begin, and how
    the wall clock stood against the time since the machine was started, is noted on the disk. When the clock is
    right, they are moved by what was missing. Readings that bring their source's time are left alone.

    Args:
        store: Open.
        clock: The machine's.
        settings: How far it is believed.
        part: Told how it goes; "degraded" while the clock is in doubt.
    """

    def __init__(self, store: Store, clock: Clock, settings: ClockSettings, part: Part) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._part = part
        self._steps: list[Step] = []
        self._anchor_ms: int | None = None  # the offset of the doubtful readings that are coming in
        self._is_waiting = True  # whether there may be readings to date
        self._noting = asyncio.Lock()
        self._noted_ms = -NOTED_MS
        self._is_believed = False

    async def __aenter__(self) -> Self:
        """Learn what earlier runs have left.

        Raises:
            StorageError: The disk does not do it, and the store has no memory to go on from.
        """
        boot_id = self._clock.boot_id
        lost, is_known = 0, False
        last: Look | None = None
        try:
            lost, (is_known, last) = await self._store.write(
                lambda log: (forget_anchors(log, boot_id), synchronised(log, boot_id))
            )
        except StorageError:
            if self._store.trouble is None:
                raise
        if lost:
            log.warning("some readings of before the machine was started keep doubtful times; nothing can date them")
        self._trust = Trust(self._settings, is_known=is_known, last=last)
        look = self._clock.look()
        self._offset_ms = look.offset_ms
        self._is_believed = self._trust.believes(look)
        self._tell()
        if look.is_synchronised is None:
            log.info("nobody can say here whether the clock is synchronised; it is believed from 2026 on")
        elif not look.is_synchronised and not self._trust.is_expected:
            log.info("no time service is seen to synchronise the clock; it is believed as it is ([clock] trust)")
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        """Nothing is to be closed."""

    async def offer(self, readings: Sequence[Reading]) -> None:
        """Keep *readings* with the next transaction, with a doubt on those our clock has stamped while it is not right.

        Only the first of them wait for the disk, where it has to be noted that they begin.
        """
        try:
            readings = await self._judged(readings)
        except StorageError:
            # Where they begin cannot be noted: their doubt stays.
            readings = doubted(readings)
        await self._store.offer(readings)

    async def follow(self) -> NoReturn:
        """Look at the clock, say how it stands, and date what waits for it once it is right.

        Raises:
            StorageError: The disk refuses; call again.
        """
        async for _ in Ticks(PERIOD):
            await self.settle()
        raise AssertionError("ticks never end")

    async def settle(self) -> None:
        """One such look.

        Raises:
            StorageError: The disk refuses.
        """
        look = self._look()
        if not self._is_believed:
            self._tell()
            return
        if look.is_synchronised and look.boot_ms - self._noted_ms >= NOTED_MS:
            await self._store.write(lambda log: note_synchronised(log, self._clock.boot_id, look))
            self._noted_ms = look.boot_ms
        if self._is_waiting:
            await self._date(look)
        self._tell()

    def _tell(self) -> None:
        if self._is_believed:
            self._part.well()
        elif self._part.trouble(self._trust.doubt, "degraded"):
            log.warning("%s; what is read now is dated once it is", self._trust.doubt)

    async def _judged(self, readings: Sequence[Reading]) -> Sequence[Reading]:
        while True:
            look = self._look()
            if self._steps:
                readings = _shifted(readings, self._steps, look.wall_ms)
            if self._is_believed:
                return readings
            if self._anchor_ms is not None and abs(self._anchor_ms - look.offset_ms) < STEP_MS:
                return doubted(readings)
            await self._note(look.offset_ms)

    async def _note(self, offset_ms: int) -> None:
        """Have it on the disk that doubtful readings begin here; what was read until now is before it."""
        async with self._noting:
            if self._anchor_ms is None or abs(self._anchor_ms - offset_ms) >= STEP_MS:
                boot_id = self._clock.boot_id
                await self._store.write(lambda log: open_anchor(log, boot_id, offset_ms))
                self._anchor_ms, self._is_waiting = offset_ms, True

    def _look(self) -> Look:
        """The present; a step of the wall clock is remembered for those who stamped before it."""
        look = self._clock.look()
        by_ms = look.offset_ms - self._offset_ms
        if abs(by_ms) >= STEP_MS:
            self._offset_ms = look.offset_ms
            if abs(by_ms) >= SHIFTED_MS:
                self._steps.append(Step(look.boot_ms, by_ms))
        self._steps = [step for step in self._steps if look.boot_ms - step.boot_ms < REMEMBERED_MS]
        was_believed, self._is_believed = self._is_believed, self._trust.believes(look)
        if was_believed and not self._is_believed:
            self._tell()  # analyses wait from now on, not from the next look
        return look

    async def _date(self, look: Look) -> None:
        """Move all that waits, a part a transaction, between which appends have their turn."""
        rows = 0
        async with self._noting:
            self._anchor_ms = None  # what is doubted from here on begins anew
            while done := await self._store.redate(self._clock.boot_id, look.offset_ms):
                rows += done.rows
                if abs(self._clock.look().offset_ms - look.offset_ms) >= STEP_MS:
                    return  # set once more: the next look goes on
            self._is_waiting = False
        if rows:
            self._part.count("redated", rows)
            log.info("the clock is right; %d readings from before have been dated", rows)


def _shifted(readings: Iterable[Reading], steps: Sequence[Step], now_ms: int) -> list[Reading]:
    """The readings by the clock as it is now, though it may have been set since they were stamped."""
    return [one if isinstance(one, Sourced) else _nearest(one, steps, now_ms) for one in readings]


def _nearest(one: Reading, steps: Sequence[Step], now_ms: int) -> Reading:
    """Readings are of now: of the times one may have by the steps since, the nearest to now is its own."""
    times_ms, shift_ms = [one.ts_ms], 0
    for step in reversed(steps):
        shift_ms += step.by_ms
        times_ms.append(one.ts_ms + shift_ms)
    return one._replace(ts_ms=min(times_ms, key=lambda ts_ms: abs(ts_ms - now_ms)))
