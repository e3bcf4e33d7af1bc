"""What a header's pumps work against, from the steady points that their curves rest on."""

from functools import lru_cache
from typing import Final

from agent.jobs.job import JobContext
from agent.jobs.learnt.state import points_from_state
from analytics.curves.network import Network, NotIdentified, network
from analytics.curves.points import Points

KEPT: Final = 4  # headers whose system is not identified anew until their curves are


def system_of(context: JobContext, header: str, pumps: tuple[str, ...]) -> Network | NotIdentified | None:
    """The system curve of *header*; None where nothing was kept of its *pumps*."""
    return _identified(context.reader.job_state("curves")[1], header, pumps)


@lru_cache(maxsize=KEPT)
def _identified(state: bytes | None, header: str, pumps: tuple[str, ...]) -> Network | NotIdentified | None:
    """Several ask, and each minute, of what the curves job has left five minutes ago."""
    kept = points_from_state(state, header)
    return None if kept is None else network(_of_pumps(kept[1], kept[0], pumps))


def _of_pumps(points: Points, columns: tuple[str, ...], pumps: tuple[str, ...]) -> Points:
    """The *points* in which no pump but these ran, in their order."""
    own = [columns.index(pump) for pump in pumps]
    others = [index for index in range(len(columns)) if index not in own]
    points = points.take(~points.running[:, others].any(axis=1))
    return Points(
        times_ms=points.times_ms,
        running=points.running[:, own],
        speeds=points.speeds[:, own],
        head=points.head,
        flow=points.flow,
        powers=points.powers[:, own],
        pump_flows=points.pump_flows[:, own],
    )
