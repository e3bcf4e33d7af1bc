"""The settings: what editors are told of them, and what they refuse without any file."""

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from agent.configuration.mistakes import did_you_mean
from agent.configuration.schema import owners, schema_at, schema_text
from agent.plant import PumpSettings
from agent.tariff_settings import TariffBand, TariffSettings
from drivers.settings import ModbusSettings
from tests.agent.reference import CONFIG

PLC = {"protocol": "modbus-tcp", "name": "plc", "host": "192.0.2.10"}


def test_schema_that_ships_is_that_of_the_settings() -> None:
    """An editor that warns of what the agent accepts is worse than none; `make schema` writes it anew."""
    shipped = (CONFIG / "station.schema.json").read_text(encoding="utf-8")

    assert shipped == schema_text()


def test_schema_asks_for_a_job_no_period() -> None:
    """Each job has its own; an editor must not mark a table that only sets a budget."""
    assert schema_at(("jobs", "curves"), {})["required"] == []


def test_schema_knows_the_keys_of_each_kind_of_device() -> None:
    """What a key could have been depends on the protocol of its device."""
    content = {"device": [{"protocol": "modbus-tcp"}, {"protocol": "opcua"}]}

    assert "unit_id" in schema_at(("device", 0), content)["properties"]
    assert "url" in schema_at(("device", 1), content)["properties"]
    assert "node" in schema_at(("device", 1, "tag", 0), content)["properties"]


def test_tables_that_have_a_key_are_named_as_they_are_written() -> None:
    """So that a key in the wrong place can be moved to the right one."""
    assert owners("keepalive") == ["[mqtt]"]
    assert owners("rated_speed") == ["[[pump]]"]
    assert owners("unit_id") == ["[[device]]"]


def test_only_what_is_near_is_suggested() -> None:
    """A wrong suggestion costs more than none."""
    assert did_you_mean("adress", ["address", "order"]) == '; did you mean "address"?'
    assert did_you_mean("FLOAT32", ["float32", "int16"]) == '; did you mean "float32"?'
    assert did_you_mean("period", ["version", "user"]) == ""


def test_name_is_found_among_thousands() -> None:
    """A large station has thousands of tags, of which only the likeliest are compared in full."""
    names = [f"area{number // 500}.device{number // 50}.quantity_{number}" for number in range(5000)]

    assert did_you_mean("area3.devic30.quantity_1500", names) == '; did you mean "area3.device30.quantity_1500"?'


def test_settings_made_in_code_need_no_file_around_them() -> None:
    """A test or a job may make a pump without saying which tags there are."""
    pump = PumpSettings(id="p1", header="main", speed="p1.speed")

    assert pump.speed == "p1.speed"


def test_numbers_are_finite() -> None:
    """TOML has nan and inf; a scale of nan would turn every reading bad, a period of inf would never poll."""
    with pytest.raises(ValidationError, match="finite"):
        PumpSettings(id="p1", header="main", rated_flow=float("inf"))


@pytest.mark.parametrize("base", [0, 1])
def test_first_register_is_called_as_the_manual_does(base: int) -> None:
    """holding:0 does not exist where counting begins at 1; 40001 is the first one anyway."""
    tags = [{"name": "first", "address": f"holding:{base}"}, {"name": "same", "address": "40001"}]

    device = ModbusSettings.model_validate({**PLC, "base": base, "tag": tags})

    assert len(device.tags) == 2


def test_register_before_the_first_is_refused() -> None:
    """Else it would be register 65535, or a crash in the planner."""
    with pytest.raises(ValidationError, match="counted from 1 to 65536"):
        ModbusSettings.model_validate({**PLC, "base": 1, "tag": [{"name": "x", "address": "holding:0"}]})


@pytest.mark.parametrize(
    ("start", "end", "agree"),
    [("12:00", "24:00", True), ("11:59", "24:00", False), ("00:00", "06:00", True), ("05:59", "12:00", False)],
)
def test_two_prices_for_one_minute_are_refused(start: str, end: str, agree: bool) -> None:  # noqa: FBT001 - a table
    """Bands may touch; where they overlap, nobody could say what energy costs."""
    day = TariffBand(price=0.3, start="06:00", end="12:00")
    other = TariffBand(price=0.1, start=start, end=end, days=("mon",))

    if agree:
        assert TariffSettings(price=0.2, band=(day, other)).bands == (day, other)
    else:
        with pytest.raises(ValidationError, match="bands 1 and 2 both set the price"):
            TariffSettings(price=0.2, band=(day, other))


def test_reading_settings_loads_no_protocol_and_no_mathematics() -> None:
    """`check` answers at once, and the polling process pays for what it uses only."""
    program = (
        "import sys; from pathlib import Path; from agent.configuration.config_file import load;"
        "load(Path(sys.argv[1]));"
        "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    config: Path = CONFIG / "station.toml"

    loaded = subprocess.run([sys.executable, "-c", program, str(config)], capture_output=True, text=True, check=True)

    heavy = {"numpy", "scipy", "pandas", "sklearn", "pymodbus", "asyncua", "paho", "sqlite_utils", "apscheduler"}
    assert heavy & set(loaded.stdout.split()) == set()
