"""What a historian's cell says of a tag: a value, nothing, or something that is no value."""

import re
from math import isclose, isfinite, nan

from drivers.conversion import Conversion
from drivers.reading import Quality, Reading
from drivers.settings import TagSettings

NOTHING = {"", "nan", "null", "none", "-", "n/a", "#n/a", "no data", "nodata"}
TRUTH = {"true": 1.0, "false": 0.0, "on": 1.0, "off": 0.0}
SPACES = {0xA0: None, 0x202F: None}  # between thousands
GROUPED = re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d*)?")  # 1.234.567,8
QUALITIES: dict[str, int] = {
    **dict.fromkeys(("", "good", "gut", "良好", "好"), Quality.GOOD),
    **dict.fromkeys(("uncertain", "unsicher", "不确定"), Quality.UNCERTAIN),
    **dict.fromkeys(("bad", "schlecht", "坏", "差"), Quality.BAD),
}

LARGEST_QUALITY = 0xFF  # OPC DA codes have 8 bits
CLOSE = 1e-6  # relative: a historian's digits are fewer than a device's


class Check:
    """Judges imported values of a tag as its driver judges live ones.

    Sentinels are raw, history is already scaled: a value that was a sentinel is recognised by what it became.
    """

    def __init__(self, tag: TagSettings) -> None:
        self.name = tag.name
        self._conversion = Conversion.of(tag)
        self._sentinels = [(self._conversion.value(raw), raw) for raw in tag.sentinels]
        self._low, self._high = self._conversion.low, self._conversion.high
        self.is_needed = bool(tag.sentinels) or tag.valid_min is not None or tag.valid_max is not None

    def believes(self, value: float) -> bool:
        """Whether a value is inside the valid range and no sentinel."""
        for became, _ in self._sentinels:
            if isclose(value, became, rel_tol=CLOSE, abs_tol=CLOSE):
                return False
        return self._low <= value <= self._high

    def _sentinel(self, value: float) -> float:
        """The raw sentinel that a value once was; NaN for none."""
        alike = (raw for became, raw in self._sentinels if isclose(value, became, rel_tol=CLOSE, abs_tol=CLOSE))
        return next(alike, nan)

    def reading(self, ts_ms: int, value: float, quality: int = Quality.GOOD) -> Reading:
        """The reading: bad, without its value, where the value cannot be believed."""
        if quality < Quality.UNCERTAIN:
            return Reading(self.name, ts_ms, None, quality, "bad in the history")
        fault = None if self.believes(value) else self._conversion.fault(self._sentinel(value), value)
        if fault:
            return Reading(self.name, ts_ms, None, *fault)
        return Reading(
            self.name, ts_ms, value, quality, None if quality >= Quality.GOOD else "uncertain in the history"
        )


def number(cell: str, *, decimal_comma: bool, thousands: bool = False) -> float | None:
    """A cell's value; None where it says that there is none.

    Args:
        cell: The text.
        decimal_comma: Whether a comma may be the decimal sign.
        thousands: Whether it is that of this file: 1.234 is more than a thousand then.

    Raises:
        ValueError: It says something else.
    """
    word = cell.strip().casefold().translate(SPACES)
    if word in NOTHING:
        return None
    if word in TRUTH:
        return TRUTH[word]
    if decimal_comma and GROUPED.fullmatch(word) and (thousands or "," in word):
        word = word.replace(".", "")
    try:
        value = float(word.replace(",", ".") if decimal_comma else word)
    except ValueError as error:
        raise ValueError("not a number") from error
    if not isfinite(value) or "_" in word:  # Python reads 1_000 as a number; nobody else does
        raise ValueError("not a number")
    return value


def quality(cell: str) -> int:
    """A cell's OPC quality, as a code or a word.

    Raises:
        ValueError: It is neither.
    """
    word = cell.strip().casefold()
    if word in QUALITIES:
        return QUALITIES[word]
    if not word.isdecimal() or int(word) > LARGEST_QUALITY:
        raise ValueError("not a quality")
    return int(word)
