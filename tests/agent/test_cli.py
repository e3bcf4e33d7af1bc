"""The command line, as a person or a service calls it: real child processes."""

import json
import re
import subprocess
import sys
from pathlib import Path
from shutil import copytree

import pytest

from agent.configuration.config_file import load
from tests.agent.reference import CONFIG, spoilt
from tests.real_station import FOLDER, needs_real_station

PROGRAM = Path(sys.executable).parent / "pump-agent"
COMMANDS = [
    *(
        "run",
        "check",
        "probe",
        "demo",
        "status",
        "alarm",
        "overhaul",
        "alarms",
        "import-tags",
        "browse",
        "opcua-cert",
        "import",
        "export",
    ),
    *("backup", "analyse", "optimise", "plot", "schema", "version"),
]
VENDOR = """Description;Tag Name;Slave ID;Function Code;Register;Data Type;Byte Order;Factor;EU
Flow of pump 1;P1 Flow;1;03;40101;REAL;big-endian;0,1;m³/h
Bearing;P1 Temp;2;4;17;INT;;0,1;°C
Second sensor;P2 Temp;2;4;18;INT;;0,1;°C
Running;P1 Run;2;1;0x10;BIT;;;
"""


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROGRAM), *map(str, arguments)], capture_output=True, text=True, check=False)


def test_help_names_every_command() -> None:
    """Who asks for help sees all there is."""
    result = call("--help")

    assert result.returncode == 0
    assert re.findall(r"^    ([a-z-]+)", result.stdout, re.MULTILINE) == COMMANDS


@pytest.mark.parametrize("arguments", [[], *([command] for command in COMMANDS)], ids=" ".join)
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    """Help answers within half a second on a small PC, for which it must not even load pydantic."""
    program = (
        "import contextlib, sys; from agent.cli import main\n"
        "with contextlib.suppress(SystemExit): main([*sys.argv[1:], '--help'])\n"
        "print(*sys.modules, file=sys.stderr)"
    )

    result = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)

    loaded = {name.partition(".")[0] for name in result.stderr.split()}
    assert result.stdout.startswith("usage: pump-agent")
    assert {"pydantic", "numpy", "pymodbus", "paho", "asyncio", "sqlite3", "rich"} & loaded == set()


def test_version_is_that_of_the_package() -> None:
    """Asked on the phone, before anything else."""
    result = call("version")

    assert (result.returncode, result.stdout) == (0, "0.1.0\n")


def test_schema_is_what_ships() -> None:
    """`make schema` writes it."""
    result = call("schema")

    assert result.stdout == (CONFIG / "station.schema.json").read_text()


def test_check_says_what_a_right_configuration_amounts_to() -> None:
    """The counts tell a technician whether a file was forgotten; the requests, what a scan costs."""
    result = call("check", CONFIG / "station.toml")

    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        f"{CONFIG}/station.toml is in order: 6 devices, 22 tags, 3 pumps, 1 header, 1 limit",
        "  plc: 7 tags, 3 requests a scan, every 1 s",
        "    on the wire, where the first is 0: holding:100 is holding:100, coil:3 is coil:3",
        "  meter: 9 tags, 1 request a scan, every 1 s",
        "    on the wire, where the first is 0: input:0 is input:0",
        "  booster: 1 tag, 1 request a scan, every 1 s",
        "    on the wire, where the first is 0: input:0 is input:0",
        "  chlorine: 1 tag, 1 request a scan, every 10 s",
        "    on the wire, where the first is 0: input:0 is input:0",
        "  well: 1 tag, 1 request a scan, every 1 s",
        "    on the wire, where the first is 0: holding:0 is holding:0",
        "  works: 3 tags, by subscription, security None, every 1 s",
    ]


def test_check_prints_each_mistake_and_fails(tmp_path: Path) -> None:
    """Status 2 tells a script, the line tells the person."""
    path, line = spoilt(tmp_path, "area = 310.0", "area = -310.0")

    result = call("check", path)

    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [f"{path}:{line}: tank: area: must be above 0, not -310.0", "1 mistake"]


def test_check_tells_programs_in_json(tmp_path: Path) -> None:
    """An editor or a deployment reads places, not sentences."""
    path, line = spoilt(tmp_path, "area = 310.0", "area = -310.0")

    right, wrong = call("check", CONFIG / "station.toml", "--json"), call("check", path, "--json")

    assert json.loads(right.stdout)["tags"] == 22
    assert json.loads(right.stdout)["ok"] is True
    assert json.loads(wrong.stdout)["ok"] is False
    [mistake] = json.loads(wrong.stdout)["mistakes"]
    assert (mistake["file"], mistake["line"], mistake["column"]) == (str(path), line, 1)
    assert wrong.returncode == 2


@pytest.mark.parametrize("command", ["run", "status", "analyse"])
def test_wrong_configuration_stops_every_command_alike(tmp_path: Path, command: str) -> None:
    """No traceback, no half start: the mistakes, and the status that no restart mends."""
    path, line = spoilt(tmp_path, "area = 310.0", "area = -310.0")

    result = call(command, path)

    assert result.returncode == 2
    assert result.stderr == f"{path}:{line}: tank: area: must be above 0, not -310.0\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["chekc"], "invalid choice: 'chekc'"),
        (["demo", "--for", "soon"], '"soon" is no time; write for example 60s, 5m or 1h'),
        (["analyse", "x.toml", "--until", "2025-02-27 18:50"], "says no time zone; write Z behind it"),
        (["import-tags", "x.csv", "--sentinel", "int16"], '"int16" is no sentinel; write it like int16=32767'),
    ],
)
def test_wrong_command_line_is_refused_with_a_remedy(arguments: list[str], sentence: str) -> None:
    """Status 2, as for everything a person must mend."""
    result = call(*arguments)

    assert result.returncode == 2
    assert sentence in result.stderr


