"""What is published of pumps and station: records from frames and running states."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np

from agent import tariff
from agent.availability import mean_known
from agent.jobs.duties.day import HOUR_MS, DayFigures
from agent.jobs.duties.duty import DutyPoint, best_of, duty_points
from agent.jobs.duties.npsh import available, required
from agent.jobs.evidence import has_power_alone, header_state, pump_tags
from agent.jobs.learnt.data_sheet import total_head
from agent.mqtt.payloads import HeaderFigures, Pump, QualityWord, Station, Wear
from agent.plant import PumpSettings
from agent.settings import AgentSettings
from agent.store.records import Record
from agent.window import Frame
from analytics.curves.model import StationModel
from analytics.hydraulics import hydraulic_power
from analytics.running import RUNNING, STOPPED, Memory, RunningState, State, Threshold, Thresholds


@dataclass(frozen=True, slots=True)
class Present:
    """The plant now: its states, and a frame of the last seconds with what it says of the duties."""

    settings: AgentSettings
    cells: Frame
    memories: Mapping[str, Memory]
    thresholds: Mapping[str, Thresholds]
    models: Mapping[str, StationModel]
    now_ms: int
    zone: ZoneInfo
    wear: Mapping[str, Wear] = field(default_factory=dict)  # the last word of each pump's
    close: frozenset[str] = frozenset()  # pumps whose power shows two levels too close to tell standing by

    @property
    def states(self) -> dict[str, State]:
        """Each pump's."""
        return {pump: RunningState(memory=memory).state for pump, memory in self.memories.items()}

    @property
    def duties(self) -> dict[str, DutyPoint]:
        """Each pump's."""
        return duty_points(self.settings, self.cells, self.states, self.models)


def pump_records(now: Present) -> list[Record]:
    """One record a pump."""
    duties = now.duties
    return [
        Record("pump", pump.id, now.now_ms, _pump(now, pump, duties[pump.id]).encode()) for pump in now.settings.pumps
    ]


def _place(now: Present, pump: PumpSettings, duty: DutyPoint) -> tuple[float | None, bool | None]:
    """Its flow as a share of the best one at its speed, and whether that lies in the preferred region."""
    best = best_of(pump, now.models.get(pump.header))
    if best is None or duty.flow is None or duty.speed is None or duty.speed.value <= 0:
        return None, None
    phi, std = duty.flow.value / duty.speed.value, (duty.flow.std or 0.0) / duty.speed.value
    return phi / best.phi, best.holds(phi, std, pump.por)


def _pump(now: Present, pump: PumpSettings, duty: DutyPoint) -> Pump:
    memory = now.memories[pump.id]
    midnight_ms, _ = tariff.midnights_ms(now.now_ms, now.zone)
    share, is_inside = _place(now, pump, duty) if memory.state == RUNNING else (None, None)
    return Pump(
        pump=pump.id,
        ts=now.now_ms,
        running={RUNNING: True, STOPPED: False}.get(memory.state),
        since=memory.since_ms or None,
        reason=None if memory.state in {RUNNING, STOPPED} else _why_unknown(now, pump),
        flow=duty.flow and duty.flow.value,
        flow_source=duty.flow and duty.flow.source,
        flow_std=duty.flow and duty.flow.std,
        flow_method=duty.flow and duty.flow.method,
        flow_doubt=duty.flow_unknown or (duty.flow and duty.flow.doubt),
        **_head(pump, duty),
        power_kw=duty.power and duty.power.value,
        power_source=duty.power and duty.power.source,
        power_std=duty.power and duty.power.std,
        speed=duty.speed and duty.speed.value,
        speed_source=duty.speed and duty.speed.source,
        speed_std=duty.speed and duty.speed.std,
        efficiency=duty.efficiency,
        efficiency_std=duty.efficiency_std,
        specific_energy=duty.specific_energy,
        **_npsh(now, pump, duty),
        bep_share=share,
        in_por=is_inside,
        **_worn(now.wear.get(pump.id)),
        starts_today=sum(each >= midnight_ms for each in memory.start_times_ms),
        started_at=max(memory.start_times_ms, default=None),
        stopped_at=max(memory.stop_times_ms, default=None),
        run_hours=RunningState(memory=memory).run_ms / HOUR_MS,
        threshold_kw=None if pump.power is None else now.thresholds[pump.id].power.on,
        threshold_source=_source(pump, now.thresholds[pump.id]),
        quality=_quality(now.cells, pump_tags(pump)),
        doubt=now.cells.doubt(pump_tags(pump)),
    )


def _head(pump: PumpSettings, duty: DutyPoint) -> dict[str, Any]:
    """At the gauges, and between the pump's flanges where that can be told."""
    if duty.head is None:
        return {}
    total = None if duty.flow is None else total_head(pump, duty.flow.value, duty.head.value)
    return {
        "head": duty.head.value,
        "head_source": duty.head.source,
        "head_std": duty.head.std,
        "pump_head": None if total is None else float(total),
    }


