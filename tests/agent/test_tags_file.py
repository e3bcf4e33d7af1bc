"""Tags from CSV: as people's tools write it, each wrong cell named with its row and column."""

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from agent.configuration.config_file import load
from agent.configuration.mistakes import SettingsError
from agent.tag_lists.tags_file import read_tags
from drivers.settings import ModbusTagSettings, OpcuaTagSettings, TagSettings

STATION = """
tags_file = "tags.csv"
[station]
name = "test"
[[device]]
name = "plc"
protocol = "modbus-tcp"
host = "192.0.2.10"
[[device]]
name = "works"
protocol = "opcua"
url = "opc.tcp://192.0.2.20:4840"
"""
ROWS = """device,name,address,type,scale,sentinels,totaliser,node,unit
plc,p1.flow,holding:0,float32,0.1,32767 -32768,,,m³/h
works,tank.level,,,,,no,ns=2;s=level,m
"""


def station(folder: Path, rows: str | bytes) -> Path:
    data = rows if isinstance(rows, bytes) else rows.encode()
    (folder / "tags.csv").write_bytes(data)
    path = folder / "station.toml"
    path.write_text(STATION)
    return path


def tags(path: Path) -> dict[str, TagSettings]:
    return {tag.name: tag for device in load(path).devices for tag in device.tags}


def refusals(path: Path) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(path)
    return [str(mistake).removeprefix(f"{path.parent}/") for mistake in caught.value.mistakes]


FLOW = ModbusTagSettings(
    name="p1.flow", address="holding:0", type="float32", scale=0.1, sentinels=(32767, -32768), unit="m³/h"
)
LEVEL = OpcuaTagSettings(name="tank.level", node="ns=2;s=level", unit="m")


@pytest.mark.parametrize(
    "rows",
    [
        ROWS.encode(),
        b"\xef\xbb\xbf" + ROWS.encode(),
        ROWS.replace("\n", "\r\n").encode("cp1252"),
        ROWS.encode("utf-16"),
        ROWS.replace(",", "\t").encode(),
        ROWS.replace("ns=2;s=level", '"ns=2;s=level"').replace(",", ";").replace("0.1", "0,1").encode(),
        ROWS.replace("0.1", '"0,1"').replace("totaliser", "TOTALISER").replace("float32", "FLOAT32").encode(),
        ("sep=,\n\n" + ROWS + ",,,,,,,,\n# a remark\n").encode(),
    ],
    ids=["plain", "byte order mark", "cp1252", "utf-16", "tab", "semicolon", "quoted", "excel"],
)
def test_tag_file_is_read_however_it_was_saved(tmp_path: Path, rows: bytes) -> None:
    """Spreadsheets choose delimiter, encoding and decimal comma by the country; the tags are the same."""
    found = tags(station(tmp_path, rows))

    assert found == {"p1.flow": FLOW, "tank.level": LEVEL}


def test_rows_stand_beside_tags_in_the_file(tmp_path: Path) -> None:
    """A tag added by hand needs no spreadsheet."""
    path = station(tmp_path, ROWS)
    path.write_text(
        STATION.replace('host = "192.0.2.10"', 'host = "192.0.2.10"\ntag = [{ name = "x", address = "40007" }]')
    )

    assert list(tags(path)) == ["x", "p1.flow", "tank.level"]


def test_device_may_have_a_file_of_its_own(tmp_path: Path) -> None:
    """Twenty equal meters share one list of registers only if no row names a device."""
    path = station(tmp_path, ROWS)
    (tmp_path / "own.csv").write_text("name,address\nfirst,holding:1\n")
    path.write_text(STATION.replace('host = "192.0.2.10"', 'host = "192.0.2.10"\ntags_file = "own.csv"'))

    assert list(tags(path)) == ["first", "p1.flow", "tank.level"]


