"""Times as exporters of historians write them, made UTC."""

import re
from datetime import UTC, datetime, timedelta, tzinfo

from drivers.reading import now_ms

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

EARLIEST_MS = 631_152_000_000  # 1990: before that nobody kept such histories, and row numbers are no times
DAY_MS = 86_400_000

COMPACT = re.compile(r"(?P<day>(?:19|20)\d{6})(?P<clock>\d{4}(?:\d{2})?)?")  # 20250227, 20250227153000
NUMBER = re.compile(r"-?\d{1,17}(\.\d+)?")
DATES = (
    re.compile(r"(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?P<rest>.*)"),  # 2025/2/27 as in East Asia
    re.compile(r"(?P<d>\d{1,2})\.(?P<m>\d{1,2})\.(?P<y>\d{4})(?P<rest>.*)"),  # 27.2.2025 as in Central Europe
)
CLOCK = re.compile(
    r"[ T]+(?P<h>\d{1,2}):(?P<min>\d{2})(:(?P<s>\d{2})([.,](?P<frac>\d{1,9}))?)? ?(?P<zone>Z|[+-]\d{2}:?\d{2})?"
)
LARGEST_S, LARGEST_MS = 1e11, 1e14  # epoch numbers up to here are seconds (year 5138), then milliseconds, then µs


class Clock:
    """Makes instants of texts: ISO 8601, epoch in s, ms or µs, year first, be it 20250227153000, or day.month.year.

    A text without an offset is local time in *zone*. Where the clock was put back and a local time came twice,
    the order of the calls tells which one is meant, be the oldest first or the newest. Day/month/year with slashes
    is refused: nobody can tell it from month/day/year.
    """

    def __init__(self, zone: tzinfo) -> None:
        self._zone = zone
        self._latest_ms = now_ms() + DAY_MS
        self.twice = 0  # times that the zone's clocks showed twice
        self._text: str | None = None  # the last one, which in long files comes again and again
        self._ms = 0
        self._rises = 0  # of how many more times the next one was later than of how many it was earlier

    def ms(self, text: str) -> int:
        """Milliseconds since the epoch.

        Raises:
            ValueError: It is no time, or one that the zone's clocks never showed.
        """
        if text != self._text:
            try:
                ms = self._parsed(text.strip())
            except OverflowError as error:
                raise ValueError("not a time") from error
            if ms < EARLIEST_MS:
                raise ValueError("a time before 1990")
            if ms > self._latest_ms:
                raise ValueError("a time in the future")
            self._rises += (ms > self._ms) - (ms < self._ms) if self._text is not None else 0
            self._ms, self._text = ms, text
        return self._ms

    def _parsed(self, text: str) -> int:
        if compact := COMPACT.fullmatch(text):
            text = f"{compact['day']}T{compact['clock'] or '00'}"
        elif NUMBER.fullmatch(text):
            number = float(text)
            if abs(number) < LARGEST_S:
                return round(number * 1000)
            return round(number) if abs(number) < LARGEST_MS else round(number / 1000)
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            instant = _from_parts(text)
        if instant.tzinfo is None:
            instant = self._placed(instant)
        return round((instant - EPOCH) / MILLISECOND)

    def _placed(self, local: datetime) -> datetime:
        first, second = (local.replace(tzinfo=self._zone, fold=fold).astimezone(UTC) for fold in (0, 1))
        if first == second:
            return first
        if first.astimezone(self._zone).replace(tzinfo=None) != local:
            raise ValueError(f"a time that clocks in {self._zone} skipped")
        self.twice += 1
        if self._rises >= 0:
            return second if (first - EPOCH) / MILLISECOND < self._ms else first
        return first if (second - EPOCH) / MILLISECOND > self._ms else second


def _from_parts(text: str) -> datetime:
    date = next((found for form in DATES if (found := form.fullmatch(text))), None)
    clock = CLOCK.fullmatch(date["rest"]) if date else None
    if date is None or (clock is None and date["rest"].strip()):
        raise ValueError("not a time")
    day = f"{int(date['y']):04}-{int(date['m']):02}-{int(date['d']):02}"
    if clock is None:
        return _instant(day)
    fraction = (clock["frac"] or "0")[:6]
    time = f"{int(clock['h']):02}:{clock['min']}:{clock['s'] or '00'}.{fraction:0<6}{clock['zone'] or ''}"
    return _instant(f"{day}T{time}")


def _instant(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError("not a time") from error
