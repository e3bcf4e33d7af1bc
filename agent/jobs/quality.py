"""The quality job: every new reading is judged, and now and then a report says how good the station's data are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.clock.marks import is_doubt
from agent.jobs.activity import Activity, activity
from agent.jobs.cross_checks import Memory, cross_checks, cross_tags
from agent.jobs.evidence import plant_tags, running
from agent.jobs.job import JobContext, Outcome
from agent.jobs.memory import JobMemory
from agent.jobs.quality_report import Contradiction, Judged, report
from agent.jobs.quality_rules import rules_of
from agent.jobs.running import thresholds
from agent.jobs.silence import spacing_ms
from agent.roles import known_tags
from agent.store.records import Record, Row
from agent.window import frame
from analytics.quality.verdict import Flag
from analytics.quality.watch import Portion, Watch, judge
from drivers.reading import Quality

MOST_ROWS = 300_000  # one run takes in; whoever has more catches up run by run
CELL_MS = 1_000
LONGEST_MS = 86_400_000  # that a report looks back, also where the agent was off for a year or its clock was set
VALID_MS = 600_000  # that what a check said holds, where it says nothing newer
COUNTED_MS = 7_200_000  # likewise of counters, which are judged each half hour at most


@dataclass(slots=True)
class JobState:
    """What the quality job leaves for itself."""

    version: int = 2
    until_ms: int = 0  # readings up to here are judged
    since_ms: int = 0  # where the next report begins; 0 before the first
    watches: dict[str, Watch] = field(default_factory=dict)
    crossed: Memory = field(default_factory=Memory)
    judged: dict[str, Judged] = field(default_factory=dict)  # since the last report
    said: dict[str, Contradiction] = field(default_factory=dict)  # by every check last, whether it agreed or not


_MEMORY = JobMemory(JobState)
restored = _MEMORY.restored


def run(context: JobContext) -> Outcome:
    """Judge what is new, and report where a report is due; work is proportional to new readings."""
    kept = restored(context.state)
    rows = context.reader.after(context.mark, MOST_ROWS)
    is_behind = len(rows) == MOST_ROWS
    end_ms = _end_ms(context, rows) if is_behind else context.now_ms
    start_ms = kept.until_ms if 0 < kept.until_ms < end_ms else min((row.ts_ms for row in rows), default=end_ms)
    start_ms = max(start_ms, end_ms - LONGEST_MS)
    if start_ms >= end_ms:
        return Outcome(mark=context.mark, state=context.state)
    told = _plant(context, kept, start_ms, end_ms)
    found = _judge(context, kept, rows, told, (start_ms, end_ms))
    kept.until_ms = end_ms
    is_due = _is_due(kept, end_ms, round(1_000 * context.settings.jobs.quality.report))
    records = [_report(context, kept, start_ms, end_ms)] if is_due else []
    return Outcome(
        mark=rows[-1].id if is_behind else context.reader.last_id,
        state=_MEMORY.encode(kept),
        records=records,
        counts=found | {"contradictions": sum(not one.agrees for one in kept.said.values())},
    )


def _end_ms(context: JobContext, rows: Sequence[Row]) -> int:
    """Up to when rows are that are not all: history comes in any order, and its newest may have come first."""
    imported = context.reader.imported(min(row.id for row in rows), max(row.id for row in rows))
    newest_ms = max(row.ts_ms for row in rows) if imported else rows[-1].ts_ms
    return min(newest_ms, context.now_ms)


def _is_due(kept: JobState, end_ms: int, period_ms: int) -> bool:
    """Once at the beginning, then on the beats of the clock: at every fifth minute, where that is the period."""
    return not 0 < kept.since_ms <= end_ms or end_ms // period_ms > kept.since_ms // period_ms


def _report(context: JobContext, kept: JobState, start_ms: int, end_ms: int) -> Record:
    since_ms = kept.since_ms if 0 < kept.since_ms < end_ms else start_ms
    body = report(context.settings, kept.judged, kept.watches, list(kept.said.values()), (since_ms, end_ms))
    kept.judged, kept.since_ms = {}, end_ms
    return Record("quality", "", end_ms, body.encode())


def _plant(context: JobContext, kept: JobState, start_ms: int, end_ms: int) -> Activity:
    """What the plant did meanwhile; what contradicts itself in it is noted."""
    settings = context.settings
    tags = [*plant_tags(settings), *cross_tags(settings)]
    before_ms = start_ms - Activity.settling_ms
    cells = frame(context.reader, settings, tags, before_ms - before_ms % CELL_MS, end_ms, CELL_MS)
    limits = thresholds(context.reader.job_state("running")[1])
    told = activity(settings, cells, running(cells, settings.pumps, limits))
    new = cells.since(start_ms)
    states = running(new, settings.pumps, limits)
    for verdict in cross_checks(settings, new, states, kept.crossed):
        kept.said[f"{verdict.check} {verdict.about}"] = Contradiction.of(verdict, end_ms)
    kept.said = {key: one for key, one in kept.said.items() if 0 <= end_ms - one.ts_ms < _valid_ms(one)}
    return told


def _valid_ms(said: Contradiction) -> int:
    return COUNTED_MS if said.check in {"energy_balance", "volume_balance"} else VALID_MS


def _judge(
    context: JobContext, kept: JobState, rows: Sequence[Row], told: Activity, window: tuple[int, int]
) -> dict[str, int]:
    """Judge *rows* tag by tag, into what the next report says; what was found in them, counted."""
    start_ms, end_ms = window
    known = known_tags(context.settings)
    ids = [row.id for row in rows]
    imported = context.reader.imported(min(ids), max(ids)) if ids else []
    by_tag: dict[str, list[Row]] = {}
    for row in rows:
        by_tag.setdefault(row.tag, []).append(row)
    filled = Counter(one.tag for one in context.reader.filled(list(known), start_ms, end_ms))
    kept.watches = {name: kept.watches.get(name) or Watch() for name in known}
    counts = Counter({"readings_judged": 0, "readings_bad": 0, "findings": 0})
    for name, tag in known.items():
        watch, own = kept.watches[name], by_tag.get(name, [])
        period_ms = tag.silence_ms
        if imported and own:
            own, is_history = _history(own, imported, watch.arrival.newest_ms)
            # a historian that keeps a value a minute has no holes of 59 s
            period_ms = spacing_ms([row.ts_ms for row in own], period_ms) if is_history else period_ms
        tally = judge(watch, _portion(own, told, name), rules_of(tag, period_ms), end_ms)
        judged = kept.judged.setdefault(name, Judged())
        judged.expected += (end_ms - start_ms) / period_ms
        judged.filled += filled[name]
        judged.take_in(tally, [row.reason for row in own if row.reason is not None])
        counts["readings_judged"] += tally.came
        counts["readings_bad"] += tally.count("bad")
        counts["findings"] += sum(one.count for one in tally.findings.values() if one.flag == Flag.SUSPECT)
    return dict(counts)


def _history(rows: list[Row], imported: Sequence[tuple[int, int]], newest_ms: int) -> tuple[list[Row], bool]:
    """Without imported rows that are older than what was judged, and whether all of them were imported.

    Files begin with the oldest or with the newest, so imported rows are put in the order of time, before, between and
    after the others. Those stay in the order in which they came: it tells how the source's clock goes.
    """
    old = [any(first <= row.id <= last for first, last in imported) for row in rows]
    left = [row for row, is_old in zip(rows, old, strict=True) if not is_old or row.ts_ms > newest_ms]
    key, newest_ms = dict[int, int](), 0
    for row, is_old in zip(rows, old, strict=True):
        newest_ms = newest_ms if is_old else max(newest_ms, row.ts_ms)
        key[row.id] = row.ts_ms if is_old else newest_ms
    return sorted(left, key=lambda row: key[row.id]), all(old)


def _portion(rows: Sequence[Row], told: Activity, tag: str) -> Portion:
    if not rows:
        return NOTHING
    _, _, times, values, qualities, reasons = zip(*rows, strict=True)
    times_ms, quality = np.array(times, np.int64), np.array(qualities, np.int64)
    if not {float, int}.issuperset(map(type, values)):
        values = tuple(value if isinstance(value, int | float) else np.nan for value in values)
    dated = np.ones(len(rows), np.bool_)
    if any(reasons):
        dated = np.array([reason is None or not is_doubt(reason) for reason in reasons], np.bool_)
    return Portion(
        times_ms,
        np.array(values, np.float64),
        quality >= Quality.GOOD,
        told.is_active(tag, times_ms),
        told.is_quiet(times_ms),
        (quality >= Quality.UNCERTAIN) & (quality < Quality.GOOD),
        dated,
    )


_NONE = np.zeros(0, np.bool_)
NOTHING = Portion(np.zeros(0, np.int64), np.zeros(0), _NONE, _NONE, _NONE, _NONE, _NONE)
