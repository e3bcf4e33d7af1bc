"""The command line: every command with its arguments; what a command does is in agent/commands.

Exit status: 0 done, 1 a bug (with a traceback) or a run that went wrong, 2 something a person must mend:
the command line, the configuration, a file, the disk; 130 Ctrl-C.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path

from agent.configuration.mistakes import SettingsError

MENDABLE = 2  # as argparse has it for its own
ENERGY, EVEN_LOAD = "energy", "even load"  # what methods of `optimise --compare` are to make small
INTERRUPTED = 130  # as shells have it for Ctrl-C
ALARM_ACTIONS = (
    "ack", "confirm", "reset", "shelve", "unshelve", "suppress", "unsuppress", "out_of_service", "return", "comment"
)  # fmt: skip
_SECONDS = {"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says; the exit status."""
    args = parser().parse_args(arguments)
    try:
        status: int = import_module(f"agent.commands.{args.module}").run(args)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return MENDABLE
    except KeyboardInterrupt:
        return INTERRUPTED
    return status


def parser() -> argparse.ArgumentParser:
    """Every command with its arguments; nothing heavy is loaded for it."""
    top = argparse.ArgumentParser(
        prog="pump-agent",
        description="Reads a water pump station, keeps every reading, and says the cheapest safe way to run its pumps.",
        epilog="Exit status: 0 done, 1 a bug or a run that went wrong, 2 something you must mend.",
    )
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _run(_command(commands, "run", "poll, keep, analyse and publish until stopped"))
    _check(_command(commands, "check", "say every mistake in a configuration; with --live also in the plant"))
    _probe(_command(commands, "probe", "read live registers and say what they may mean, the likeliest first"))
    _demo(_command(commands, "demo", "run the whole product on a simulated station"))
    _status(_command(commands, "status", "show what the agent last knew: devices, jobs, advice, alarms"))
    _alarm(_command(commands, "alarm", "acknowledge, shelve or comment an alarm of the running agent"))
    _overhaul(_command(commands, "overhaul", "tell that a pump was overhauled: its wear is counted anew"))
    _alarms(_command(commands, "alarms", "list every alarm with priority, cause, consequence and action, for review"))
    _import_tags(_command(commands, "import-tags", "turn a vendor's register list into a tag file"))
    _browse(_command(commands, "browse", "show what an OPC UA server has, and write it as a tag file"))
    _opcua_cert(_command(commands, "opcua-cert", "make our certificate for secured OPC UA servers"))
    _import(_command(commands, "import", "take history from CSV files into the store", module="import_history"))
    _export(_command(commands, "export", "write readings into a CSV or Parquet file, also while the agent runs"))
    _backup(_command(commands, "backup", "copy the store into one file, also while the agent runs, and verify it"))
    _analyse(_command(commands, "analyse", "run the analyses over stored history"))
    _optimise(_command(commands, "optimise", "solve the last known operation; with --compare by other methods too"))
    _plot(_command(commands, "plot", "draw a pump's curves with what they rest on, as a picture or in the terminal"))
    _command(commands, "schema", "print the configuration's JSON Schema, for editors")
    _command(commands, "version", "print the version")
    return top


def _command(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, sentence: str, module: str | None = None
) -> argparse.ArgumentParser:
    command = commands.add_parser(name, help=sentence, description=sentence[0].upper() + sentence[1:] + ".")
    command.set_defaults(module=module or name.replace("-", "_"))
    return command


def _run(command: argparse.ArgumentParser) -> None:
    _config(command)
    command.add_argument("--verbose", action="store_true", help="log more")


def _check(command: argparse.ArgumentParser) -> None:
    _config(command)
    command.add_argument("--live", action="store_true", help="then read every tag once from the devices, and judge it")
    _json(command)


