"""Tag lists as they come: Chinese titles, GBK, Excel; and a wrong cell in each, named by row and column."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from zipfile import ZipFile

import pytest
from openpyxl import Workbook

from agent.configuration.config_file import load, located
from agent.configuration.mistakes import SettingsError
from drivers.settings import (
    ModbusRtuOverTcpSettings,
    ModbusRtuSettings,
    ModbusSettings,
    ModbusTagSettings,
    TagSettings,
)

PROGRAM = Path(sys.executable).parent / "pump-agent"
STATION = """
[station]
name = "test"
[[device]]
name = "plc"
protocol = "modbus-tcp"
host = "192.0.2.10"
tags_file = "{name}"
"""
CHINESE = """序号,变量名,寄存器地址,数据类型,字节序,比例系数,偏移量,单位,备注
1,p1.pressure,holding:100,32位浮点,低字在前,1,0,兆帕,1号泵出口压力
2,p1.temperature,40013,有符号16位,,"0,1",-5,摄氏度,1号泵轴承温度
3,p1.running,线圈:3,开关量,,,,,运行
"""
PRESSURE = ModbusTagSettings(name="p1.pressure", address="holding:100", type="float32", order="CDAB", unit="MPa")
TEMPERATURE = ModbusTagSettings(name="p1.temperature", address="40013", type="int16", scale=0.1, offset=-5, unit="degC")


def tags(folder: Path, name: str) -> list[TagSettings]:
    (folder / "station.toml").write_text(STATION.format(name=name))
    return list(load(folder / "station.toml").devices[0].tags)


def refusals(folder: Path, name: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        tags(folder, name)
    return [str(mistake).removeprefix(f"{folder}/") for mistake in caught.value.mistakes]


def workbook(path: Path, rows: Sequence[Sequence[object]], *, before: int = 0, sheet: str = "Tags") -> Path:
    """An Excel file whose list begins below some rows of other things, on its second sheet."""
    book = Workbook()
    first = book.active
    assert first is not None
    first.title = "Cover"
    first["A1"] = "North pumping station, issue B"
    second = book.create_sheet(sheet)
    for _ in range(before):
        second.append(["Project 4711", None, None])
    for row in rows:
        second.append(list(row))
    book.save(path)
    return path


def call(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROGRAM), *map(str, arguments)], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("encoding", ["gbk", "utf-8", "utf-8-sig", "utf-16"])
def test_a_tag_file_with_chinese_titles_is_read(tmp_path: Path, encoding: str) -> None:
    """As a Chinese integrator writes it, in whatever his Excel saves."""
    (tmp_path / "tags.csv").write_bytes(CHINESE.replace("线圈:3", "coil:3").encode(encoding))

    found = tags(tmp_path, "tags.csv")

    assert found[:2] == [PRESSURE, TEMPERATURE]
    assert found[2] == ModbusTagSettings(name="p1.running", address="coil:3", type="bool")


@pytest.mark.parametrize(
    ("encoding", "told"), [("gbk", ["read as GBK, as it is no UTF-8"]), ("utf-8", [])], ids=["gbk", "utf-8"]
)
def test_the_encoding_that_was_taken_is_told(tmp_path: Path, encoding: str, told: list[str]) -> None:
    """A guess is said aloud: whoever sees it can object."""
    (tmp_path / "tags.csv").write_bytes(CHINESE.replace("线圈:3", "coil:3").encode(encoding))
    path = tmp_path / "station.toml"
    path.write_text(STATION.format(name="tags.csv"))

    said = call("check", path)

    assert list(located(path).notes) == [f"{tmp_path / 'tags.csv'}: {one}" for one in told]
    assert [line for line in said.stdout.splitlines() if "read as" in line] == [
        f"  {tmp_path / 'tags.csv'}: {one}" for one in told
    ]


def test_a_wrong_cell_is_named_by_row_and_by_the_title_it_stands_under(tmp_path: Path) -> None:
    """The list says 寄存器地址, so the mistake does; every wrong row is named, and nothing is taken."""
    wrong = CHINESE.replace("线圈:3", "三").replace("32位浮点", "33位浮点")
    (tmp_path / "tags.csv").write_text(wrong)

    found = refusals(tmp_path, "tags.csv")

    assert [one for one in found if one.startswith("tags.csv:2: ") and '(in column 4, "数据类型")' in one]
    assert [one for one in found if one.startswith("tags.csv:4: ") and '(in column 3, "寄存器地址")' in one]


def test_titles_may_stand_below_others(tmp_path: Path) -> None:
    """Vendors put the project's name above; the line told is the file's own."""
    rows = "North station,,\nissued 2024,,\n\nname,address,type\na,holding:1,int16\nb,holding:2,int61\n"
    (tmp_path / "tags.csv").write_text(rows)

    [found] = refusals(tmp_path, "tags.csv")

    assert found.startswith('tags.csv:6: device "plc", tag "b": type: there is no "int61"')


def test_a_workbook_is_a_tag_file(tmp_path: Path) -> None:
    """Numbers that Excel keeps as 40013.0 and 0.1, booleans, empty cells, a sheet that is not the first."""
    rows: list[list[object]] = [
        ["Name", "Address", "Type", "Scale", "Unit", "Totaliser"],
        ["p1.temperature", 40013.0, "int16", 0.1, "degC", None],
        [None, None, None, None, None, None],
        ["main.volume", "holding:7", "uint32", 1, "m3", True],
    ]
    workbook(tmp_path / "tags.xlsx", rows, before=2)

    found = tags(tmp_path, "tags.xlsx")

    assert found == [
        ModbusTagSettings(name="p1.temperature", address="40013", type="int16", scale=0.1, unit="degC"),
        ModbusTagSettings(name="main.volume", address="holding:7", type="uint32", unit="m3", totaliser=True),
    ]


def test_a_wrong_cell_of_a_workbook_is_named_by_sheet_and_row(tmp_path: Path) -> None:
    """The row is the one Excel shows."""
    workbook(tmp_path / "tags.xlsx", [["name", "address"], ["a", "holding:1"], ["b", 7]], before=2)

    [found] = refusals(tmp_path, "tags.xlsx")

    assert found.startswith('tags.xlsx[Tags]:5: device "plc", tag "b": address: "7" names no table')


def test_a_vendors_workbook_becomes_a_tag_file(tmp_path: Path) -> None:
    """Chinese titles, station numbers, function codes, register counts beside floats; two columns of names."""
    rows: list[list[object]] = [
        ["名称", "点名", "从站地址", "功能码", "寄存器地址", "寄存器数量", "数据类型", "字节序", "系数", "单位"],
        ["1号泵频率", "P1_FREQ", 1, 3, 100, 2, "浮点型", "小端字节交换", 1, "Hz"],
        ["1号泵温度", "P1_TEMP", 2, 4, 17, 1, "16位有符号整数", None, 0.1, "℃"],
    ]
    path = workbook(tmp_path / "list.xlsx", rows, sheet="点表")

    said = call("import-tags", path)

    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines() == [
        "device,name,address,type,unit,scale,order",
        "unit-1,P1_FREQ,holding:100,float32,Hz,1,CDAB",
        "unit-2,P1_TEMP,input:17,int16,℃,0.1,",
    ]
    assert said.stderr.splitlines() == [
        f"{path}: 2 tags of 2 devices",
        f'{path}: read from sheet "点表"',
        f"{path}: not used: 名称",
    ]


def test_units_on_a_serial_line_become_such_devices(tmp_path: Path) -> None:
    """And what the list cannot say of the line is asked for; unit 3 on the network is another one."""
    (tmp_path / "list.csv").write_text(
        "Protocol,Unit ID,Tag,Table,Address,Type\n"
        "Modbus RTU,3,m3.power,Input,12,float32\n"
        "RS-485,3,m3.energy,Input,72,uint32\n"
        "Modbus TCP,3,plc.level,Holding,0,uint16\n"
        "Modbus RTU over TCP,4,m4.flow,Holding,7,float32\n"
    )

    said = call(
        "import-tags", tmp_path / "list.csv", "--output", tmp_path / "tags.csv",
        "--toml", "192.0.2.7:4001", "--serial-port", "/dev/serial/by-id/usb-1",
    )  # fmt: skip
    (tmp_path / "station.toml").write_text(said.stdout + '\n[station]\nname = "north"\n')

    assert said.returncode == 0, said.stderr
    assert "on a serial line: rtu-3; such a [[device]] has" in said.stderr
    serial, network, gateway = load(tmp_path / "station.toml").devices
    assert isinstance(serial, ModbusRtuSettings)
    assert (serial.serial_port, serial.unit_id, serial.baudrate) == ("/dev/serial/by-id/usb-1", 3, 9600)
    assert [tag.name for tag in serial.tags] == ["m3.power", "m3.energy"]
    assert isinstance(network, ModbusSettings)
    assert isinstance(gateway, ModbusRtuOverTcpSettings)
    assert (gateway.host, gateway.port, gateway.unit_id) == ("192.0.2.7", 4001, 4)


def test_hexadecimal_addresses_are_read_as_their_title_says(tmp_path: Path) -> None:
    """Under "Address (hex)", 10 is register 16: read as 10 it would be another meter's value."""
    (tmp_path / "list.csv").write_text("Tag,Table,Address (hex)\na,holding,10\nb,holding,1F\nc,holding,0x20\n")

    said = call("import-tags", tmp_path / "list.csv")

    assert [line.split(",")[2] for line in said.stdout.splitlines()[1:]] == [
        "holding:0x10",
        "holding:0x1F",
        "holding:0x20",
    ]


