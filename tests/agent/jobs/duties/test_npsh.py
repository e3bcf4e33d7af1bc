"""NPSH in a pump's record: from the tags of a station, with where each figure comes from."""

import json
from pathlib import Path
from typing import Any

import pytest

from agent.jobs import running
from tests.agent.history import START_MS, history

TAGS: dict[str, dict[str, Any]] = {
    "p1.power": {"unit": "kW"},
    "p2.power": {"unit": "kW"},
    "pressure": {"unit": "bar"},
    "suction": {"unit": "bar"},
    "level": {"unit": "m"},
    "water": {"unit": "degC"},
    "flow": {"unit": "m3/h"},
}
SHOWN = {
    "p1.power": 60.0,
    "p2.power": 0.2,
    "pressure": 4.0,
    "suction": -0.3,
    "level": 2.0,
    "water": 40.0,
    "flow": 400.0,
}
PUMP = {"id": "p1", "header": "main", "power": "p1.power", "rated_power": 75.0, "drive": "fixed"}
SHEET = {"flow": [200.0, 400.0, 500.0], "head": [50.0, 42.0, 34.0], "npsh": [2.0, 3.5, 5.0]}


def said(folder: Path, header: dict[str, Any], **pump: Any) -> dict[str, dict[str, Any]]:
    """What is published of two pumps, of which the first runs and delivers 400 m³/h."""
    plant = {
        "header": [{"id": "main", "pressure": ["pressure"], "flow": ["flow"], **header}],
        "pump": [PUMP | pump, {"id": "p2", "header": "main", "power": "p2.power", "rated_power": 75.0}],
    }
    with history(folder, TAGS, **plant) as past:
        for tag, value in SHOWN.items():
            past.series(tag, [value] * 60)
        outcome = past.perform("running", running.run, START_MS + 60_000)
    return {record.key: json.loads(record.body) for record in outcome.records if record.kind == "pump"}


def test_a_gauge_and_a_data_sheet_make_a_margin(tmp_path: Path) -> None:
    """-0.3 bar at 40 °C and 500 m leave 9.74 - 3.06 - 0.75 m, of which 3.5 m are needed."""
    header = {"suction_pressure": "suction", "temperature": "water", "altitude": 500.0}

    p1 = said(tmp_path, header, catalogue=SHEET)["p1"]

    assert (p1["npsh_available_source"], p1["npsh_required_source"]) == ("gauge", "catalogue")
    assert p1["npsh_available"] == pytest.approx(5.92, abs=0.02)
    assert p1["npsh_required"] == pytest.approx(3.5)
    assert p1["npsh_margin"] == pytest.approx(2.42, abs=0.02)


def test_a_level_stands_in_for_a_gauge_and_lowers_the_head_too(tmp_path: Path) -> None:
    """2 m in a sump whose zero is 5 m below the pump: 3 m of lift, which the pump adds to the head at the outlet."""
    p1 = said(tmp_path, {"suction_level": "level", "suction_level_zero": -5.0})["p1"]

    assert p1["npsh_available_source"] == "level"
    assert p1["npsh_available"] == pytest.approx(10.33 - 3.0 - 0.24, abs=0.01)
    assert p1["head"] == pytest.approx(40.79 + 3.0, abs=0.01)
    assert "npsh_required" not in p1
    assert "npsh_margin" not in p1


def test_the_head_is_that_at_the_gauges_and_the_pump_s_own_stands_beside_it(tmp_path: Path) -> None:
    """400 m³/h lose four times what 200 do in the branch; a pump that stands, or of which nothing is told, has none."""
    (tmp_path / "other").mkdir()

    told = said(tmp_path, {"suction_pressure": "suction"}, rated_flow=200.0, branch_loss=0.5)
    untold = said(tmp_path / "other", {"suction_pressure": "suction"}, rated_flow=200.0)

    assert told["p1"]["head"] == untold["p1"]["head"] == pytest.approx(43.85, abs=0.01)
    assert told["p1"]["pump_head"] == pytest.approx(43.85 + 2.0, abs=0.01)
    assert told["p1"]["efficiency"] == untold["p1"]["efficiency"]
    assert "pump_head" not in untold["p1"]
    assert "pump_head" not in told["p2"]


def test_a_plate_s_figure_is_said_to_be_one(tmp_path: Path) -> None:
    p1 = said(tmp_path, {"suction_head": 1.0}, npsh=3.0, rated_flow=500.0)["p1"]

    assert (p1["npsh_available_source"], p1["npsh_required_source"]) == ("configured", "plate")
    assert p1["npsh_required"] == pytest.approx(3.0 * 0.64)


def test_what_nobody_told_of_the_inlet_is_not_taken_for_flooded(tmp_path: Path) -> None:
    """The default of suction_head is 0 m; a margin from a default would be a promise nobody made."""
    p1 = said(tmp_path, {}, catalogue=SHEET)["p1"]

    assert "npsh_available" not in p1
    assert p1["npsh_required"] == pytest.approx(3.5)


def test_a_standing_pump_has_no_npsh(tmp_path: Path) -> None:
    p2 = said(tmp_path, {"suction_pressure": "suction"})["p2"]

    assert [key for key in p2 if key.startswith("npsh")] == []
