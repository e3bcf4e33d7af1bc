"""Which column of a historian's file is what, by its titles and by its first lines."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta, timezone, tzinfo
from enum import Enum, auto
from itertools import zip_longest

from agent.store.history_time import NUMBER, Clock

TIME = {"time", "timestamp", "ts", "datetime", "date time", "date/time", "ts ms", "local time", "utc"} | {
    *("zeit", "zeitstempel", "zeitpunkt", "datum/zeit", "datum/uhrzeit", "datum uhrzeit", "时间", "日期时间", "时间戳")
}
DATE = {"date", "day", "datum", "tag/datum", "日期"}
CLOCK = {"time", "clock", "time of day", "zeit", "uhrzeit", "时间", "时刻"}
HOUR = {"hour", "hours", "stunde", "std", "h", "小时"}
TAG = {"tag", "tagname", "tag name", "name", "point", "variable", "signal", "item", "变量", "点名"}
VALUE = {"value", "val", "wert", "值", "数值"}
QUALITY = {"quality", "status", "q", "qualität", "质量"}

UNIT = re.compile(r"\s*[\[(].*[\])]\s*$")  # "flow [m3/h]"
ZONE = re.compile(r"(?:^|[\s_(\[])(?:utc|gmt)(?:(?P<sign>[+-])(?P<h>\d{1,2})(?::?(?P<m>\d{2}))?)?(?:[\s_)\]]|$)")
BARE_ZONE = re.compile(r"^(?:utc|gmt)\s|\s(?:utc|gmt)\S*$")

DAY = re.compile(r"(?:\d{4}([-/.])\d{1,2}\1\d{1,2}|\d{1,2}([./-])\d{1,2}\2\d{4}|(?:19|20)\d{6})")
MIDNIGHT = re.compile(r"[ T]+0?0:00(:00([.,]0+)?)?$")  # spreadsheets put it behind dates
OF_DAY = re.compile(r"\d{1,2}:\d{2}(:\d{2}([.,]\d+)?)?( ?[ap]m)?", re.IGNORECASE)
FEW = 100  # lines among which one should have a time
JUDGED = 30  # lines by which a column is judged


class HistoryError(Exception):
    """A person must act: the file is not what it should be."""


class Kind(Enum):
    """What the cells of a column look like."""

    INSTANT = auto()
    DAY = auto()
    CLOCK = auto()
    HOUR = auto()
    OTHER = auto()


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns are: one a tag, or one for all tags' names and one for their values."""

    header: Sequence[str]
    time: int  # of instants, or of days where `clock` is there
    clock: int | None = None
    zone: tzinfo | None = None  # that the title says
    tag: int | None = None  # these three in long files only
    value: int | None = None
    quality: int | None = None

    @classmethod
    def of(cls, header: Sequence[str], lines: Sequence[Sequence[str]]) -> "Layout":
        """The layout that a header line and the first lines below it say.

        Raises:
            HistoryError: The days are in one column, and it cannot be told where the times of day are.
        """
        words = [_word(title) for title in header]
        columns = list(zip_longest(*lines[:JUDGED], fillvalue=""))[: len(header)]
        judge = Clock(UTC)
        kinds = [_kind(column, judge) for column in columns]
        kinds += [Kind.OTHER] * max(1, len(header) - len(columns))
        time, clock = _times(words, kinds, columns)
        zone = next((found for place in (time, clock) if place is not None and (found := _zone(header[place]))), None)
        tag, value, quality = (_first(words, meaning) for meaning in (TAG, VALUE, QUALITY))
        if tag is not None and value is not None:
            return cls(header, time, clock, zone, tag, value, quality)
        return cls(header, time, clock, zone)

    @property
    def times(self) -> set[int]:
        """Columns that say when."""
        return {self.time} if self.clock is None else {self.time, self.clock}

    def when(self, cells: Sequence[str]) -> str:
        """What a line says of its time."""
        if self.clock is None:
            return cells[self.time]
        return f"{MIDNIGHT.sub('', cells[self.time].strip())} {cells[self.clock].strip()}"


def tag_name(cell: str, known: frozenset[str]) -> str:
    """The tag that a header cell names, with or without a unit behind it."""
    bare = UNIT.sub("", cell)
    return cell if cell in known or bare not in known else bare


def _word(title: str) -> str:
    """A title without its unit, brackets and zone."""
    return BARE_ZONE.sub("", UNIT.sub("", title.strip().casefold()).replace("_", " ")).strip()


def _zone(title: str) -> tzinfo | None:
    found = ZONE.search(title.casefold())
    if found is None:
        return None
    if found["sign"] is None:
        return UTC
    ahead = timedelta(hours=int(found["h"]), minutes=int(found["m"] or 0))
    return timezone(-ahead if found["sign"] == "-" else ahead) if ahead < timedelta(days=1) else None


def _first(words: Sequence[str], meaning: set[str]) -> int | None:
    return next((place for place, word in enumerate(words) if word in meaning), None)


def _kind(column: Sequence[str], clock: Clock) -> Kind:
    """What at least half of the cells that say something are; a line of units may be among them."""
    cells = [cell.strip() for cell in column if cell.strip()]
    tests = (
        (Kind.DAY, lambda cell: DAY.fullmatch(MIDNIGHT.sub("", cell))),
        (Kind.CLOCK, OF_DAY.fullmatch),
        (Kind.HOUR, lambda cell: re.fullmatch(r"[01]?\d|2[0-4]", cell)),
        (Kind.INSTANT, lambda cell: _is_instant(clock, cell)),
    )
    for kind, test in tests:
        if cells and 2 * sum(1 for cell in cells if test(cell)) >= len(cells):
            return kind
    return Kind.OTHER


def _is_instant(clock: Clock, cell: str) -> bool:
    try:
        clock.ms(cell)
    except ValueError:
        return False
    return True


def _times(words: Sequence[str], kinds: Sequence[Kind], columns: Sequence[Sequence[str]]) -> tuple[int, int | None]:
    """Columns of the instants, or of the days and the times of day."""
    named = [place for place, word in enumerate(words) if word in TIME | DATE | CLOCK]
    for place in (*named, 0):  # exporters leave the first column nameless, or name it in their language
        if kinds[place] is Kind.INSTANT:
            return place, None
    days = _places(words, kinds, DATE, Kind.DAY)
    clocks = [place for place in _places(words, kinds, CLOCK, Kind.CLOCK) if place not in days[:1]]
    if days and clocks and (len(clocks) == 1 or words[clocks[0]] in CLOCK):
        return days[0], clocks[0]
    hour = next((place for place, word in enumerate(words) if word in HOUR and kinds[place] is Kind.HOUR), None)
    if days and (clocks or hour is not None):
        other = clocks[0] if clocks else hour or 0
        raise HistoryError(
            f'column "{words[days[0]]}" has days, and column "{words[other]}" seems to have the times of day; '
            'export both in one, as "2026-03-01 10:00:00"'
        )
    if named:
        return named[0], None
    dated = (place for place, kind in enumerate(kinds) if kind is Kind.INSTANT and not _is_numeric(columns[place]))
    return next(dated, 0), None


def _places(words: Sequence[str], kinds: Sequence[Kind], names: set[str], kind: Kind) -> list[int]:
    """Columns that look so, those with such a title first; where none does, those with such a title."""
    alike = sorted(
        (place for place, one in enumerate(kinds) if one is kind), key=lambda place: words[place] not in names
    )
    return alike or [place for place, word in enumerate(words) if word in names]


def _is_numeric(column: Sequence[str]) -> bool:
    return any(NUMBER.fullmatch(cell.strip()) for cell in column)