def test_every_wrong_row_of_a_vendors_workbook_is_named_and_nothing_written(tmp_path: Path) -> None:
    """Half a list would look like a whole one."""
    rows = [
        ["点名", "地址", "类型"],
        ["a", "holding:1", "浮点"],
        ["泵", "holding:3", "浮点"],
        ["c", "x", "浮点"],
        ["d", "holding:5", "浮"],
    ]
    path = workbook(tmp_path / "list.xlsx", rows)

    said = call("import-tags", path, "--output", tmp_path / "tags.csv")

    lines = said.stderr.splitlines()
    assert said.returncode == 2
    assert [line.partition(": ")[0] for line in lines] == [f"{path}[Tags]:{row}" for row in (3, 4, 5)]
    assert '(in column 1, "点名")' in lines[0]
    assert '(in column 2, "地址")' in lines[1]
    assert '(in column 3, "类型")' in lines[2]
    assert not (tmp_path / "tags.csv").exists()


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("old.xls", b"\xd0\xcf\x11\xe0", "is a workbook of before 2007; save it as .xlsx"),
        ("broken.xlsx", b"PK\x03\x04 and nothing more", "is no workbook, or a damaged one"),
        ("renamed.xlsx", b"name,address\na,holding:1\n", "is no workbook, or a damaged one"),
        ("empty.xlsx", b"", "is no workbook, or a damaged one"),
    ],
)
def test_what_is_no_workbook_is_refused_in_a_sentence(tmp_path: Path, name: str, data: bytes, sentence: str) -> None:
    """Whatever a person has renamed or a transfer cut short."""
    (tmp_path / name).write_bytes(data)

    [found] = refusals(tmp_path, name)

    assert found.startswith(f"{name}: {sentence}")


