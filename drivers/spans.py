"""What a device that refuses a block teaches us of its parts (pure; the clock is an argument)."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from drivers.reading import Quality, Reading
from drivers.registers import Block

PATIENCE = 300.0  # s until what was refused as a matter of addresses is tried again

NAMES = {
    1: "illegal function",
    2: "illegal data address",
    3: "illegal data value",
    4: "device failure",
    5: "acknowledged, not done",
    6: "device busy",
    7: "negative acknowledge",
    8: "memory parity error",
    10: "gateway path unavailable",
    11: "no answer from the device behind the gateway",
}
OF_THE_ADDRESS = frozenset({1, 2, 3})  # will be refused tomorrow too
OF_THE_MOMENT = frozenset({5, 6, 10, 11})  # has nothing to do with which registers were asked for


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that brought no registers."""

    quality: int
    reason: str
    is_refusal: bool = False  # of some of these registers: asking for fewer may help
    is_lasting: bool = False

    @classmethod
    def of_exception(cls, code: int) -> Self:
        """What an exception answer means."""
        reason = f"refused by the device: {NAMES.get(code, 'exception')} ({code})"
        if code in OF_THE_ADDRESS:
            return cls(Quality.CONFIGURATION_ERROR, reason, is_refusal=True, is_lasting=True)
        if code in OF_THE_MOMENT:
            return cls(Quality.COMM_FAILURE, reason)
        return cls(Quality.DEVICE_FAILURE, reason, is_refusal=True)


class Span:
    """A planned block, cut in halves wherever the device refused, until only what it refuses is left out.

    Now and then the whole block is asked for again, and where it is still refused, neighbouring pieces are asked for
    as one, so that a register that is refused for ever costs one cut in the end and not seven. What was refused for
    reasons that may pass (a sensor bus that is down) is tried again by itself, one place a poll, so that it returns
    soon and costs little.
    """

    def __init__(self, whole: Block) -> None:
        self.whole = whole
        self.pieces = [whole]
        self.refused: dict[Block, Failure] = {}  # what is left out, longest untried first
        self._again: dict[Block, float] = {}  # s, when to try those
        self._whole_again = 0.0  # s, when to try all
        self._apart: dict[str, float] = {}  # s, until when no piece beginning with that tag is joined to the one before

    @property
    def is_split(self) -> bool:
        """Whether less than the whole block is asked for."""
        return self.pieces != [self.whole]

    def is_trial(self, block: Block) -> bool:
        """Whether *block* is asked for only to see whether it is still refused."""
        return block not in self.pieces

    def requests(self, now: float) -> list[Block]:
        """What to ask for at *now*, in s."""
        if self.is_split and now >= self._whole_again:
            return [self.whole]
        due = [block for block in self.refused if now >= self._again[block]][:1]
        joined = self._joined(now)
        if joined is None:
            return self.pieces + due
        return [piece for piece in self.pieces if not _is_within(piece, joined)] + [joined] + due

    def accept(self, block: Block) -> None:
        """The device answered *block*."""
        if block in self.pieces:
            return
        if self.refused.pop(block, None):
            self._whole_again = 0.0  # others may be back with it
        self.pieces = [piece for piece in self.pieces if not _is_within(piece, block)] + [block]
        self.refused = {one: why for one, why in self.refused.items() if not _is_within(one, block)}

    def refuse(self, block: Block, failure: Failure, now: float) -> list[Block]:
        """The device refused *block*, or a trial of it failed; what to ask for instead."""
        is_whole = block is self.whole
        if is_whole or block in self.pieces:
            self._whole_again = now + PATIENCE
        if block in self.pieces:
            self.pieces.remove(block)
            return self._cut(block, failure, now)
        if block in self.refused:
            return self._leave_out(block, failure, now)
        if is_whole:
            return self.requests(now)
        parts = [piece for piece in self.pieces if _is_within(piece, block)]
        self._apart[max(parts, key=_place).names[0]] = now + PATIENCE
        return parts

    def _cut(self, block: Block, failure: Failure, now: float) -> list[Block]:
        halves = block.halves()
        if halves is None:
            return self._leave_out(block, failure, now)
        self._apart[halves[1].names[0]] = now + PATIENCE
        self.pieces += halves
        return list(halves)

    def _leave_out(self, block: Block, failure: Failure, now: float) -> list[Block]:
        self.refused.pop(block, None)  # to the end of the queue
        self.refused[block] = failure
        self._again[block] = now + (PATIENCE if failure.is_lasting else 0.0)
        return []

    def _joined(self, now: float) -> Block | None:
        """Two neighbours as one, where that has not been tried for long and nothing that is refused lies between."""
        for left, right in pairwise(sorted(self.pieces, key=_place)):
            first, end = left.start, max(left.end, right.end)
            is_whole = len(left.names) + len(right.names) == len(self.whole.names)  # that is tried by itself
            is_clear = not is_whole and not any(one.start < end and first < one.end for one in self.refused)
            if is_clear and now >= self._apart.get(right.names[0], 0.0):
                return Block([*left.points, *right.points])
        return None

    def bad(self, ts_ms: int) -> list[Reading]:
        """A bad reading for each point that is left out."""
        return [
            reading
            for block, failure in self.refused.items()
            for reading in block.bad(ts_ms, failure.quality, failure.reason)
        ]


def _is_within(part: Block, block: Block) -> bool:
    """Whether all tags of one are in the other."""
    return set(part.names) <= set(block.names)


def _place(block: Block) -> tuple[int, int, str]:
    return block.start, block.points[0].size, block.names[0]
