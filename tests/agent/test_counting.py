"""What is said of how addresses are counted: off by one is read as well, and is somebody else's value."""

from typing import Any

from agent.commissioning.counting import counted, read_alike
from drivers.settings import ModbusSettings


def plc(*addresses: str, base: int = 0, **keys: Any) -> ModbusSettings:
    """A device with a tag at each of *addresses*."""
    tags = [{"name": f"t{place}", "address": address, **keys} for place, address in enumerate(addresses)]
    device = {"name": "plc", "protocol": "modbus-tcp", "host": "192.0.2.1", "base": base, "tag": tags}
    return ModbusSettings.model_validate(device)


def test_each_notation_is_told_as_it_travels() -> None:
    """A manual's number is counted from 1 whatever the base; what names its table is counted from the base."""
    from_0, from_1 = plc("40101", "holding:100", "holding:7", "0x64"), plc("40101", "holding:100", base=1)

    assert counted(from_0) == (
        "on the wire, where the first is 0: 40101 is holding:100, holding:100 is holding:100, 0x64 is holding:100"
    )
    assert counted(from_1) == "on the wire, where the first is 0: 40101 is holding:100, holding:100 is holding:99"
    assert counted(plc()) is None


def test_tags_that_read_one_register_in_one_way_are_named() -> None:
    """The bits of a register share it rightly; the same value under three names is mostly a slip."""
    alike = plc("40101", "holding:100", "holding:101")
    (found,) = read_alike(alike)

    assert (found[0].number, found[1]) == (100, ["t0", "t1"])
    bits = plc("holding:100").tags[0].model_copy(update={"type": "bool", "bit": 1, "name": "other"})
    assert read_alike(alike.model_copy(update={"tags": (alike.tags[0], bits)})) == []
