"""The quality job: every new reading is judged, and one report says how good the station's data are."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.jobs.activity import Activity, activity
from agent.jobs.cross_checks import cross_checks, cross_tags
from agent.jobs.evidence import plant_tags, running
from agent.jobs.job import JobContext, Outcome
from agent.jobs.memory import JobMemory
from agent.jobs.running import thresholds
from agent.mqtt.payloads import CrossCheck, FlagWord, Quality, TagFinding, TagQuality
from agent.roles import Tag, known_tags
from agent.store.records import Record, Row
from agent.window import frame
from analytics.quality.balance import Balance
from analytics.quality.verdict import Flag, shares
from analytics.quality.watch import Portion, Rules, Tally, Watch, judge
from drivers.reading import is_good
from drivers.settings import ModbusTagSettings

MOST_ROWS = 300_000  # one run takes in; whoever has more catches up run by run
MOST_REASONS = 5  # a tag's most frequent ones are told
CELL_MS = 1_000
LONGEST_MS = 86_400_000  # that a report looks back, also where the agent was off for a year or its clock was set
_WORST_FIRST = (Flag.FAIL, Flag.MISSING, Flag.SUSPECT, Flag.NOT_EVALUATED)


@dataclass(slots=True)
class JobState:
    """What the quality job leaves for itself."""

    version: int = 1
    until_ms: int = 0  # where the last report ended
    watches: dict[str, Watch] = field(default_factory=dict)
    balances: dict[str, Balance] = field(default_factory=dict)


_MEMORY = JobMemory(JobState)
restored = _MEMORY.restored


def run(context: JobContext) -> Outcome:
    """Judge what is new and report on it; work is proportional to new readings."""
    kept = restored(context.state)
    rows = context.reader.after(context.mark, MOST_ROWS)
    is_behind = len(rows) == MOST_ROWS
    end_ms = rows[-1].ts_ms if is_behind else context.now_ms
    start_ms = kept.until_ms if 0 < kept.until_ms < end_ms else min((row.ts_ms for row in rows), default=end_ms)
    start_ms = max(start_ms, end_ms - LONGEST_MS)
    if start_ms >= end_ms:
        return Outcome(mark=context.mark, state=context.state)
    known = known_tags(context.settings)
    kept.watches = {name: kept.watches.get(name, Watch()) for name in known}
    told, crossed = _plant(context, kept, start_ms, end_ms)
    by_tag: dict[str, list[Row]] = {}
    for row in rows:
        by_tag.setdefault(row.tag, []).append(row)
    filled = Counter(one.tag for one in context.reader.filled(list(known), start_ms, end_ms))
    reports = []
    for name, tag in known.items():
        own = by_tag.get(name, [])
        tally = judge(kept.watches[name], _portion(own, told, name), _rules(tag), end_ms)
        reports.append(_report(tag, own, tally, (end_ms - start_ms) / tag.silence_ms, filled[name]))
    kept.until_ms = end_ms
    report = _station(context, reports, crossed, start_ms, end_ms)
    return Outcome(
        mark=rows[-1].id if is_behind else context.reader.last_id,
        state=_MEMORY.encode(kept),
        records=[Record("quality", "", end_ms, report.encode())],
        counts=_counts(reports, crossed),
    )


def _plant(context: JobContext, kept: JobState, start_ms: int, end_ms: int) -> tuple[Activity, list[CrossCheck]]:
    """What the plant did meanwhile, and what contradicts itself."""
    settings = context.settings
    tags = [*plant_tags(settings), *cross_tags(settings)]
    before_ms = start_ms - Activity.settling_ms
    cells = frame(context.reader, settings, tags, before_ms - before_ms % CELL_MS, end_ms, CELL_MS)
    limits = thresholds(context.reader.job_state("running")[1])
    told = activity(settings, cells, running(cells, settings.pumps, limits))
    new = cells.since(start_ms)
    states = running(new, settings.pumps, limits)
    return told, cross_checks(settings, new, states, kept.balances)


def _portion(rows: Sequence[Row], told: Activity, tag: str) -> Portion:
    times_ms = np.array([row.ts_ms for row in rows], np.int64)
    numbers = [float(row.value) if isinstance(row.value, int | float) else np.nan for row in rows]
    good = np.array([is_good(row.quality) for row in rows], np.bool_)
    return Portion(
        times_ms, np.array(numbers, np.float64), good, told.is_active(tag, times_ms), told.is_quiet(times_ms)
    )


def _rules(tag: Tag) -> Rules:
    said = tag.settings
    return Rules(
        period_ms=tag.silence_ms,
        behaviour=tag.behaviour,
        low=-np.inf if said.valid_min is None else said.valid_min,
        high=np.inf if said.valid_max is None else said.valid_max,
        resolution=tag.resolution,
        full_scale=_full_scale(said) if isinstance(said, ModbusTagSettings) else (),
    )


def _full_scale(tag: ModbusTagSettings) -> tuple[float, ...]:
    """Values of the registers' highest and, for signed ones, lowest state: where meters stand that want to go on."""
    bits = {"int16": 15, "int32": 31, "uint16": 16, "uint32": 32}.get(tag.type)
    if bits is None:
        return ()
    ends = (2**bits - 1, -(2**bits)) if tag.type.startswith("int") else (2**bits - 1,)
    return tuple(raw * tag.scale + tag.offset for raw in ends)


