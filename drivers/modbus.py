"""One Modbus unit: read at its period, and thrown away when it fails."""

import logging
import time
from collections import deque
from collections.abc import Iterable
from itertools import groupby
from types import TracebackType
from typing import NamedTuple, Self
from weakref import WeakKeyDictionary

from drivers.address import Table
from drivers.bus.bus import Bus
from drivers.bus.buses import Buses
from drivers.bus.line import LostError, NoAnswerError, Query, Refusal
from drivers.bus.rest import Rest
from drivers.evidence import Evidence, Request
from drivers.reading import Quality, Reading, UnreachableError, now_ms
from drivers.registers import Block, plan
from drivers.settings import ModbusTagSettings, UnitSettings
from drivers.spans import Failure, Span

log = logging.getLogger(__name__)

FUNCTION: dict[Table, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
LONGEST_SILENCE = 120.0  # s, until a block that the unit is silent about, again and again, is asked for once more
REFUSALS = 16  # a poll; a block that is refused in many places is taken apart over several polls
NAMED = 5  # places a warning names


class Registers(NamedTuple):
    """The bytes a device answered, and when: the midpoint of the request."""

    data: bytes
    ts_ms: int
    took: float  # s


class Rhythm:
    """The spans of tags with the same period, and the next tick they are due at."""

    def __init__(self, every: int, tags: Iterable[ModbusTagSettings], settings: UnitSettings) -> None:
        blocks = plan(tags, base=settings.base, limit=settings.block_limit, max_hole=settings.max_hole)
        self.spans = [Span(block) for block in blocks]
        self.every = every  # device periods
        self._next = 0

    def is_due(self, tick: int) -> bool:
        """Whether to read at *tick*; a tick that was skipped is made up for at the next."""
        return tick >= self._next

    def advance(self, tick: int) -> None:
        """It is being read at *tick*, and due a period later."""
        self._next = (tick // self.every + 1) * self.every


class ModbusDriver:
    """One Modbus unit, on whatever line.

    A driver that has failed is thrown away and made anew by its supervisor; what must outlive it, its bus knows.

    Args:
        settings: Of the unit.
        bus: What leads to it; one of its own where absent.
    """

    def __init__(self, settings: UnitSettings, bus: Bus | None = None) -> None:
        self._settings = settings
        self._bus = bus or Buses().of(settings)
        self._rhythms = [Rhythm(every, tags, settings) for every, tags in _by_period(settings)]
        self._rests: WeakKeyDictionary[Block, Rest] = WeakKeyDictionary()  # of blocks that the unit was silent about
        self._told: set[str] = set()  # tags whose refusal is in the log

    def __str__(self) -> str:
        return self._settings.place

    async def __aenter__(self) -> Self:
        """Take part in the bus, which opens it where nobody else has.

        Raises:
            UnreachableError: Nobody is there.
        """
        try:
            await self._bus.join()
        except LostError as error:
            raise UnreachableError(f"{self} {error}") from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the bus; the last one closes it."""
        await self._bus.leave()

    async def read(self, tick: int) -> list[Reading]:
        """Read what is due, one request after the other.

        Raises:
            UnreachableError: The connection is lost, or the unit was silent several times in a row.
        """
        readings: list[Reading] = []
        for rhythm in self._rhythms:
            if rhythm.is_due(tick):
                rhythm.advance(tick)
                for span in rhythm.spans:
                    readings += await self._read_span(span)
        self._tell()
        return readings

    def unavailable(self, ts_ms: int, reason: str) -> list[Reading]:
        """Every tag as a bad reading."""
        return [Reading(tag.name, ts_ms, None, Quality.NOT_CONNECTED, reason) for tag in self._settings.tags]

    def evidence(self) -> Evidence:
        """The registers behind the last readings, and the requests as they are made now."""
        blocks = [
            (rhythm.every * self._settings.period, block)
            for rhythm in self._rhythms
            for span in rhythm.spans
            for block in span.pieces
            if block.answer
        ]
        raw = {name: data for _, block in blocks for name, data in block.raw().items()}
        return Evidence(raw, tuple(Request(str(block), period, block.took) for period, block in blocks))

    async def _read_span(self, span: Span) -> list[Reading]:
        readings: list[Reading] = []
        refusals = 0
        requests = deque(span.requests(time.monotonic()))
        while requests:
            block = requests.popleft()
            answer = await self._ask(block)
            if isinstance(answer, Registers):
                span.accept(block)
                block.answer, block.took = answer.data, answer.took
                readings += block.decode(answer.data, answer.ts_ms)
                continue
            is_trial = span.is_trial(block)
            if is_trial or answer.is_refusal:
                refusals += 1
                instead = span.refuse(block, answer, time.monotonic())
                if is_trial or refusals <= REFUSALS:
                    requests.extend(instead)
                    continue
            readings += block.bad(now_ms(), answer.quality, answer.reason)
        return readings + span.bad(now_ms())

    async def _ask(self, block: Block) -> Registers | Failure:
        """One request and its answer; a block that was silent several times is left alone for a while.

        Raises:
            UnreachableError: There is no use in asking on.
        """
        rest = self._rests.get(block)
        if rest is not None and not rest.is_over(time.monotonic()):
            return Failure(Quality.COMM_FAILURE, f"{self} {rest.fact}")
        query = Query(self._settings.unit_id, FUNCTION[block.table], block.start, block.count)
        try:
            answer, took = await self._bus.ask(query, self._settings.timeout, in_vain=rest.failures if rest else 0)
        except NoAnswerError as error:
            rest = self._rests.setdefault(block, Rest(longest=LONGEST_SILENCE))
            rest.fail(time.monotonic(), cost=self._settings.timeout, fact=str(error))
            return Failure(Quality.COMM_FAILURE, f"{self} {rest.fact}")
        except LostError as error:
            raise UnreachableError(f"{self} {error}, when asked for {block}") from error
        self._rests.pop(block, None)
        if isinstance(answer, Refusal):
            return Failure.of_exception(answer.code)
        return Registers(answer, round(time.time() * 1000 - took * 500), took)

    def _tell(self) -> None:
        """Say once which places the device refuses, and why."""
        refused = [item for rhythm in self._rhythms for span in rhythm.spans for item in span.refused.items()]
        new = [(failure.reason, block) for block, failure in refused if not self._told.issuperset(block.names)]
        for reason, items in groupby(sorted(new, key=lambda item: item[0]), key=lambda item: item[0]):
            blocks = [block for _, block in items]
            places = ", ".join(f"{block} ({', '.join(block.names)})" for block in blocks[:NAMED])
            rest = f" and {len(blocks) - NAMED} more" if len(blocks) > NAMED else ""
            log.warning("%s: %s%s: %s", self, places, rest, reason)
            self._told.update(name for block in blocks for name in block.names)


def _by_period(settings: UnitSettings) -> list[tuple[int, list[ModbusTagSettings]]]:
    """Tags by the number of device periods between two readings."""
    groups: dict[int, list[ModbusTagSettings]] = {}
    for tag in settings.tags:
        every = max(1, round((tag.period or settings.period) / settings.period))
        groups.setdefault(every, []).append(tag)
    return sorted(groups.items())
