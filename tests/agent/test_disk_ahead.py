"""What a configuration will write a day, beside what the demo's station wrote."""

from pathlib import Path
from typing import Any

import pytest

from agent.commissioning.disk_ahead import disk_ahead
from agent.configuration.config_file import load
from tests.simulators.station import modbus_device

STATION = """
[station]
name = "north"
[jobs]
quality = {{ enabled = {quality} }}
running = {{ enabled = {running}, period = {period} }}
dispatch = {{ enabled = false }}
curves = {{ enabled = false }}
rollup = {{ enabled = {rollup} }}
{device}
tag = [{tags}]
[[header]]
id = "main"
pressure = ["pressure"]
flow = ["flow"]
[[pump]]
id = "p1"
header = "main"
power = "p1.power"
"""


def station(folder: Path, *, tags: int = 3, **keys: Any) -> Any:
    """A station of one pump, with spare tags."""
    names = ["pressure", "flow", "p1.power", *(f"spare{n}" for n in range(tags - 3))]
    units = {"pressure": "bar", "flow": "m3/h", "p1.power": "kW"}
    lines = ",".join(
        f'{{ name = "{name}", address = "holding:{n}", unit = "{units.get(name, "")}" }}'
        for n, name in enumerate(names)
    )
    jobs = {"quality": "false", "running": "false", "rollup": "false", "period": 10.0, **keys}
    (folder / "station.toml").write_text(STATION.format(device=modbus_device("plc", 502), tags=lines, **jobs))
    return load(folder / "station.toml")


def test_records_are_foretold_from_how_often_each_is_written(tmp_path: Path) -> None:
    """States of pumps every ten seconds are most of what a small station writes; readings are sealed to little."""
    nothing = disk_ahead(station(tmp_path), 0.0).record_bytes_a_day  # but its health
    slow = disk_ahead(station(tmp_path, running="true", period=20.0), 0.0).record_bytes_a_day
    quick = disk_ahead(station(tmp_path, running="true", period=10.0), 0.0).record_bytes_a_day

    assert nothing > 1e6
    assert quick - nothing == pytest.approx(2 * (slow - nothing))
    assert quick - nothing == pytest.approx(8_640 * 1_200, rel=0.1)  # a station and a pump, 1,200 bytes a run


def test_more_tags_mean_more_of_what_is_said_and_rolled_up_of_them(tmp_path: Path) -> None:
    few, many = (disk_ahead(station(tmp_path, tags=tags, quality="true", rollup="true"), 0.0) for tags in (10, 110))

    assert few.record_bytes_a_day < many.record_bytes_a_day
    assert many.rollup_bytes_a_day == pytest.approx(11 * few.rollup_bytes_a_day)
    assert disk_ahead(station(tmp_path), 5.0)[:6] == (0, 0, 0, 0, many.sealed_bytes, 5.0)