def test_vendors_list_becomes_a_tag_file(tmp_path: Path) -> None:
    """Other titles, type names, function codes and a decimal comma; what was not used is said."""
    path = tmp_path / "vendor.csv"
    path.write_bytes(VENDOR.encode("cp1252"))

    result = call("import-tags", path, "--sentinel", "int16=32767")

    assert result.returncode == 0
    assert result.stdout.splitlines() == [
        "device,name,address,type,unit,scale,sentinels,order",
        "unit-1,P1_Flow,40101,float32,m³/h,0.1,,ABCD",
        "unit-2,P1_Temp,input:17,int16,°C,0.1,32767,",
        "unit-2,P2_Temp,input:18,int16,°C,0.1,32767,",
        "unit-2,P1_Run,coil:0x10,bool,,,,",
    ]
    assert result.stderr.splitlines() == [
        f"{path}: 4 tags of 2 devices",
        f"{path}: read as cp1252, as it is no UTF-8",
        f"{path}: not used: Description",
    ]


def test_tables_to_paste_make_a_configuration_of_the_tag_file(tmp_path: Path) -> None:
    """From a vendor's list to a file that can be checked, without typing a register."""
    vendor, config = tmp_path / "vendor.csv", tmp_path / "station.toml"
    vendor.write_text(VENDOR)

    result = call("import-tags", vendor, "--output", tmp_path / "tags.csv", "--toml", "192.0.2.7:1502")

    config.write_text(result.stdout + '[station]\nname = "new"\n')
    loaded = load(config)
    assert [(device.name, len(device.tags)) for device in loaded.devices] == [("unit-1", 1), ("unit-2", 3)]
    assert {getattr(device, "host", None) for device in loaded.devices} == {"192.0.2.7"}
    assert [tag.scale for device in loaded.devices for tag in device.tags] == [0.1, 0.1, 0.1, 1]


@pytest.mark.parametrize(
    ("right", "wrong", "row", "sentence"),
    [
        ("REAL", "REEL", 2, 'type: must be "bool", "int8",'),
        ("40101", "seven", 2, 'address: "holding:seven" is no address'),
        ("P2 Temp", "P1 Temp", 4, "name: another tag has this name"),
        ("P1 Run;2", "P1 Run;two", 5, "unit_id: must be a whole number, not"),
        ("18;INT;;0,1", "18;INT;;a tenth", 4, "scale: must be a number, not"),
    ],
)
def test_nonsense_in_a_vendors_list_is_refused_and_nothing_written(
    tmp_path: Path, right: str, wrong: str, row: int, sentence: str
) -> None:
    """A guess here would be a wrong value for years."""
    vendor, tags = tmp_path / "vendor.csv", tmp_path / "tags.csv"
    vendor.write_text(VENDOR.replace(right, wrong))

    result = call("import-tags", vendor, "--output", tags)

    assert result.returncode == 2
    assert f"{vendor}:{row}: " in result.stderr
    assert sentence in result.stderr
    assert not tags.exists()


def test_tag_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A folder misspelt is a thing to mend, not a traceback."""
    vendor, tags = tmp_path / "vendor.csv", tmp_path / "nowhere" / "tags.csv"
    vendor.write_text(VENDOR)

    result = call("import-tags", vendor, "--output", tags)

    assert (result.returncode, result.stderr) == (2, f"{tags}: cannot be written: No such file or directory\n")


@needs_real_station
def test_real_stations_list_becomes_251_tags(tmp_path: Path) -> None:
    """Eight Modbus units with four word orders and an OPC UA server, as one vendor delivered them."""
    options = ["--output", tmp_path / "tags.csv", "--toml", "192.0.2.7:502", "--sentinel", "int16=32767"]

    result = call("import-tags", FOLDER / "registers.csv", *options)

    config = tmp_path / "station.toml"
    config.write_text(result.stdout + '[station]\nname = "real"\n')
    tags = [tag for device in load(config).devices for tag in device.tags]
    assert len(tags) == 251
    assert {getattr(tag, "order", None) for tag in tags} == {"ABCD", "CDAB", "BADC", None}
    assert {tag.sentinels for tag in tags if getattr(tag, "type", None) == "int16"} == {(32767,)}


def test_module_is_the_command(tmp_path: Path) -> None:
    """Where no script was installed, `python -m agent` does the same."""
    copytree(CONFIG, tmp_path, dirs_exist_ok=True)
    command = [sys.executable, "-m", "agent", "check", "station.toml"]

    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert result.returncode == 0
    assert result.stdout.startswith("station.toml is in order")


def test_check_hints_at_what_is_probably_not_meant(tmp_path: Path) -> None:
    """The agent would run and, for want of a power or a known unit, never advise; nobody would know why."""
    path, _ = spoilt(tmp_path, 'power = "p3.power"\n', "")
    path.write_text(
        path.read_text().replace('unit = "m3/h", fill', 'unit = "m3/hour", fill').replace('drive = "fixed"\n', "")
    )

    result = call("check", path)

    assert result.returncode == 0
    assert [line for line in result.stdout.splitlines() if line.startswith("  hint")] == [
        '  hint: tag "header.flow" has the unit "m3/hour", which is not known; write one such as m3/h, bar, kW or degC',
        '  hint: pump "p3" has no power tag, so what it costs is never learnt; add power',
        '  hint: pump "p3" has a drive and no speed tag; add speed, or write drive = "fixed"',
    ]
