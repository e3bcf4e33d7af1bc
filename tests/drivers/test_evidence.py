"""What stands behind readings: registers as the wire had them, and the requests that will be made."""

from collections.abc import Mapping, Sequence

from drivers.modbus import ModbusDriver
from drivers.settings import ModbusSettings
from tests.simulators.modbus import modbus_server, raw_device, refusing

TAGS: list[dict[str, object]] = [
    {"name": "flow", "address": "holding:100", "type": "float32", "order": "CDAB", "scale": 10},
    {"name": "pump.on", "address": "holding:102", "type": "bool", "bit": 3},
    {"name": "slow", "address": "holding:300", "period": 10},
    {"name": "valve", "address": "coil:9", "type": "bool"},
    {"name": "gone", "address": "holding:500"},
]


def driver(port: int, tags: Sequence[Mapping[str, object]]) -> ModbusDriver:
    device = {"name": "plc", "protocol": "modbus-tcp", "host": "127.0.0.1", "port": port, "tag": list(tags)}
    return ModbusDriver(ModbusSettings.model_validate(device))


def registers(what: str) -> range:
    """Those of holding:2 or holding:5-9."""
    first, _, last = what.removeprefix("holding:").partition("-")
    return range(int(first), int(last or first) + 1)


async def test_raw_is_what_the_wire_had_before_order_and_scale() -> None:
    """A technician compares it with the manual; a refused register has none, and a bit is 0 or 1."""
    holding = {100: [0x0000, 0x422A, 0x0008], 300: [7]}
    coils = {0: [False] * 9 + [True] + [False] * 6}

    async with modbus_server(holding=holding, coils=coils) as port, driver(port, TAGS) as plc:
        await plc.read(0)
        evidence = plc.evidence()

    assert evidence.raw == {
        "flow": bytes.fromhex("0000422a"),
        "pump.on": bytes.fromhex("0008"),
        "slow": bytes.fromhex("0007"),
        "valve": b"\x01",
    }


async def test_requests_are_those_that_will_be_made_with_their_periods() -> None:
    """From them the load is predicted, so what was refused and taken apart is in it as it now is."""
    tags = [{"name": f"t{n}", "address": f"holding:{n}", "period": 10 if n > 9 else 1} for n in range(12)]

    async with raw_device(refusing([4])) as device, driver(device.port, tags) as plc:
        await plc.read(0)
        evidence = plc.evidence()

    fast = [register for request in evidence.requests if request.period == 1 for register in registers(request.what)]
    assert [request.what for request in evidence.requests if request.period == 10] == ["holding:10-11"]
    assert sorted(fast) == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert "t4" not in evidence.raw
    assert all(0 < request.took < 5 for request in evidence.requests)


async def test_before_the_first_read_there_is_none() -> None:
    """A driver that was opened and has read nothing has nothing to show."""
    async with modbus_server(holding={100: [1]}) as port, driver(port, TAGS[:1]) as plc:
        evidence = plc.evidence()

    assert (dict(evidence.raw), evidence.requests) == ({}, ())
