"""The simulated station read back by other people's clients, at addresses written down here."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC
from random import Random

import pytest
from asyncua.client.client import Client
from pymodbus.client import AsyncModbusTcpClient

from agent.configuration.config_file import load
from agent.demo.history import BEGIN
from agent.demo.modbus import modbus_server
from agent.demo.opcua import opcua_server
from agent.demo.plant import initial
from agent.demo.servers import Station, ports
from agent.demo.workplace import CONFIG, free_port
from drivers.settings import OpcuaTagSettings


@asynccontextmanager
async def station() -> AsyncIterator[tuple[Station, int]]:
    """The demo's Modbus devices at ten o'clock; yields the station and the port."""
    simulated = Station(load(CONFIG), initial(BEGIN, Random(1)), Random(2))
    simulated.show()
    async with modbus_server(0, simulated.units) as port:
        yield simulated, port


@asynccontextmanager
async def modbus_client(port: int) -> AsyncIterator[AsyncModbusTcpClient]:
    """A connected client of pymodbus."""
    client = AsyncModbusTcpClient("127.0.0.1", port=port, timeout=2, retries=0, reconnect_delay=0)
    assert await client.connect()
    try:
        yield client
    finally:
        client.close()


async def test_devices_show_what_the_plant_does() -> None:
    """Low word first in the PLC, high word first in the meters, hundredths of a hertz, tenths of a kilowatt hour."""
    async with station() as (simulated, port), modbus_client(port) as client:
        state = simulated.state
        status, _, *rest = (await client.read_holding_registers(0, count=12, device_id=1)).registers
        pressure = struct.unpack(">f", struct.pack(">HH", rest[9], rest[8]))[0]
        speeds = (await client.read_holding_registers(20, count=3, device_id=1)).registers
        meter = (await client.read_input_registers(0, count=12, device_id=12)).registers
        power = struct.unpack(">f", struct.pack(">HH", *meter[:2]))[0]
        energy = struct.unpack(">I", struct.pack(">HH", *meter[10:]))[0] / 10.0

    assert status == 0b1110  # pumps 2, 3 and 4
    assert pressure == pytest.approx(state.head / 10.2, rel=0.01)
    assert [speed / 100.0 for speed in speeds] == pytest.approx([50.0 * speed for speed in state.speeds[:3]], rel=0.01)
    assert power == pytest.approx(state.powers[1], rel=0.02)
    assert energy == pytest.approx(state.energies[1], abs=0.1)


async def test_the_bearing_without_a_wire_shows_the_sentinel() -> None:
    """32767 is what the PLC writes where no sensor is connected; its neighbours are fine."""
    async with station() as (simulated, port), modbus_client(port) as client:
        bearings = (await client.read_holding_registers(30, count=4, device_id=1)).registers

        assert bearings[2] == 32767
        assert bearings[1] / 10.0 == pytest.approx(simulated.state.bearings[1], abs=0.3)


async def test_a_dropout_is_refused_by_register_and_passes() -> None:
    """While the power of pump 2 is silent its current is not, and afterwards both are back."""
    async with station() as (simulated, port), modbus_client(port) as client:
        simulated.show(frozenset({"p2.power"}))
        power = await client.read_input_registers(0, count=2, device_id=12)
        current = await client.read_input_registers(2, count=2, device_id=12)
        simulated.show()
        after = await client.read_input_registers(0, count=2, device_id=12)

    assert power.isError()
    assert power.exception_code == 4
    assert not current.isError()
    assert not after.isError()


async def test_a_unit_that_is_not_there_is_said_so() -> None:
    """A gateway answers for devices it cannot reach (exception 11), so nobody waits for a timeout."""
    async with station() as (_, port), modbus_client(port) as client:
        answer = await client.read_input_registers(0, count=2, device_id=77)

    assert answer.exception_code == 11


@pytest.mark.slow
async def test_nodes_carry_value_status_and_source_time() -> None:
    """A broken sensor is a Bad status and no value, not a zero.

    Slow, because the server takes seconds to build its address space.
    """
    url = f"opc.tcp://127.0.0.1:{free_port()}/works"
    tags = [
        OpcuaTagSettings(name="flow", node="ns=2;s=header.flow"),
        OpcuaTagSettings(name="level", node="ns=2;s=tank"),
    ]
    async with opcua_server(url, tags) as nodes, Client(url) as client:
        flow, level = client.get_node("ns=2;s=header.flow"), client.get_node("ns=2;s=tank")
        await nodes.show({"flow": 504.0, "level": 3.1}, silent=frozenset())
        good = await flow.read_data_value()
        await nodes.show({"flow": 504.0, "level": 3.2}, silent=frozenset({"flow"}))
        bad = await flow.read_data_value(raise_on_bad_status=False)
        other = await level.read_value()

    assert good.Value is not None
    assert bad.Value is not None
    assert bad.StatusCode is not None
    assert good.SourceTimestamp is not None
    assert (good.Value.Value, bad.Value.Value, other) == (504.0, None, 3.2)
    assert bad.StatusCode.name == "BadSensorFailure"
    assert good.SourceTimestamp.tzinfo is UTC


async def test_clients_that_stay_do_not_keep_the_station_up() -> None:
    """The demo must end while the agent, or anybody else, is still connected."""
    async with station() as (_, port):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(bytes.fromhex("0001 0000 0006 01 03 0000 0001"))
        assert len(await asyncio.to_thread(client.recv, 100)) == 11

    with client:
        assert client.recv(1) == b""


def test_every_port_of_the_demo_is_known() -> None:
    """One that is overlooked would not be moved where it is taken."""
    assert ports(load(CONFIG)) == {15020, 14840, 11883}
