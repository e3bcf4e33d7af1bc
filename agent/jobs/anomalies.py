"""The anomalies job: which readings do not fit the others, by what is normal for the pumps that run.

Each header has one bank of residuals for every set of pumps that runs: another set is another normal. It is learnt from
the log as soon as that holds enough steady rows of the set, and goes on learning from rows that fit. What the quality
job suspects, and what goes on while the physics names a condition, neither teaches nor is judged.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent.jobs.anomaly_groups import BREAK_MS, TAUGHT_BY, Group
from agent.jobs.evidence import header_tags, plant_tags, pump_tags, pumps_of, running
from agent.jobs.job import JobContext, Outcome
from agent.jobs.memory import JobMemory
from agent.jobs.running import thresholds
from agent.mqtt.payloads import Anomalies, AnomalyLine, AnomalyWatch, Conditions, Quality, WatchState
from agent.plant import HeaderSettings, PumpSettings
from agent.roles import known_tags
from agent.settings import AgentSettings
from agent.store.records import Record
from agent.window import Frame, frame
from analytics.running import RUNNING, STOPPED, States

Floats = NDArray[np.float64]
Booleans = NDArray[np.bool_]

STEP_MS = 10_000  # of a row
SETTLED_MS = 90_000  # after a start or stop rows say nothing
LONGEST_MS = 6 * 3_600_000  # that one run judges; older rows are let go
SLICE_MS = 3 * 3_600_000  # of the log that teaches, in memory at once
SLICES = 8  # of it at most, newest first
TAUGHT = 2 * TAUGHT_BY  # rows that are enough
VERSION = 2  # of the state; before it, what a tag shows in mA, kA, mV, kV, VA or MVA was kept as that
LASTING_MS = 600_000  # that a tag must not fit before it is told
MOST_GROUPS = 8  # of a header; beyond, the one that was not seen for longest is forgotten
MOST_TAGS = 24  # of a group; the matrix grows with their square
MAD = frozenset({"dry_run", "closed_valve", "blockage", "reverse_flow"})  # conditions in which nothing is normal


@dataclass(slots=True)
class JobState:
    """What the anomalies job leaves for itself."""

    version: int = VERSION
    until_ms: int = 0  # rows up to here are judged
    groups: dict[str, dict[str, Group]] = field(default_factory=dict)  # by header, and the set of its running pumps
    now: dict[str, str] = field(default_factory=dict)  # the set of each header's newest steady row


_MEMORY = JobMemory(JobState)


def run(context: JobContext) -> Outcome:
    """Judge the rows since the last run, and say which tags have not fitted for a while."""
    kept = _up_to_date(_MEMORY.restored(context.state), context.settings)
    end_ms = context.now_ms // STEP_MS * STEP_MS
    start_ms = max(min(kept.until_ms, end_ms), end_ms - LONGEST_MS)
    kept.now.clear()
    cells = _cells(context, plant_tags(context.settings), start_ms, end_ms)
    newest = cells.since(end_ms - LASTING_MS)
    doubts = {header.id: newest.doubt(_tags(context, header)) for header in context.settings.headers}
    for header in context.settings.headers:
        groups = kept.groups.setdefault(header.id, {})
        for pumps, rows in _stretches(context, header, cells, start_ms):
            group = _group(context, header, groups, pumps)
            if rows[-1] == len(cells) - 1:
                kept.now[header.id] = pumps
            group.judge(cells.times_ms[rows].tolist(), _rows(context, header, cells, group, rows))
    _teach_one(context, kept, end_ms)
    kept.until_ms = end_ms
    body = _told(context, kept, doubts, end_ms)
    return Outcome(
        mark=context.reader.last_id,
        state=_MEMORY.encode(kept),
        records=[Record("anomalies", "", context.now_ms, body.encode())],
        counts={"anomalies": len(body.anomalies)},
        doubt=newest.doubt(),
    )


def _up_to_date(kept: JobState, settings: AgentSettings) -> JobState:
    """Without groups that an earlier version learnt in units that are now converted."""
    if kept.version < VERSION:
        units = {name: tag.unit for name, tag in known_tags(settings).items() if tag.has_unit}
        moved = {name for name, unit in units.items() if unit.quantity == "other" and unit.factor != 1.0}
        for groups in kept.groups.values():
            for pumps in [pumps for pumps, group in groups.items() if moved & set(group.tags)]:
                del groups[pumps]
    kept.version = VERSION
    return kept


def _cells(context: JobContext, tags: list[str], start_ms: int, end_ms: int) -> Frame:
    """The *tags* from a little before *start_ms*, so that the first row can be told to be steady."""
    return frame(context.reader, context.settings, tags, start_ms - SETTLED_MS, end_ms, STEP_MS)


def _stretches(
    context: JobContext, header: HeaderSettings, cells: Frame, start_ms: int
) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """Rows from *start_ms* on in which one set of pumps runs steadily and some do: its name, and their places."""
    pumps = tuple(pumps_of(context.settings, header))
    limits = thresholds(context.reader.job_state("running")[1])
    states = running(cells, pumps, limits)
    names = _sets(pumps, states, len(cells))
    is_steady = _steady(names) & (cells.times_ms >= start_ms)
    places = np.flatnonzero(is_steady & (names != ""))
    for part in np.split(places, np.flatnonzero(np.diff(places) > 1) + 1):
        if len(part):
            yield str(names[part[0]]), part


def _sets(pumps: tuple[PumpSettings, ...], states: dict[str, States], size: int) -> NDArray[np.str_]:
    """The running pumps of each row as one name; "" where none runs, or that of one is not known."""
    found = []
    for place in range(size):
        now = {pump.id: int(states[pump.id][place]) for pump in pumps}
        is_known = all(state in (RUNNING, STOPPED) for state in now.values())
        found.append("+".join(pump for pump, state in now.items() if state == RUNNING) if is_known else "")
    return np.array(found, dtype=np.str_)


def _steady(names: NDArray[np.str_]) -> Booleans:
    """Rows before which the same pumps have run for long enough."""
    count = SETTLED_MS // STEP_MS
    found = np.zeros(len(names), np.bool_)
    changed = -1
    for place in range(1, len(names)):
        if names[place] != names[place - 1]:
            changed = place
        found[place] = place - max(changed, 0) >= count
    return found


def _group(context: JobContext, header: HeaderSettings, groups: dict[str, Group], pumps: str) -> Group:
    """The group of *pumps*; one whose tags have changed begins anew."""
    tags = _channels(context, header, pumps)
    if pumps not in groups or groups[pumps].tags != tags:
        groups[pumps] = Group(tags)
    while len(groups) > MOST_GROUPS:
        del groups[min(groups.keys() - {pumps}, key=lambda name: groups[name].seen_ms)]
    return groups[pumps]


def _channels(context: JobContext, header: HeaderSettings, pumps: str) -> list[str]:
    """The analogue tags of a header and of the pumps that run on it, each once."""
    runs = set(pumps.split("+"))
    own = [tag for pump in pumps_of(context.settings, header) if pump.id in runs for tag in pump_tags(pump)]
    status = {pump.status for pump in context.settings.pumps}
    return [tag for tag in dict.fromkeys([*header_tags(header), *own]) if tag not in status][:MOST_TAGS]


def _rows(context: JobContext, header: HeaderSettings, cells: Frame, group: Group, places: NDArray[np.intp]) -> Floats:
    """Values of the group's tags, NaN where they are suspected, shape (len(places), tags)."""
    values = cells.matrix(group.tags)[places].copy()
    times_ms = cells.times_ms[places]
    for tag, start_ms, end_ms in _suspected(context, header, int(times_ms[0]), int(times_ms[-1])):
        among = (times_ms >= start_ms) & (times_ms <= end_ms)
        values[among, group.tags.index(tag) if tag in group.tags else slice(None)] = np.nan
    return values


