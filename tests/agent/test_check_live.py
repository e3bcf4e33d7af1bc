"""`pump-agent check --live` as a technician calls it: a child process, and devices on real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from agent.commissioning.disk_ahead import disk_ahead
from agent.configuration.config_file import load
from agent.store.disk import SEALED_BYTES
from agent.store.schema import migrate
from agent.store.settings import StorageSettings
from agent.store.writer import Store
from tests.simulators import serial_bus
from tests.simulators.agent import called
from tests.simulators.modbus import RawDevice, capped, modbus_server, raw_device, refusing
from tests.simulators.opcua import opcua_server
from tests.simulators.replay import REPLAYER, modbus_rows, replayed_plcs

STILL = 0.001  # rows of the recording a second: one row, standing still
WORDS = [0x0000, 0x422A, 0x4229, 0x7AE1, 0x7FFF, 253]  # 42.5 in CDAB, 42.37 in ABCD, no sensor, 25.3 degC in tenths
GOOD_TAGS = """
{ name = "main.flow", address = "holding:100", type = "float32", order = "CDAB", unit = "m3/h", valid_max = 60 },
{ name = "p1.temperature", address = "holding:105", type = "int16", scale = 0.1, unit = "degC", period = 10 },
{ name = "p1.running", address = "coil:1", type = "bool" },
"""


class Checked(NamedTuple):
    """The command, when it has ended."""

    status: int
    out: str
    err: str

    @property
    def found(self) -> dict[str, Any]:
        """By device."""
        return {device["name"]: device for device in json.loads(self.out)["devices"]}

    def tag(self, name: str) -> dict[str, Any]:
        """What is said of a tag."""
        tags: list[dict[str, Any]] = [tag for device in self.found.values() for tag in device["tags"]]
        return next(tag for tag in tags if tag["tag"] == name)


async def check(folder: Path, *devices: str, as_json: bool = True) -> Checked:
    """The command, on a configuration of these devices."""
    path = folder / "station.toml"
    path.write_text('[station]\nname = "hillside"\n' + "".join(devices))
    arguments = ["check", "--live", str(path), *(["--json"] if as_json else [])]
    return Checked(*await called(*arguments))


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def plc(port: int, tags: str, *, name: str = "plc", more: str = "") -> str:
    return (
        f'[[device]]\nname = "{name}"\nprotocol = "modbus-tcp"\nhost = "127.0.0.1"\nport = {port}\n{more}'
        f"tag = [\n{tags.strip()}\n]\n"
    )


@asynccontextmanager
async def station() -> AsyncIterator[int]:
    async with modbus_server(holding={100: WORDS}, coils={0: [False, True] + [False] * 14}) as port:
        yield port


async def test_all_good_is_status_0_and_says_raw_scaled_and_where(tmp_path: Path) -> None:
    """The one question a technician has before going home, and the proof beside the answer."""
    async with station() as port:
        said = await check(tmp_path, plc(port, GOOD_TAGS), as_json=False)

    lines = said.out.splitlines()
    assert said.status == 0, said.out + said.err
    assert lines[0] == f"plc (modbus://127.0.0.1:{port}/1): 3 of 3 tags good"
    assert lines[1].startswith("  on the wire, where the first is 0: holding:")
    assert lines[2].split() == f"good main.flow 42.5 m3/h raw 0000 422A = 42.5 {tmp_path}/station.toml:9".split()
    assert lines[3].split() == f"good p1.temperature 25.3 degC raw 00FD = 253 {tmp_path}/station.toml:10".split()
    assert lines[4].split() == f"good p1.running 1 raw 1 {tmp_path}/station.toml:11".split()
    assert lines[-1] == "all 3 tags are good"


@pytest.mark.parametrize(
    ("tag", "quality", "words"),
    [
        (
            'address = "holding:100", type = "float32"',
            0,
            'looks like swapped words: try order = "CDAB", which reads 42.5',
        ),
        ('address = "holding:102", type = "float32", order = "CDAB"', 192, 'try order = "ABCD", which reads 42.37'),
        ('address = "holding:104", type = "int16", sentinels = [32767]', 16, "no sensor is connected"),
        ('address = "holding:104", type = "int16", valid_max = 900', 0, "write sentinels = [32767]"),
        ('address = "holding:105", unit = "degC", valid_max = 150', 0, "try scale = 0.1, which reads 25.3"),
        ('address = "holding:105", valid_max = 0.1', 0, "outside the valid range, any to 0.1"),
        ('address = "holding:106"', 4, "if the list counts from 1 it is holding:105, or input:106 in the other table"),
    ],
    ids=["denormal", "huge", "sentinel", "unknown sentinel", "tenths", "out of range", "refused"],
)
async def test_what_is_wrong_is_said_in_plain_words(tmp_path: Path, tag: str, quality: int, words: str) -> None:
    """Each by itself costs one tag and status 1; the words are what to do."""
    async with station() as port:
        said = await check(tmp_path, plc(port, GOOD_TAGS + f'{{ name = "wrong", {tag} }},'))

    wrong = said.tag("wrong")
    assert said.status == 1, said.err
    assert (wrong["ok"], wrong["quality"]) == (False, quality)
    assert words in wrong["look_at"]
    assert (wrong["file"], wrong["line"]) == (str(tmp_path / "station.toml"), 12)
    assert sum(not one["ok"] for one in said.found["plc"]["tags"]) == 1


async def test_a_value_that_is_only_large_is_no_reason_for_doubt(tmp_path: Path) -> None:
    """A counter of a waterworks in a unit nobody knows the size of is right, whatever its bytes would be otherwise."""
    async with modbus_server(holding={100: [0x4B3C, 0x614E, 0, 0, 0x3A83, 0x126F]}) as port:
        tags = """
            { name = "volume", address = "holding:100", type = "float32", unit = "m3" },
            { name = "zero", address = "holding:102", type = "float32", unit = "bar" },
            { name = "small", address = "holding:104", type = "float32", unit = "bar" },
        """
        said = await check(tmp_path, plc(port, tags))

    assert said.status == 0, said.out


async def test_a_tag_of_a_csv_file_is_placed_in_that_file(tmp_path: Path) -> None:
    """The line to correct is where the tag is written."""
    (tmp_path / "tags.csv").write_text("name,address\nlevel,holding:105\nnone,holding:900\n")

    async with station() as port:
        head = plc(port, "", more='tags_file = "tags.csv"\n').replace("tag = [\n\n]\n", "")
        said = await check(tmp_path, head)

    assert (said.tag("none")["file"], said.tag("none")["line"]) == (str(tmp_path / "tags.csv"), 3)


async def test_a_silent_device_costs_only_its_own_tags_and_its_own_timeout(tmp_path: Path) -> None:
    """Devices are asked side by side: one that takes connections and says nothing, one that is not there."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(1024):
            pass
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    mute = server.sockets[0].getsockname()[1]
    async with server, station() as port:
        said = await check(
            tmp_path,
            plc(port, GOOD_TAGS),
            plc(mute, '{ name = "mute.x", address = "holding:1" }', name="mute", more="timeout = 0.2\n"),
            plc(1, '{ name = "gone.x", address = "holding:1" }', name="gone"),
        )

    assert said.status == 1
    assert all(tag["ok"] for tag in said.found["plc"]["tags"])
    assert "did not answer within 0.2 s" in (said.found["mute"]["trouble"] or said.tag("mute.x")["reason"])
    assert "does not accept connections" in said.found["gone"]["trouble"]
    assert said.tag("gone.x")["quality"] == 8


