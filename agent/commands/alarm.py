"""`pump-agent alarm`: what an operator does to an alarm, given to the running agent through the broker."""

import asyncio
import json
import sys
from argparse import Namespace
from typing import Any

from agent.cli import MENDABLE
from agent.commands.asking import NotDoneError, ask, request_of
from agent.configuration.config_file import load
from agent.mqtt.client import BrokerError
from agent.settings import AgentSettings
from agent.store.errors import StorageError
from agent.store.reader import Reader

OF_OCCURRENCE = ("ack", "confirm", "reset")


def run(args: Namespace) -> int:
    """Ask the running agent, and print what came of it."""
    settings = load(args.config)
    try:
        request = _request(settings, args)
        result = asyncio.run(ask(settings, args.action, request))
    except (NotDoneError, BrokerError, StorageError) as error:
        print(error, file=sys.stderr)
        return MENDABLE
    if not result.ok:
        print(result.error, file=sys.stderr)
        return MENDABLE
    meant = f", occurrence {request['occurrence']}" if "occurrence" in request else ""
    print(f"{args.action} {args.alarm}{meant}: ok")
    return 0


def _request(settings: AgentSettings, args: Namespace) -> dict[str, Any]:
    """The command as it is sent.

    Raises:
        NotDoneError: Commands are off, or it is not known which occurrence is meant.
    """
    request = request_of(settings, args.config, args.user) | {"alarm": args.alarm}
    if args.comment is not None:
        request["comment"] = args.comment
    if args.minutes is not None:
        request["minutes"] = args.minutes
    if args.action in OF_OCCURRENCE:
        request["occurrence"] = _present(settings, args.alarm) if args.occurrence is None else args.occurrence
    return request


def _present(settings: AgentSettings, alarm: str) -> int:
    """The occurrence that stands, as the store has it."""
    with Reader(settings.storage.path) as reader:
        kept = reader.newest("alarm_event", alarm)
    if not kept:
        raise NotDoneError(f"alarm {alarm!r} was never raised; see pump-agent status for those that stand")
    return int(json.loads(kept[0].body)["occurrence"])
