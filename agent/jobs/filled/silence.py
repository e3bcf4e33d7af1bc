"""Where readings are missing: gaps between good readings, found from new rows alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

from agent.roles import Tag
from agent.store.reader import Reader
from agent.store.records import Row
from analytics.quality.arrival import FUTURE_MS
from drivers.reading import is_good

_MISSED = 1.5  # periods between two good readings that leave room for a missing one
_GRACE = 10  # periods, within which the last reading of a slow tag is looked for
_NAMED = 3  # tags in a sentence
_FEW = 10  # steps between readings that tell nothing of a history's spacing


@dataclass(slots=True)
class Heard:
    """What is remembered of one tag between two runs."""

    last_ms: int = 0  # time of the newest good reading; 0 before the first
    filled_ms: int = 0  # up to here the present gap is filled already, where the method does not wait for its end
    is_left: bool = False  # the present gap has grown too long, and is counted
    companions: list[str] = field(default_factory=list)
    chosen_ms: int = 0  # when they were chosen
    spacing_ms: int = 0  # of imported history, as far as it has been seen; 0 where what comes is live


@dataclass(frozen=True, slots=True)
class Silence:
    """A gap after the good reading at `start_ms`."""

    start_ms: int
    end_ms: int  # of the next good reading; of the last look where there is none yet
    is_closed: bool = True
    done_ms: int = 0  # up to here it is filled already


def good_times(rows: Iterable[Row]) -> dict[str, list[int]]:
    """Times of good numbers by tag, ascending, each once."""
    found: dict[str, set[int]] = {}
    for row in rows:
        if is_good(row.quality) and isinstance(row.value, int | float):
            found.setdefault(row.tag, set()).add(row.ts_ms)
    return {tag: sorted(times) for tag, times in found.items()}


def heard_by(heard: Mapping[str, Heard], tags: Mapping[str, Tag], now_ms: int) -> dict[str, Heard]:
    """What is remembered of *tags*, but of those last heard ahead of now: a clock has come back since."""
    latest_ms = {name: now_ms + max(FUTURE_MS, tag.period_ms) for name, tag in tags.items()}
    return {name: one for name, one in heard.items() if name in tags and one.last_ms <= latest_ms[name]}


def heard_before(reader: Reader, tags: Sequence[Tag], mark: int, until_ms: int, longest_ms: int) -> dict[str, Heard]:
    """What the log up to *mark* says of *tags* that nothing is remembered of.

    A state that cannot be read must not cost the gap that is open; one longer than *longest_ms* would be left anyway.
    """
    found = {tag.name: Heard() for tag in tags}
    if found and mark:
        start_ms = until_ms - max(longest_ms, _GRACE * max(tag.period_ms for tag in tags))
        rows = reader.window(list(found), start_ms, until_ms)
        for name, times_ms in good_times(row for row in rows if row.id <= mark).items():
            found[name].last_ms = times_ms[-1]
    return found


def left_told(tags: Sequence[str]) -> str | None:
    """That *tags* have gaps which stay missing, and why."""
    if not tags:
        return None
    more = f" and {len(tags) - _NAMED} more" if len(tags) > _NAMED else ""
    return f"left missing, as longer than [jobs.gaps] longest: {', '.join(sorted(tags)[:_NAMED])}{more}"


def spacing_ms(times_ms: Sequence[int], known_ms: int) -> int:
    """How far apart the readings of a history are; *known_ms* where there are too few to tell.

    A historian that keeps one value a minute has no gaps of 59 s. One that keeps values when they
    change has a spacing of its own, below which nothing can be said to be missing.
    """
    if len(times_ms) <= _FEW:
        return known_ms
    steps = sorted(later - earlier for earlier, later in pairwise(times_ms))
    usual, long = steps[len(steps) // 2], steps[len(steps) * 19 // 20]
    is_regular = steps[len(steps) * 4 // 5] <= _MISSED * usual
    return usual if is_regular else long


def spaced(tag: Tag, heard: Heard, times_ms: Sequence[int], is_history: bool) -> Tag:  # noqa: FBT001 - what came
    """The tag at the spacing of its readings, where that is coarser than it is polled."""
    heard.spacing_ms = spacing_ms(times_ms, heard.spacing_ms) if is_history else 0
    return replace(tag, period_ms=max(tag.silence_ms, heard.spacing_ms))


def silences(heard: Heard, times_ms: Sequence[int], tag: Tag) -> list[Silence]:
    """The gaps that *times_ms* close, oldest first; *heard* moves on to the newest of them.

    Times that are not newer than the last one come late and close nothing.
    """
    found = []
    for ts_ms in times_ms:
        if ts_ms <= heard.last_ms:
            continue
        if heard.last_ms and ts_ms - heard.last_ms > _MISSED * tag.period_ms:
            found.append(Silence(heard.last_ms, ts_ms, done_ms=heard.filled_ms))
        heard.last_ms, heard.filled_ms = ts_ms, 0
    return found


def silence_until(heard: Heard, tag: Tag, now_ms: int) -> list[Silence]:
    """The gap that is still open at *now_ms*, if there is one; a reading on its way has another period's grace."""
    end_ms = now_ms - tag.period_ms
    if not heard.last_ms or end_ms - heard.last_ms <= _MISSED * tag.period_ms:
        return []
    return [Silence(heard.last_ms, end_ms, is_closed=False, done_ms=heard.filled_ms)]


def is_lasting(heard: Heard, silence: Silence) -> bool:
    """Whether *silence* is open still, so that a later look finds it again."""
    return not silence.is_closed and silence.start_ms == heard.last_ms
