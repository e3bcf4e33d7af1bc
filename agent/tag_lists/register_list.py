"""A vendor's register list: whatever its columns are called, as devices and tags in our words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.configuration.draft import Draft
from agent.configuration.mistakes import Mistake, Place, SettingsError
from agent.configuration.toml_text import TomlText
from agent.tag_lists.csv_table import number, read_table
from agent.tag_lists.table import Row, Table
from agent.tag_lists.tags_file import cell, columns
from agent.tag_lists.vendor_words import key_of, word
from drivers.device import NAME

_DIGIT = {"holding": "4", "input": "3", "discrete": "1", "coil": "0"}
SERIAL = {"baudrate": 9600, "parity": "even", "stop_bits": 1}  # as a device has it where nothing is said
_OPCUA_HAS_NOT = ("address", "type", "order", "bit", "length")


@dataclass(frozen=True, slots=True)
class Site:
    """Where the devices of a list are, which the list itself does not say."""

    host: str = "192.0.2.10"  # of documentation: to be edited
    port: int = 502
    url: str = "opc.tcp://192.0.2.20:4840"
    serial_port: str = "/dev/ttyUSB0"
    prefix: str = ""  # before the names of devices


@dataclass(frozen=True, slots=True)
class RegisterList:
    """A list as read, to be judged like any configuration."""

    draft: Draft
    ignored: tuple[str, ...]  # titles of columns that say nothing we keep
    how: str  # it was read, where a person should know


def read_register_list(path: Path, site: Site, sentinels: Mapping[str, list[float]]) -> RegisterList:
    """Read a vendor's list.

    A register given as 40101 or 400101 beside its table is meant as manuals mean it, counted from 1.

    Args:
        path: The CSV file.
        site: What the list does not say.
        sentinels: By data type, the raw values that mean "no sensor".

    Raises:
        SettingsError: It is no table, or has no column of names.
    """
    table = read_table(path, str(path), is_column=lambda title: _key(title) is not None)
    keys = _keys(table)
    content: dict[str, Any] = {"station": {"name": "imported"}, "device": []}
    toml = TomlText(str(path), content, {})
    devices: dict[str, int] = {}
    for row in table.rows:
        _add(toml, devices, _Entry.of(table, row, keys), site, sentinels)
    ignored = tuple(title for i, title in enumerate(table.header.cells) if i not in keys and title)
    return RegisterList(Draft(toml, path.parent), ignored, table.how)


@dataclass(frozen=True, slots=True)
class _Entry:
    """One row in our words."""

    values: dict[str, Any]
    place: Place
    places: dict[str, Place]

    @classmethod
    def of(cls, table: Table, row: Row, keys: dict[int, str]) -> "_Entry":
        cells = {key: (i, row.cells[i]) for i, key in keys.items() if i < len(row.cells) and row.cells[i]}
        values = {key: _value(key, table.header.cells[i], text) for key, (i, text) in cells.items()}
        places = {key: table.place(row, i, key) for key, (i, _) in cells.items()}
        return cls(values, Place(table.file, row.line), places)


def _value(key: str, title: str, text: str) -> Any:
    if key == "name":
        return _name(text)
    if key in columns():
        return cell(key, title, text)
    found = word(key, text)
    return found if key != "unit_id" or (value := number(found)) is None else value


def _name(text: str) -> str:
    return re.sub(r"\s+", "_", text)


def _keys(table: Table) -> dict[int, str]:
    """Which column says what; of two that say the same, the first, but of names the first that can all be names."""
    found: dict[str, int] = {}
    for i, title in enumerate(table.header.cells):
        key = _key(title)
        if key == "name" and key in found and not _are_names(table, found[key]) and _are_names(table, i):
            found[key] = i
        elif key is not None:
            found.setdefault(key, i)
    if "name" not in found:
        sentence = f'no column says the tags\' names; call one of them "name" ({", ".join(table.header.cells)})'
        raise SettingsError([Mistake(Place(table.file, table.header.line), sentence)])
    return {i: key for key, i in found.items()}


def _are_names(table: Table, column: int) -> bool:
    """Whether every row has a name there that can be part of a topic, which one in Chinese cannot."""
    return all(column < len(row.cells) and re.fullmatch(NAME, _name(row.cells[column])) for row in table.rows)


def _key(title: str) -> str | None:
    key = key_of(title, (*columns(), "unit_id", "table", "function", "protocol"))
    return None if key == "device" else key


def _add(
    toml: TomlText, devices: dict[str, int], entry: _Entry, site: Site, sentinels: Mapping[str, list[float]]
) -> None:
    """Put a row among the tags of its device, which the first row of a unit brings with it."""
    device = _device(entry, site)
    i = devices.setdefault(device["name"], len(devices))
    if i == len(toml.content["device"]):
        toml.content["device"].append(device | {"tag": []})
        toml.places["device", i] = entry.place
        toml.places.update({("device", i, key): place for key, place in entry.places.items()})
    tags = toml.content["device"][i]["tag"]
    path = ("device", i, "tag", len(tags))
    tag = dict(_tag(entry.values, is_opcua=device["protocol"] == "opcua"))
    if tag.get("type") in sentinels:
        tag["sentinels"] = [*tag.get("sentinels", []), *sentinels[tag["type"]]]
    tags.append(tag)
    toml.places[path] = entry.place
    toml.places.update({(*path, key): place for key, place in entry.places.items()})


def _device(entry: _Entry, site: Site) -> dict[str, Any]:
    values = entry.values
    protocol = values.get("protocol", "opcua" if "node" in values else "modbus-tcp")
    if protocol == "opcua":
        return {"name": f"{site.prefix}opcua", "protocol": protocol, "url": site.url}
    unit = values.get("unit_id", 1)
    word = "rtu" if str(protocol).startswith("modbus-rtu") else "unit"
    name = re.sub(r"[^A-Za-z0-9_.\-]+", "_", f"{site.prefix}{word}-{unit}")
    device = {"name": name, "protocol": protocol, "unit_id": unit}
    if protocol == "modbus-rtu":
        return device | {"serial_port": site.serial_port, **SERIAL}
    return device | {"host": site.host, "port": site.port}


def _tag(values: dict[str, Any], *, is_opcua: bool) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if key in ("protocol", "unit_id", "table", "function") or (is_opcua and key in _OPCUA_HAS_NOT):
            continue
        if (key == "node" and not is_opcua) or (key == "length" and values.get("type") != "string"):
            continue  # lists say how many registers a float has, too
        table = values.get("table", values.get("function", ""))
        yield key, _address(table, value) if key == "address" else value


def _address(table: str, address: str) -> str:
    is_manual = re.fullmatch(r"[0134]\d{4,5}", address) and address.startswith(_DIGIT.get(table, "?"))
    return address if not table or is_manual or ":" in address else f"{table}:{address}"