async def test_opc_ua_tags_are_checked_the_same_way(tmp_path: Path) -> None:
    """Raw as the server has it, scaled as the agent will; the node that is not there is named."""
    tags = (
        '{ name = "tank.level", node = "ns=2;s=level", scale = 0.001, unit = "m" },\n'
        '{ name = "tank.gone", node = "ns=2;s=gone" }'
    )

    async with opcua_server({"level": 3250}) as server:
        device = f'[[device]]\nname = "works"\nprotocol = "opcua"\nurl = "{server.url}"\ntag = [\n{tags}\n]\n'
        said = await check(tmp_path, device)

    level, gone = said.tag("tank.level"), said.tag("tank.gone")
    assert (level["ok"], level["value"], level["raw"], level["line"]) == (True, 3.25, "3250", 8)
    assert "pump-agent browse" in gone["look_at"]
    assert said.status == 1


async def test_a_polled_server_costs_requests_and_a_subscribed_one_reports_by_itself(tmp_path: Path) -> None:
    """What is predicted follows how the values come."""
    async with opcua_server({"level": 3.25}) as server:
        device = f'[[device]]\nname = "works"\nprotocol = "opcua"\nurl = "{server.url}"\nmode = "{{}}"\n'
        tags = 'tag = [ { name = "level", node = "ns=2;s=level", unit = "m" } ]\n'
        polled = await check(tmp_path, device.format("poll") + tags)
        subscribed = await check(tmp_path, device.format("subscribe") + tags, as_json=False)

    assert (polled.status, subscribed.status) == (0, 0), polled.out
    assert polled.found["works"]["requests"] == 1
    assert 0 < polled.found["works"]["scan_ms"] < 5_000
    assert "  works: reports by itself, at most every 1 s" in subscribed.out.splitlines()


