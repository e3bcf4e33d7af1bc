"""Conditions on tags, as a technician writes them: `p1.running = 1`, `header.pressure > header.setpoint + 0.3`. Pure.

A condition is true, false, or unknown while one of its tags has no good value.
"""

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from agent.store.records import Row
from drivers.reading import is_good

_SIGNS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.\-]*"
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?"
_TEXT = re.compile(
    rf"\s*(?P<tag>{_NAME})\s*(?P<sign><=|>=|!=|=|<|>)\s*"
    rf"(?:(?P<number>{_NUMBER})|(?P<other>{_NAME})(?:\s+(?P<more>[+-])\s*(?P<by>{_NUMBER}))?)\s*"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a tag with a number, or with another tag and a number more."""

    tag: str
    sign: str
    number: float
    other: str | None = None

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags it speaks of."""
        return (self.tag,) if self.other is None else (self.tag, self.other)

    def holds(self, values: Mapping[str, float | None]) -> bool | None:
        """Whether it is so at these good values; None where one of them is not there."""
        value, other = values.get(self.tag), 0.0 if self.other is None else values.get(self.other)
        return None if value is None or other is None else _SIGNS[self.sign](value, other + self.number)


def condition(text: str) -> Condition:
    """The condition that *text* says.

    >>> condition("header.pressure > header.setpoint + 0.3")
    Condition(tag='header.pressure', sign='>', number=0.3, other='header.setpoint')

    Raises:
        ValueError: It says none; the message is a sentence with the remedy.
    """
    found = _TEXT.fullmatch(text[:500])
    if found is None:
        raise ValueError(
            f'"{text[:60]}" is no condition; write a tag, one of < <= > >= = != and a number or a tag,'
            ' like "p1.running = 1" or "header.pressure > header.setpoint + 0.3"'
        )
    number = float(found["number"] or found["by"] or 0.0)
    if not math.isfinite(number):
        raise ValueError(f'"{text[:60]}" has a number beyond all bounds; write a smaller one')
    return Condition(found["tag"], found["sign"], -number if found["more"] == "-" else number, found["other"])


@dataclass(slots=True)
class Logic:
    """Several conditions of which all or some number must hold."""

    conditions: Sequence[Condition]
    need: int | None = None  # so many; None for all
    values: dict[str, float | None] = field(default_factory=dict)  # good ones; None for one that is not

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags it speaks of, each once."""
        return tuple(dict.fromkeys(tag for one in self.conditions for tag in one.tags))

    def see(self, row: Row) -> None:
        """Take a reading of one of its tags."""
        self.values[row.tag] = number(row)

    @property
    def holds(self) -> bool | None:
        """Whether enough of them hold; None where that hangs on a value that nobody has.

        >>> two_of_three = Logic([condition(f"{tag} > 5") for tag in "abc"], need=2, values={"a": 7, "b": 9})
        >>> two_of_three.holds
        True
        """
        truths = [one.holds(self.values) for one in self.conditions]
        need = len(truths) if self.need is None else self.need
        sure = sum(truth is True for truth in truths)
        if sure >= need:
            return True
        return None if sure + sum(truth is None for truth in truths) >= need else False


def number(row: Row) -> float | None:
    """The good, finite number of a reading; None where it has none."""
    value = row.value
    if not is_good(row.quality) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
