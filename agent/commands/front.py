"""The trade-off front as `pump-agent optimise --front` shows it."""

import json
from collections.abc import Sequence

from agent.jobs.front import Traded
from analytics.dispatch.front import Point


def front_json(fronts: Sequence[Traded]) -> str:
    """One JSON array for programs."""
    return json.dumps([_object(each) for each in fronts])


def _object(each: Traded) -> dict[str, object]:
    if isinstance(each.front, str):
        return {"header": each.header, "why": each.front}
    points = [
        {
            "power_kw": round(point.dispatch.power, 3),
            "starts": point.starts,
            "head": round(point.dispatch.head, 3),
            "head_off": round(point.away, 3),
            "gap": round(point.dispatch.gap, 7),
            "speeds": {duty.id: round(duty.speed, 4) for duty in point.dispatch.duties},
        }
        for point in each.front.points
    ]
    return {"header": each.header, "points": points, "proposed": each.front.knee, "why": each.front.why}


def front_table(fronts: Sequence[Traded]) -> str:
    """A table a header, the proposed way marked."""
    return "\n\n".join(_shown(each) for each in fronts) or "no header of this station has pumps"


def _shown(each: Traded) -> str:
    if isinstance(each.front, str):
        return f"{each.header}: {each.front}"
    rows = [f"{each.header}: {'kW':>9} {'starts':>6} {'m':>7} {'m off':>6}  pumps"]
    indent = " " * (len(each.header) + 1)
    rows += [_row(indent, point, is_knee=place == each.front.knee) for place, point in enumerate(each.front.points)]
    preferred = f"Pressure is counted from {each.head:.1f} m." if each.head is not None else ""
    return "\n".join([*rows, f"{each.front.why} {preferred}"])


def _row(indent: str, point: Point, *, is_knee: bool) -> str:
    said = ", ".join(f"{duty.id} {duty.speed:.1%}" for duty in point.dispatch.duties)
    mark = "  <- proposed" if is_knee else ""
    dispatch = point.dispatch
    return f"{indent} {dispatch.power:9.2f} {point.starts:6} {dispatch.head:7.2f} {point.away:6.2f}  {said}{mark}"
