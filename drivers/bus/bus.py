"""A bus: units that share connections, who may speak when, and who is left alone for a while."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from drivers.bus.line import Line, LostError, NoAnswerError, NonsenseError, Query, Refusal
from drivers.bus.rest import Pace, Rest

DEAD_LINE = 3  # queries in a row that nobody answered, after which the connection is opened anew


class Reply(NamedTuple):
    """What a unit said, and how long it took."""

    answer: bytes | Refusal
    took: float  # s


@dataclass(slots=True)
class Place:
    """A line, and what the bus knows of it."""

    line: Line
    quiet_until: float = 0.0  # s; until then a late answer may come, which is nobody's any more
    failures: int = 0  # in a row, of whatever unit


@dataclass(slots=True)
class Unit:
    """What the bus knows of a unit."""

    rest: Rest
    pace: Pace = field(default_factory=Pace)

    def patience(self, given: float, in_vain: int, *, is_alone: bool) -> float:
        """How long to wait for its answer this time, s.

        Args:
            given: As long as where nothing is wrong.
            in_vain: How often the same was asked before without an answer.
            is_alone: Whether nobody else waits for the line.
        """
        if self.rest.failures:
            return given if is_alone else self.pace.patience(given, failures=self.rest.failures)
        return self.pace.patience(given, failures=in_vain)


class Bus:
    """The connections that lead to some units; on each, one query at a time, and everybody in turn.

    Whoever asks queues, so a unit with many blocks does not keep out one with few. A unit that fails again and
    again rests longer and longer, whoever asks for it, and is given little more time than it took while it was well,
    so that the others keep their periods. After a query without an answer the line is left quiet for as long as the
    answer had time: what comes until twice that is thrown away. After nonsense it is quiet for the rest of that time.

    Args:
        lines: One, or as many as a gateway takes.
        given_up_after: Failures in a row after which a unit is given up.
        longest_wait: For one's turn, s; whoever polls must show now and then that it goes round.
    """

    def __init__(self, lines: Sequence[Line], *, given_up_after: int, longest_wait: float = 30.0) -> None:
        self._places = [Place(line) for line in lines]
        self._idle = list(self._places)
        self._turn = asyncio.Semaphore(len(lines))
        self._spared = given_up_after - 1
        self._longest_wait = longest_wait
        self._units: dict[int, Unit] = {}
        self._members = 0

    @property
    def is_open(self) -> bool:
        """Whether any of its lines is."""
        return any(place.line.is_open for place in self._places)

    async def join(self) -> None:
        """Take part, and see that there is a connection.

        Raises:
            LostError: There is none.
        """
        self._members += 1
        is_in = False
        try:
            if not self.is_open:
                async with self._a_line() as place:
                    if not self.is_open:
                        await place.line.open()
            is_in = True
        finally:
            if not is_in:  # a line that was opened just before we were cancelled must not stay so
                await self.leave()

    async def leave(self) -> None:
        """Take part no longer; the last one hangs up."""
        self._members -= 1
        if not self._members:
            for place in self._places:
                await place.line.close()

    async def ask(self, query: Query, patience: float, *, in_vain: int = 0) -> Reply:
        """Ask a unit when it is its turn.

        Args:
            query: What to ask.
            patience: How long it may think, s; less is waited where it, or this very query, has just failed.
            in_vain: How often in a row the same was asked without an answer.

        Raises:
            NoAnswerError: It did not answer, which may pass.
            LostError: It did not, time after time, or there is no connection.
        """
        async with self._a_line() as place:
            unit = self._units.setdefault(query.unit_id, Unit(Rest(self._spared)))
            if not unit.rest.is_over(time.monotonic()):
                raise LostError(unit.rest.fact)
            wait = unit.patience(patience, in_vain, is_alone=self._members == 1)
            return await self._exchange(place, unit, query, wait)

    @asynccontextmanager
    async def _a_line(self) -> AsyncIterator[Place]:
        """The line that can soonest be spoken on, when it is our turn."""
        try:
            async with asyncio.timeout(self._longest_wait):
                await self._turn.acquire()
        except TimeoutError as error:
            raise LostError("did not get its turn: too many units of the line do not answer") from error
        place = min(self._idle, key=lambda place: (place.quiet_until, not place.line.is_open))
        self._idle.remove(place)
        try:
            yield place
        finally:
            self._idle.append(place)
            self._turn.release()

    async def _exchange(self, place: Place, unit: Unit, query: Query, patience: float) -> Reply:
        if not place.line.is_open:  # many devices hang up on whoever does not ask for a while
            await place.line.open()
        if (pause := place.quiet_until - time.monotonic()) > 0:
            await asyncio.sleep(pause)
        cost = patience + place.line.airtime(query)
        began = self._ask_at(place, cost)
        try:
            await place.line.settle(query, patience)
            began = self._ask_at(place, cost)
            answer = await place.line.exchange(query, patience)
        except NoAnswerError as error:
            if isinstance(error, NonsenseError):  # no answer is under way any more; only noise is to be let pass
                place.quiet_until = began + cost
            await self._note_failure(place, unit, cost, str(error))
            raise
        took = time.monotonic() - began
        place.quiet_until, place.failures = 0.0, 0
        unit.rest = Rest(self._spared)
        unit.pace.hear(max(0.0, took - place.line.airtime(query)))
        return Reply(answer, took)

    def _ask_at(self, place: Place, cost: float) -> float:
        """The present, from which a late answer has as long again, also where we are cancelled and nobody waits."""
        began = time.monotonic()
        place.quiet_until = began + 2 * cost
        return began

    async def _note_failure(self, place: Place, unit: Unit, cost: float, fact: str) -> None:
        """Count a query without an answer.

        Raises:
            LostError: It was one too many.
        """
        rest = unit.rest
        rest.fail(time.monotonic(), cost=cost, fact=f"{fact}, again and again")
        place.failures += 1
        if place.failures >= DEAD_LINE:  # it may be half-open; and where nobody answers, nobody is in the way
            place.failures = 0
            await place.line.close()
            for one in self._units.values():
                one.rest = Rest(self._spared)
        if rest.is_given_up:
            raise LostError(rest.fact)
