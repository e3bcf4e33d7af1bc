"""The quality job: every new reading is judged, and now and then a report says how good the station's data are."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from agent.jobs.evidence import plant_tags, running
from agent.jobs.filled.silence import spacing_ms
from agent.jobs.job import JobContext, Outcome
from agent.jobs.judged.activity import Activity, activity
from agent.jobs.judged.carried import Carried
from agent.jobs.judged.cross_checks import Memory, cross_checks, cross_tags
from agent.jobs.judged.new_readings import OfTag, new_readings
from agent.jobs.judged.report import Contradiction, Judged, report
from agent.jobs.judged.rules import rules_of, usual_rules
from agent.jobs.memory import JobMemory
from agent.jobs.running import thresholds
from agent.roles import Tag, known_tags
from agent.store.columns import Arrivals, arrivals
from agent.store.passage import Passage
from agent.store.records import Record
from agent.window import frame
from analytics.quality.bounds import Bounds
from analytics.quality.verdict import Flag
from analytics.quality.watch import Portion, Rules, Watch, judge_all

MOST_ROWS = 300_000  # one run takes in; whoever has more catches up run by run
CELL_MS = 1_000
LONGEST_MS = 86_400_000  # that a report looks back, also where the agent was off for a year or its clock was set
VALID_MS = 600_000  # that what a check said holds, where it says nothing newer
VERSION = 3  # of the state; before it, values were not counted in blocks
COUNTED_MS = 7_200_000  # likewise of counters, which are judged each half hour at most


@dataclass(slots=True)
class JobState:
    """What the quality job leaves for itself."""

    version: int = VERSION
    until_ms: int = 0  # readings up to here are judged
    since_ms: int = 0  # where the next report begins; 0 before the first
    watches: dict[str, Watch] = field(default_factory=dict)
    crossed: Memory = field(default_factory=Memory)
    judged: dict[str, Judged] = field(default_factory=dict)  # since the last report
    said: dict[str, Contradiction] = field(default_factory=dict)  # by every check last, whether it agreed or not


_MEMORY = JobMemory(JobState)
CARRIED = Carried()
restored = _MEMORY.restored


def run(context: JobContext) -> Outcome:
    """Judge what is new, and report where a report is due; work is proportional to new readings."""
    kept = _up_to_date(_MEMORY.resumed(context.state))
    rows = arrivals(context.reader, context.mark, MOST_ROWS)
    is_behind = len(rows) == MOST_ROWS
    end_ms = _end_ms(context, rows) if is_behind else context.now_ms
    start_ms = kept.until_ms if 0 < kept.until_ms < end_ms else int(rows.times_ms.min(initial=end_ms))
    start_ms = max(start_ms, end_ms - LONGEST_MS)
    if start_ms >= end_ms:
        return Outcome(mark=context.mark, state=context.state)
    is_newest = not is_behind and not isinstance(context.reader, Passage)  # else what was not read may be newer
    newest = CARRIED.before(context.settings.storage.path, context.state, rows) if is_newest else None
    told = _plant(context, kept, newest, (start_ms, end_ms))
    found = _judge(context, kept, rows, told, (start_ms, end_ms))
    kept.until_ms = end_ms
    is_due = _is_due(kept, end_ms, round(1_000 * context.settings.jobs.quality.report))
    records = [_report(context, kept, start_ms, end_ms)] if is_due else []
    state = _MEMORY.left(kept)
    if newest is not None:
        CARRIED.keep(context.settings.storage.path, state, newest, (end_ms - _looked_back_ms(context), end_ms))
    return Outcome(
        mark=int(rows.ids[-1]) if is_behind else context.reader.last_id,
        state=state,
        records=records,
        counts=found | {"contradictions": sum(not one.agrees for one in kept.said.values())},
    )


def _up_to_date(kept: JobState) -> JobState:
    """Learn values anew that an earlier version counted otherwise: what is left of them are readings without values.

    Held against so many, those of months to come would be too few to tell what is usual.
    """
    if kept.version < VERSION:
        for watch in kept.watches.values():
            watch.bounds = Bounds()
    kept.version = VERSION
    return kept


def _end_ms(context: JobContext, rows: Arrivals) -> int:
    """Up to when rows are that are not all: history comes in any order, and its newest may have come first."""
    imported = context.reader.imported(int(rows.ids.min()), int(rows.ids.max()))
    newest_ms = rows.times_ms.max() if imported else rows.times_ms[-1]
    return min(int(newest_ms), context.now_ms)


def _is_due(kept: JobState, end_ms: int, period_ms: int) -> bool:
    """Once at the beginning, then on the beats of the clock: at every fifth minute, where that is the period."""
    return not 0 < kept.since_ms <= end_ms or end_ms // period_ms > kept.since_ms // period_ms


def _report(context: JobContext, kept: JobState, start_ms: int, end_ms: int) -> Record:
    since_ms = kept.since_ms if 0 < kept.since_ms < end_ms else start_ms
    body = report(context.settings, kept.judged, kept.watches, list(kept.said.values()), (since_ms, end_ms))
    kept.judged, kept.since_ms = {}, end_ms
    return Record("quality", "", end_ms, body.encode())


def _looked_back_ms(context: JobContext) -> int:
    """How far before its new readings a run looks at the plant."""
    known, parts = known_tags(context.settings), [*plant_tags(context.settings), *cross_tags(context.settings)]
    return Activity.settling_ms + CELL_MS + max((known[name].hold_ms for name in parts if name in known), default=0)


def _plant(context: JobContext, kept: JobState, newest: Arrivals | None, window: tuple[int, int]) -> Activity:
    """What the plant did meanwhile; what contradicts itself in it is noted."""
    settings, (start_ms, end_ms) = context.settings, window
    tags = [*plant_tags(settings), *cross_tags(settings)]
    before_ms = start_ms - Activity.settling_ms
    cells = frame(context.reader, settings, tags, before_ms - before_ms % CELL_MS, end_ms, CELL_MS, newest=newest)
    limits = thresholds(context.reader.job_state("running")[1])
    states = running(cells, settings.pumps, limits)
    new = kept.crossed.portion(cells, start_ms)
    if new.start < new.stop:
        new_states = {pump: each[new] for pump, each in states.items()}
        for verdict in cross_checks(settings, cells.part(new), new_states, kept.crossed):
            kept.said[f"{verdict.check} {verdict.about}"] = Contradiction.of(verdict, end_ms)
    known = known_tags(settings)
    kept.said = {
        key: one
        for key, one in kept.said.items()
        if known.keys() >= set(one.tags) and 0 <= end_ms - one.ts_ms < _valid_ms(one, known)
    }
    return activity(settings, cells, states)


def _valid_ms(said: Contradiction, known: Mapping[str, Tag]) -> int:
    """What rests on a tag that is read every quarter of an hour is judged as often."""
    least_ms = COUNTED_MS if said.check in {"energy_balance", "volume_balance"} else VALID_MS
    return max(least_ms, *(2 * known[tag].period_ms for tag in said.tags))


def _due_ms(watch: Watch, rules: Rules, at_ms: int) -> int:
    return watch.arrival.due_ms(at_ms, rules.period_ms, rules.jitter_ms)


def _judge(
    context: JobContext, kept: JobState, rows: Arrivals, told: Activity, window: tuple[int, int]
) -> dict[str, int]:
    """Judge *rows* tag by tag, into what the next report says; what was found in them, counted."""
    start_ms, end_ms = window
    known, usual = known_tags(context.settings), usual_rules(context.settings)
    numbers = {name: number for number, name in context.reader.numbers(known).items()}
    imported = context.reader.imported(int(rows.ids.min()), int(rows.ids.max())) if len(rows) else []
    new = new_readings(rows, told)
    filled = Counter(one.tag for one in context.reader.filled(list(known), start_ms, end_ms))
    kept.watches = {name: kept.watches.get(name) or Watch() for name in known}
    owns, news, due_ms = dict[str, OfTag](), list[tuple[Watch, Portion, Rules]](), list[int]()
    for name, tag in known.items():
        watch, own = kept.watches[name], new.of(name, numbers.get(name))
        watch.put_right(context.now_ms)
        rules = usual[name]
        if imported and len(own):
            own, is_history = own.history(imported, watch.arrival.newest_ms)
            # a historian that keeps a value a minute has no holes of 59 s
            rules = rules_of(tag, spacing_ms(own.portion.times_ms.tolist(), tag.silence_ms)) if is_history else rules
        owns[name] = own
        news.append((watch, own.portion, rules))
        due_ms.append(_due_ms(watch, rules, start_ms) if watch.arrival.newest_ms else 0)
    counts = Counter({"readings_judged": 0, "readings_bad": 0, "findings": 0})
    for name, (watch, _, rules), before_ms, tally in zip(known, news, due_ms, judge_all(news, end_ms), strict=True):
        judged = kept.judged.setdefault(name, Judged())
        # of one that came for the first time, the first reading too
        since_ms = before_ms or start_ms - (rules.period_ms if watch.arrival.newest_ms else 0)
        judged.expected += max(0, _due_ms(watch, rules, end_ms) - since_ms) / rules.period_ms
        judged.filled += filled[name]
        judged.take_in(tally, owns[name].told())
        counts["readings_judged"] += tally.came
        for one in tally.findings.values():
            counts["readings_bad"] += one.count if one.check == "bad" else 0
            counts["findings"] += one.count if one.flag == Flag.SUSPECT else 0
    return dict(counts)
