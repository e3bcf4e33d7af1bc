"""Which readings the log can keep; one that it cannot must not cost its neighbours."""

from collections.abc import Iterable
from math import isfinite
from typing import NamedTuple

from drivers.reading import Reading, Value

LIMIT = 2**63  # SQLite's integers
LONGEST = 4096  # characters of a text
EXAMPLE = 200  # characters of a reason, or of an example of what was refused


class Rejected(NamedTuple):
    """Something that was offered as a reading."""

    tag: str
    ts_ms: int | None
    reason: str
    example: str


def sift(readings: Iterable[object]) -> tuple[list[Reading], list[Rejected]]:
    """Readings that can be kept, in order, and the others with the reason.

    Types that only look different (a NumPy number, a truth value, an integer beyond 64 bits) are made plain.
    """
    kept: list[Reading] = []
    rejected: list[Rejected] = []
    for one in readings:
        try:
            kept.append(_plain(one))
        except (ValueError, TypeError) as error:
            rejected.append(_rejected(one, str(error)))
    return kept, rejected


def _plain(one: object) -> Reading:
    if not isinstance(one, tuple) or len(one) != len(Reading._fields):
        raise TypeError("it is no reading")
    tag, ts_ms, value, quality, reason = one
    if not isinstance(tag, str) or not tag:
        raise TypeError("it names no tag")
    return Reading(
        _text(tag),
        _integer(ts_ms, "time"),
        _value(value),
        _integer(quality, "quality"),
        None if reason is None else _text(str(reason))[:EXAMPLE],
    )


def _value(value: object) -> Value:
    match value:
        case None:
            return None
        case str():
            return _text(value)
        case int():
            return int(value) if -LIMIT <= value < LIMIT else _float(value)
        case float() if isfinite(value):
            return float(value)
        case float():
            raise ValueError(f"its value is {float(value)!r}")
    plain = getattr(value, "item", lambda: value)()  # a NumPy scalar's way to become plain
    if type(plain) is type(value):
        raise TypeError(f"its value is of type {type(value).__name__}")
    return _value(plain)


def _float(number: int) -> float:
    try:
        return float(number)
    except OverflowError as error:
        raise ValueError("its value is too large for a number") from error


def _integer(number: object, what: str) -> int:
    number = getattr(number, "item", lambda: number)()
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if not isinstance(number, int) or not -LIMIT <= number < LIMIT:
        raise ValueError(f"its {what} is no integer of 64 bits")
    return int(number)


def _text(text: str) -> str:
    # A lone surrogate has no UTF-8, and would make SQLite refuse the whole batch.
    return text[:LONGEST].encode("utf-8", "replace").decode("utf-8")


def _rejected(one: object, reason: str) -> Rejected:
    fields = one if isinstance(one, tuple) else ()
    tag = _text(fields[0]) if fields and isinstance(fields[0], str) else ""
    known = len(fields) > 1 and isinstance(fields[1], int) and -LIMIT <= fields[1] < LIMIT
    return Rejected(tag, fields[1] if known else None, reason, _text(_shown(one)[:EXAMPLE]))


def _shown(one: object) -> str:
    try:
        return repr(one)
    except ValueError:  # an integer of more than 4,300 digits has none
        return f"a {type(one).__name__} that cannot be shown"
