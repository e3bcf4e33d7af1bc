"""`pump-agent probe` as a technician calls it: child processes, and devices on real sockets."""

import json
import socket
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.configuration.config_file import load
from drivers.registers import WORDS
from tests.acceptance.probing import Finding, findings, told
from tests.simulators import serial_bus
from tests.simulators.agent import called
from tests.simulators.modbus import (
    Request,
    answering,
    frame,
    modbus_server,
    raw_device,
    refusal,
)
from tests.simulators.replay import REPLAYER, modbus_rows
from tests.simulators.station import modbus_device

QUICK = ("--every", "0.05s")
STATION = """
[station]
name = "hillside"

{device}
base = {base}

[[device.tag]]
name = "main.flow"
address = "holding:{address}"
type = "float32"
unit = "m3/h"
valid_min = 0
valid_max = 60
"""


SERIAL = """
[station]
name = "hillside"
[[device]]
name = "meter"
protocol = "modbus-rtu"
serial_port = "{port}"
unit_id = 5
"""


def station(folder: Path, port: int, *, base: int = 0, address: int = 100) -> Path:
    path = folder / "station.toml"
    path.write_text(STATION.format(device=modbus_device("plc-1", port), base=base, address=address))
    return path


def holding(words: Sequence[int]) -> bytes:
    """The body of an answer with these registers."""
    return bytes((2 * len(words),)) + b"".join(word.to_bytes(2, "big") for word in words)


async def test_swapped_words_are_seen_at_once() -> None:
    """42.5 in CDAB: ranked first at an address nobody knows anything of, with the line and the row to paste."""
    async with modbus_server(holding={95: [7] * 5 + [0x0000, 0x422A] + [7] * 12}) as port:
        said = await called("probe", f"127.0.0.1:{port}/1", "holding:100", "--expect", 42.5, "--unit", "m3/h", *QUICK)

    lines = said.out.splitlines()
    best = lines[next(number for number, line in enumerate(lines) if line.startswith("likely")) + 1]
    assert said.status == 0, said.err
    assert lines[0] == f"modbus://127.0.0.1:{port}/1 holding:100, counted from 0 (40101 in manuals), read 5 times"
    assert best.split()[1:] == ["holding:100", "float32", "CDAB", "1", "42.5"]
    assert (
        '  { name = "holding.100", address = "holding:100", type = "float32", order = "CDAB", unit = "m3/h" },' in lines
    )
    assert lines[-2:] == ["  name,address,type,order,unit", "  holding.100,holding:100,float32,CDAB,m3/h"]


async def test_every_type_and_order_of_three_addresses_stands_side_by_side() -> None:
    """Who trusts no ranking looks for the number on the display."""
    async with modbus_server(holding={99: [1, 0x0000, 0x422A, *[7] * 9]}) as port:
        said = await called("probe", f"127.0.0.1:{port}", "40101", "--reads", 1)

    assert said.out.count("ABCD            CDAB            BADC            DCBA") == 3
    assert all(said.out.count(f"\n  {kind} ") == 3 for kind in WORDS if kind != "bool")


async def test_a_tag_is_probed_by_its_name_and_keeps_what_is_known_of_it(tmp_path: Path) -> None:
    """The range decides; name, unit and range are in the line, which takes the place of the wrong one."""
    async with modbus_server(holding={99: [1, 0x2A42, 0x0000, *[7] * 9]}) as port:
        path = station(tmp_path, port)
        said = await called("probe", f"{path}:plc-1", "main.flow", "--json", *QUICK)

    found = json.loads(said.out)
    assert found["expected"] == {"low": 0.0, "high": 60.0, "why": "the tag's valid range"}
    assert (found["guesses"][0]["order"], found["guesses"][0]["values"]) == ("BADC", [42.5] * 5)
    assert found["guesses"][0]["share"] > 0.5
    assert found["toml"] == (
        '{ name = "main.flow", address = "holding:100", type = "float32", order = "BADC", unit = "m3/h",'
        " valid_min = 0.0, valid_max = 60.0 },"
    )


async def test_the_line_is_right_where_it_is_pasted(tmp_path: Path) -> None:
    """A device counted from 1 gets an address counted from 1, and the line is what the configuration takes."""
    async with modbus_server(holding={99: [1, 0x0000, 0x422A, *[7] * 9]}) as port:
        path = station(tmp_path, port, base=1, address=101)
        said = await called("probe", f"{path}:plc-1", "main.flow", "--json", *QUICK)

    found = json.loads(said.out)
    assert "holding:101, counted from 1 (40101 in manuals)" in found["target"]
    head, _, _ = path.read_text().partition("[[device.tag]]")
    path.write_text(f"{head}tag = [ {found['toml']} ]")
    [tag] = load(path).devices[0].tags
    assert tag.model_dump(include={"address", "order", "unit"}) == {
        "address": "holding:101",
        "order": "CDAB",
        "unit": "m3/h",
    }