def _probe(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "device", metavar="DEVICE", help="CONFIG:DEVICE, like station.toml:plc-1, or HOST[:PORT][/UNIT]"
    )
    command.add_argument(
        "address", metavar="ADDRESS", help="like holding:100, 40101, input:7 or coil:3, or a tag's name"
    )
    known = command.add_mutually_exclusive_group()
    known.add_argument("--expect", type=float, metavar="VALUE", help="what a display shows, in the tag's unit")
    known.add_argument(
        "--between", type=float, nargs=2, metavar=("LOW", "HIGH"), help="where the value lies, in the tag's unit"
    )
    command.add_argument("--unit", help="the tag's unit, whose usual range is expected: m3/h, bar, Hz, kW ...")
    command.add_argument("--reads", type=_count, default=5, metavar="N", help="how often to read; default 5")
    command.add_argument("--every", type=_duration, default=0.5, metavar="TIME", help="between two reads; default 0.5s")
    _json(command)


def _demo(command: argparse.ArgumentParser) -> None:
    command.add_argument("--for", dest="seconds", type=_duration, metavar="TIME", help="end by itself, after 60s or 5m")
    command.add_argument("--amqtt", action="store_true", help="use the embedded broker even where mosquitto is there")
    _json(command)


def _status(command: argparse.ArgumentParser) -> None:
    _config(command)
    _json(command)


def _alarm(command: argparse.ArgumentParser) -> None:
    _config(command)
    command.add_argument("action", choices=ALARM_ACTIONS, metavar="ACTION", help=", ".join(ALARM_ACTIONS))
    command.add_argument("alarm", metavar="ALARM", help="its id, as status shows it")
    command.add_argument(
        "--occurrence",
        type=_count,
        metavar="N",
        help="for ack, confirm, reset: which raising; default: the last",
    )
    command.add_argument("--minutes", type=float, metavar="N", help="for shelve: how long")
    command.add_argument("--comment", metavar="TEXT", help="kept in the journal")
    command.add_argument("--user", metavar="NAME", help="who does it; default: who is logged in")


def _overhaul(command: argparse.ArgumentParser) -> None:
    _config(command)
    command.add_argument("--pump", required=True, metavar="PUMP", help="its id")
    command.add_argument("--at", type=_instant, metavar="TIME", help="when, like 2026-03-01T14:00Z; default: now")
    command.add_argument("--note", metavar="TEXT", help="what was done; kept with it")
    command.add_argument("--user", metavar="NAME", help="who says so; default: who is logged in")


def _alarms(command: argparse.ArgumentParser) -> None:
    _config(command)
    command.add_argument("--output", type=Path, metavar="FILE", help="a CSV file; default: print it")


def _import_tags(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "file", type=Path, metavar="FILE", help="the vendor's list, CSV or .xlsx, with a row of titles"
    )
    command.add_argument("--output", type=Path, metavar="FILE", help="where to write the tag file; default: print it")
    command.add_argument(
        "--toml", metavar="HOST:PORT", help="print the [[device]] tables to paste, for units behind this address"
    )
    command.add_argument("--opcua-url", metavar="URL", help="the OPC UA server's address in those tables")
    command.add_argument("--serial-port", metavar="PATH", help="the port of Modbus RTU units in those tables")
    command.add_argument(
        "--device-prefix",
        default="",
        metavar="PREFIX",
        help="put before the names of devices, which are unit-<number>, rtu-<number> and opcua",
    )
    command.add_argument(
        "--sentinel",
        action="append",
        default=[],
        type=_sentinel,
        metavar="TYPE=RAW",
        help='a raw value that means "no sensor" in every tag of a type, like int16=32767; may be repeated',
    )


def _browse(command: argparse.ArgumentParser) -> None:
    command.add_argument("target", metavar="URL|CONFIG", help="opc.tcp://HOST:PORT/PATH, or the station's TOML file")
    command.add_argument("device", nargs="?", metavar="DEVICE", help="which of its OPC UA devices, with its security")
    command.add_argument("--output", type=Path, metavar="FILE", help="write a tag file of what was found")
    command.add_argument("--under", default="i=85", metavar="NODE", help="begin here; default: the folder Objects")
    command.add_argument("--depth", type=_count, default=10, metavar="N", help="steps down; default 10")
    command.add_argument("--limit", type=_many, default=10_000, metavar="N", help="nodes looked at; default 10000")
    _json(command)


