"""The demo fits itself to the machine, and says so."""

import socket
from pathlib import Path

import pytest

from agent.demo.workplace import CONFIG, adjusted, free_port, workplace


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """The shipped configuration on ports that are free, in a tree like the repository's."""
    path = tmp_path / "config" / "demo.toml"
    path.parent.mkdir()
    ports = {port: free_port() for port in (15020, 14840, 11883)}
    text = CONFIG.read_text()
    for port, other in ports.items():
        text = text.replace(str(port), str(other))
    path.write_text(text)
    return path


def test_the_shipped_file_is_used_where_it_fits(config: Path, tmp_path: Path) -> None:
    """A newcomer edits config/demo.toml and sees the difference; nothing is said where nothing is special."""
    with workplace(config, tmp_path / "var" / "demo") as place:
        assert place.config == config
        assert place.settings.storage.path.resolve() == (tmp_path / "var" / "demo" / "station.db").resolve()
        assert place.notes == ()


def test_a_taken_port_is_moved_and_said(config: Path, tmp_path: Path) -> None:
    """Somebody's own broker or simulator stays in peace."""
    with workplace(config, tmp_path / "var" / "demo") as place:
        port = place.settings.mqtt.port
    with socket.create_server(("127.0.0.1", port)), workplace(config, tmp_path / "var" / "demo") as place:
        assert place.settings.mqtt.port != port
        assert place.config.parent == place.folder
        assert place.notes[0] == f"port {port} is taken, {place.settings.mqtt.port} serves instead"
        assert place.settings.storage.path.resolve() == place.folder / "station.db"


def test_amqtt_means_the_older_protocol(config: Path, tmp_path: Path) -> None:
    """It does not speak MQTT 5; the agent is told in its configuration, like on a real site."""
    with workplace(config, tmp_path / "var" / "demo", use_amqtt=True) as place:
        assert place.mosquitto is None
        assert place.settings.mqtt.version == "3.1.1"


def test_two_demos_do_not_share_a_folder(config: Path, tmp_path: Path) -> None:
    """The second would delete the first one's database."""
    with workplace(config, tmp_path / "var" / "demo") as first:
        database = first.folder / "station.db"
        database.touch()
        with workplace(config, tmp_path / "var" / "demo") as second:
            assert second.folder != first.folder
            assert second.settings.storage.path.resolve().parent == second.folder.resolve()
        assert database.exists()


def test_leftovers_of_the_last_demo_are_replaced_and_nothing_else(config: Path, tmp_path: Path) -> None:
    """Yesterday's readings would be a hole in today's history; a person's notes are not ours."""
    folder = tmp_path / "var" / "demo"
    folder.mkdir(parents=True)
    for name in ("station.db", "station.db-wal", "agent.log", "notes.txt"):
        (folder / name).touch()

    with workplace(config, folder):
        assert sorted(path.name for path in folder.iterdir()) == ["lock", "notes.txt"]


def test_a_number_that_only_contains_a_port_stays() -> None:
    """15020 in 150205 is no port."""
    assert adjusted("port = 15020 # 150205", {15020: 40001}, is_mqtt_3=False) == "port = 40001 # 150205"