def _report(tag: Tag, rows: Sequence[Row], tally: Tally, expected: float, filled: int) -> TagQuality:
    found = shares(
        expected=expected,
        came=tally.came,
        untimely=tally.count("late", "duplicate", "future"),
        invalid=tally.count("bad", "range", "full_scale"),
        suspect=tally.count("spike", "step", "frozen", "glitch", "drop", "jump"),
    )
    flags = {finding.flag for finding in tally.findings.values()} | ({Flag.MISSING} if not rows else set())
    worst = next((flag for flag in _WORST_FIRST if flag in flags), Flag.PASS)
    reasons = Counter(row.reason for row in rows if row.reason is not None)
    return TagQuality(
        tag=tag.name,
        score=found.score,
        completeness=found.completeness,
        validity=found.validity,
        consistency=found.consistency,
        timeliness=found.timeliness,
        readings=tally.came,
        bad=tally.count("bad"),
        filled=filled,
        reasons=dict(reasons.most_common(MOST_REASONS)),
        flag=_word(worst),
        findings=tuple(
            TagFinding(
                check=one.check,
                flag=_word(one.flag),
                count=one.count,
                first=one.first_ms,
                value=one.value,
                limit=one.limit,
            )
            for one in tally.findings.values()
        ),
    )


def _word(flag: Flag) -> FlagWord:
    match flag:
        case Flag.PASS:
            return "pass"
        case Flag.NOT_EVALUATED:
            return "not_evaluated"
        case Flag.SUSPECT:
            return "suspect"
        case Flag.FAIL:
            return "fail"
        case Flag.MISSING:
            return "missing"


def _station(
    context: JobContext, tags: Sequence[TagQuality], crossed: Sequence[CrossCheck], start_ms: int, end_ms: int
) -> Quality:
    """The report; each share is the mean of the tags'."""
    return Quality(
        station=context.settings.station.name,
        ts=end_ms,
        start=start_ms,
        end=end_ms,
        score=_mean([tag.score for tag in tags]),
        completeness=_mean([tag.completeness for tag in tags]),
        validity=_mean([tag.validity for tag in tags]),
        consistency=_mean([tag.consistency for tag in tags]),
        timeliness=_mean([tag.timeliness for tag in tags]),
        tags=tuple(tags),
        cross_checks=tuple(crossed),
    )


def _mean(shares_of_tags: Sequence[float]) -> float:
    return min(1.0, float(np.mean(shares_of_tags))) if shares_of_tags else 1.0


def _counts(tags: Sequence[TagQuality], crossed: Sequence[CrossCheck]) -> dict[str, int]:
    return {
        "readings_judged": sum(tag.readings for tag in tags),
        "readings_bad": sum(tag.bad for tag in tags),
        "findings": sum(finding.count for tag in tags for finding in tag.findings if finding.flag == "suspect"),
        "contradictions": len(crossed),
    }