@pytest.mark.parametrize(
    ("right", "wrong", "place", "sentence"),
    [
        (
            "float32",
            "flaot32",
            "2",
            'device "plc", tag "p1.flow": type: there is no "flaot32"; did you mean "float32"?',
        ),
        ("0.1", "ten", "2", 'device "plc", tag "p1.flow": scale: must be a number, not "ten"'),
        ("0.1", "nan", "2", 'device "plc", tag "p1.flow": scale: must be a number, not "nan"'),
        ("0.1", "1e999", "2", 'device "plc", tag "p1.flow": scale: must be a finite number, not Infinity'),
        ("32767 -32768", "32767 none", "2", 'device "plc", tag "p1.flow": sentinels: must be a list; write'),
        ("holding:0", "0", "2", '"0" names no table; write "holding:0"'),
        ("holding:0", "", "2", 'device "plc", tag "p1.flow": address: missing; add it'),
        (",no,", ",perhaps,", "3", 'device "works", tag "tank.level": totaliser: must be true or false'),
        ("works,", "workss,", "3", 'tag "tank.level": device: there is no device "workss"; did you mean "works"?'),
        ("works,", ",", "3", 'tag "tank.level": device: missing; say whose tag this is'),
        ("tank.level", "p1.flow", "3", "name: another tag has this name, in"),
        ("tank.level", "tank level", "3", '"tank level" cannot be part of a topic'),
        (",node,", ",nodes,", "1", 'there is no column "nodes"; did you mean "node"?'),
        (",node,", ",unit,", "1", 'the column "unit" is there twice; remove one'),
        (",m\n", ",m,more\n", "3", "has more cells than the 9 titles"),
        (",m\n", ',"m\n', "3", "this row cannot be read; look for a quote that is not closed here"),
        ("tank.level", "tank\0level", "3", "holds a NUL byte"),
        ("name", "nickname", "1", 'has no column "name"'),
    ],
)
def test_wrong_cell_is_named_with_its_row(tmp_path: Path, right: str, wrong: str, place: str, sentence: str) -> None:
    """A list of 5,000 registers is mended only where somebody says which row is wrong."""
    found = refusals(station(tmp_path, ROWS.replace(right, wrong, 1)))

    assert [one for one in found if one.startswith(f"tags.csv:{place}: ") and sentence in one], found


def test_column_of_a_wrong_cell_is_known(tmp_path: Path) -> None:
    """For programs that show the file."""
    path = station(tmp_path, ROWS.replace("0.1", "ten"))

    with pytest.raises(SettingsError) as caught:
        load(path)

    assert [(one.place.line, one.place.column) for one in caught.value.mistakes] == [(2, 5)]


def test_every_wrong_row_is_told_and_none_is_taken(tmp_path: Path) -> None:
    """Half a tag list would look like a whole one."""
    rows = "device,name,address\n" + "".join(f"plc,t{i},holding:{i if i % 3 else 'x'}\n" for i in range(30))

    found = refusals(station(tmp_path, rows))

    assert [one.split(": ")[0] for one in found] == [f"tags.csv:{line}" for line in range(2, 32, 3)]


def test_row_over_several_lines_does_not_shift_the_next(tmp_path: Path) -> None:
    """A unit with a line break in quotes is legal CSV; the line told is the one an editor shows."""
    rows = 'device,name,address,unit\nplc,a,holding:1,"m\n3"\nplc,b,holding,m\n'

    found = refusals(station(tmp_path, rows))

    assert found[0].startswith('tags.csv:4: device "plc", tag "b": address: "holding" is no address')


def test_empty_file_is_told_what_it_needs(tmp_path: Path) -> None:
    """Somebody may have saved the wrong sheet."""
    [found] = refusals(station(tmp_path, ""))

    assert 'tags.csv:1: has no column "name"; begin with a row of titles, of device, name' in found


@settings(max_examples=100)
@given(data=st.binary(max_size=200) | st.text(alphabet=ROWS, max_size=200).map(lambda text: (ROWS + text).encode()))
@example(data=b"\xff\xfe\x00")
@example(data=b'device,name\n"' + b"x" * 200_000)
@example(data=b"sep=;\nname\n\x81")
def test_any_bytes_are_read_or_refused_with_sentences(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Whatever a tool saved: rows, or a person is told; nothing else ever happens."""
    path = tmp_path_factory.getbasetemp() / "any.csv"
    path.write_bytes(data)

    try:
        told = [str(row.place.line) for row in read_tags(path, "any.csv").rows]
    except SettingsError as error:
        told = [mistake.sentence for mistake in error.mistakes]

    assert all(told)
