"""Filled values for the gaps of one tag, from a frame of its past and its companions."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import inf

import numpy as np

from agent.jobs.filled.modelled import modelled
from agent.jobs.filled.silence import Silence
from agent.jobs.filled.sources import Sources, told
from agent.roles import Tag
from agent.store.records import Filled
from agent.window import Floats, Frame
from analytics.gaps.auto import Auto
from analytics.gaps.correlated import Regression
from analytics.gaps.daily import Daily
from analytics.gaps.forward import Forward
from analytics.gaps.gap import Estimate, Gap, Method, Window
from analytics.gaps.linear import Line
from analytics.gaps.missing import Missing
from analytics.gaps.modelled import Modelled
from analytics.gaps.zero import Zero

_DAY_MS = 86_400_000
_MOST_STUDIES = 16  # of a tag's window; gaps of other lengths, or seen by other companions, are bridged by lines then


def bridges(  # noqa: PLR0917 - of a tag, what tells of it, and its gaps: the order in which they are found
    cells: Frame,
    tag: Tag,
    companions: Sequence[str],
    sources: Sources | None,
    gaps: Iterable[Silence],
    made_ms: int,
) -> list[Filled]:
    """Filled values for *gaps*, in the tag's own unit.

    Args:
        cells: One cell a period of the tag, from its past up to the end of the newest gap or beyond.
        tag: Whose gaps.
        companions: Other tags in *cells*, best first.
        sources: What else may tell of it, where its method asks that.
        gaps: Which ones; what is not missing in *cells* stays as it was measured.
        made_ms: When this is.
    """
    measured = np.where(cells.measured(tag.name), cells.values[tag.name], np.nan)
    window = _window(cells, tag, measured, companions, sources)
    method = _method(tag, window) if sources is None else _by_all(tag, window, sources, cells)
    found: list[Filled] = []
    for silence in gaps:
        gap = _places(cells, measured, silence)
        if gap is not None:
            estimate = method.fill(gap)
            found += [one for one in _filled(tag, silence, estimate, made_ms) if one.ts_ms > silence.done_ms]
    return found


def _window(cells: Frame, tag: Tag, measured: Floats, companions: Sequence[str], sources: Sources | None) -> Window:
    resolution = tag.unit.convert_difference(tag.resolution)
    if sources is None:
        return Window(measured, cells.matrix(companions), resolution)
    low, high = tag.settings.valid_min, tag.settings.valid_max
    ends = sorted((tag.unit.convert(-inf if low is None else low), tag.unit.convert(inf if high is None else high)))
    return Window(
        measured,
        told(cells, companions),
        resolution,
        valid=(ends[0], ends[1]),
        computed=sources.computed(cells),
        counts=sources.counts(cells),
        cycle=_DAY_MS // cells.step_ms if _DAY_MS % cells.step_ms == 0 else 0,
    )


def _by_all(tag: Tag, window: Window, sources: Sources, cells: Frame) -> Method:
    """The tag's method, which may weigh what learnt curves say, and these where the gap holds what is new to it."""
    model = modelled(sources, cells)
    if model is None:
        return _by_days(window, sources, cells, _method(tag, window))
    computed = np.column_stack([window.computed, model.values])
    method = _by_days(window, sources, cells, _method(tag, replace(window, computed=computed)))
    return Modelled(window, model, method)


def _by_days(window: Window, sources: Sources, cells: Frame, method: Method) -> Method:
    """*method*, and for long gaps what the tag has been for weeks."""
    return method if sources.past is None else Daily(window, sources.past.quarters(cells), method)


def _places(cells: Frame, measured: Floats, silence: Silence) -> Gap | None:
    """The cells between both readings; None where nothing is missing, or the reading before is not in sight."""
    begin = int((silence.start_ms - cells.times_ms[0]) // cells.step_ms) + 1
    end = min(int((silence.end_ms - cells.times_ms[0]) // cells.step_ms), len(measured))
    if begin < 1 or begin >= end or not np.isfinite(measured[begin - 1]) or np.isfinite(measured[begin:end]).any():
        return None
    if silence.is_closed and not np.isfinite(measured[end : end + 1]).all():
        return None
    return Gap(begin, end)


def _method(tag: Tag, window: Window) -> Method:
    match tag.fill:
        case "zero":
            return Zero(window)
        case "forward":
            return Forward(window)
        case "auto":
            return Auto(window, most_studies=_MOST_STUDIES)
        case "correlated":
            return Regression(window, most_studies=_MOST_STUDIES)
        case "linear":
            return Line(window)
        case "missing":
            return Missing()


def _filled(tag: Tag, silence: Silence, estimate: Estimate, made_ms: int) -> list[Filled]:
    values = tag.unit.revert(estimate.values)
    std = estimate.std / abs(tag.unit.factor)
    times_ms = range(silence.start_ms + tag.period_ms, silence.end_ms, tag.period_ms)
    return [
        Filled(tag.name, ts_ms, float(value), float(doubt), estimate.method, made_ms)
        for ts_ms, value, doubt in zip(times_ms, values, std, strict=False)
    ]
