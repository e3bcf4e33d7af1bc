"""The real station live, in short: `make real-station` runs the same at length, and the analysis besides."""

from pathlib import Path

import pytest

from agent.configuration.config_file import load
from drivers.reading import Quality
from tests.acceptance.station import missing, prepare
from tests.acceptance.transport import check_transport
from tests.real_station import needs_real_station

NO_SENSOR = (
    "supply.p1.temperature_7",
    "supply.p1.temperature_8",
    "supply.p2.temperature_7",
    "supply.p2.temperature_8",
    "supply.p3.temperature_7",
    "supply.p5.temperature_7",
    "supply.p6.temperature_8",
)

assert (missing() is None) == (needs_real_station.args[0] is False), "both look for the recording in the same place"


@needs_real_station
def test_the_vendors_register_list_is_the_whole_station(tmp_path: Path) -> None:
    """251 tags on eight Modbus units and an OPC UA server, from the list alone."""
    settings = load(prepare(tmp_path))

    assert sum(len(device.tags) for device in settings.devices) == 251
    assert len(settings.devices) == 9


@needs_real_station
@pytest.mark.timeout(150)
def test_every_tag_arrives_judged_rightly_and_none_is_lost(tmp_path: Path) -> None:
    """Half a minute at real speed, the broker killed in the middle; the period is judged by `make real-station`."""
    failed: list[str] = []

    def check(claim: str, holds: bool, figures: str) -> None:  # noqa: FBT001 - a finding is true or not
        if not holds:
            failed.append(f"{claim}: {figures}")

    newest = {row.tag: row for row in check_transport(tmp_path, 30, check, outage=5)}

    assert failed == []
    assert len(newest) == 251
    assert {tag: row.reason for tag, row in newest.items() if row.quality < Quality.GOOD} == dict.fromkeys(
        NO_SENSOR, "no sensor (raw value 32767)"
    )
