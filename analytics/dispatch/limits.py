"""In which limits a pump may be planned, and what its running history locks."""

from collections.abc import Callable
from dataclasses import dataclass
from math import floor, inf
from typing import NamedTuple

from analytics.dispatch.pump import Array, Lock

_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True, eq=False)
class Inlet:
    """What keeps a pump from cavitating."""

    available: float  # m, net positive suction head at its inlet now
    required: Callable[[Array, Array], Array]  # of its flow, m³/h, and relative speed: what it needs of that, m


@dataclass(frozen=True, slots=True)
class Limits:
    """What the site allows of one pump."""

    pump: str
    is_variable: bool = True
    speed_min: float = 0.6  # relative
    speed_max: float = 1.0
    rated_speed: float = 50.0  # what its drive shows at relative speed 1.0; only for sentences
    speed_unit: str = "Hz"
    flows: tuple[float, float] = (0.0, inf)  # m³/h at rated speed that it may deliver continuously
    rated_flow: float | None = None  # m³/h at best efficiency, by plate or sheet
    power_max: float | None = None  # kW that its meter shows at full load of the motor
    por: tuple[float, float] = (0.7, 1.2)  # of rated_flow; not planned beyond, where that is known
    keeps_learnt_por: bool = False  # nor beyond that of the learnt best flow, where no other is known
    inlet: Inlet | None = None  # None: not known, or no limit
    is_available: bool = True
    service: str | None = None  # why it is not, or why nobody knows, where that is told; without its full stop
    must_run: bool = False
    alarm: str | None = None  # what stands against starting it, or judging it while it runs
    inlet_alarm: str | None = None  # that it may cavitate: against starting it; while it runs advice may mend that
    planned: str | None = None  # why switching it now would be turned round by the site's own plan, a sentence
    min_on_ms: int = 0
    min_off_ms: int = 0
    starts_per_hour: float = 60.0
    start_kw: float = 0.0  # what a start costs, as power over an hour
    run_hours: float | None = None
    running_kw: float = 0.0  # what running it costs besides energy, for having run longer than others

    def speed_text(self, speed: float) -> str:
        """A relative speed as the drive shows it."""
        return f"{speed * self.rated_speed:.1f} {self.speed_unit}" if self.is_variable else "its fixed speed"


@dataclass(frozen=True, slots=True)
class History:
    """How a pump has run."""

    is_running: bool | None  # None: not known
    since_ms: int = 0  # when that began; 0: not known, long ago
    start_times_ms: tuple[int, ...] = ()


class Hold(NamedTuple):
    """Whether a pump's state may be changed now, and why not."""

    lock: Lock
    why: str | None = None


def hold(limits: Limits, history: History, now_ms: int) -> Hold:
    """What availability, alarms, minimum times, starts per hour and the site's own wish lock, in that order."""
    if not limits.is_available:
        return Hold("must not run", limits.service or f"{limits.pump} is not available")
    timed = _stays_on(limits, history, now_ms) if history.is_running else _stays_off(limits, history, now_ms)
    if timed is not None:
        return timed
    return Hold("must run", f"{limits.pump} must run: the site wants it on") if limits.must_run else Hold("free")


def _stays_on(limits: Limits, history: History, now_ms: int) -> Hold | None:
    age_ms = now_ms - history.since_ms
    if age_ms >= limits.min_on_ms:
        return None
    minutes, least = age_ms // _MINUTE_MS, limits.min_on_ms // _MINUTE_MS
    why = f"{limits.pump} stays on: it started {minutes} min ago and runs at least {least} min"
    return Hold("must run", why)


def _stays_off(limits: Limits, history: History, now_ms: int) -> Hold | None:
    name, age_ms = limits.pump, now_ms - history.since_ms
    if limits.service is not None:
        return Hold("must not run", f"{name} stays off: {limits.service}")
    alarm = limits.alarm or limits.inlet_alarm
    if alarm is not None:
        return Hold("must not run", f"{name} stays off: its alarm stands ({alarm})")
    if age_ms < limits.min_off_ms:
        minutes, least = age_ms // _MINUTE_MS, limits.min_off_ms // _MINUTE_MS
        return Hold("must not run", f"{name} stays off: it stopped {minutes} min ago and rests at least {least} min")
    most = max(1, floor(limits.starts_per_hour))
    hours = most / limits.starts_per_hour  # 0.5 an hour is one in two hours
    starts = sum(now_ms - hours * _HOUR_MS < start for start in history.start_times_ms)
    if starts >= most:
        when = "the last hour" if hours == 1 else f"the last {hours:.3g} h"
        return Hold("must not run", f"{name} stays off: it has started {starts} times in {when}")
    return None
