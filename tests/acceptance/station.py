"""The real station's files, the programs around it, and a place to run them in."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
CASE = ROOT / "tests" / "cases" / "real-station" / "station.toml"
SHARED = ROOT.parent / "shared"
RECORDING = SHARED / "data" / "real-station" / "first-hour.csv.gz"
REGISTERS = SHARED / "data" / "real-station" / "registers.csv"
REPLAYER = SHARED / "tools" / "replay_station.py"
MODBUS_PORT, OPCUA_PORT, BROKER_PORT = 15039, 14839, 18839  # as the case's configuration has them
PUMP_AGENT = str(Path(sys.executable).parent / "pump-agent")


def missing() -> str | None:
    """What of the recording is not here, as a sentence; None where all is."""
    absent = [str(path) for path in (RECORDING, REGISTERS, REPLAYER) if not path.exists()]
    return f"the recorded station is not here: {', '.join(absent)}" if absent else None


def prepare(folder: Path, broker: int = BROKER_PORT) -> Path:
    """Put the case's configuration into *folder*, with the tag list made from the vendor's register list."""
    agent("import-tags", str(REGISTERS), "--sentinel", "int16=32767", "--output", str(folder / "tags.csv"))
    path = folder / "station.toml"
    path.write_text(CASE.read_text().replace(f"port = {BROKER_PORT}", f"port = {broker}"))
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
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def replayed(start: int) -> Iterator[None]:
    """The recorded station on its ports at real speed, from second *start*."""
    ports = ("--modbus-port", str(MODBUS_PORT), "--opcua-port", str(OPCUA_PORT))
    with running(sys.executable, str(REPLAYER), str(RECORDING), *ports, "--start", str(start)) as process:
        assert process.stdout is not None
        process.stdout.readline()  # it serves
        yield
