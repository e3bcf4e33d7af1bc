"""`pump-agent import-tags`: a vendor's register list as a tag file, and as the tables to paste."""

import csv
import io
import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any, get_args

from agent.configuration.config_file import settle
from agent.configuration.mistakes import Mistake, Place, SettingsError, did_you_mean
from agent.tag_lists.register_list import Site, read_register_list
from agent.tag_lists.tags_file import DEVICE, columns
from drivers.settings import DataType

_ALWAYS = (DEVICE, "name", "address", "node", "type", "unit")


def run(args: Namespace) -> int:
    """Write the tag file, or say which rows are wrong and write nothing."""
    found = read_register_list(args.file, _site(args), _sentinels(args.sentinel))
    found.draft.object_to_duplicates()
    settle(found.draft, {})
    devices = found.draft.content["device"]
    if args.output is not None:
        _write(args.output, _as_csv(devices))
    elif args.toml is None:
        sys.stdout.write(_as_csv(devices))
    if args.toml is not None:
        name = "tags.csv" if args.output is None else args.output.name
        sys.stdout.write(_as_toml(devices, name))
    tags = sum(len(device["tag"]) for device in devices)
    print(f"{args.file}: {tags} tags of {len(devices)} devices", file=sys.stderr)
    for line in _advice(devices):
        print(f"{args.file}: {line}", file=sys.stderr)
    if found.how:
        print(f"{args.file}: {found.how}", file=sys.stderr)
    if found.ignored:
        print(f"{args.file}: not used: {', '.join(found.ignored)}", file=sys.stderr)
    return 0


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SettingsError([Mistake(Place(str(path)), f"cannot be written: {error.strerror}")]) from error


def _site(args: Namespace) -> Site:
    given = {"prefix": args.device_prefix}
    given |= {"url": args.opcua_url} if args.opcua_url is not None else {}
    given |= {"serial_port": args.serial_port} if args.serial_port is not None else {}
    if args.toml is None:
        return Site(**given)
    host, _, port = args.toml.rpartition(":")
    if not host or not port.isdigit():
        raise SettingsError([Mistake(Place("--toml"), f'"{args.toml}" is no address; write it like 192.0.2.10:502')])
    return Site(host=host, port=int(port), **given)


def _advice(devices: list[dict[str, Any]]) -> list[str]:
    """What a list of registers cannot say, and a serial line needs."""
    serial = ", ".join(device["name"] for device in devices if device["protocol"] == "modbus-rtu")
    if not serial:
        return []
    keys = "its serial_port and unit_id, and baudrate, parity and stop_bits as its manual says"
    where = f'on a serial line: {serial}; such a [[device]] has protocol = "modbus-rtu", {keys}'
    return [f"{where} (--toml with --serial-port prints the tables)"]


def _sentinels(given: list[tuple[str, float]]) -> dict[str, list[float]]:
    by_type: dict[str, list[float]] = {}
    for kind, raw in given:
        if kind not in get_args(DataType):
            remedy = did_you_mean(kind, get_args(DataType)) or f"; write one of {', '.join(get_args(DataType))}"
            raise SettingsError([Mistake(Place("--sentinel"), f'there is no type "{kind}"{remedy}')])
        by_type.setdefault(kind, []).append(int(raw) if raw.is_integer() else raw)
    return by_type


def _as_csv(devices: list[dict[str, Any]]) -> str:
    """A tag file with the columns that are used, in the order a person reads them."""
    rows = [{DEVICE: device["name"], **tag} for device in devices for tag in device["tag"]]
    used = {key for row in rows for key, value in row.items() if (key, value) not in (("scale", 1), ("offset", 0))}
    titles = [title for title in (*_ALWAYS, *columns()) if title in used]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(titles)), extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _cell(value) for key, value in row.items()} for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else value


def _as_toml(devices: list[dict[str, Any]], tags_file: str) -> str:
    top = f"tags_file = {json.dumps(tags_file)}  # stands above every [table]\n"
    tables = [
        "\n[[device]]\n" + "".join(_line(key, device[key]) for key in device if key != "tag") for device in devices
    ]
    return top + "".join(tables)


def _line(key: str, value: object) -> str:
    return f"{key} = {json.dumps(value, ensure_ascii=False)}\n"
