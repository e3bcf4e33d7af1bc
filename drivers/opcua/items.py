"""One tag of a server: what was said of it last, and the readings that makes (pure)."""

from typing import NamedTuple

from drivers.conversion import SMALLEST_DOUBLE, SMALLEST_SINGLE, Conversion, Fault
from drivers.opcua.settings import OpcuaTagSettings
from drivers.reading import Quality, Reading, Sourced, Value

SEVERITY = 30  # the upper two of a status code's 32 bits say good, uncertain or bad

QUALITIES: dict[str, Quality] = {
    "BadCommunicationError": Quality.COMM_FAILURE,
    "BadConfigurationError": Quality.CONFIGURATION_ERROR,
    "BadConnectionClosed": Quality.COMM_FAILURE,
    "BadDataUnavailable": Quality.WAITING_FOR_INITIAL_DATA,
    "BadDeviceFailure": Quality.DEVICE_FAILURE,
    "BadNoCommunication": Quality.COMM_FAILURE,
    "BadNodeIdInvalid": Quality.CONFIGURATION_ERROR,
    "BadNodeIdUnknown": Quality.CONFIGURATION_ERROR,
    "BadNotConnected": Quality.DEVICE_FAILURE,
    "BadNotReadable": Quality.CONFIGURATION_ERROR,
    "BadOutOfService": Quality.OUT_OF_SERVICE,
    "BadSensorFailure": Quality.SENSOR_FAILURE,
    "BadServerNotConnected": Quality.COMM_FAILURE,
    "BadTimeout": Quality.COMM_FAILURE,
    "BadUserAccessDenied": Quality.CONFIGURATION_ERROR,
    "BadWaitingForInitialData": Quality.WAITING_FOR_INITIAL_DATA,
    "GoodLocalOverride": Quality.LOCAL_OVERRIDE,
    "UncertainEngineeringUnitsExceeded": Quality.RANGE_EXCEEDED,
    "UncertainLastUsableValue": Quality.LAST_USABLE,
    "UncertainNoCommunicationLastUsableValue": Quality.LAST_USABLE,
    "UncertainSensorNotAccurate": Quality.SENSOR_NOT_ACCURATE,
    "UncertainSubNormal": Quality.SUBNORMAL,
}


class Sample(NamedTuple):
    """What the server said of a node."""

    raw: object
    status: int
    status_name: str
    source_ms: int | None
    is_single: bool = False  # a 32-bit float