async def test_refusals_in_many_places_hide_no_good_tag(tmp_path: Path) -> None:
    """A device taken apart over several polls is read until the good registers are found."""
    taboo = range(1, 120, 5)
    tags = "".join(f'{{ name = "t{n}", address = "holding:{n}" }},\n' for n in range(120))

    async with raw_device(refusing(taboo)) as device:
        said = await check(tmp_path, plc(device.port, tags))

    wrong = {tag["tag"] for tag in said.found["plc"]["tags"] if not tag["ok"]}
    assert wrong == {f"t{n}" for n in taboo}


async def test_cost_is_predicted_from_requests_as_they_will_be(tmp_path: Path) -> None:
    """Two blocks each second and one every ten; a device that caps the count is asked as often as it wants."""
    async with station() as port, raw_device(capped(10)) as small:
        many = "".join(f'{{ name = "c{n}", address = "holding:{n}" }},\n' for n in range(40))
        said = await check(tmp_path, plc(port, GOOD_TAGS), plc(small.port, many, name="small", more="period = 2\n"))

    total = json.loads(said.out)
    requests = len({(one.start, one.quantity) for one in _last_round(small)})
    assert said.found["plc"]["requests"] == 3
    assert said.found["small"]["requests"] == requests > 3
    assert total["requests_per_s"] == pytest.approx(2.1 + requests / 2)
    assert total["readings_per_s"] == pytest.approx(2.1 + 20)
    ahead = disk_ahead(load(tmp_path / "station.toml"), 22.1 * 86_400)
    besides = ahead.record_bytes_a_day + ahead.rollup_bytes_a_day
    assert total["disk"]["growth_mb"] == pytest.approx((22.1 * 86_400 * SEALED_BYTES + besides) / 1e6, rel=0.01)
    assert 0 < said.found["plc"]["scan_ms"] < 5_000
    assert said.found["plc"]["load"] < said.found["plc"]["scan_ms"] / 1000  # as one of three is asked every ten seconds
    assert "every reading is kept, at 32 bytes at first and 0.6 once sealed" in total["assumes"]


def _last_round(device: RawDevice) -> list[Any]:
    """What was asked for after the device was taken apart."""
    return [one for one in device.requests if one.quantity <= 10]


def meters(port: Path, units: Sequence[int]) -> list[str]:
    """Units on one serial port, each with two floats."""
    return [
        f'[[device]]\nname = "meter-{unit}"\nprotocol = "modbus-rtu"\nserial_port = "{port}"\nunit_id = {unit}\n'
        f'timeout = 0.2\ntag = [\n{{ name = "m{unit}.a", address = "holding:1" }},\n]\n'
        for unit in units
    ]


