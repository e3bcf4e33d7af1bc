"""Modbus TCP: opened, read, and thrown away when it fails."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Iterable
from itertools import groupby
from types import TracebackType
from typing import NamedTuple, Self

from pymodbus import ModbusException
from pymodbus.client import AsyncModbusTcpClient

from drivers.address import Table
from drivers.answers import Answer, AnswerDecoder
from drivers.evidence import Evidence, Request
from drivers.reading import Quality, Reading, UnreachableError, now_ms
from drivers.registers import Block, plan
from drivers.settings import ModbusSettings, ModbusTagSettings
from drivers.spans import Failure, Span

log = logging.getLogger(__name__)

FUNCTION: dict[Table, int] = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
SILENCES = 3  # unanswered requests in a row after which the connection is given up
REFUSALS = 16  # a poll; a block that is refused in many places is taken apart over several polls
NAMED = 5  # places a warning names


class Registers(NamedTuple):
    """The bytes a device answered, and when: the midpoint of the request."""

    data: bytes
    ts_ms: int
    took: float  # s


class Rhythm:
    """The spans of tags with the same period, and the next tick they are due at."""

    def __init__(self, every: int, tags: Iterable[ModbusTagSettings], settings: ModbusSettings) -> None:
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
    """One unit of a Modbus TCP device.

    A driver that has failed is thrown away and opened anew by its supervisor, so the client's own retries and
    reconnection are off. No value is made of an answer that is not exactly what was asked for.
    """

    def __init__(self, settings: ModbusSettings) -> None:
        self._settings = settings
        self._rhythms = [Rhythm(every, tags, settings) for every, tags in _by_period(settings)]
        self._silences = 0
        self._quiet_until = 0.0  # s, on the loop's clock
        self._told: set[str] = set()  # tags whose refusal is in the log

    def __str__(self) -> str:
        return f"modbus://{self._settings.host}:{self._settings.port}/{self._settings.unit_id}"

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            UnreachableError: Nobody listens.
        """
        # What it would say, our readings and errors say, with the device's name and once.
        logging.getLogger("pymodbus").setLevel(logging.CRITICAL)
        await self._connect()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""
        self._client.close()
        await asyncio.sleep(0)  # lets the transport close its socket

    async def read(self, tick: int) -> list[Reading]:
        """Read what is due, one request after the other.

        Raises:
            UnreachableError: The device closed the connection, or was silent several times in a row.
        """
        if not self._client.connected:  # many devices hang up on whoever does not ask for a while
            await self._connect()
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

    async def _connect(self) -> None:
        self._client = AsyncModbusTcpClient(
            self._settings.host,
            port=self._settings.port,
            timeout=self._settings.timeout,
            retries=0,
            reconnect_delay=0,
        )
        self._client.ctx.framer.decoder = AnswerDecoder()
        if not await self._client.connect():
            raise UnreachableError(f"{self} does not accept connections")

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
        """One request and its answer, after the pause that an unanswered one left."""
        if (pause := self._quiet_until - time.monotonic()) > 0:
            await asyncio.sleep(pause)
        began = time.monotonic()
        try:
            answer = await self._request(block)
        except ModbusException as error:
            return self._silence(block, f"did not answer within {self._settings.timeout:g} s", error)
        took = time.monotonic() - began
        ts_ms = round(time.time() * 1000 - took * 500)
        if not isinstance(answer, Answer):
            raise TypeError(f"{answer} was not made by AnswerDecoder")
        objection = answer.objection(
            function_code=FUNCTION[block.table], unit_id=self._settings.unit_id, size=block.size
        )
        if objection:
            return self._silence(block, f"answered {objection}")
        self._silences = 0
        if answer.exception is not None:
            return Failure.of_exception(answer.exception)
        return Registers(answer.body[1:], ts_ms, took)

    async def _request(self, block: Block) -> object:
        unit_id = self._settings.unit_id
        match block.table:
            case "holding":
                return await self._client.read_holding_registers(block.start, count=block.count, device_id=unit_id)
            case "input":
                return await self._client.read_input_registers(block.start, count=block.count, device_id=unit_id)
            case "coil":
                return await self._client.read_coils(block.start, count=block.count, device_id=unit_id)
            case "discrete":
                return await self._client.read_discrete_inputs(block.start, count=block.count, device_id=unit_id)

    def _silence(self, block: Block, fact: str, error: ModbusException | None = None) -> Failure:
        """Count a request without a usable answer, and leave time for a late one to pass by.

        Raises:
            UnreachableError: It was one too many, or the connection is gone.
        """
        self._silences += 1
        self._quiet_until = time.monotonic() + self._settings.timeout
        if not self._client.connected:
            raise UnreachableError(f"{self} closed the connection when asked for {block}") from error
        if self._silences >= SILENCES:
            raise UnreachableError(f"{self} {fact} when asked for {block}, the {SILENCES}rd time in a row") from error
        return Failure(Quality.COMM_FAILURE, f"{self} {fact}")

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


def _by_period(settings: ModbusSettings) -> list[tuple[int, list[ModbusTagSettings]]]:
    """Tags by the number of device periods between two readings."""
    groups: dict[int, list[ModbusTagSettings]] = {}
    for tag in settings.tags:
        every = max(1, round((tag.period or settings.period) / settings.period))
        groups.setdefault(every, []).append(tag)
    return sorted(groups.items())