class Item:
    """The state of one tag.

    Args:
        tag: Its settings.
        every: Device periods between two readings.
        ahead: s, by which a source time may be ahead of our clock; what is further ahead is not believed.
        behind: s, by which a change that is reported now may be said to be older.
    """

    def __init__(self, tag: OpcuaTagSettings, every: int, *, ahead: float, behind: float) -> None:
        self.tag = tag
        self.fault: Fault | None = None  # why the server does not report it
        self.latest: Sample | None = None
        self.reports = 0
        self.is_deadband_wanted = tag.server_deadband > 0
        self.is_proven = False  # reported since somebody last wondered whether it still is
        self._name = tag.name
        self._every = every
        self._ahead_ms, self._behind_ms = round(1000 * ahead), round(1000 * behind)
        self._next = 0
        self._seed_ms: int | None = None
        self._glimpse: Sample | None = None  # seen by a look, and not reported yet
        self._told: Sample | None = None  # that, once it was handed on with its source's time
        self._fresh: list[Reading] = []
        self._state: tuple[Value, int, str | None] = (None, Quality.WAITING_FOR_INITIAL_DATA, "no value yet")
        self._stamp_ms = 0
        self._conversions = (
            Conversion.of(tag, smallest=SMALLEST_DOUBLE),
            Conversion.of(tag, smallest=SMALLEST_SINGLE),
        )

    def seed(self, sample: Sample, now_ms: int) -> None:
        """The value was asked for: it is current now, whenever it last changed."""
        self._seed_ms = sample.source_ms
        self._glimpse = None
        source_ms = sample.source_ms if sample.source_ms and sample.source_ms > now_ms + self._ahead_ms else None
        self._take(sample._replace(source_ms=source_ms), now_ms)
        self.latest = sample

    def answer(self, sample: Sample, now_ms: int) -> None:
        """The value was asked for, as each period: it has its source's time where that says that it has changed."""
        last = self.latest
        if last is None or last.source_ms == sample.source_ms:
            self.seed(sample, now_ms)
        else:
            self.latest = sample
            self._take(sample, now_ms)

    def report(self, sample: Sample, now_ms: int) -> None:
        """The server reported a value by itself."""
        self.reports += 1
        self.is_proven = True
        self._glimpse = None
        if sample == self.latest:
            return  # the first report is of what was asked for
        if sample == self._told:
            self.latest, self._state = sample, self._judged(sample)
            return  # or of what a look saw first
        if self._seed_ms is not None and sample.source_ms is not None and sample.source_ms <= self._seed_ms:
            return  # or of what stood there before
        self.latest = sample
        self._take(sample, now_ms)

    def glimpse(self, sample: Sample) -> bool:
        """A look saw this; whether the server has not reported it (or not yet)."""
        self._glimpse = sample if self.differs(sample) else None
        return self._glimpse is not None

    def is_due(self, tick: int) -> bool:
        """Whether a reading is due at *tick*."""
        return tick >= self._next

    def readings(self, tick: int, proof_ms: int, now_ms: int, trouble: Fault | None) -> list[Reading]:
        """What was reported since the last call, or else, where due at *tick*, that the value still stands.

        Args:
            tick: Device periods since the start.
            proof_ms: When the server last gave a sign of life: until then the value stood.
            now_ms: The present.
            trouble: Why the values of this server cannot be vouched for, if so; the value stays where its quality
                is uncertain only.
        """
        fresh, self._fresh = self._fresh, []
        is_due = self.is_due(tick)
        if is_due:
            self._next = (tick // self._every + 1) * self._every
        trouble = self.fault or trouble
        if trouble and is_due:
            return [*fresh, self._doubted(now_ms, *trouble)]
        if is_due and not fresh and self._glimpse:
            fresh = [self._seen(self._glimpse, now_ms)]
        elif is_due and not fresh:
            stamp_ms = proof_ms if proof_ms > self._stamp_ms else now_ms
            fresh = [Reading(self._name, stamp_ms, *self._state)]
        if fresh:
            self._stamp_ms = fresh[-1].ts_ms
        return fresh

    def _seen(self, sample: Sample, now_ms: int) -> Reading:
        """What a look saw, when it changed; as it is now where that was told, or would come after what is newer.

        With our time alone, the report that is under way would come after it with an older one.
        """
        source_ms = sample.source_ms or 0
        if sample == self._told or not max(self._stamp_ms, now_ms - self._behind_ms) < source_ms <= now_ms:
            return Reading(self._name, now_ms, *self._judged(sample))
        self._told = sample
        return Sourced(self._name, source_ms, *self._judged(sample))

    def differs(self, sample: Sample) -> bool:
        """Whether *sample* says something else than the last report."""
        last = self.latest
        if last is None:
            return True
        if self.is_deadband_wanted and _are_close(last.raw, sample.raw, self.raw_deadband):
            return last.status != sample.status
        return (repr(last.raw), last.status) != (repr(sample.raw), sample.status)

    @property
    def raw_deadband(self) -> float:
        """The least change that is to be reported, in the unit of the server."""
        return abs(self.tag.server_deadband / self.tag.scale) if self.tag.scale else 0.0

    def _doubted(self, now_ms: int, quality: int, reason: str) -> Reading:
        """The last value under a doubt, or none where it is beyond doubt."""
        value, known, why = self._state
        if quality < Quality.UNCERTAIN:
            return Reading(self._name, now_ms, None, quality, reason)
        if known < quality:
            return Reading(self._name, now_ms, value, known, why)
        return Reading(self._name, now_ms, value, quality, reason)

    def _take(self, sample: Sample, now_ms: int) -> None:
        # That it still stands will be said with our time, which the doubt below does not touch.
        self._state = value, quality, reason = self._judged(sample)
        ts_ms = now_ms if sample.source_ms is None else sample.source_ms
        kind = Reading if sample.source_ms is None else Sourced
        if not now_ms - self._behind_ms <= ts_ms <= now_ms + self._ahead_ms:
            side = "ahead of" if ts_ms > now_ms else "behind"
            reason = reason or f"source time is {abs(ts_ms - now_ms) / 1000:.0f} s {side} ours"
            quality, ts_ms, kind = min(quality, Quality.UNCERTAIN), now_ms, Reading
        self._fresh.append(kind(self._name, ts_ms, value, quality, reason))

    def _judged(self, sample: Sample) -> tuple[Value, int, str | None]:
        quality = quality_of(sample.status, sample.status_name) if sample.status else Quality.GOOD
        if quality < Quality.UNCERTAIN:
            return None, quality, sample.status_name
        reason = None if quality >= Quality.GOOD else sample.status_name
        match sample.raw:
            case str() as text:
                return text, quality, reason
            case bool() | int() | float() as raw:
                conversion = self._conversions[sample.is_single]
                number = int(raw) if isinstance(raw, bool) else raw
                value = conversion.value(number)
                fault = conversion.fault(number, value)
                return (None, *fault) if fault else (value, quality, reason)
            case None:
                return None, Quality.BAD, "no value"
            case _:
                return None, Quality.CONFIGURATION_ERROR, f"a {type(sample.raw).__name__} is no number and no text"


def _are_close(one: object, other: object, distance: float) -> bool:
    return isinstance(one, int | float) and isinstance(other, int | float) and abs(one - other) <= distance


def quality_of(status: int, name: str) -> int:
    """Our code for a status code: the one of the same meaning, or else good, uncertain or bad."""
    generic = (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD, Quality.BAD)
    return QUALITIES.get(name, generic[status >> SEVERITY])