def _opcua_cert(command: argparse.ArgumentParser) -> None:
    where = command.add_mutually_exclusive_group(required=True)
    where.add_argument("config", type=Path, nargs="?", metavar="CONFIG", help="makes the files its devices name")
    where.add_argument("--out", type=Path, metavar="DIR", help="makes pump-agent.der and .pem in this folder")
    command.add_argument("--uri", help="application URI; default urn:<host>:pump-agent:<station>")
    command.add_argument("--host", action="append", default=[], help="another name or address of this machine")
    command.add_argument("--days", type=_count, default=3650, metavar="N", help="how long it is valid; default 3650")
    command.add_argument("--force", action="store_true", help="replace what is there")


def _import(command: argparse.ArgumentParser) -> None:
    _config(command)
    command.add_argument(
        "files", type=Path, nargs="+", metavar="HISTORY", help="CSV, also .gz: a column a tag, or long"
    )
    _json(command)


def _export(command: argparse.ArgumentParser) -> None:
    _config(command)
    command.add_argument("--from", dest="start", type=_instant, metavar="TIME", help="default: the oldest reading")
    command.add_argument("--to", dest="end", type=_instant, metavar="TIME", help="not included; default: the newest")
    command.add_argument("--tags", nargs="+", metavar="TAG", help="default: all there are")
    command.add_argument("--format", choices=("csv", "csv.gz", "parquet"), help="default: as FILE ends, else csv")
    command.add_argument("--output", type=Path, metavar="FILE", help="default: print it")
    command.add_argument("--wide", action="store_true", help="a column a tag: numbers only, bad ones left out")
    command.add_argument("--filled", action="store_true", help="filled values too, marked as such")


def _backup(command: argparse.ArgumentParser) -> None:
    _config(command)
    command.add_argument("file", type=Path, metavar="FILE", help="a new file, like /backup/station.db")
    _json(command)


def _analyse(command: argparse.ArgumentParser) -> None:
    _config(command)
    command.add_argument("--until", type=_instant, metavar="TIME", help="look at nothing newer, like 2025-02-27T18:50Z")
    _json(command)


def _optimise(command: argparse.ArgumentParser) -> None:
    _config(command)
    shown = command.add_mutually_exclusive_group()
    shown.add_argument("--compare", action="store_true", help="one table of methods: cost, gap, violations, time")
    shown.add_argument("--front", action="store_true", help="what energy, starts and pressure cost in each other")
    command.add_argument(
        "--objective",
        default=ENERGY,
        metavar="WHAT",
        help=f"with --compare: what the other methods are to make small besides energy, the exact solver's objective: "
        f'"{EVEN_LOAD}", or FILE.py:FUNCTION, your own',
    )
    _json(command)


def _config(command: argparse.ArgumentParser) -> None:
    command.add_argument("config", type=Path, metavar="CONFIG", help="the station's TOML file")


def _json(command: argparse.ArgumentParser) -> None:
    command.add_argument("--json", action="store_true", help="print one JSON object, for programs")


def _plot(command: argparse.ArgumentParser) -> None:
    _config(command)
    command.add_argument("--pump", required=True, metavar="ID", help="which one")
    command.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="FILE",
        help="a .png, .svg or .pdf; default: plain text that fits the terminal",
    )


def _duration(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)(s|m|min|h|)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f'"{text}" is no time; write for example 60s, 5m or 1h')
    return float(found[1]) * _SECONDS[found[2]]


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,3}", text):
        raise argparse.ArgumentTypeError(f'"{text}" is no count; write a whole number from 1 to 9999')
    return int(text)


def _many(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,6}", text):
        raise argparse.ArgumentTypeError(f'"{text}" is no count; write a whole number above 0')
    return int(text)


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f'"{text}" is no time; write it like 2025-02-27T18:50Z') from None
    if instant.tzinfo is None:
        raise argparse.ArgumentTypeError(f'"{text}" says no time zone; write Z behind it for UTC, or +01:00')
    return instant


def _sentinel(text: str) -> tuple[str, float]:
    found = re.fullmatch(r"(\w+)=([-+]?\d+(?:\.\d+)?)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f'"{text}" is no sentinel; write it like int16=32767')
    return found[1], float(found[2])
