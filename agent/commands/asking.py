"""Asking the running agent through the broker, as SCADA does, and waiting for its answer."""

import asyncio
import getpass
import json
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

from agent.mqtt.client import Client
from agent.mqtt.instant import rfc3339
from agent.mqtt.link import Message
from agent.mqtt.payloads import CommandResult
from agent.mqtt.topics import Topics
from agent.settings import AgentSettings

LASTS_MS = 30_000  # an order that waited longer for the agent is not carried out any more
PATIENCE = 10.0  # s for its answer


class NotDoneError(Exception):
    """The message says what a person must do."""


def request_of(settings: AgentSettings, config: Path, user: str | None) -> dict[str, Any]:
    """What every command has.

    Raises:
        NotDoneError: Commands are off.
    """
    if not settings.mqtt.commands:
        remedy = f"set commands = true in [mqtt] of {config}; a running agent takes that at once"
        raise NotDoneError(f"the agent hears operators through the broker, and commands are off: {remedy}")
    now_ms = time.time_ns() // 1_000_000
    return {
        "id": f"cli-{uuid4().hex}",
        "expires": rfc3339(now_ms + LASTS_MS),
        "user": user or getpass.getuser(),
    }


async def ask(settings: AgentSettings, action: str, request: dict[str, Any]) -> CommandResult:
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