async def test_a_list_counted_from_1_is_said_aloud() -> None:
    """The value stands one register before the address the manual gives; the line says so."""
    async with modbus_server(holding={97: [7, 7, 0x4240, 0x7EFA, 0x3EDA, 0xABCD, *[7] * 8]}) as port:
        said = await called("probe", f"127.0.0.1:{port}", "holding:100", "--between", 30, 70, *QUICK)

    assert "one register before" in said.out
    assert 'address = "holding:99", type = "float32"' in said.out


async def test_bits_are_shown_and_named() -> None:
    """A coil has no type to guess, but neighbours."""
    async with modbus_server(coils={0: [False] * 3 + [True] + [False] * 12}) as port:
        said = await called("probe", f"127.0.0.1:{port}", "coil:3", "--reads", 2, *QUICK)

    assert "> coil:3         1 1" in said.out.splitlines()
    assert 'address = "coil:3", type = "bool"' in said.out


async def test_a_device_that_answers_only_whole_values_is_read_too() -> None:
    """Some meters refuse everything but exactly the two registers of a value."""

    def answer(request: Request) -> bytes:
        whole = (request.start, request.quantity) == (100, 2)
        return frame(request, holding([0x422A, 0x0000])) if whole else refusal(request, 2)

    async with raw_device(answering(answer)) as device:
        said = await called("probe", f"127.0.0.1:{device.port}", "holding:100", "--json", *QUICK)

    best = json.loads(said.out)["guesses"][0]
    assert (best["type"], best["order"], best["values"][0]) == ("float32", "ABCD", 42.5)


async def test_a_unit_on_a_serial_line_is_probed_by_its_configuration(tmp_path: Path) -> None:
    """Whatever bus the device is on, the registers are the same."""

    def answer(request: serial_bus.Request) -> bytes:
        words = {100: 0x0000, 101: 0x422A}
        data = b"".join(words.get(request.start + n, 7).to_bytes(2, "big") for n in range(request.quantity))
        return serial_bus.framed(bytes((request.unit, request.function, len(data))) + data)

    async with serial_bus.serial_bus(tmp_path, {5: serial_bus.answering(answer)}) as line:
        path = tmp_path / "station.toml"
        path.write_text(SERIAL.format(port=line.port.path))
        said = await called("probe", f"{path}:meter", "holding:100", "--expect", 42.5, "--json", *QUICK)

    best = json.loads(said.out)["guesses"][0]
    assert (best["address"], best["type"], best["order"]) == ("holding:100", "float32", "CDAB")


async def test_a_refusal_names_the_other_table() -> None:
    """3x and 4x are confused as often as words."""
    async with modbus_server(inputs={99: [1, 2, 3]}) as port:
        said = await called("probe", f"127.0.0.1:{port}", "holding:100", "--reads", 1)

    assert said.status == 1
    assert "refused by the device: illegal data address (2), as is everything beside it; try input:100" in said.err


async def test_a_dead_device_is_told_in_one_sentence() -> None:
    """No trace, no wait."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # and listens to nobody
        place = f"127.0.0.1:{bound.getsockname()[1]}"
        said = await called("probe", place, "holding:100")

    assert (said.status, said.out) == (1, "")
    assert said.err.count("\n") == 1
    assert place in said.err


@pytest.mark.parametrize(
    ("device", "address", "sentence"),
    [
        ("station.toml:plc-2", "holding:1", 'there is no device "plc-2"; did you mean "plc-1"?'),
        ("station.toml:plc-1", "main.flwo", 'did you mean "main.flow"?'),
        ("192.0.2.10:502/1/3", "holding:1", "is no device; write it like station.toml:plc-1 or 192.0.2.10:502/1"),
        ("192.0.2.10:70000", "holding:1", "is no device"),
        ("192.0.2.10", "100", '"100" names no table; write "holding:100", "input:100" or the like'),
    ],
)
async def test_what_is_misspelt_is_said(tmp_path: Path, device: str, address: str, sentence: str) -> None:
    """Status 2, as for every command line a person must mend; nothing is asked of any device."""
    station(tmp_path, 502)

    said = await called("probe", str(tmp_path / device) if device.startswith("station") else device, address)

    assert said.status == 2
    assert sentence in said.err


@pytest.mark.slow
@pytest.mark.skipif(not REPLAYER.exists(), reason=f"the recorded station is not at {REPLAYER}")
async def test_the_right_reading_is_found_on_a_real_station(capsys: pytest.CaptureFixture[str]) -> None:
    """Given only units, 197 tags: first nearly always where the registers say anything, else among three.

    Takes seconds, because values have to move. Zeros and missing sensors leave the type open, and are counted too.
    """
    found = await findings(modbus_rows())

    saying = [one for one in found if not one.says_nothing]
    with capsys.disabled():
        print(f"\nall: {told(found)}; that say something: {told(saying)}")  # noqa: T201 - the figure is asked for
    assert len(found) == 197
    assert _share(saying, 1) > 0.93
    assert _share(saying, 3) > 0.98
    assert _share(found, 3) > 0.95


def _share(found: Sequence[Finding], place: int) -> float:
    return sum(one.place <= place for one in found) / len(found)
