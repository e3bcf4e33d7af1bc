"""Where a demo runs: its folder, and the configuration as it fits this machine."""

import fcntl
import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from agent.configuration.config_file import load
from agent.demo.broker import mosquitto
from agent.demo.servers import ports
from agent.settings import AgentSettings

CONFIG = Path(__file__).parents[2] / "config" / "demo.toml"
FOLDER = Path("var/demo")  # under the current directory
STALE = ("station.db*", "history.csv", "*.log", "demo.toml", "mosquitto.*")


@dataclass(frozen=True, slots=True)
class Workplace:
    """What a demo has to work with."""

    folder: Path
    config: Path  # what the agent is started with
    settings: AgentSettings  # what it says
    mosquitto: str | None  # path of the program; None: amqtt
    notes: tuple[str, ...]  # what a person should know, a sentence each


@contextmanager
def workplace(config: Path = CONFIG, folder: Path = FOLDER, *, use_amqtt: bool = False) -> Iterator[Workplace]:
    """A folder of one's own without leftovers, and a configuration whose ports are free.

    The shipped file is used as it is where it fits; else an adjusted copy is made in the folder.

    Args:
        config: The shipped configuration.
        folder: Replaced at every start; where another demo is using it, a temporary one serves instead.
        use_amqtt: Even where mosquitto is installed.
    """
    with _own(folder) as place:
        for pattern in STALE:
            for leftover in place.glob(pattern):
                leftover.unlink()
        yield _fitted(config, place, None if use_amqtt else mosquitto())


@contextmanager
def _own(folder: Path) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            with TemporaryDirectory(prefix="pump-agent-demo-") as other:
                yield Path(other)
        else:
            yield folder.resolve()


def _fitted(config: Path, folder: Path, program: str | None) -> Workplace:
    settings = load(config)
    moved = {port: free_port() for port in sorted(ports(settings)) if not _is_free(port)}
    notes = [f"port {port} is taken, {other} serves instead" for port, other in moved.items()]
    if program is None and settings.mqtt.version != "3.1.1":
        notes.append("the broker is amqtt, which speaks MQTT 3.1.1")
    is_at_home = settings.storage.path.resolve().parent == folder
    if not notes and is_at_home:
        return Workplace(folder, config, settings, program, ())
    copy = folder / "demo.toml"
    text = adjusted(config.read_text(encoding="utf-8"), moved, is_mqtt_3=program is None)
    copy.write_text(text, encoding="utf-8")
    return Workplace(folder, copy, load(copy), program, (*notes, f"the agent runs on an adjusted copy, {copy}"))


def adjusted(text: str, moved: Mapping[int, int], *, is_mqtt_3: bool) -> str:
    r"""The configuration with other ports, its database beside it, and the MQTT version that amqtt speaks.

    >>> adjusted('port = 11883\n[storage]\npath = "../a.db"  # here', {11883: 40001}, is_mqtt_3=False)
    'port = 40001\n[storage]\npath = "station.db"  # here'
    """
    for port, other in moved.items():
        text = re.sub(rf"\b{port}\b", str(other), text)
    text = re.sub(r'(?m)^path = "[^"]*"', 'path = "station.db"', text)
    return re.sub(r"(?m)^\[mqtt\]$", '[mqtt]\nversion = "3.1.1"', text) if is_mqtt_3 else text


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def free_port() -> int:
    """A port of 127.0.0.1 that nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port
