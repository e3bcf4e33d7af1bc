"""What is wrong with a value, in the words of somebody who has seen it before (pure)."""

from agent.commissioning.rereading import Rereading, rereading
from agent.commissioning.typical import typical_range
from drivers.address import parse
from drivers.device import TagSettings
from drivers.evidence import Raw
from drivers.reading import Quality, Reading, is_good
from drivers.settings import ModbusTagSettings

CLEARER = 6.0  # bits by which another way to read registers must be likelier, where the value is bad
MUCH_CLEARER = 8.0  # the same where nothing else speaks against it; right values of a real station stay below 2
REFUSED = "refused by the device"  # as readings of what a device refuses say it
OTHER_TABLE = {"holding": "input", "input": "holding", "coil": "discrete", "discrete": "coil"}
OF_QUALITY = {
    Quality.NOT_CONNECTED: "its device is silent",
    Quality.SENSOR_FAILURE: "no sensor is connected, or it is broken or switched off",
    Quality.CONFIGURATION_ERROR: "the server has no such node, or hides it; pump-agent browse lists its nodes",
    Quality.COMM_FAILURE: "no answer came in time; look at the line and the unit id, or give it a longer timeout",
}


def diagnosis(tag: TagSettings, reading: Reading | None, raw: Raw | None, base: int) -> str | None:
    """What to look at; None where the value is as good as anybody can tell from here.

    Args:
        tag: As configured.
        reading: What became of it.
        raw: What stood behind it, if anything did.
        base: What its device calls the first register.
    """
    if reading is None:
        return "nothing was read; look whether its period is far longer than its device's"
    if isinstance(tag, ModbusTagSettings):
        return _of_registers(tag, reading, raw, base)
    return None if is_good(reading.quality) else _of_quality(reading)


def _of_registers(tag: ModbusTagSettings, reading: Reading, raw: Raw | None, base: int) -> str | None:
    found = rereading(tag, raw, base) if isinstance(raw, bytes) else None
    if is_good(reading.quality):
        return _doubt(tag, reading, found)
    if REFUSED in (reading.reason or ""):
        return _refusal(tag, reading.reason or "", base)
    if reading.quality != Quality.BAD:
        return _of_quality(reading)
    is_clear = found is not None and (found.gain >= CLEARER or found.is_scale or found.is_absent)
    return found.sentence if found is not None and is_clear else _out_of_range(tag)


def _of_quality(reading: Reading) -> str:
    return OF_QUALITY.get(Quality(reading.quality), "the device itself calls it bad; look at the sensor behind it")


def _refusal(tag: ModbusTagSettings, reason: str, base: int) -> str:
    place = parse(tag.address, base)
    other = f"{OTHER_TABLE[place.table]}:{place.number + base}"
    if "illegal function" in reason:
        return f"the device has no table of this kind; try {other}"
    if "illegal data" not in reason:
        return "the device has this place and cannot fill it now: what it reads from, a sensor bus maybe, is down"
    if not place.number:
        return f"the device has nothing there; try {other} in the other table"
    neighbour = f"{place.table}:{place.number + base - 1}"
    return f"the device has nothing there; if the list counts from 1 it is {neighbour}, or {other} in the other table"


def _doubt(tag: ModbusTagSettings, reading: Reading, found: Rereading | None) -> str | None:
    """Good as it is, but the registers make far more sense by another reading: 1.8e-11 m3/h is 2227 m3/h swapped."""
    value = reading.value
    if found is None or not isinstance(value, int | float) or value == 0:
        return None
    if found.is_absent:
        usual = typical_range(tag.unit)
        return None if usual is None or usual[0] <= value <= usual[1] else found.sentence
    return found.sentence if found.gain >= MUCH_CLEARER else None


def _out_of_range(tag: TagSettings) -> str:
    if tag.valid_min is None and tag.valid_max is None:
        return "these bits are no number; look at the type, or ask the registers with pump-agent probe"
    low, high = ("any" if bound is None else f"{bound:g}" for bound in (tag.valid_min, tag.valid_max))
    return (
        f"outside the valid range, {low} to {high} {tag.unit}".rstrip() + "; look at the sensor, the scale or the range"
    )