def _suspected(
    context: JobContext, header: HeaderSettings, start_ms: int, end_ms: int
) -> Iterator[tuple[str | None, int, int]]:
    """Tags that the quality reports suspect, and None for all while a condition of the header or its pumps holds."""
    own = {header.id, *(pump.id for pump in pumps_of(context.settings, header))}
    report_ms = round(1_000 * context.settings.jobs.quality.report)
    for record in context.reader.records("quality", start_ms, end_ms + report_ms):
        if record.body:
            said = Quality.kept(record.body)
            for suspect in {check.suspect for check in said.cross_checks if check.suspect}:
                yield suspect, said.start, said.end
    for record in context.reader.records("conditions", start_ms, end_ms + SETTLED_MS):
        held = Conditions.kept(record.body).conditions if record.body else ()
        for line in held:
            if line.suspect in own:
                for tag in _wrong(context, header, line.type, line.suspect):
                    yield tag, line.since, record.ts_ms


def _wrong(context: JobContext, header: HeaderSettings, kind: str, suspect: str) -> tuple[str | None, ...]:
    """The tags that a condition makes doubtful; None for all of them. A worn pump makes none so."""
    match kind:
        case "flow_meter_drift":
            return header.flow
        case "head_sensor_drift":
            return header.pressure
        case "power_meter_drift":
            return tuple(pump.power for pump in context.settings.pumps if pump.id == suspect and pump.power)
        case _:
            return (None,) if kind in MAD else ()


