"""What is an alarm: conditions on readings, devices and pumps, with deadband and delays. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

from agent.alarms.settings import LimitSettings, Priority
from drivers.reading import Quality, Value, is_good

Type = Literal["high", "low", "bad_quality", "device_silent", "efficiency_low", "storage"]

SEVERITY: dict[Priority, int] = {"low": 200, "medium": 500, "high": 700, "urgent": 900}  # as OPC UA counts, 1 to 1000


@dataclass(frozen=True, slots=True)
class Rationale:
    """What a person is told about an alarm: the same words every time."""

    id: str
    type: Type
    priority: Priority
    message: str
    tag: str | None = None
    pump: str | None = None
    limit: float | None = None
    unit: str | None = None
    consequence: str | None = None
    action: str | None = None


@dataclass(slots=True)
class Delay:
    """Holds a claim back until it has been true, or untrue, for long enough.

    Times are of the monotonic clock: neither a device's wrong clock nor a step of ours makes
    an alarm early or late.

    >>> alarm = Delay(on=5.0, off=0.0)
    >>> alarm.update(True, 0), alarm.wait(4_999), alarm.wait(5_000)
    (False, False, True)
    """

    on: float  # s
    off: float  # s
    claim: bool = False
    active: bool = False
    _since_ms: int = 0  # when the claim began to differ from `active`
    _held_ms: int | None = None  # since when nobody knows whether the claim still stands

    def update(self, claim: bool, at_ms: int) -> bool:  # noqa: FBT001 - the claim is what this is about
        """Whether the alarm is active at *at_ms*, now that *claim* is known."""
        if self._held_ms is not None:
            self._since_ms += at_ms - self._held_ms  # what was not known does not count
            self._held_ms = None
        if claim != self.claim:
            self.claim, self._since_ms = claim, at_ms
        return self.wait(at_ms)

    def hold(self, at_ms: int) -> bool:
        """Whether it is active at *at_ms*, from when on it is not known whether the claim stands."""
        if self._held_ms is None:
            self._held_ms = at_ms
        return self.active

    def wait(self, at_ms: int) -> bool:
        """Whether it is active at *at_ms* if the claim still stands."""
        is_due = at_ms - self._since_ms >= 1000 * (self.on if self.claim else self.off)
        if self._held_ms is None and self.claim != self.active and is_due:
            self.active = self.claim
        return self.active

    def rest(self) -> bool:
        """It cannot be active now, whatever was claimed."""
        self.claim = self.active = False
        self._held_ms = None
        return False


@dataclass(slots=True)
class Limit:
    """A value beyond a limit. Readings that are not good say nothing, either way."""

    rationale: Rationale
    delay: Delay
    limit: float
    sign: Literal[1, -1]  # 1: alarm above, -1: alarm below
    deadband: float
    value: float | None = None

    def see(self, value: Value, quality: int, at_ms: int) -> bool:
        """Whether the alarm is active once this reading is known."""
        if not is_good(quality) or not isinstance(value, int | float):
            return self.delay.hold(at_ms)
        self.value = float(value)
        margin = self.sign * (self.value - self.limit)
        return self.delay.update(margin > (-self.deadband if self.delay.claim else 0), at_ms)


@dataclass(slots=True)
class Fault:
    """A quality that a tag should not have for long."""

    rationale: Rationale
    delay: Delay
    is_fault: Callable[[int], bool]  # of a quality code
    value: None = None

    def see(self, _value: Value, quality: int, at_ms: int) -> bool:
        """Whether the alarm is active once this reading is known."""
        return self.delay.update(self.is_fault(quality), at_ms)


Rule = Limit | Fault


def limit_rules(settings: Iterable[LimitSettings], units: dict[str, str]) -> list[Limit]:
    """One rule for each side of each configured limit; an id with both sides gets `.high` and `.low`."""
    return [
        _limit(limit, kind, threshold, units.get(limit.tag, ""), both=limit.high is not None and limit.low is not None)
        for limit in settings
        for kind, threshold in (("high", limit.high), ("low", limit.low))
        if threshold is not None
    ]


def _limit(settings: LimitSettings, kind: str, threshold: float, unit: str, *, both: bool) -> Limit:
    is_high = kind == "high"
    words = f"{settings.tag} is {'above' if is_high else 'below'} {threshold:g} {unit}".rstrip()
    rationale = Rationale(
        id=f"{settings.id}.{kind}" if both else settings.id,
        type="high" if is_high else "low",
        priority=settings.priority,
        message=settings.message or words,
        tag=settings.tag,
        limit=threshold,
        unit=unit or None,
        consequence=settings.consequence or None,
        action=settings.action or None,
    )
    delay = Delay(settings.on_delay, settings.off_delay)
    return Limit(rationale, delay, threshold, 1 if is_high else -1, settings.deadband)


def is_silence(quality: int) -> bool:
    """Whether a quality code says that the device itself cannot be reached."""
    return quality == Quality.NOT_CONNECTED


def is_bad_answer(quality: int) -> bool:
    """Whether it says that a device answers, and the value is still not good: one cause, one alarm."""
    return not is_good(quality) and not is_silence(quality)


def bad_quality_rule(tag: str, after: float) -> Fault:
    """An alarm for *tag* once it has been bad for *after* seconds."""
    rationale = Rationale(
        id=f"bad.{tag}",
        type="bad_quality",
        priority="low",
        message=f"{tag} has no good value",
        tag=tag,
        action="check the sensor, its wiring and the tag's address",
    )
    return Fault(rationale, Delay(after, 5.0), is_bad_answer)


def silent_rule(device: str, after: float) -> Fault:
    """An alarm for *device* once it has been unreachable for *after* seconds."""
    rationale = Rationale(
        id=f"silent.{device}",
        type="device_silent",
        priority="high",
        message=f"{device} gives no values",
        consequence="its tags have no values, and advice that needs them is withheld",
        action="do what the message asks; where nothing answers, check the device's power, network cable and address",
    )
    return Fault(rationale, Delay(after, 0.0), is_silence)


def efficiency_rule(pump: str, low: float, after: float) -> Limit:
    """An alarm for *pump* once its wire-to-water efficiency has been below *low* for *after* seconds."""
    rationale = Rationale(
        id=f"efficiency.{pump}",
        type="efficiency_low",
        priority="medium",
        message=f"{pump} runs below {low:.0%} wire-to-water efficiency",
        pump=pump,
        limit=low,
        unit="1",
        consequence="it uses more energy than it should",
        action="look for wear, blockage or a closed valve, and compare its flow and power with the data sheet",
    )
    return Limit(rationale, Delay(after, after), low, -1, 0.02)


def storage_rules() -> list[Fault]:
    """Alarms of the agent's own disk, by what `agent.store.keeper` complains of; the complaint is their reason."""
    disk = Rationale(
        id="storage",
        type="storage",
        priority="high",
        message="readings are not stored as they should be",
        consequence="live values go on; what does not fit into memory until the disk works again is lost",
        action="see to the disk as the message says",
    )
    damage = Rationale(
        id="storage.damaged",
        type="storage",
        priority="high",
        message="stored readings are missing",
        consequence="trends and analyses have a hole; what can be read of the damaged file is put back by itself",
        action="check the disk; keep the damaged file until you know what it held",
    )
    return [Fault(rationale, Delay(0.0, 0.0), is_silence) for rationale in (disk, damage)]