def test_any_damage_to_a_workbook_is_told(tmp_path: Path) -> None:
    """A byte overwritten anywhere gives the same tags or a sentence; never a trace."""
    whole = workbook(tmp_path / "whole.xlsx", [["name", "address"], ["a", "holding:1"]]).read_bytes()

    for place in range(0, len(whole), 97):
        (tmp_path / "tags.xlsx").write_bytes(whole[:place] + b"\xff\xff\xff" + whole[place + 3 :])
        try:
            found = [tag.name for tag in tags(tmp_path, "tags.xlsx")]
        except SettingsError as error:
            found = [str(error)]
        assert found


def test_a_workbook_without_the_extra_says_what_to_install(tmp_path: Path) -> None:
    """The service has no openpyxl unless somebody asked for it."""
    path = workbook(tmp_path / "tags.xlsx", [["name", "address"], ["a", "holding:1"]])
    program = "import sys; sys.modules['openpyxl'] = None; from agent.cli import main; sys.exit(main(sys.argv[1:]))"

    said = subprocess.run(
        [sys.executable, "-c", program, "import-tags", path], capture_output=True, text=True, check=False
    )

    assert said.returncode == 2
    assert said.stderr == (
        f"{path}: is a workbook, for which openpyxl is missing; "
        'install it with pip install "pump-agent[excel]", or save the sheet as CSV in UTF-8\n'
    )


def test_a_workbook_whose_sheets_are_gone_is_refused(tmp_path: Path) -> None:
    """A zip that is no workbook at all."""
    with ZipFile(tmp_path / "tags.xlsx", "w") as archive:
        archive.writestr("readme.txt", "not here")

    [found] = refusals(tmp_path, "tags.xlsx")

    assert found.startswith("tags.xlsx: is no workbook, or a damaged one")
