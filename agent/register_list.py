"""A vendor's register list: whatever its columns are called, as devices and tags in our words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agent.csv_table import CsvRow, CsvTable, number, read_table
from agent.draft import Draft
from agent.mistakes import Mistake, Place, SettingsError
from agent.tags_file import columns
from agent.toml_text import TomlText

# Titles as vendors write them, without case, spaces and signs; what is missing here is called as in our own tag files.
_TITLES = {
    "name": ("tag", "tagname", "signal", "signalname", "point", "pointname", "parameter", "variable"),
    "protocol": ("protocol", "interface"),
    "unit_id": ("unitid", "slave", "slaveid", "slaveaddress", "stationaddress", "deviceid", "modbusid"),
    "table": ("table", "registertype", "area", "memory"),
    "function": ("function", "functioncode", "fc"),
    "address": ("register", "reg", "registeraddress", "modbusaddress", "registernumber", "start", "startaddress"),
    "type": ("datatype", "dataformat", "format"),
    "order": ("wordorder", "byteorder", "endianness", "endian"),
    "scale": ("factor", "multiplier", "gain", "scalefactor", "scaling"),
    "node": ("nodeid", "opcuanode", "opcnode"),
    "unit": ("units", "uom", "engineeringunit", "engineeringunits", "eu"),
}
_WORDS: dict[str, dict[str, tuple[str, ...]]] = {
    "protocol": {
        "modbus-tcp": ("modbus", "modbustcp", "tcp", "mbtcp"),
        "opcua": ("opcua", "opc", "ua"),
    },
    "table": {
        "holding": ("holdingregister", "holdingregisters", "hr", "4x"),
        "input": ("inputregister", "inputregisters", "ir", "3x"),
        "coil": ("coils", "0x"),
        "discrete": ("discreteinput", "discreteinputs", "di", "1x"),
    },
    "function": {  # that reads it: 3 reads the holding registers, whose addresses begin with 4 in manuals
        "coil": ("1", "01", "0x01", "fc1", "fc01"),
        "discrete": ("2", "02", "0x02", "fc2", "fc02"),
        "holding": ("3", "03", "0x03", "fc3", "fc03"),
        "input": ("4", "04", "0x04", "fc4", "fc04"),
    },
    "type": {
        "bool": ("boolean", "bit", "digital"),
        "int16": ("int", "short", "s16", "i16", "sint16", "signed16"),
        "uint16": ("word", "ushort", "u16", "uint", "unsigned16"),
        "int32": ("dint", "long", "s32", "i32", "sint32", "signed32"),
        "uint32": ("dword", "udint", "ulong", "u32", "unsigned32"),
        "int64": ("lint", "s64", "i64", "sint64"),
        "uint64": ("lword", "ulint", "u64"),
        "float32": ("float", "real", "single", "f32", "ieee754"),
        "float64": ("double", "lreal", "f64"),
        "string": ("text", "ascii"),
    },
    "order": {
        "ABCD": ("ab", "big", "bigendian", "be", "1234", "msw", "mswfirst"),
        "CDAB": ("wordswap", "wordswapped", "swapped", "3412", "lsw", "lswfirst"),
        "BADC": ("ba", "byteswap", "byteswapped", "2143"),
        "DCBA": ("little", "littleendian", "le", "4321"),
    },
}
_DIGIT = {"holding": "4", "input": "3", "discrete": "1", "coil": "0"}
_OPCUA_HAS_NOT = ("address", "type", "order", "bit", "length")


@dataclass(frozen=True, slots=True)
class Site:
    """Where the devices of a list are, which the list itself does not say."""

    host: str = "192.0.2.10"  # of documentation: to be edited
    port: int = 502
    url: str = "opc.tcp://192.0.2.20:4840"
    prefix: str = ""  # before the names of devices


@dataclass(frozen=True, slots=True)
class RegisterList:
    """A list as read, to be judged like any configuration."""

    draft: Draft
    ignored: tuple[str, ...]  # titles of columns that say nothing we keep


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
    return RegisterList(Draft(toml, path.parent), tuple(title for title in table.header.cells if not _key(title)))


@dataclass(frozen=True, slots=True)
class _Entry:
    """One row in our words."""

    values: dict[str, Any]
    place: Place
    places: dict[str, Place]

    @classmethod
    def of(cls, table: CsvTable, row: CsvRow, keys: dict[int, str]) -> "_Entry":
        cells = {key: (i, row.cells[i]) for i, key in keys.items() if i < len(row.cells) and row.cells[i]}
        kinds = columns() | {"unit_id": lambda text: text if (value := number(text)) is None else value}
        values = {key: kinds.get(key, str)(_word(key, cell)) for key, (_, cell) in cells.items()}
        places = {key: Place(table.file, row.line, i + 1) for key, (i, _) in cells.items()}
        return cls(values, Place(table.file, row.line), places)


def _keys(table: CsvTable) -> dict[int, str]:
    """Which column says what; of two that say the same, the first."""
    found: dict[str, int] = {}
    for i, title in enumerate(table.header.cells):
        if (key := _key(title)) is not None:
            found.setdefault(key, i)
    if "name" not in found:
        sentence = f'no column says the tags\' names; call one of them "name" ({", ".join(table.header.cells)})'
        raise SettingsError([Mistake(Place(table.file, table.header.line), sentence)])
    return {i: key for key, i in found.items()}


def _key(title: str) -> str | None:
    plain = _plain(title)
    ours = {_plain(key): key for key in (*columns(), "unit_id", "table", "function", "protocol")}
    theirs = {word: key for key, words in _TITLES.items() for word in words}
    key = ours.get(plain, theirs.get(plain))
    return None if key == "device" else key


def _word(key: str, cell: str) -> str:
    """A cell in our vocabulary; one we do not know stays, and is refused where it stands."""
    if key == "name":
        return re.sub(r"\s+", "_", cell)
    for ours, theirs in _WORDS.get(key, {}).items():
        if _plain(cell) in (*theirs, _plain(ours)):
            return ours
    return cell


def _plain(text: str) -> str:
    return re.sub(r"[^0-9a-z]", "", text.casefold())


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
    name = re.sub(r"[^A-Za-z0-9_.\-]+", "_", f"{site.prefix}unit-{unit}")
    return {"name": name, "protocol": protocol, "host": site.host, "port": site.port, "unit_id": unit}


def _tag(values: dict[str, Any], *, is_opcua: bool) -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if key in ("protocol", "unit_id", "table", "function") or (is_opcua and key in _OPCUA_HAS_NOT):
            continue
        if key == "node" and not is_opcua:
            continue
        table = values.get("table", values.get("function", ""))
        yield key, _address(table, value) if key == "address" else value


def _address(table: str, address: str) -> str:
    is_manual = re.fullmatch(r"[0134]\d{4,5}", address) and address.startswith(_DIGIT.get(table, "?"))
    return address if not table or is_manual or ":" in address else f"{table}:{address}"
