"""`pump-agent alarm`: what an operator does to an alarm, given to the running agent through the broker."""

import asyncio
import getpass
import json
import sys
import time
from argparse import Namespace
from typing import Any
from uuid import uuid4

from agent.cli import MENDABLE
from agent.configuration.config_file import load
from agent.mqtt.client import BrokerError, Client
from agent.mqtt.instant import rfc3339
from agent.mqtt.link import Message
from agent.mqtt.payloads import CommandResult
from agent.mqtt.topics import Topics
from agent.settings import AgentSettings
from agent.store.errors import StorageError
from agent.store.reader import Reader

LASTS_MS = 30_000  # an order that waited longer for the agent is not carried out any more
PATIENCE = 10.0  # s for its answer
OF_OCCURRENCE = ("ack", "confirm", "reset")


class NotDoneError(Exception):
    """The message says what a person must do."""


def run(args: Namespace) -> int:
    """Ask the running agent, and print what came of it."""
    settings = load(args.config)
    try:
        request = _request(settings, args)
        result = asyncio.run(_asked(settings, args.action, request))
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
    if not settings.mqtt.commands:
        remedy = f"set commands = true in [mqtt] of {args.config}; a running agent takes that at once"
        raise NotDoneError(f"the agent hears operators through the broker, and commands are off: {remedy}")
    now_ms = time.time_ns() // 1_000_000
    request: dict[str, Any] = {
        "id": f"cli-{uuid4().hex}",
        "expires": rfc3339(now_ms + LASTS_MS),
        "user": args.user or getpass.getuser(),
        "alarm": args.alarm,
    }
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


async def _asked(settings: AgentSettings, action: str, request: dict[str, Any]) -> CommandResult:
    """What the agent answers.

    Raises:
        BrokerError: The broker is away or refuses us.
        NotDoneError: The agent does not answer.
    """
    topics = Topics.of_station(settings.mqtt, settings.station.name)
    answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def take(message: Message) -> None:
        if not answer.done():
            answer.set_result(message.payload)

    async with Client(settings.mqtt, request["id"]) as client:
        await client.subscribe(topics.result(request["id"]), take)
        await client.publish(f"{topics.root}/cmd/{action}", json.dumps(request).encode())
        try:
            async with asyncio.timeout(PATIENCE):
                payload = await answer
        except TimeoutError as error:
            remedy = "see pump-agent status whether it runs and is connected"
            raise NotDoneError(f"the broker took it, but no agent answers within {PATIENCE:g} s; {remedy}") from error
    return CommandResult.model_validate_json(payload)