async def test_units_on_a_serial_line_take_turns_and_add_up(tmp_path: Path) -> None:
    """Two answer and one is off: theirs are good, its own are bad, and the line's load is that of all."""
    answering = {unit: serial_bus.answering(serial_bus.right) for unit in (1, 2)}

    async with serial_bus.serial_bus(tmp_path, answering) as line:
        said = await check(tmp_path, *meters(line.port.path, [1, 2, 3]))

    together = json.loads(said.out)["lines"][str(line.port.path)]
    assert said.status == 1
    assert [said.tag(f"m{unit}.a")["value"] for unit in (1, 2)] == [serial_bus.word(unit, 1) for unit in (1, 2)]
    assert said.tag("m3.a")["ok"] is False
    assert together["requests"] == 2
    assert together["load"] == pytest.approx(sum(said.found[f"meter-{unit}"]["load"] for unit in (1, 2)))


async def test_nothing_is_written_and_nothing_locked(tmp_path: Path) -> None:
    """It runs beside the agent, whose store stays its own, and leaves no file behind."""
    settings = StorageSettings(path=tmp_path / "pump-agent.db")
    migrate(settings.path)

    async with station() as port, Store(settings):
        before = names(tmp_path)
        said = await check(tmp_path, plc(port, GOOD_TAGS))
        after = names(tmp_path)

    assert said.status == 0, said.err
    assert after - before == {"station.toml"}


async def test_mistakes_come_first(tmp_path: Path) -> None:
    """A configuration that is not in order is not tried on a plant: status 2, as without --live."""
    said = await check(tmp_path, plc(502, '{ name = "x", adress = "holding:1" }'))

    assert said.status == 2
    assert 'did you mean "address"?' in json.loads(said.out)["mistakes"][0]["text"]


def real_plcs(port: int, swapped: str | None = None) -> list[str]:
    """Every Modbus unit of the recorded station; those who write ABCD for *swapped* have not read the manual."""
    units: dict[str, list[str]] = {}
    for row in modbus_rows():
        order = "ABCD" if row["order"] in ("AB", swapped) else row["order"]
        key = f'name = "{row["tag"]}", address = "{row["table"]}:{row["address"]}", type = "{row["datatype"]}"'
        more = "sentinels = [32767]" if row["datatype"] == "int16" else f'order = "{order}"'
        tag = f'{{ {key}, scale = {row["scale"]}, unit = "{row["unit"]}", {more} }},\n'
        units.setdefault(row["unit_id"], []).append(tag)
    return [
        plc(port, "".join(tags), name=f"unit-{unit}", more=f"unit_id = {unit}\ntimeout = 10\n")
        for unit, tags in units.items()
    ]


@pytest.mark.slow
@pytest.mark.skipif(not REPLAYER.exists(), reason=f"the recorded station is not at {REPLAYER}")
async def test_a_real_station_is_right_but_for_the_sensors_it_does_not_have(tmp_path: Path) -> None:
    """197 tags of eight units: seven temperatures are missing, and not one right value is doubted.

    Takes seconds, because the replayer has to start.
    """
    async with replayed_plcs(STILL) as port:
        said = await check(tmp_path, *real_plcs(port))

    tags = [tag for device in said.found.values() for tag in device["tags"]]
    wrong = [tag for tag in tags if not tag["ok"]]
    assert len(tags) == 197
    assert len(wrong) == 7
    assert {tag["look_at"] for tag in wrong} == {"no sensor is connected, or it is broken or switched off"}


@pytest.mark.slow
@pytest.mark.skipif(not REPLAYER.exists(), reason=f"the recorded station is not at {REPLAYER}")
@pytest.mark.parametrize("order", ["CDAB", "BADC"])
async def test_swapped_words_of_a_real_station_are_all_named(tmp_path: Path, order: str) -> None:
    """Whoever takes every float for ABCD is told each that is not, with the order to write; zeros are zeros.

    Takes seconds, because the replayer has to start.
    """
    async with replayed_plcs(STILL) as port:
        right, said = await check(tmp_path, *real_plcs(port)), await check(tmp_path, *real_plcs(port, swapped=order))

    names = {row["tag"] for row in modbus_rows() if row["order"] == order}
    moving = {name for name in names if right.tag(name)["value"]}
    told = {name for name in names if f'order = "{order}"' in (said.tag(name)["look_at"] or "")}
    assert len(moving) >= 10
    assert len(told) / len(moving) > 0.9, sorted(moving - told)
