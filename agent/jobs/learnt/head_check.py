"""Head against speed squared: the affinity laws, as the header's own past shows them."""

from collections.abc import Iterator, Mapping

import numpy as np

from agent.jobs.evidence import HeaderState, evidence
from agent.plant import HeaderSettings, PumpSettings
from agent.window import Frame
from analytics.quality.affinity import Affinity
from analytics.quality.votes import Verdict
from analytics.running import RUNNING, States

_SAMPLE_CELLS = 60  # that make one sample, while the same pumps run
_FEWEST = 45  # of them with a value
_MOST_SETS = 64  # of running pumps that are remembered of a station


def head_check(
    cells: Frame,
    header: HeaderSettings,
    pumps: list[PumpSettings],
    states: Mapping[str, States],
    affinities: dict[str, Affinity],
    *,
    state: HeaderState,
) -> Iterator[Verdict]:
    """Whether head, flow and speeds of a header are to each other as they have been; *affinities* moves on."""
    if not any(pump.speed is not None for pump in pumps):
        return
    runs = np.column_stack([states[pump.id] == RUNNING for pump in pumps])
    speeds = [np.ones(len(cells)) if pump.speed is None else evidence(cells, pump).speed for pump in pumps]
    squares = np.where(runs, np.column_stack(speeds) ** 2, np.nan)
    found: list[Verdict] = []
    for begin in range(0, len(cells) - _SAMPLE_CELLS + 1, _SAMPLE_CELLS):
        part = slice(begin, begin + _SAMPLE_CELLS)
        ran = runs[part]
        if not ran[0].any() or (ran != ran[0]).any():
            continue
        use = np.isfinite(squares[part][:, ran[0]]).all(axis=1) & np.isfinite(state.flow[part] + state.head[part])
        if use.sum() < _FEWEST:
            continue
        square = float(np.mean(squares[part][use][:, ran[0]]))
        flow, head = float(np.mean(state.flow[part][use])), float(np.mean(state.head[part][use]))
        running = [pump for pump, is_running in zip(pumps, ran[0], strict=True) if is_running]
        found += _judged(header, running, (square, flow, head), affinities)
    if found:
        wrong = [verdict for verdict in found if not verdict.agrees]
        yield (
            (wrong or found)[-1] if 2 * len(wrong) > len(found) else next(one for one in reversed(found) if one.agrees)
        )


def _judged(
    header: HeaderSettings,
    running: list[PumpSettings],
    sample: tuple[float, float, float],
    affinities: dict[str, Affinity],
) -> Iterator[Verdict]:
    key = " ".join((header.id, *(pump.id for pump in running)))
    affinity = affinities.pop(key, None) or Affinity()
    affinities[key] = affinity  # last, so that the set that ran longest ago is forgotten first
    while len(affinities) > _MOST_SETS:
        del affinities[next(iter(affinities))]
    square, flow, head = sample
    expected = affinity.expected(square, flow)
    agrees = affinity.update(square, flow, head)
    if expected is None or agrees is None:
        return
    tags = (*header.pressure, *header.flow, *(pump.speed for pump in running if pump.speed is not None))
    reason = (
        f"header {header.id} has {head:.1f} m at {square**0.5:.0%} speed and {flow:.0f} m³/h, where it used to have"
        f" {expected.head:.1f} m"
    )
    difference = head - expected.head
    yield Verdict("head_speed", tags, agrees, reason, difference, expected.tolerance, about=header.id)
