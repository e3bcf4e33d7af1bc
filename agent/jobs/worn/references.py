"""When a pump's wear begins to be counted anew: at its next overhaul, or where its data sheet turns out to be wrong."""

import json
from dataclasses import replace
from hashlib import sha256

import numpy as np

from agent.jobs.job import JobContext
from agent.jobs.learnt.data_sheet import catalogues_of
from agent.jobs.worn.state import Kept, Life
from agent.mqtt.payloads import Overhaul
from agent.settings import AgentSettings
from analytics.curves.estimator import StationCurves
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.model import StationModel
from analytics.curves.prior import Plate
from analytics.wear.reference import Reference

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
LEAST_POINTS = 200  # steady ones, of a pump: fifty minutes; its curve keeps fewer of them where all are of one duty
SURE = 0.015  # standard deviation of a head, as a share, with which a curve may be a reference


def take_up_overhauls(context: JobContext, kept: Kept) -> None:
    """Begin a new life of each pump that was overhauled; what was known of the one before stays."""
    for record in sorted(context.reader.records("overhaul", 0, context.now_ms + 1), key=lambda one: one.ts_ms):
        pump = kept.state.pumps.get(record.key)
        if pump is None or record.ts_ms <= pump.life.begin_ms:
            continue
        said = Overhaul.kept(record.body)
        pump.lives.append(Life(record.ts_ms, said.note, said.user))
        for header, state in kept.state.headers.items():
            if record.key in state.pumps:
                state.begin_anew(record.key)
                recent = kept.recent[header]
                index = state.pumps.index(record.key)
                state.believe(state.belief.renewed(index))
                before = recent.running[:, index] & (recent.times_ms < record.ts_ms)
                kept.recent[header] = recent.take(~before)  # of another pump, as it were
                kept.learning.pop(header, None)


def refer(settings: AgentSettings, kept: Kept) -> None:
    """Take what may be a reference of each pump that has none: the data sheet, or else the first well-known curve."""
    _take_data_sheets(settings, kept)
    for header, state in kept.state.headers.items():
        missing = [pump for pump in state.pumps if kept.state.pumps[pump].life.reference is None]
        if not missing:
            kept.learning.pop(header, None)
            continue
        if header not in kept.learning:
            kept.learning[header] = StationCurves([Plate(pump) for pump in state.pumps])
            kept.learning[header].update(kept.recent[header])
        learnt_ms = round(settings.jobs.wear.learn_days * DAY_MS)
        due = [p for p in missing if p in state.since and kept.state.seen_ms - state.since[p] >= learnt_ms]
        if due and kept.state.seen_ms - state.tried_ms >= HOUR_MS:
            state.tried_ms = kept.state.seen_ms
            if model := _fitted(kept.learning[header]):
                _take_learnt(settings, kept, header, model, due)


def _fitted(curves: StationCurves) -> StationModel | None:
    """The pumps as they are; None where their points make no model."""
    try:
        return curves.fit()
    except (ValueError, ArithmeticError):
        return None


def _take_learnt(settings: AgentSettings, kept: Kept, header: str, model: StationModel, due: list[str]) -> None:
    metered = {pump.id for pump in settings.pumps if pump.power is not None}
    for pump in (pump for pump in due if pump in model.pumps):
        curve = model.curve(pump)
        reference = Reference.of_curve(curve, has_power=pump in metered)
        steady = kept.state.headers[header].steady.get(pump, 0)
        if steady >= LEAST_POINTS and np.isfinite(reference.power_std) and reference.head_std <= SURE:
            _keep(kept, header, pump, reference, "learnt")


def _take_data_sheets(settings: AgentSettings, kept: Kept) -> None:
    """A pump never overhauled is held against its data sheet as it is given now, of the power where that is metered."""
    metered, sheets = {pump.id for pump in settings.pumps if pump.power is not None}, catalogues_of(settings)
    for header, state in kept.state.headers.items():
        for pump in state.pumps:
            sheet, life = sheets.get(pump), kept.state.pumps[pump].life
            digest = "" if sheet is None else _digest(sheet)
            if life.source == "catalogue" and life.sheet != digest:
                _drop(kept, header, pump)
            if sheet is None or life.begin_ms:
                continue
            reference = Reference.of_sheet(sheet if pump in metered else replace(sheet, power=None))
            if life.reference is None:
                _keep(kept, header, pump, reference, "catalogue")
                life.sheet = digest
            elif life.source == "catalogue" and bool(life.reference.powers) != bool(reference.powers):
                life.reference = reference  # its meter has come or gone; the heads, and what was lost of them, stay
                state.base = None if reference.powers else state.base  # of the power nothing was seen on those days


def _digest(sheet: Catalogue) -> str:
    """Of what it says, to six digits."""
    columns = [sheet.flow, sheet.head, *([] if sheet.power is None else [sheet.power])]
    said = json.dumps([[f"{value:.6g}" for value in column] for column in columns])
    return sha256(said.encode()).hexdigest()[:16]


def _drop(kept: Kept, header: str, pump: str) -> None:
    """Forget a reference that was wrong, with what was lost against it."""
    state, life = kept.state.headers[header], kept.state.pumps[pump].life
    life.reference, life.source, life.sheet, life.taken_ms = None, None, "", 0
    life.days, life.kind = [], None
    state.base = None
    state.believe(state.belief.renewed(state.pumps.index(pump)))


def _keep(kept: Kept, header: str, pump: str, reference: Reference, source: str) -> None:
    state, life = kept.state.headers[header], kept.state.pumps[pump].life
    life.reference, life.source, life.taken_ms = reference, source, kept.state.seen_ms
    state.begin_anew(pump)
    state.base = None
    state.believe(state.belief.renewed(state.pumps.index(pump)))
