"""The broker as the documentation has it: TLS, passwords and an access list, tried with a real one."""

import json
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from agent.configuration.config_file import load
from agent.health import wall_ms
from agent.mqtt.client import BrokerError, Client, DeniedError
from agent.mqtt.commands import Commands
from agent.mqtt.instant import rfc3339
from agent.mqtt.link import Message
from agent.mqtt.payloads import Ack
from agent.mqtt.settings import MqttSettings
from tests.agent.demo.waiting import until
from tests.agent.mqtt.station import append_numbered, publishing, station, store_of, supervised
from tests.simulators.broker import Broker, mosquitto
from tests.simulators.tls_authority import Authority

PAGE = (Path(__file__).parents[3] / "docs" / "mqtt.md").read_text().partition("## What the broker must be")[2]
CONFIG, ACCESS = re.findall(r"```\n(.*?)```", PAGE.partition("## The agent")[0], re.DOTALL)
OURS = ("listener", "persistence", "autosave_")  # what the test's broker says already, of its own folder and port
DEVICE = 'protocol = "modbus-tcp"\nhost = "192.0.2.10"\ntag = [{ name = "flow", address = "holding:0" }]\n'
USERS = {"pump-agent": "a long one", "scada": "another"}


@contextmanager
def documented(folder: Path, authority: Authority) -> Iterator[Broker]:
    """The broker that the page says, with this test's port and files."""
    passwords, hasher = folder / "passwords", shutil.which("mosquitto_passwd") or "mosquitto_passwd"
    passwords.write_text("".join(f"{user}:{word}\n" for user, word in USERS.items()))
    passwords.chmod(0o600)
    subprocess.run([hasher, "-U", str(passwords)], check=True)
    access = folder / "acl"
    access.write_text(ACCESS)
    access.chmod(0o600)
    identity = authority.sign("broker")
    here = {
        "cafile": authority.cert,
        "certfile": identity.cert,
        "keyfile": identity.key,
        "password_file": passwords,
        "acl_file": access,
    }
    lines = [line.split() for line in CONFIG.splitlines() if not line.startswith(OURS)]
    with mosquitto(folder / "broker", options=tuple(f"{key} {here.get(key, value)}" for key, value in lines)) as broker:
        yield broker


def login(folder: Path, authority: Authority, user: str) -> dict[str, object]:
    """What a client of the broker says in its settings."""
    words = folder / f"password-of-{user}"
    words.write_text(f"{USERS[user]}\n")
    return {"user": user, "password_file": words, "ca_file": authority.cert, "timeout": 10}


async def test_the_agent_and_scada_can_do_what_they_should_at_the_documented_broker_and_no_more(tmp_path: Path) -> None:
    """SCADA reads everything, gives commands, and writes nothing else; nobody comes in without a password."""
    authority = Authority(tmp_path / "ca")
    with documented(tmp_path, authority) as broker:
        settings = station(broker, tmp_path, commands=True, **login(tmp_path, authority, "pump-agent"))
        panel = MqttSettings(host=broker.host, port=broker.port, **login(tmp_path, authority, "scada"))
        heard: dict[str, bytes] = {}
        taken: list[Ack] = []

        def hear(message: Message) -> None:
            heard[message.topic] = message.payload

        async def ack(command: Ack) -> None:
            taken.append(command)

        async with store_of(settings) as store, publishing(settings, store) as part:
            commands = Commands(settings, {"ack": ack}, store)
            async with supervised(part, commands.listen), Client(panel, "panel") as scada:
                await scada.subscribe("water/east/#", hear, wants_kept=True)
                await until(lambda: "water/east/info" in heard)  # what is read from here on is live, so no history
                await append_numbered(store, range(3))
                await until(lambda: {"water/east/tag/flow", "water/east/readings", "water/east/status"} <= heard.keys())
                given = {
                    "id": "c1",
                    "expires": rfc3339(wall_ms() + 60_000),
                    "user": "anna",
                    "alarm": "a",
                    "occurrence": 1,
                }
                await scada.publish("water/east/cmd/ack", json.dumps(given).encode())
                await until(lambda: "water/east/cmd/result/c1" in heard)
                with pytest.raises(DeniedError):
                    await scada.publish("water/east/tag/flow", b"9999")
        nobody = panel.model_copy(update={"user": None, "password_file": None})
        with pytest.raises(BrokerError, match="refuses us"):
            async with Client(nobody, "nobody"):
                pass

    assert json.loads(heard["water/east/cmd/result/c1"])["ok"] is True
    assert [one.user for one in taken] == ["anna"]
    assert part.error is None


def test_the_documented_settings_are_taken_also_by_who_does_not_see_the_services_credential(tmp_path: Path) -> None:
    """It is shown to the service alone, and `pump-agent check` is called by a person."""
    (example,) = re.findall(r"```toml\n(\[mqtt\]\n.*?)```", PAGE, re.DOTALL)
    path = tmp_path / "station.toml"
    path.write_text(f'[station]\nname = "east"\n{example}[[device]]\nname = "plc"\n{DEVICE}')
    (tmp_path / "ca.crt").write_text("")

    settings = load(path)

    assert str(settings.mqtt.password_file) == tomllib.loads(example)["mqtt"]["password_file"]
    assert settings.mqtt.ca_file == tmp_path / "ca.crt"
