"""The gaps job: what was not measured is estimated where the configuration asks for it, and gives way to late data."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest

import numpy as np
from pydantic import TypeAdapter, ValidationError

from agent.jobs.bridge import bridges
from agent.jobs.job import JobContext, Outcome
from agent.jobs.silence import Heard, Silence, good_times, silence_until, silences, spacing_ms
from agent.roles import Tag, known_tags
from agent.store.reader import Reader
from agent.store.records import Filled, Row, Stretch
from agent.window import Frame, frame
from analytics.gaps.correlated import companions

MOST_ROWS = 200_000  # one run takes in; whoever has more catches up run by run
PAST_MS = 1_800_000  # of a tag's own recent past, from which a method learns
CHOICE_MS = 6 * 3_600_000  # for which companions are kept
EACH = 8  # companions on the tag's own device, and as many elsewhere
MOST_CANDIDATES = 500
TAGS_A_LOOK = 200
AT_ONCE = frozenset({"zero", "forward"})  # methods that do not wait for the end of a gap


@dataclass(slots=True)
class JobState:
    """What the gaps job leaves for itself."""

    version: int = 1
    tags: dict[str, Heard] = field(default_factory=dict)
    # since the beginning
    counts: dict[str, int] = field(
        default_factory=lambda: dict.fromkeys(("gaps_filled", "gaps_left", "values_filled", "values_withdrawn"), 0)
    )


_STATES = TypeAdapter(JobState)


def restored(state: bytes | None) -> JobState:
    """What an earlier run left; a fresh start where there is nothing or another version wrote it."""
    try:
        return _STATES.validate_json(state) if state else JobState()
    except ValidationError:
        return JobState()


def run(context: JobContext) -> Outcome:
    """Fill the gaps that new readings have closed, and those that methods need not wait for.

    Work is proportional to new readings, plus one look at the recent past for each period of the tags with gaps.
    """
    reader = context.reader
    known = known_tags(context.settings)
    watched = {name: tag for name, tag in known.items() if tag.fill != "missing" and tag.has_unit}
    kept = restored(context.state)
    kept.tags = {name: kept.tags.get(name, Heard()) for name in watched}
    before = dict(kept.counts)
    rows = reader.after(context.mark, MOST_ROWS, list(watched)) if watched else []
    is_behind = len(rows) == MOST_ROWS
    alike, is_history = _alike(reader, rows)
    is_behind, rows = is_behind or len(alike) < len(rows), alike
    times_ms = good_times(rows)
    unfilled = [stretch for name, times in times_ms.items() for stretch in _late(reader, watched[name], times)]
    watched = {name: _spaced(tag, kept.tags[name], times_ms.get(name, ()), is_history) for name, tag in watched.items()}
    known |= watched
    until_ms = rows[-1].ts_ms if is_behind else context.now_ms
    longest_ms = round(1_000 * context.settings.jobs.gaps.longest)
    found: dict[str, list[Silence]] = {}
    for name, tag in watched.items():
        gaps, left = _gaps(kept.tags[name], tag, times_ms.get(name, ()), until_ms, longest_ms)
        kept.counts["gaps_left"] += left
        found |= {name: gaps} if gaps else {}
    filled = _fill(context, kept, known, found)
    kept.counts["values_filled"] += len(filled)
    kept.counts["values_withdrawn"] += len(unfilled)
    return Outcome(
        mark=rows[-1].id if is_behind else reader.last_id,
        state=_STATES.dump_json(kept),
        filled=filled,
        unfilled=unfilled,
        counts={what: number - before[what] for what, number in kept.counts.items()},
    )


def _alike(reader: Reader, rows: list[Row]) -> tuple[list[Row], bool]:
    """The first rows, as long as all are imported or none is, and which; history has a spacing of its own."""
    if not rows:
        return rows, False
    imported = reader.imported(rows[0].id, rows[-1].id)
    if not imported:
        return rows, False
    first, last = imported[0]
    is_history = rows[0].id >= first
    end = last if is_history else first - 1
    return [row for row in rows if row.id <= end], is_history


def _spaced(tag: Tag, heard: Heard, times_ms: Sequence[int], is_history: bool) -> Tag:  # noqa: FBT001 - what came
    """The tag at the spacing of its readings, where that is coarser than it is polled."""
    heard.spacing_ms = spacing_ms(times_ms, heard.spacing_ms) if is_history else 0
    return replace(tag, period_ms=max(tag.silence_ms, heard.spacing_ms))


def _late(reader: Reader, tag: Tag, times_ms: Sequence[int]) -> list[Stretch]:
    """Filled values that give way because a good reading has come after all, within half a period of them."""
    half_ms = tag.period_ms // 2
    filled = reader.filled([tag.name], times_ms[0] - half_ms, times_ms[-1] + half_ms + 1)
    places = (bisect_left(times_ms, one.ts_ms - half_ms) for one in filled)
    return [
        Stretch(tag.name, one.ts_ms, one.ts_ms + 1)
        for one, place in zip(filled, places, strict=True)
        if place < len(times_ms) and times_ms[place] <= one.ts_ms + half_ms
    ]


def _gaps(heard: Heard, tag: Tag, times_ms: Sequence[int], until_ms: int, longest_ms: int) -> tuple[list[Silence], int]:
    """The gaps of one tag that are to be filled now, and how many were newly found too long.

    A method that waits for the end leaves a long gap alone; one that does not wait fills its first part.
    """
    waits = tag.fill not in AT_ONCE
    found, left = [], 0
    was_left = heard.is_left
    closed = silences(heard, times_ms, tag)
    heard.is_left = was_left and not closed
    for silence in [*closed, *silence_until(heard, tag, until_ms)]:
        if silence.end_ms - silence.start_ms <= longest_ms:
            found += [] if waits and not silence.is_closed else [silence]
            continue
        left += not was_left
        was_left = False
        heard.is_left = heard.is_left or not silence.is_closed
        end_ms = silence.start_ms + longest_ms
        found += [] if waits else [replace(silence, end_ms=end_ms, is_closed=False)]
    return [one for one in found if one.done_ms < one.end_ms - tag.period_ms], left


def _fill(
    context: JobContext, kept: JobState, known: Mapping[str, Tag], found: Mapping[str, list[Silence]]
) -> list[Filled]:
    """Filled values for what was found, from one look at the past for each period of the tags."""
    filled: list[Filled] = []
    for period_ms in sorted({known[name].period_ms for name in found}):
        names = [name for name in found if known[name].period_ms == period_ms]
        for start in range(0, len(names), TAGS_A_LOOK):
            part = {name: found[name] for name in names[start : start + TAGS_A_LOOK]}
            _choose(context, kept, known, part)
            wanted = {*part, *(each for name in part for each in kept.tags[name].companions if each in known)}
            cells = _cells(context, wanted, part, period_ms)
            for name, silences_of in part.items():
                filled += _bridged(cells, kept, known[name], silences_of, context.now_ms)
    return filled


def _bridged(cells: Frame, kept: JobState, tag: Tag, found: list[Silence], now_ms: int) -> list[Filled]:
    heard = kept.tags[tag.name]
    companions_of = [name for name in heard.companions if name in cells.values]
    filled = bridges(cells, tag, companions_of, found, now_ms)
    if not found[-1].is_closed and filled:
        heard.filled_ms = filled[-1].ts_ms
    times_ms = [one.ts_ms for one in filled]
    for gap in found:
        place = bisect_left(times_ms, gap.start_ms)
        kept.counts["gaps_filled"] += not gap.done_ms and place < len(times_ms) and times_ms[place] < gap.end_ms
    return filled


def _cells(context: JobContext, names: Iterable[str], found: Mapping[str, list[Silence]], period_ms: int) -> Frame:
    """A cell a period, from the past of the oldest gap to the reading that ends the newest."""
    start_ms = min(gaps[0].start_ms for gaps in found.values()) - PAST_MS
    end_ms = max(gaps[-1].end_ms for gaps in found.values()) + period_ms
    start_ms -= start_ms % period_ms
    return frame(context.reader, context.settings, sorted(names), start_ms, end_ms, period_ms)


def _choose(context: JobContext, kept: JobState, known: Mapping[str, Tag], found: Mapping[str, list[Silence]]) -> None:
    """Look for companions of the tags that need them and have none, or have had theirs for long."""
    due = [
        known[name]
        for name, gaps in found.items()
        if known[name].fill == "correlated" and gaps[0].start_ms - kept.tags[name].chosen_ms > CHOICE_MS
    ]
    if not due:
        return
    pool = [
        tag
        for tag in known.values()
        if tag.behaviour == "analogue" and tag.has_unit and tag.period_ms <= due[0].period_ms
    ][:MOST_CANDIDATES]
    cells = _cells(context, {tag.name for tag in [*pool, *due]}, found, due[0].period_ms)
    for tag in due:
        own = [each.name for each in pool if each.device == tag.device and each.name != tag.name]
        others = [each.name for each in pool if each.device != tag.device]
        values = np.where(cells.measured(tag.name), cells.values[tag.name], np.nan)
        best = [[names[i] for i in companions(values, cells.matrix(names), EACH)] for names in (own, others)]
        # a device that fell silent takes all its tags with it, so half of them live elsewhere
        kept.tags[tag.name].companions = [name for pair in zip_longest(*best) for name in pair if name]
        kept.tags[tag.name].chosen_ms = found[tag.name][0].start_ms if any(best) else 0
