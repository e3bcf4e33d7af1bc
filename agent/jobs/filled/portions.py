"""How much of the gaps job's work one run takes on, so that a run that is behind ends long before its budget does."""

from collections.abc import Iterable, Mapping

from agent.jobs.filled.past import QUARTER_MS
from agent.jobs.filled.silence import Heard, Silence
from agent.roles import Tag
from analytics.gaps.daily import is_long

Found = Mapping[str, list[Silence]]  # gaps by tag, oldest first

MOST_WORK = (
    2_500_000  # a run, in microseconds of a usual core: a third of the default budget on a core four times slower
)
_PAST_CELLS = 1_800  # of a tag's own recent past, from which a method learns
_SLOW_MS, _SLOW_PAST_CELLS = 60_000, 3_000  # of a tag that comes each minute or less often: two days of minutes
CHOICE_CELLS = 1_800  # in which companions are looked for
MOST_CANDIDATES = 500
_LEAST_PAST_MS = 1_800_000
_BLOCK_CELLS = 3_600  # whose gaps are studied in one window

# Microseconds, measured on the log of a station that is polled each second:
_CELL = 3.0  # to read and align a cell of one tag
_LOOK = 0.2  # to judge lines by a cell, for each length of gaps
# To try companions, for each length of gaps: once, and by a cell. With 16 of them, of windows of 1,800 to 9,000 cells.
_STUDY = {"auto": (1_500.0, 0.4), "correlated": (1_500.0, 1.0)}
_CANDIDATE = 0.05  # to try one as a companion by a cell
_GAP = 100.0
_VALUE = 6.0  # to estimate a value and keep it
_BY_DAYS = 5_000.0  # to read the tag's last weeks for a long gap, and to learn from them
_LENGTHS = 16  # of gaps in one window, at most
LEARNING = frozenset(_STUDY)  # methods that ask other tags


def blocks(found: Found, known: Mapping[str, Tag]) -> list[tuple[int, dict[str, list[Silence]]]]:
    """The gaps that are studied together, as (period in ms, gaps by tag), the oldest first.

    Tags of one period whose gaps begin in the same hour (3,600 periods) share a window: a window over all that one
    run finds would be long for every gap in it, and empty for the most part where tags were silent at different times.
    """
    grouped: dict[tuple[int, int], dict[str, list[Silence]]] = {}
    for name, gaps in found.items():
        period_ms = known[name].period_ms
        for gap in gaps:
            place_ms = gap.start_ms - gap.start_ms % (_BLOCK_CELLS * period_ms)
            grouped.setdefault((place_ms, period_ms), {}).setdefault(name, []).append(gap)
    return [(period_ms, grouped[place_ms, period_ms]) for place_ms, period_ms in sorted(grouped)]


def past_ms(period_ms: int) -> int:
    """How much of the past of a tag with such a period a method learns from."""
    return period_ms * (_SLOW_PAST_CELLS if period_ms >= _SLOW_MS else max(_PAST_CELLS, _LEAST_PAST_MS // period_ms))


def work(found: Found, known: Mapping[str, Tag], heard: Mapping[str, Heard]) -> float:
    """About what it takes to fill *found*, in microseconds of a usual core."""
    return sum(_block_work(part, period_ms, known, heard) for period_ms, part in blocks(found, known))


def _block_work(part: Found, period_ms: int, known: Mapping[str, Tag], heard: Mapping[str, Heard]) -> float:
    span_ms = max(gaps[-1].end_ms for gaps in part.values()) - min(gaps[0].start_ms for gaps in part.values())
    span_ms += past_ms(period_ms)
    names = {*part, *(each for name in part for each in heard[name].companions if each in known)}
    total = sum(span_ms / known[name].period_ms for name in names) * _CELL
    unchosen = [name for name in part if known[name].fill in LEARNING and not heard[name].companions]
    candidates = min(len(known), MOST_CANDIDATES) if unchosen else 0
    total += candidates * CHOICE_CELLS * (_CELL + len(unchosen) * _CANDIDATE)
    for name, gaps in part.items():
        once, cell = _STUDY.get(known[name].fill, (0.0, 0.0))
        total += min(len(gaps), _LENGTHS) * (once + span_ms / period_ms * (_LOOK + cell))
        total += sum(_GAP + _VALUE * (gap.end_ms - max(gap.start_ms, gap.done_ms)) / period_ms for gap in gaps)
        if known[name].fill == "auto":
            total += _BY_DAYS * sum(is_long((gap.end_ms - gap.start_ms) / QUARTER_MS) for gap in gaps)
    return total


def within(most: float, open_gaps: Found, known: Mapping[str, Tag], heard: Mapping[str, Heard]) -> Found:
    """Those of *open_gaps* that *most* work is enough for, the one filled least far first; one at least.

    The others are none the worse for it: they are open, so the next run finds them again.
    """
    chosen: dict[str, list[Silence]] = {}
    for name in sorted(open_gaps, key=lambda name: _reached_ms(open_gaps[name])):
        most -= work({name: open_gaps[name]}, known, heard)
        if chosen and most < 0:
            break
        chosen[name] = open_gaps[name]
    return chosen


def _reached_ms(gaps: Iterable[Silence]) -> int:
    return min(max(gap.start_ms, gap.done_ms) for gap in gaps)