def _npsh(now: Present, pump: PumpSettings, duty: DutyPoint) -> dict[str, Any]:
    """Of a running pump, with its sources; what is not known is left out."""
    if now.memories[pump.id].state != RUNNING:
        return {}
    header = next(each for each in now.settings.headers if each.id == pump.header)
    inlet = available(now.cells, header)
    needed = required(pump, duty.flow.value, duty.speed.value) if duty.flow and duty.speed else None
    return {
        "npsh_available": inlet and inlet.value,
        "npsh_available_source": inlet and inlet.source,
        "npsh_required": needed and needed.value,
        "npsh_required_source": needed and needed.source,
        "npsh_margin": inlet.value - needed.value if inlet and needed else None,
    }


def _worn(said: Wear | None) -> dict[str, Any]:
    """What the pump has lost, by key; the wear job's own record says more."""
    if said is None or said.stale:
        return {}
    return {
        "head_wear_percent": said.head_lost_percent,
        "efficiency_wear_percent": said.efficiency_lost_percent,
        "wear_cost_per_day": said.cost_per_day,
        "currency": said.currency,
    }


def _source(
    pump: PumpSettings, found: Thresholds
) -> Literal["given", "history", "rated", "peers", "not learnt"] | None:
    """Where the threshold of power, or else of current, is from; a pump that always or never ran teaches none."""
    threshold: Threshold | None = found.power if pump.power else found.current if pump.current else None
    if threshold is None:
        return None
    return "not learnt" if threshold.source == "assumed" else threshold.source


def _why_unknown(now: Present, pump: PumpSettings) -> str:
    cells, tags = now.cells, pump_tags(pump)
    if not tags:
        return "no tag tells whether it runs; configure its status, power, current or speed"
    silent = [tag for tag in tags if not np.isfinite(cells.values[tag]).any()]
    if silent:
        return f"nothing good was read of {', '.join(silent)}"
    if has_power_alone(pump) and now.thresholds[pump.id].power.source == "assumed":
        if pump.id in now.close:
            return f"{pump.power} shows two levels less than five times apart; configure its running_power"
        remedy = "configure its running_power or rated_power"
        return f"{pump.power} has not shown it both standing and running yet, and may show noise; {remedy}"
    return "its tags contradict each other, or were read for too short a time"


def station_record(now: Present, day: DayFigures) -> Record:
    """The station's figures; a sum with an unknown part is unknown, and a day that was not all seen is uncertain."""
    settings = now.settings
    headers = {header.id: header_state(now.cells, header) for header in settings.headers}
    flows = {header: mean_known(state.flow, 0.0) for header, state in headers.items()}
    heads = {header: mean_known(state.head, 0.0) for header, state in headers.items()}
    flow = _sum(list(flows.values()))
    power = _sum([None if duty.power is None else duty.power.value for duty in now.duties.values()])
    useful = _sum([_useful(flows[header], heads[header]) for header in headers])
    running = tuple(pump for pump, state in now.states.items() if state == "running")
    efficiency = _ratio(useful, power)
    tags = [tag for header in settings.headers for tag in header.flow + header.pressure]
    quality = _quality(now.cells, tags)
    body = Station(
        station=settings.station.name,
        ts=now.now_ms,
        flow=flow,
        head=_ratio(useful, _useful(flow, 1.0)),
        power_kw=power,
        power_source=None if power is None else "measured",
        specific_energy=_ratio(power, flow),
        efficiency=efficiency if efficiency and 0 < efficiency < 1 else None,
        running=running,
        running_count=None if "unknown" in now.states.values() else len(running),
        energy_today_kwh=day.energy_kwh,
        volume_today_m3=day.volume_m3,
        cost_today=day.cost,
        currency=None if day.cost is None else settings.tariff.currency,
        today_covered=day.power_covered,
        volume_today_covered=day.flow_covered,
        headers=tuple(HeaderFigures(id=header, flow=flows[header], head=heads[header]) for header in headers),
        quality="uncertain" if quality == "good" and not day.is_whole else quality,
        doubt=now.cells.doubt(tags),
    )
    return Record("station", "", now.now_ms, body.encode())


def _useful(flow: float | None, head: float | None) -> float | None:
    """Power in the water, kW."""
    return None if flow is None or head is None else float(hydraulic_power(flow, head))


def _sum(parts: list[float | None]) -> float | None:
    known = [part for part in parts if part is not None]
    return sum(known) if parts and len(known) == len(parts) else None


def _ratio(part: float | None, whole: float | None) -> float | None:
    return None if part is None or whole is None or whole <= 0 else part / whole


def _quality(cells: Frame, tags: list[str]) -> QualityWord:
    """Good where every tag was measured in these seconds and mostly known, bad where one says nothing at all."""
    if any(not np.isfinite(cells.values[tag]).any() for tag in tags):
        return "bad"
    is_measured = all(cells.measured(tag).any() for tag in tags)
    return "good" if is_measured and not cells.thin(tags) else "uncertain"
