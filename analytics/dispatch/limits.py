"""In which limits a pump may be planned, and what its running history locks."""

from dataclasses import dataclass
from typing import NamedTuple

from analytics.dispatch.pump import Lock

_HOUR_MS = 3_600_000
_MINUTE_MS = 60_000


@dataclass(frozen=True, slots=True)
class Limits:
    """What the site allows of one pump."""

    pump: str
    is_variable: bool = True
    speed_min: float = 0.6  # relative
    speed_max: float = 1.0
    rated_speed: float = 50.0  # what its drive shows at relative speed 1.0; only for sentences
    speed_unit: str = "Hz"
    rated_flow: float | None = None  # m³/h at best efficiency
    rated_power: float | None = None  # kW of the motor
    por: tuple[float, float] = (0.7, 1.2)
    is_available: bool = True
    min_on_ms: int = 0
    min_off_ms: int = 0
    starts_per_hour: float = 60.0
    start_kw: float = 0.0  # what a start costs, as power over an hour

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
    """What availability, minimum times and starts per hour lock."""
    name, age_ms = limits.pump, now_ms - history.since_ms
    minutes = age_ms // _MINUTE_MS
    if not limits.is_available:
        return Hold("must not run", f"{name} is not available")
    if history.is_running:
        if age_ms < limits.min_on_ms:
            least = limits.min_on_ms // _MINUTE_MS
            return Hold("must run", f"{name} stays on: it started {minutes} min ago and runs at least {least} min")
        return Hold("free")
    if age_ms < limits.min_off_ms:
        least = limits.min_off_ms // _MINUTE_MS
        return Hold("must not run", f"{name} stays off: it stopped {minutes} min ago and rests at least {least} min")
    starts = sum(now_ms - _HOUR_MS < start for start in history.start_times_ms)
    if starts + 1 > limits.starts_per_hour:
        return Hold("must not run", f"{name} stays off: it has started {starts} times in the last hour")
    return Hold("free")