def _teach_one(context: JobContext, kept: JobState, end_ms: int) -> None:
    """Let the log teach one set that was seen for long enough; the others have their turn in the next runs."""
    for header in context.settings.headers:
        for pumps, group in kept.groups[header.id].items():
            if group.known is None and group.rows >= TAUGHT_BY:
                _teach(context, header, pumps, group, end_ms)
                return


def _teach(context: JobContext, header: HeaderSettings, pumps: str, group: Group, end_ms: int) -> None:
    """Let as much of the last day teach what is normal for *pumps* as is needed."""
    found: list[Floats] = []
    for part in range(SLICES):
        start_ms = end_ms - (part + 1) * SLICE_MS
        cells = _cells(context, _tags(context, header), start_ms, start_ms + SLICE_MS)
        steady = [rows for name, rows in _stretches(context, header, cells, start_ms) if name == pumps]
        found[:0] = [_rows(context, header, cells, group, rows) for rows in steady]
        if sum(map(len, found)) >= TAUGHT:
            break
    group.learn(np.vstack([np.empty((0, len(group.tags))), *found]))


def _tags(context: JobContext, header: HeaderSettings) -> list[str]:
    """Every tag of a header and its pumps."""
    return [*header_tags(header), *(tag for pump in pumps_of(context.settings, header) for tag in pump_tags(pump))]


def _told(context: JobContext, kept: JobState, doubts: Mapping[str, str | None], end_ms: int) -> Anomalies:
    tags = known_tags(context.settings)
    lines, watches = [], []
    for header in context.settings.headers:
        groups, pumps = kept.groups[header.id], kept.now.get(header.id)
        group = groups[pumps] if pumps else None
        watches.append(
            AnomalyWatch(
                header=header.id,
                pumps=tuple(pumps.split("+")) if pumps else (),
                state=_state(group, end_ms),
                learnt=sum(one.known is not None for one in groups.values()),
                doubt=doubts[header.id],
            )
        )
        for tag, one in sorted(group.misfits.items(), key=lambda pair: -pair[1].score) if group else ():
            if end_ms - one.since_ms >= LASTING_MS and end_ms - one.seen_ms <= BREAK_MS:
                lines.append(
                    AnomalyLine(
                        tag=tag,
                        header=header.id,
                        since=one.since_ms,
                        value=one.value,
                        expected=one.expected,
                        unit=tags[tag].unit.symbol,
                        score=one.score,
                    )
                )
    return Anomalies(
        station=context.settings.station.name, ts=context.now_ms, watches=tuple(watches), anomalies=tuple(lines)
    )


def _state(group: Group | None, end_ms: int) -> WatchState:
    if group is None:
        return "unsteady"
    if group.known is None:
        return "learning"
    return "withheld" if 0 < group.judged_ms < end_ms - BREAK_MS else "watching"
