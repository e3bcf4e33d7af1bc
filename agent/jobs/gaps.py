"""The gaps job: what was not measured is estimated where the configuration asks for it, and gives way to late data."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from itertools import pairwise, zip_longest

import numpy as np

from agent.availability import Availability, doubt_of
from agent.jobs.filled.bridge import bridges
from agent.jobs.filled.portions import (
    CHOICE_CELLS,
    LEARNING,
    MOST_CANDIDATES,
    MOST_WORK,
    Found,
    blocks,
    past_ms,
    within,
    work,
)
from agent.jobs.filled.silence import (
    Heard,
    Silence,
    good_times,
    heard_before,
    heard_by,
    is_lasting,
    left_told,
    silence_until,
    silences,
    spaced,
)
from agent.jobs.filled.sources import Sources
from agent.jobs.filled.taught import sources_for
from agent.jobs.job import JobContext, Outcome
from agent.jobs.memory import JobMemory
from agent.roles import Tag, known_tags
from agent.store.reader import Reader
from agent.store.records import Filled, Row, Stretch
from agent.window import Frame, frame
from analytics.gaps.correlated import companions

MOST_ROWS = 200_000  # one run takes in; whoever has more catches up run by run
_HOUR_MS, _MOST_PERIODS = 3_600_000, 25  # of a gap of 24 readings
CHOICE_MS = 6 * _HOUR_MS  # for which companions are kept
EACH = 8  # companions on the tag's own device, and as many elsewhere
TAGS_A_LOOK = 200
_AFTER_CELLS = 30  # after a gap, by which a method sees where it has ended
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


_MEMORY = JobMemory(JobState)
restored = _MEMORY.restored


def run(context: JobContext) -> Outcome:
    """Fill the gaps that new readings have closed, and those that methods need not wait for.

    Work is proportional to new readings, plus one look at the recent past for each hour and period of the tags with
    gaps. Where that is more than a run may take on, it stops at an earlier row, and the next one goes on from there.
    """
    reader = context.reader
    known = known_tags(context.settings)
    watched = {name: tag for name, tag in known.items() if tag.fill != "missing" and tag.has_unit}
    rows = reader.after(context.mark, MOST_ROWS, list(watched)) if watched else []
    alike, is_history = _alike(reader, rows)
    kept = restored(context.state)
    before = dict(kept.counts)
    times_ms = good_times(alike)
    heard = _heard(context, kept, watched, rows)
    watched = {name: spaced(tag, heard[name], times_ms.get(name, ()), is_history) for name, tag in watched.items()}
    known |= watched
    kept.tags = heard
    portion = _portion(context, known, kept, alike, is_behind=len(rows) == MOST_ROWS or len(alike) < len(rows))
    kept = portion.kept
    unfilled = [stretch for name, times in portion.times_ms.items() for stretch in _late(reader, watched[name], times)]
    filled, seen = _fill(context, kept, known, portion.found)
    kept.counts["values_filled"] += len(filled)
    kept.counts["values_withdrawn"] += len(unfilled)
    counts = {what: number - before[what] for what, number in kept.counts.items()}
    return Outcome(
        mark=portion.rows[-1].id if portion.is_behind else reader.last_id,
        state=_MEMORY.encode(kept),
        filled=filled,
        unfilled=unfilled,
        counts=counts | {"runs_behind": int(portion.is_behind)},
        doubt="; ".join(filter(None, (left_told(portion.left), doubt_of(seen)))) or None,
    )


def _heard(context: JobContext, kept: JobState, watched: Mapping[str, Tag], rows: Sequence[Row]) -> dict[str, Heard]:
    """What is remembered of each tag; of one that nothing is, what the log says of it before *rows*."""
    until_ms = min((row.ts_ms for row in rows), default=context.now_ms)
    known = heard_by(kept.tags, watched, context.now_ms)
    unknown: dict[int, list[Tag]] = {}
    for tag in (tag for name, tag in watched.items() if name not in known):
        unknown.setdefault(_longest_ms(context, tag), []).append(tag)
    for longest_ms, tags in unknown.items():
        known |= heard_before(context.reader, tags, context.mark, until_ms, longest_ms)
    return {name: known[name] for name in watched}


def _longest_ms(context: JobContext, tag: Tag) -> int:
    """Up to where a gap of *tag* is filled: as is asked, or for an hour, or for 24 readings of a slow tag."""
    longest = context.settings.jobs.gaps.longest
    return max(_HOUR_MS, _MOST_PERIODS * tag.period_ms) if longest is None else round(1_000 * longest)


@dataclass(frozen=True, slots=True)
class _Portion:
    """What one run takes on."""

    rows: list[Row]
    is_behind: bool  # there are more rows than these
    kept: JobState  # as these rows leave it
    times_ms: Mapping[str, list[int]]  # of good readings, by tag
    found: Found
    left: list[str]  # tags with a gap that is too long, and lasts or was newly found


def _portion(
    context: JobContext, known: Mapping[str, Tag], kept: JobState, rows: list[Row], *, is_behind: bool
) -> _Portion:
    """As many of *rows* as a run can take on, one at least, and what is to be filled after them."""
    while True:
        portion = _found(context, known, deepcopy(kept), rows, is_behind=is_behind)
        heard = portion.kept.tags
        lasting = {name: [one for one in gaps if is_lasting(heard[name], one)] for name, gaps in portion.found.items()}
        ended = {name: [one for one in gaps if one not in lasting[name]] for name, gaps in portion.found.items()}
        ended = {name: gaps for name, gaps in ended.items() if gaps}
        needed = work(ended, known, heard)
        if needed <= MOST_WORK or len(rows) <= 1:
            break
        rows = rows[: max(1, min(len(rows) * 4 // 5, round(len(rows) * MOST_WORK / needed)))]
        is_behind = True
    taken = within(MOST_WORK - needed, {name: gaps for name, gaps in lasting.items() if gaps}, known, heard)
    names = [name for name in portion.found if name in ended or name in taken]
    return replace(portion, found={name: [*ended.get(name, ()), *taken.get(name, ())] for name in names})


def _found(
    context: JobContext, known: Mapping[str, Tag], kept: JobState, rows: list[Row], *, is_behind: bool
) -> _Portion:
    """The gaps after *rows*; *kept* moves on to there."""
    times_ms = good_times(rows)
    until_ms = rows[-1].ts_ms if is_behind else context.now_ms
    found: dict[str, list[Silence]] = {}
    left: list[str] = []
    for name, heard in kept.tags.items():
        gaps, too_long = _gaps(heard, known[name], times_ms.get(name, ()), until_ms, _longest_ms(context, known[name]))
        kept.counts["gaps_left"] += too_long
        left += [name] if too_long or heard.is_left else []
        found |= {name: gaps} if gaps else {}
    return _Portion(rows, is_behind, kept, times_ms, found, left)


def _alike(reader: Reader, rows: list[Row]) -> tuple[list[Row], bool]:
    """The first rows, as long as all are imported or none is, and which; history has a spacing of its own."""
    if not rows:
        return rows, False
    ids = [row.id for row in rows]
    imported = reader.imported(min(ids), max(ids))
    if not imported:
        return rows, False
    if any(later < earlier for earlier, later in pairwise(ids)):  # in the order of time: one part has many kinds
        return rows, True
    first, last = imported[0]
    is_history = rows[0].id >= first
    end = last if is_history else first - 1
    return [row for row in rows if row.id <= end], is_history


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
    context: JobContext, kept: JobState, known: Mapping[str, Tag], found: Found
) -> tuple[list[Filled], list[Availability]]:
    """Filled values for what was found, from one look at the past for each hour and period of the tags.

    And what stood behind all that was looked at for them.
    """
    filled, seen = list[Filled](), list[Availability]()
    taught = sources_for(context, {name: gaps for name, gaps in found.items() if known[name].fill == "auto"}, known)
    for period_ms, together in blocks(found, known):
        names = list(together)
        for start in range(0, len(names), TAGS_A_LOOK):
            part = {name: together[name] for name in names[start : start + TAGS_A_LOOK]}
            _choose(context, kept, known, part)
            sources = {name: taught[name] for name in part if name in taught}
            wanted = {*part, *(each for name in part for each in kept.tags[name].companions if each in known)}
            wanted |= {each for one in sources.values() for each in one.tags}
            cells = _cells(context, wanted, part, period_ms)
            seen += map(cells.availability, sorted(wanted))
            for name, silences_of in part.items():
                filled += _bridged(cells, kept, known[name], silences_of, sources.get(name), context.now_ms)
    return filled, seen


def _bridged(  # noqa: PLR0917 - of a tag, everything that fills its gaps
    cells: Frame, kept: JobState, tag: Tag, found: list[Silence], sources: Sources | None, now_ms: int
) -> list[Filled]:
    heard = kept.tags[tag.name]
    companions_of = [name for name in heard.companions if name in cells.values]
    filled = bridges(cells, tag, companions_of, sources, found, now_ms)
    if is_lasting(heard, found[-1]) and filled:
        heard.filled_ms = filled[-1].ts_ms
    times_ms = [one.ts_ms for one in filled]
    for gap in found:
        place = bisect_left(times_ms, gap.start_ms)
        kept.counts["gaps_filled"] += not gap.done_ms and place < len(times_ms) and times_ms[place] < gap.end_ms
    return filled


def _cells(context: JobContext, names: Iterable[str], found: Found, period_ms: int, most: int | None = None) -> Frame:
    """A cell a period, from the past of the oldest gap to a little after the newest; the first *most* only."""
    start_ms = min(gaps[0].start_ms for gaps in found.values()) - past_ms(period_ms)
    end_ms = max(gaps[-1].end_ms for gaps in found.values()) + period_ms
    end_ms = max(end_ms, min(end_ms + _AFTER_CELLS * period_ms, context.now_ms))
    start_ms -= start_ms % period_ms
    end_ms = end_ms if most is None else min(end_ms, start_ms + most * period_ms)
    return frame(context.reader, context.settings, sorted(names), start_ms, end_ms, period_ms)


def _choose(context: JobContext, kept: JobState, known: Mapping[str, Tag], found: Found) -> None:
    """Look for companions of the tags that need them and have none, or have had theirs for long."""
    due = [
        known[name]
        for name, gaps in found.items()
        if known[name].fill in LEARNING and gaps[0].start_ms - kept.tags[name].chosen_ms > CHOICE_MS
    ]
    if not due:
        return
    pool = [
        tag
        for tag in known.values()
        if tag.behaviour == "analogue" and tag.has_unit and tag.period_ms <= due[0].period_ms
    ][:MOST_CANDIDATES]
    cells = _cells(context, {tag.name for tag in [*pool, *due]}, found, due[0].period_ms, CHOICE_CELLS)
    for tag in due:
        own = [each.name for each in pool if each.device == tag.device and each.name != tag.name]
        others = [each.name for each in pool if each.device != tag.device]
        values = np.where(cells.measured(tag.name), cells.values[tag.name], np.nan)
        best = [[names[i] for i in companions(values, cells.matrix(names), EACH)] for names in (own, others)]
        # a device that fell silent takes all its tags with it, so half of them live elsewhere
        kept.tags[tag.name].companions = [name for pair in zip_longest(*best) for name in pair if name]
        kept.tags[tag.name].chosen_ms = found[tag.name][0].start_ms if any(best) else 0
