"""How each part of the agent does: told by the tasks, read by status, SCADA and the watchdog."""

import logging
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from agent.mqtt import payloads
from agent.progress import Progress
from agent.settings import AgentSettings
from drivers.settings import DeviceSettings

log = logging.getLogger(__name__)

State = Literal["ok", "degraded", "failed", "starting", "off"]
TOLD_AT_MOST = 6  # lines of one part
TOLD_WITHIN = 600.0  # s
WORST: tuple[State, ...] = ("failed", "degraded", "starting", "ok", "off")


def wall_ms() -> int:
    """The wall clock, ms since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Part:
    """One device, the broker, the store or a job, as its task last saw it.

    `well` and `trouble` say whether that is worth a line in the log.
    """

    name: str
    patience: float = 60.0  # s its task may take for one round; the watchdog waits no longer
    state: State = "starting"
    since_ms: int = field(default_factory=wall_ms)
    error: str | None = None  # the last one, also after it has passed
    error_ms: int | None = None
    seen_ms: int | None = None  # when it last did what it is for
    progress: float = field(default_factory=time.monotonic)  # s; when its task last went round
    counts: dict[str, int] = field(default_factory=dict)
    doubt: str | None = None  # which tags were hardly measured in what its newest result rests on
    _told: deque[float] = field(default_factory=lambda: deque(maxlen=TOLD_AT_MOST))  # when news went to the log
    _is_restless: bool = False

    def well(self, warning: str | None = None) -> bool:
        """It did what it is for; true if that is news for the log. A *warning* is what a person should see to soon."""
        self.seen_ms, self.progress = wall_ms(), time.monotonic()
        return self.trouble(warning, "degraded") if warning else self._become("ok") and self._may_be_told()

    def trouble(self, error: str, state: Literal["degraded", "failed"] = "failed") -> bool:
        """It could not; true if this is news for the log."""
        is_news = error != self.error or self.state != state
        self.error, self.error_ms, self.progress = error, wall_ms(), time.monotonic()
        self._become(state)
        return is_news and self._may_be_told()

    def is_stuck(self) -> bool:
        """Whether its task has not gone round for too long, be it well or in trouble."""
        return time.monotonic() - self.progress > self.patience

    def count(self, what: str, number: int = 1) -> None:
        """Add to one of its counters."""
        self.counts[what] = self.counts.get(what, 0) + number

    def report(self, now_ms: int) -> payloads.PartHealth:
        """What subscribers are told."""
        return payloads.PartHealth(
            name=self.name,
            state=self.state,
            since=self.since_ms,
            error=self.error,
            error_at=self.error_ms,
            lag_ms=None if self.seen_ms is None else max(0, now_ms - self.seen_ms),
            counts=self.counts,
            doubt=self.doubt,
        )

    def _may_be_told(self) -> bool:
        """Whether the log still has a line for it: what comes and goes all day would bury everything else."""
        now = time.monotonic()
        if len(self._told) == TOLD_AT_MOST and now - self._told[0] < TOLD_WITHIN:
            if not self._is_restless:
                log.warning("%s comes and goes; until it rests, that is said on <root>/health only", self.name)
            self._is_restless = True
            return False
        self._told.append(now)
        self._is_restless = False
        return True

    def _become(self, state: State) -> bool:
        if state == self.state:
            return False
        self.state, self.since_ms = state, wall_ms()
        return True


class Health:
    """Every part of one agent."""

    def __init__(self, station: str, version: str) -> None:
        self._station = station
        self._version = version
        self._started = time.monotonic()
        self._devices: dict[str, DeviceSettings] = {}
        self.devices: dict[str, Part] = {}
        self.broker = Part("broker")
        self.sparkplug = Part("sparkplug")
        self.receivers: tuple[str, ...] = ("mqtt",)  # of readings, at the broker
        self.backlog = Progress()
        self.store = Part("store")  # the disk, as it is watched
        self._storing: dict[str, Part] = {}
        self.clock = Part("clock")
        self.config = Part("configuration", state="ok")
        self.commands = Part("commands")  # shown in the log only: without commands everything else goes on
        self.jobs: dict[str, Part] = {}

    def follow(self, settings: AgentSettings) -> None:
        """Have a part for each device of *settings*; one that has not changed keeps its own."""
        self._station = settings.station.name
        self.receivers = settings.mqtt.receivers
        known, self._devices = self._devices, {device.name: device for device in settings.devices}
        self.devices = {
            name: self.devices[name] if known.get(name) == device else Part(name, 60.0 + 2 * device.period)
            for name, device in self._devices.items()
        }

    def job(self, name: str) -> Part:
        """The part that stands for a job."""
        return self.jobs.setdefault(name, Part(name))

    def storing(self, task: str) -> Part:
        """The part that stands for a task's use of the store, of which no other task says that it is well."""
        return self._storing.setdefault(task, Part(task, state="ok"))

    def report(self, now_ms: int) -> payloads.Health:
        """The state of all parts at *now_ms*."""
        storing = [self.store, *self._storing.values()]
        brokers = {"mqtt": self.broker, "sparkplug": self.sparkplug}
        publishers = [brokers[receiver] for receiver in self.receivers]
        parts = [*self.devices.values(), *publishers, *storing, self.clock, self.config, *self.jobs.values()]
        return payloads.Health(
            station=self._station,
            ts=now_ms,
            state=min((part.state for part in parts), key=WORST.index),
            version=self._version,
            uptime_s=int(time.monotonic() - self._started),
            devices=tuple(part.report(now_ms) for part in self.devices.values()),
            broker=self.broker.report(now_ms) if "mqtt" in self.receivers else None,
            sparkplug=self.sparkplug.report(now_ms) if "sparkplug" in self.receivers else None,
            backlog=self.backlog.report(now_ms),
            store=_together("store", storing, now_ms),
            clock=self.clock.report(now_ms),
            configuration=self.config.report(now_ms),
            jobs=tuple(part.report(now_ms) for part in self.jobs.values()),
        )


def _together(name: str, parts: Sequence[Part], now_ms: int) -> payloads.PartHealth:
    """Several parts told as one: as the worst of them, of equals the first, with the counters of all."""
    worst = min(parts, key=lambda part: WORST.index(part.state))
    counts = {what: number for part in parts for what, number in part.counts.items()}
    return worst.report(now_ms).model_copy(update={"name": name, "counts": counts})
