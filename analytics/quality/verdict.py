"""What can be said of readings: flags, findings, and shares of one score."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

Check = Literal[
    "bad",
    "range",
    "full_scale",
    "spike",
    "step",
    "frozen",
    "reset",
    "rollover",
    "glitch",
    "drop",
    "jump",
    "missing",
    "late",
    "duplicate",
    "future",
]


class Flag(IntEnum):
    """As QARTOD has them (IOOS, Manual for Real-Time Quality Control of Oceanographic Data)."""

    PASS = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


FLAG_OF: dict[Check, Flag] = {
    "bad": Flag.FAIL,
    "range": Flag.FAIL,
    "full_scale": Flag.FAIL,
    "spike": Flag.SUSPECT,
    "step": Flag.SUSPECT,
    "frozen": Flag.SUSPECT,
    "reset": Flag.PASS,  # counters do; whoever takes differences has to know
    "rollover": Flag.PASS,
    "glitch": Flag.SUSPECT,
    "drop": Flag.SUSPECT,
    "jump": Flag.SUSPECT,
    "missing": Flag.MISSING,
    "late": Flag.SUSPECT,
    "duplicate": Flag.SUSPECT,
    "future": Flag.SUSPECT,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One check that some readings of a tag did not pass."""

    check: Check
    count: int  # readings
    first_ms: int
    value: float | None = None  # the first one's figure, in the tag's unit (s for times)
    limit: float | None = None  # what it was held against

    @property
    def flag(self) -> Flag:
        """How grave that is."""
        return FLAG_OF[self.check]


@dataclass(frozen=True, slots=True)
class Shares:
    """How good the readings of a time were, each share 0 to 1.

    score = completeness · validity · consistency · timeliness: the share of the expected readings that came, in
    time, good, and that nothing speaks against.
    """

    completeness: float  # came, of those expected
    validity: float  # good and possible, of those that came
    consistency: float  # not suspect, of the valid ones
    timeliness: float  # in order, once, and not from the future, of those that came

    @property
    def score(self) -> float:
        """The product."""
        return self.completeness * self.validity * self.consistency * self.timeliness


def shares(*, expected: float, came: int, untimely: int, invalid: int, suspect: int) -> Shares:
    """From counts of readings; a share of nothing is 0 for what came, 1 for what can be said of it."""
    valid = max(0, came - untimely - invalid)
    return Shares(
        completeness=min(1.0, (came - untimely) / expected) if expected > 0 else 1.0,
        validity=valid / (came - untimely) if came > untimely else float(came == 0),
        consistency=max(0.0, 1 - suspect / valid) if valid else 1.0,
        timeliness=1 - untimely / came if came else 1.0,
    )
