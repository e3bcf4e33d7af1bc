"""The front job: what energy, starts and pressure are worth in each other now, and which way is proposed."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from agent.jobs.advice.required import FOLLOWS
from agent.jobs.advice.searches import REACH, searches
from agent.jobs.job import JobContext, Outcome
from agent.mqtt.payloads import Front, FrontPoint
from agent.store.records import Record
from analytics.dispatch import front
from analytics.dispatch.demand import HeadBand
from analytics.dispatch.duty import Infeasible
from analytics.dispatch.proposal import SEED, Search
from analytics.dispatch.requirement import SameFlow

METHOD = "exact solver at many prices, NSGA-II between them, each way solved exactly and checked by the pumps' formulas"


@dataclass(frozen=True, slots=True)
class Traded:
    """One header: what can be traded, or why that is not known."""

    header: str
    front: front.Front | str
    head: float | None = None  # m, from which pressure is counted


def run(context: JobContext) -> Outcome:
    """Say for each header what can be traded."""
    is_one = len(context.settings.headers) == 1
    records, points = [], 0
    began = time.perf_counter()
    for each in traded(context):
        told = _told(context, each, round(1_000 * (time.perf_counter() - began), 1))
        records.append(Record("front", "" if is_one else each.header, context.now_ms, told.encode()))
        points += len(told.points)
        began = time.perf_counter()
    return Outcome(mark=context.reader.last_id, records=records, counts={"front_points": points})


def traded(context: JobContext) -> Iterator[Traded]:
    """What energy, starts and pressure are worth in each other at each header."""
    for header, search in searches(context):
        yield Traded(header, search) if isinstance(search, str) else _traded(header, search)


def _traded(header: str, search: Search) -> Traded:
    """Pressure is counted from the preferred one, or from the present one where none is preferred."""
    asked = search.demand()
    demand = asked if isinstance(asked, HeadBand) else asked.pinned()
    wanted = search.operation.head if demand.preferred is None else demand.preferred
    head = min(max(wanted, demand.low), demand.high)
    aim: front.Aim = "present" if demand.preferred is None else "preferred"
    found = front.front(search.candidates(REACH), replace(demand, preferred=head, deviation_kw=0.0), SEED, aim)
    if isinstance(found, Infeasible):
        return Traded(header, found.why, head)
    if isinstance(search.operation.required, SameFlow):
        found = replace(found, why=f"{found.why} {FOLLOWS}")
    return Traded(header, found, head)


def _told(context: JobContext, each: Traded, took_ms: float) -> Front:
    settings = context.settings
    told: dict[str, Any] = {
        "ts": context.now_ms,
        "expires": context.now_ms + round(2_000 * settings.jobs.front.period),  # a run may be late
        "station": settings.station.name,
        "header": each.header,
        "why": each.front if isinstance(each.front, str) else each.front.why,
    }
    if isinstance(each.front, front.Front):
        told |= {
            "points": tuple(_point(point) for point in each.front.points),
            "proposed": each.front.knee,
            "flow": round(each.front.points[0].dispatch.flow, 1),
            "head": None if each.head is None else round(each.head, 2),
            "method": METHOD,
            "solve_ms": took_ms,
        }
    return Front(**told)


def _point(point: front.Point) -> FrontPoint:
    dispatch = point.dispatch
    return FrontPoint(
        power_kw=round(dispatch.power, 2),
        starts=point.starts,
        head=round(dispatch.head, 2),
        head_off=round(point.away, 2),
        gap=round(dispatch.gap, 6),
        pumps=tuple(duty.id for duty in dispatch.duties),
        speeds=tuple(round(duty.speed, 4) for duty in dispatch.duties),
    )
