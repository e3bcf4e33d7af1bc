"""The real station's files, the programs around it, and a place to run them in."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent.parent
CASE = ROOT / "tests" / "cases" / "real-station" / "station.toml"
SHARED = ROOT.parent / "shared"
RECORDING = SHARED / "data" / "real-station" / "first-hour.csv.gz"
REGISTERS = SHARED / "data" / "real-station" / "registers.csv"
REPLAYER = SHARED / "tools" / "replay_station.py"
MODBUS_PORT, OPCUA_PORT, BROKER_PORT = "15039", "14839", "18839"  # as the case's configuration has them
PUMP_AGENT = str(Path(sys.executable).parent / "pump-agent")


def missing() -> str | None:
    """What of the recording is not here, as a sentence; None where all is."""
    absent = [str(path) for path in (RECORDING, REGISTERS, REPLAYER) if not path.exists()]
    return f"the recorded station is not here: {', '.join(absent)}" if absent else None


class Ports(NamedTuple):
    """Where the station and the broker listen."""

    modbus: str = MODBUS_PORT
    opcua: str = OPCUA_PORT
    broker: str = BROKER_PORT


AS_WRITTEN = Ports()


def free_ports(broker: int) -> Ports:
    """Ports nobody listens on, for the station beside a broker that runs."""
    with socket.socket() as one, socket.socket() as other:
        for each in (one, other):
            each.bind(("127.0.0.1", 0))
        return Ports(str(one.getsockname()[1]), str(other.getsockname()[1]), str(broker))


def prepare(folder: Path, ports: Ports = AS_WRITTEN) -> Path:
    """Put the case's configuration into *folder*, with the tag list made from the vendor's register list."""
    agent("import-tags", str(REGISTERS), "--sentinel", "int16=32767", "--output", str(folder / "tags.csv"))
    text = CASE.read_text()
    for written, meant in zip(AS_WRITTEN, ports, strict=True):
        text = text.replace(written, meant)
    path = folder / "station.toml"
    path.write_text(text)
    return path


def agent(*arguments: str) -> str:
    """What a command of the agent prints.

    Raises:
        subprocess.CalledProcessError: It failed; what it said is on standard error.
    """
    return subprocess.run([PUMP_AGENT, *arguments], stdout=subprocess.PIPE, text=True, check=True).stdout


@contextmanager
def running(*command: str) -> Iterator[subprocess.Popen[str]]:
    """A program that is asked to stop at the end, and killed where it does not."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()


@contextmanager
def replayed(ports: Ports, start: int) -> Iterator[None]:
    """The recorded station on its ports at real speed, from second *start*."""
    places = ("--modbus-port", ports.modbus, "--opcua-port", ports.opcua)
    with running(sys.executable, str(REPLAYER), str(RECORDING), *places, "--start", str(start)) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it serves
        yield
