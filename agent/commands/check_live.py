"""`pump-agent check --live`: every tag once from the real devices, what is wrong in plain words, and what it will cost.

Nothing is written and no lock taken: it may run beside the agent, though not on its serial port.
"""

import asyncio
import json
import logging
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import add

from agent.commissioning.counting import counted
from agent.commissioning.diagnosis import diagnosis
from agent.commissioning.disk_ahead import disk_ahead
from agent.commissioning.inspection import Inspected, inspect
from agent.commissioning.raw_text import raw_text
from agent.commissioning.traffic import Traffic, line, traffic
from agent.configuration.config_file import located
from agent.configuration.mistakes import Place
from agent.settings import AgentSettings
from agent.store.disk import HOT_BYTES, MEGABYTE, SEALED_BYTES, DiskForecast, disk_forecast
from drivers.device import TagSettings
from drivers.reading import Reading, is_good
from drivers.settings import OpcuaSettings, UnitSettings

NOT_ALL_GOOD = 1
ASSUMES = (
    "each request takes as long as it did just now, and every reading is kept, at "
    f"{HOT_BYTES:g} bytes at first and {SEALED_BYTES:g} once sealed, as measured on a real station, besides rollups "
    "and what the analyses say at their periods"
)


@dataclass(frozen=True, slots=True)
class TagFound:
    """A tag and what became of it."""

    tag: TagSettings
    place: Place
    reading: Reading | None
    raw: str
    trouble: str | None  # what to look at

    @property
    def is_right(self) -> bool:
        """Whether it is good, and looks it."""
        return self.reading is not None and is_good(self.reading.quality) and self.trouble is None


@dataclass(frozen=True, slots=True)
class DeviceFound:
    """A device and its tags."""

    inspected: Inspected
    tags: list[TagFound]
    traffic: Traffic

    @property
    def name(self) -> str:
        """As configured, with where it is."""
        device = self.inspected.device
        return f"{device.name} ({device.place if isinstance(device, UnitSettings) else device.url})"


def run(args: Namespace) -> int:
    """Read, judge, print; status 0 only if every tag is good.

    Raises:
        SettingsError: The configuration is not in order.
    """
    config = located(args.config)
    settings, places = config.settings, config.places
    for library in ("agent", "drivers", "asyncua", "pymodbus"):  # what they would log is said here
        logging.getLogger(library).setLevel(logging.CRITICAL + 1)
    found = [_device_found(one, places) for one in asyncio.run(inspect(settings))]
    print(json.dumps(_as_dict(settings, found)) if args.json else "\n".join(_lines(settings, found)))
    return 0 if all(tag.is_right for device in found for tag in device.tags) else NOT_ALL_GOOD


def _device_found(inspected: Inspected, places: dict[str, Place]) -> DeviceFound:
    device, evidence = inspected.device, inspected.evidence
    base = device.base if isinstance(device, UnitSettings) else 0
    tags = []
    for tag in device.tags:
        reading, raw = inspected.readings.get(tag.name), evidence.raw.get(tag.name)
        tags.append(TagFound(tag, places[tag.name], reading, raw_text(tag, raw), diagnosis(tag, reading, raw, base)))
    return DeviceFound(inspected, tags, traffic(device, evidence.requests))


def _lines(settings: AgentSettings, found: list[DeviceFound]) -> Iterator[str]:
    for device in found:
        right = sum(tag.is_right for tag in device.tags)
        yield f"{device.name}: {right} of {len(device.tags)} tags good"
        if isinstance(device.inspected.device, UnitSettings) and (addresses := counted(device.inspected.device)):
            yield f"  {addresses}"
        if device.inspected.trouble:
            yield f"  {device.inspected.trouble}; look at its power, cable, address and settings"
        width = max((len(tag.tag.name) for tag in device.tags), default=0)
        for tag in device.tags:
            yield from _tag_lines(tag, width, is_silent=device.inspected.trouble is not None)
    yield "predicted:"
    yield from (f"  {text}" for text in _predictions(settings, found))
    tags = [tag for device in found for tag in device.tags]
    wrong = sum(not tag.is_right for tag in tags)
    yield f"{wrong} of {len(tags)} tags are not right" if wrong else f"all {len(tags)} tags are good"


def _tag_lines(tag: TagFound, width: int, *, is_silent: bool) -> Iterator[str]:
    mark = "good" if tag.is_right else "LOOK" if tag.reading is not None and is_good(tag.reading.quality) else "BAD "
    place = f"{tag.place.file}:{tag.place.line}"
    raw = f"  raw {tag.raw}" if tag.raw else ""
    yield f"  {mark}  {tag.tag.name:{width}}  {_value(tag)}{raw}  {place}"
    if tag.trouble and not is_silent:
        yield f"        {'':{width}}{tag.trouble}"


