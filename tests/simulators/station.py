"""A station with one Modbus device and its store where a test wants it."""

from pathlib import Path

from tests.simulators.broker import Broker

PERIOD = 0.2  # s


def modbus_device(name: str, port: int) -> str:
    """The beginning of the table of a Modbus TCP device on this machine."""
    return f'[[device]]\nname = "{name}"\nprotocol = "modbus-tcp"\nhost = "127.0.0.1"\nport = {port}'


def one_device(folder: Path, broker: Broker, port: int, database: Path, storage: str = "") -> Path:
    """Write its configuration, without analyses; *storage* is further keys of `[storage]`."""
    path = folder / "station.toml"
    path.write_text(f"""
[station]
name = "north"
[mqtt]
host = "{broker.host}"
port = {broker.port}
keepalive = 2
[storage]
path = "{database}"
{storage}
{modbus_device("plc", port)}
period = {PERIOD}
[[device.tag]]
name = "pressure"
address = "holding:0"
unit = "bar"
heartbeat = 0.5
[[device.tag]]
name = "flow"
address = "holding:1"
unit = "m3/h"
""")
    return path
