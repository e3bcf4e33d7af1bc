"""Devices on one line say the same of it, or are refused with both places."""

from pathlib import Path

import pytest

from agent.configuration.config_file import load
from agent.configuration.hints import hints
from agent.configuration.mistakes import SettingsError

SERIAL = 'protocol = "modbus-rtu"\nserial_port = "/dev/ttyUSB0"'
TCP = 'protocol = "modbus-tcp"\nhost = "192.0.2.1"'


def station(folder: Path, *devices: str) -> Path:
    """A configuration of devices d1, d2 ...; the first begins on line 3."""
    path = folder / "station.toml"
    tables = [f'[[device]]\nname = "d{number}"\n{keys}\n' for number, keys in enumerate(devices, 1)]
    path.write_text('[station]\nname = "north"\n' + "".join(tables))
    return path


@pytest.mark.parametrize(
    ("one", "other", "fact", "lines"),
    [
        (
            f"{SERIAL}\nbaudrate = 19200",
            f"{SERIAL}\nbaudrate = 9600",
            'baudrate: 9600, but device "d1" on the same serial_port has 19200',
            (12, 7),
        ),
        (
            f'{SERIAL}\nparity = "none"',
            SERIAL,
            'parity: "even", but device "d1" on the same serial_port has "none"',
            (8, 7),
        ),
        (SERIAL, f"{SERIAL}\nstop_bits = 2", 'stop_bits: 2, but device "d1" on the same serial_port has 1', (11, 3)),
        (
            f"{TCP}\nconnections = 1",
            f"{TCP}\nport = 502",
            'connections: left out, but device "d1" on the same host and port has 1',
            (8, 7),
        ),
    ],
)
def test_what_contradicts_itself_is_refused_with_both_places(
    tmp_path: Path, one: str, other: str, fact: str, lines: tuple[int, int]
) -> None:
    """One wire has one speed; a default says as much as a value."""
    file = station(tmp_path, one, other)

    with pytest.raises(SettingsError) as caught:
        load(file)

    (mistake,) = caught.value.mistakes
    assert str(mistake) == f'{file}:{lines[0]}: device "d2": {fact}, in {file}:{lines[1]}; write the same at both'


def test_what_agrees_or_is_elsewhere_is_taken(tmp_path: Path) -> None:
    other_port = 'protocol = "modbus-rtu"\nserial_port = "/dev/ttyUSB1"\nbaudrate = 1200'
    devices = (
        SERIAL,
        f"{SERIAL}\nunit_id = 2\nbaudrate = 9600",
        other_port,
        TCP,
        f"{TCP}\nport = 503\nconnections = 2",
    )

    assert len(load(station(tmp_path, *devices)).devices) == 5


def test_two_devices_that_are_one_unit_are_a_hint(tmp_path: Path) -> None:
    """A table is copied and its unit_id forgotten more often than one unit is meant twice."""
    settings = load(station(tmp_path, SERIAL, SERIAL, f"{SERIAL}\nunit_id = 2"))

    (hint,) = [hint for hint in hints(settings) if "both" in hint]
    assert hint.startswith(
        'devices "d1" and "d2" are both rtu:/dev/ttyUSB0/1; give each its own unit_id, or put all tags'
    )


@pytest.mark.parametrize(
    ("keys", "fact"),
    [
        ('protocol = "modbus-rtu"\nserial_port = "COM3"', '"COM3" is no serial port; write a path like "/dev/ttyUSB0"'),
        (f"{SERIAL}\nunit_id = 0", "unit_id: must be 1 or more, not 0"),
        (f"{SERIAL}\nunit_id = 248", "unit_id: must be 247 or less, not 248"),
        (f"{SERIAL}\nbaudrate = 9601", "baudrate: must be 1200 or 2400 or 4800 or 9600"),
        (f'{SERIAL}\nparity = "E"', 'parity: must be "even", "odd" or "none", not "E"'),
        ('protocol = "modbus-rtu-over-tcp"\nhost = "192.0.2.1"', "port: missing; add it, for example port = 4001"),
        (f"{TCP}\nconnections = 0", "connections: must be 1 or more, not 0"),
        ('protocol = "rtu"\nserial_port = "/dev/ttyS0"\nbaudrat = 9600', 'no such key; did you mean "baudrate"?'),
    ],
)
def test_what_a_line_cannot_be_is_said(tmp_path: Path, keys: str, fact: str) -> None:
    with pytest.raises(SettingsError) as caught:
        load(station(tmp_path, keys))

    assert fact in str(caught.value)