def _value(tag: TagFound) -> str:
    reading = tag.reading
    if reading is None:
        return "-"
    reason = f" ({reading.reason})" if reading.reason else ""
    if reading.value is None:
        return f"quality {reading.quality}{reason}"
    value = reading.value if isinstance(reading.value, str) else f"{reading.value:.7g}"
    return f"{value} {tag.tag.unit}".rstrip() + (
        "" if is_good(reading.quality) else f", quality {reading.quality}{reason}"
    )


def _predictions(settings: AgentSettings, found: list[DeviceFound]) -> Iterator[str]:
    for device in found:
        configured = device.inspected.device
        how = f"{_traffic(device.traffic)}, every {configured.period:g} s{_warning(device.traffic)}"
        if device.inspected.trouble:
            how = "nothing, as it is silent"
        elif not device.traffic.requests:
            how = f"reports by itself, at most every {configured.period:g} s"
        yield f"{configured.name}: {how}"
    for name, together in _lines_shared(found).items():
        yield f"{name} as a whole: {_traffic(together)}{_warning(together)}"
    total = _total(found)
    yield f"together: {total.requests_per_second:.3g} requests/s, {total.readings_per_second:.4g} readings/s"
    yield _disk(settings, _forecast(settings, total))
    yield f"assuming that {ASSUMES}"


def _forecast(settings: AgentSettings, total: Traffic) -> DiskForecast:
    """Of an empty store."""
    return disk_forecast(disk_ahead(settings, total.readings_per_day), settings.storage)


def _disk(settings: AgentSettings, forecast: DiskForecast) -> str:
    storage = settings.storage
    ahead = disk_ahead(settings, 0.0)
    of_which = ", ".join(
        f"{what} {size / MEGABYTE:.3g}"
        for what, size in (("records", ahead.record_bytes_a_day), ("rollups", ahead.rollup_bytes_a_day))
    )
    grows = f"disk: {forecast.growth_mb:.3g} MB a day, of it {of_which}"
    if forecast.full_days is not None:
        early = f"max_mb ({storage.max_mb:g} MB) is reached after {forecast.full_days:.3g} days and the oldest go early"
        return f"{grows}; {early}"
    return f"{grows}, {forecast.settled_mb:.4g} MB with all of keep_days ({storage.keep_days:g})"


def _traffic(one: Traffic) -> str:
    requests = "1 request" if one.requests == 1 else f"{one.requests} requests"
    return f"{requests} a scan, {1000 * one.scan:.3g} ms, {one.load:.2%} of the time busy"


def _warning(one: Traffic) -> str:
    return "; THAT IS MORE THAN THERE IS: polls will come late, so raise periods" if one.load > 1 else ""


def _lines_shared(found: list[DeviceFound]) -> dict[str, Traffic]:
    """What devices that share a line cost together."""
    by_line: dict[str, list[Traffic]] = {}
    for device in found:
        if (name := line(device.inspected.device)) is not None:
            by_line.setdefault(name, []).append(device.traffic)
    return {name: reduce(add, some) for name, some in by_line.items() if len(some) > 1}


def _total(found: list[DeviceFound]) -> Traffic:
    return reduce(add, (device.traffic for device in found), Traffic(0, 0.0, 0.0, 0.0, 0.0))


def _as_dict(settings: AgentSettings, found: list[DeviceFound]) -> dict[str, object]:
    total = _total(found)
    return {
        "ok": all(tag.is_right for device in found for tag in device.tags),
        "devices": [_device_dict(device) for device in found],
        "lines": {name: _traffic_dict(one) for name, one in _lines_shared(found).items()},
        "requests_per_s": total.requests_per_second,
        "readings_per_s": total.readings_per_second,
        "disk": _forecast(settings, total)._asdict(),
        "assumes": ASSUMES,
    }


def _device_dict(found: DeviceFound) -> dict[str, object]:
    device = found.inspected.device
    return {
        "name": device.name,
        "at": device.url if isinstance(device, OpcuaSettings) else device.place,
        "trouble": found.inspected.trouble,
        "addresses": counted(device) if isinstance(device, UnitSettings) else None,
        "period_s": device.period,
        **_traffic_dict(found.traffic),
        "tags": [_tag_dict(tag) for tag in found.tags],
    }


def _traffic_dict(one: Traffic) -> dict[str, float]:
    return {"requests": one.requests, "scan_ms": 1000 * one.scan, "load": one.load}


def _tag_dict(found: TagFound) -> dict[str, object]:
    reading = found.reading
    return {
        "tag": found.tag.name,
        "ok": found.is_right,
        "value": None if reading is None else reading.value,
        "unit": found.tag.unit,
        "quality": None if reading is None else int(reading.quality),
        "reason": None if reading is None else reading.reason,
        "raw": found.raw,
        "look_at": found.trouble,
        "file": found.place.file,
        "line": found.place.line,
    }
