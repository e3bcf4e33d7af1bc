"""What is written on readings whose time is in doubt, and on those that have been dated since; pure."""

from collections.abc import Iterable

from drivers.reading import Quality, Reading, Sourced, is_good

DOUBT = "clock not synchronised"


def doubted(readings: Iterable[Reading]) -> list[Reading]:
    """The readings with a doubt on those that our clock has stamped.

    Good ones become uncertain; bad ones stay as they are and keep their reason besides.

    >>> doubted([Reading("flow", 12, 7.5, 192)])
    [Reading(tag='flow', ts_ms=12, value=7.5, quality=64, reason='clock not synchronised')]
    """
    return [one if isinstance(one, Sourced) else _doubted(one) for one in readings]


def _doubted(one: Reading) -> Reading:
    reason = DOUBT if one.reason is None else f"{one.reason}; {DOUBT}"
    quality = Quality.UNCERTAIN if is_good(one.quality) else one.quality
    return Reading(one.tag, one.ts_ms, one.value, quality, reason)


def is_doubt(reason: str | None) -> bool:
    """Whether a reading with this reason waits to be dated."""
    return reason is not None and (reason == DOUBT or reason.endswith(f"; {DOUBT}"))


def dated(reason: str, step_ms: int) -> str:
    """The reason once its reading has been moved by *step_ms*.

    >>> dated("no answer; clock not synchronised", 3_600_000)
    'no answer; re-dated by +3600.0 s'
    """
    return f"{reason.removesuffix(DOUBT)}re-dated by {step_ms / 1000:+.1f} s"
