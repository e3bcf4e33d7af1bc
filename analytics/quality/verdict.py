"""What can be said of readings: flags, findings, and shares of one score."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

Check = Literal[
    "bad",
    "uncertain",
    "range",
    "full_scale",
    "sentinel",
    "unusual",
    "at_limit",
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
    "backward",
    "duplicate",
    "future",
    "unsynchronised",
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
    "uncertain": Flag.SUSPECT,
    "range": Flag.FAIL,
    "full_scale": Flag.FAIL,
    "sentinel": Flag.FAIL,
    "unusual": Flag.SUSPECT,
    "at_limit": Flag.SUSPECT,
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
    "backward": Flag.SUSPECT,
    "duplicate": Flag.SUSPECT,
    "future": Flag.SUSPECT,
    "unsynchronised": Flag.SUSPECT,
}

UNTIMELY: tuple[Check, ...] = ("late", "backward", "duplicate", "future", "unsynchronised")
INVALID: tuple[Check, ...] = ("bad", "range", "full_scale", "sentinel")
DOUBTFUL: tuple[Check, ...] = ("uncertain", "unusual", "at_limit", "spike", "step", "frozen", "glitch", "drop", "jump")

_MEANING: dict[Check, str] = {
    "bad": "the device calls the reading bad",
    "uncertain": "the device calls the reading uncertain",
    "range": "{value} is impossible: {limit} is the end of what the configuration says is valid",
    "full_scale": "{value} is the end of the register: the meter wants to go on",
    "sentinel": "{value} is what devices write where there is no sensor",
    "unusual": "{value} lies far outside all that is usual for the tag, which ends at {limit}",
    "at_limit": "stands at the end of its range, at {value}",
    "spike": "stands {value} out of the readings before and after it; usual is at most {limit}",
    "step": "moved by {value} between two readings and stayed there; usual is at most {limit}",
    "frozen": "has not moved for {value} s while its plant runs; usual is at most {limit} s",
    "reset": "began again near zero, by {value}",
    "rollover": "rolled over, by {value}",
    "glitch": "dropped by {value} and came back",
    "drop": "lost {value} counts and did not begin at zero",
    "jump": "rose by {value} between two readings, far more than ever before",
    "missing": "nothing came for {value} s; expected every {limit} s",
    "late": "its time is {value} s before one that came earlier",
    "backward": "its time is {value} s before one already read: the source's clock was set back",
    "duplicate": "its time was read already",
    "future": "its time is {value} s ahead of ours",
    "unsynchronised": "was read while our clock was not right",
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

    @property
    def reason(self) -> str:
        """What is wrong with the first one, as a sentence without its subject."""
        return _MEANING[self.check].format(value=_figure(self.value), limit=_figure(self.limit))

    def and_more(self, other: "Finding") -> "Finding":
        """Both as one; *other* came later."""
        return Finding(self.check, self.count + other.count, self.first_ms, self.value, self.limit)


def _figure(number: float | None) -> str:
    return "an unknown figure" if number is None else f"{number:.6g}"


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
