"""What a device that refuses a block teaches us of its parts (pure; the clock is an argument)."""

from dataclasses import dataclass
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

    Now and then the whole block is asked for again. What was refused for reasons that may pass (a sensor bus
    that is down) is tried again by itself, one place a poll, so that it returns soon and costs little.
    """

    def __init__(self, whole: Block) -> None:
        self.whole = whole
        self.pieces = [whole]
        self.refused: dict[Block, Failure] = {}  # what is left out, longest untried first
        self._again: dict[Block, float] = {}  # s, when to try those
        self._whole_again = 0.0  # s, when to try all

    @property
    def is_split(self) -> bool:
        """Whether less than the whole block is asked for."""
        return self.pieces != [self.whole]

    def is_trial(self, block: Block) -> bool:
        """Whether *block* is asked for only to see whether it is still refused."""
        return block in self.refused or (block is self.whole and self.is_split)

    def requests(self, now: float) -> list[Block]:
        """What to ask for at *now*, in s."""
        if self.is_split and now >= self._whole_again:
            return [self.whole]
        due = [block for block in self.refused if now >= self._again[block]]
        return self.pieces + due[:1]

    def accept(self, block: Block) -> None:
        """The device answered *block*."""
        if block is self.whole:
            self.pieces = [block]
            self.refused.clear()
        elif self.refused.pop(block, None):
            self.pieces.append(block)
            if not self.refused:
                self._whole_again = 0.0

    def refuse(self, block: Block, failure: Failure, now: float) -> list[Block]:
        """The device refused *block*, or a trial of it failed; what to ask for instead."""
        if block is self.whole:
            self._whole_again = now + PATIENCE
            if self.is_split and block not in self.refused:
                return self.requests(now)
        halves = None if block in self.refused else block.halves()
        if block in self.pieces:
            self.pieces.remove(block)
            self._whole_again = now + PATIENCE
        if halves is None:
            self.refused.pop(block, None)  # to the end of the queue
            self.refused[block] = failure
            self._again[block] = now + (PATIENCE if failure.is_lasting else 0.0)
            return []
        self.pieces += halves
        return list(halves)

    def bad(self, ts_ms: int) -> list[Reading]:
        """A bad reading for each point that is left out."""
        return [
            reading
            for block, failure in self.refused.items()
            for reading in block.bad(ts_ms, failure.quality, failure.reason)
        ]
