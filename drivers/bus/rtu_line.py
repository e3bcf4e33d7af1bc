"""Modbus RTU over a wire: one frame out, one frame back, and silence before each."""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from drivers.bus import rtu
from drivers.bus.line import LostError, NoAnswerError, Query, Refusal
from drivers.bus.wire import Wire

ASKING = 8  # bytes of a request
OWED = 8  # answers that are remembered as missing
LATEST = 6  # times the patience, after which none comes any more


@dataclass(slots=True)
class Debt:
    """The answers that a unit may still owe us."""

    shapes: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=OWED))  # newest last
    asked: float = 0.0  # s, the last time
    patience: float = 0.0  # s, the longest that it was ever given to answer
    is_silent: bool = False  # when it was asked only to see whether something is under way

    def is_paid(self, before: float) -> bool:
        """Whether it was silent then, and long enough ago: it is off, or has no other registers to ask for."""
        return self.is_silent and self.asked < before


class RtuLine:
    """A serial line, or a gateway that passes bytes on to one.

    Args:
        connect: Opens the wire; raises `LostError` where nobody is there.
        silence: What must pass without a byte before a frame begins, s.
        character: How long one byte is under way, s; 0 where nobody knows.
    """

    def __init__(self, connect: Callable[[], Awaitable[Wire]], *, silence: float = 0.0, character: float = 0.0) -> None:
        self._connect = connect
        self._silence = silence
        self._character = character
        self._wire: Wire | None = None
        self._debts: defaultdict[int, Debt] = defaultdict(Debt)  # by unit

    @property
    def is_open(self) -> bool:
        """Whether there is a wire."""
        return self._wire is not None and self._wire.lost is None

    async def open(self) -> None:
        """Connect.

        Raises:
            LostError: Nobody is there.
        """
        self._wire = await self._connect()

    async def close(self) -> None:
        """Let go of the wire."""
        if self._wire is not None:
            self._wire.close()

    def airtime(self, query: Query) -> float:
        """How long query and answer are under way by themselves, s."""
        return (ASKING + rtu.AROUND + query.size) * self._character

    async def settle(self, query: Query, patience: float) -> None:
        """After a query in vain, ask the unit for something whose answer cannot be mistaken for an older one.

        Frames have no numbers. If the unit is merely slower than we waited, the answer to the last query comes when
        the next one is asked, and would be taken for its answer if unit, function and size are the same.

        Raises:
            NoAnswerError: It answers an older query, or nothing.
            LostError: The wire is gone.
        """
        debt = self._debts[query.unit_id]
        if debt.is_paid(time.monotonic() - LATEST * max(debt.patience, patience)):
            debt.shapes.clear()
        if debt.shapes:
            try:
                await self.exchange(rtu.sounding(query, debt.shapes), patience)
            except NoAnswerError:
                debt.is_silent = self._wire is not None and not self._wire.received
                raise

    async def exchange(self, query: Query, patience: float) -> bytes | Refusal:
        """Ask, and wait for the answer.

        Raises:
            NoAnswerError: There was none.
            LostError: The wire is gone.
        """
        debt = self._debts[query.unit_id]
        debt.shapes.append(query.shape)  # stays where we are cancelled
        debt.asked, debt.is_silent, debt.patience = time.monotonic(), False, max(debt.patience, patience)
        answer = await self._exchange(query, patience)
        debt.shapes.clear()
        return answer

    async def _exchange(self, query: Query, patience: float) -> bytes | Refusal:
        if self._wire is None:
            raise LostError("is closed")
        wire = self._wire
        try:
            async with asyncio.timeout(patience + self.airtime(query)):
                await self._quiet(wire)
                wire.send(rtu.request(query))
                return await _answer(wire, query)
        except TimeoutError as error:
            part = "whole " if wire.received else ""  # some of it, or an echo, has come
            raise NoAnswerError(f"did not answer {part}within {patience:g} s") from error

    async def _quiet(self, wire: Wire) -> None:
        """Wait for silence, and forget what came before it: it answers nothing that will be asked."""
        while wire.take() or time.monotonic() < wire.last + self._silence:  # noqa: ASYNC110 - silence is no event
            await asyncio.sleep(max(0.0, wire.last + self._silence - time.monotonic()))
        wire.received.clear()


async def _answer(wire: Wire, query: Query) -> bytes | Refusal:
    while True:
        if (answer := rtu.answer(query, bytes(wire.received))) is not None:
            return answer
        if wire.lost is not None:
            raise LostError(f"is lost: {wire.lost}")
        await wire.news()
