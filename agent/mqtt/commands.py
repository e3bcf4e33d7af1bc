"""Commands from SCADA: every one is untrusted, checked, done once, and answered."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing, suppress
from functools import partial
from typing import Any, Final, NoReturn

import orjson
from pydantic import ValidationError

from agent.health import wall_ms
from agent.mqtt import payloads, streams
from agent.mqtt.client import Client, DeniedError
from agent.mqtt.command_log import CommandLog
from agent.mqtt.instant import rfc3339
from agent.mqtt.link import Message
from agent.mqtt.outcomes import LONGEST_MS, Outcomes
from agent.mqtt.payloads import Command, CommandResult
from agent.mqtt.payloads.command import COMMAND_ID
from agent.mqtt.topics import Topics
from agent.mqtt.used_ids import UsedIds
from agent.settings import AgentSettings
from agent.store.errors import StorageError
from agent.store.writer import Store

LARGEST: Final = 4_096  # bytes of a command
WAITING: Final = 600  # commands that wait for their turn, as when all of a flood of alarms are acknowledged at once
RATE: Final = 50.0  # commands a second at most, so that polling keeps the loop
PATIENCE: Final = 3.0  # s that an operator waits for the disk to know that a command was done
NAME: Final = 40  # characters of a name from outside that are repeated in an answer
EARLIER: Final = "it was taken before the agent was started; look whether it was done"
INTERRUPTED: Final = "the broker was lost meanwhile; look whether it was done"

KNOWN: Final[Mapping[str, type[Command]]] = {
    "ack": payloads.Ack,
    "confirm": payloads.Confirm,
    "reset": payloads.Reset,
    "shelve": payloads.Shelve,
    "unshelve": payloads.Unshelve,
    "suppress": payloads.Suppress,
    "unsuppress": payloads.Unsuppress,
    "out_of_service": payloads.OutOfService,
    "return": payloads.Return,
    "comment": payloads.CommentOn,
    "alarm_test": payloads.AnswerTest,
    "accept": payloads.Accept,
    "reject": payloads.Reject,
    "overhaul": payloads.TellOverhaul,
}

# Given a command of its kind; raises LookupError, with a sentence for the operator, where there is nothing to be done.
Handler = Callable[[Any], Awaitable[None]]


class Commands:
    """Where commands arrive, wait, and are done one after the other.

    The same id is done once and answered again, as long as the command has not expired.

    Args:
        settings: The whole station; `mqtt.commands` says whether to listen at all.
        handlers: By name of the command.
        store: Remembers ids over restarts.
        clock: The wall's, ms.
    """

    def __init__(
        self,
        settings: AgentSettings,
        handlers: Mapping[str, Handler],
        store: Store,
        clock: Callable[[], int] = wall_ms,
    ) -> None:
        self._settings = settings
        self._handlers = handlers
        self._used_ids = UsedIds(store)
        self._topics = Topics.of_station(settings.mqtt, settings.station.name)
        self._outcomes = Outcomes()
        self._forgotten: list[str] = []  # ids of which the disk does not know that yet
        self._clock = clock
        self.dropped = 0  # old, too large, without an id, or too many at once: not even answered

    async def listen(self) -> NoReturn:
        """Take commands until the broker is lost; on a connection of its own, so that a flood delays nothing else.

        Raises:
            BrokerError: The broker is lost, or refuses us or the subscription.
        """
        earlier = await self._used_ids.there()
        self._outcomes.recall(earlier, EARLIER, asyncio.get_running_loop().time())
        mqtt = self._settings.mqtt
        client_id = mqtt.client_id or f"pump-agent-{self._settings.station.name}"
        waiting: asyncio.Queue[Message] = asyncio.Queue(WAITING)
        async with Client(mqtt, f"{client_id}-commands") as client:
            await client.subscribe(self._topics.commands, partial(self._take, waiting))
            with closing(CommandLog()) as told:
                await streams.run(broker=client.ended(), commands=self._work(client, waiting, told))

    def _take(self, waiting: asyncio.Queue[Message], message: Message) -> None:
        """Let a message wait for its turn, if it can be a command at all; whoever floods us does not fill the log."""
        if message.is_old or len(message.payload) > LARGEST or waiting.full():
            self.dropped += 1
        else:
            waiting.put_nowait(message)

    async def _work(self, client: Client, waiting: asyncio.Queue[Message], told: CommandLog) -> NoReturn:
        loop = asyncio.get_running_loop()
        due = loop.time()
        while True:
            message = await waiting.get()
            await asyncio.sleep(due - loop.time())
            due = loop.time() + 1 / RATE
            name = self._topics.command(message.topic)
            request = _object(message.payload)
            command_id = request.get("id")
            if not isinstance(command_id, str) or not re.fullmatch(COMMAND_ID, command_id):
                self.dropped += 1  # there is no topic to answer on
                continue
            error = await self._outcome(name, command_id, request, told)
            result = CommandResult(id=command_id, ts=self._clock(), command=name[:NAME], ok=error is None, error=error)
            try:
                await client.publish(self._topics.result(command_id), result.encode())
            except DeniedError as denied:
                told.tell(f"command {command_id}: {denied}")

    async def _outcome(self, name: str, command_id: str, request: dict[str, object], told: CommandLog) -> str | None:
        """Do it, unless it was done before; the error, or None for ok."""
        now_ms, now = self._clock(), asyncio.get_running_loop().time()
        self._forgotten += self._outcomes.forget(now_ms, now)
        if command_id in self._outcomes:
            return self._outcomes.error(command_id)
        try:
            command = self._checked(name, request, now_ms)
        except LookupError as refusal:
            return str(refusal)
        # before it begins, so that the same command never runs twice, whatever interrupts it
        self._outcomes.note(command_id, INTERRUPTED, command.expires, now_ms, now, user=command.user)
        try:
            error = await self._do_and_keep(name, command)
        except LookupError as refusal:
            error = str(refusal)
            self._outcomes.refuse(command_id, error)
            self._forgotten.append(command_id)
        else:
            self._outcomes.note(command_id, error, command.expires, now_ms, now, user=command.user)
        told.tell(f"command {name} {command_id} of {command.user!r}: {error or 'ok'}")
        return error

    async def _do_and_keep(self, name: str, command: Command) -> str | None:
        """Do it, with its id on the disk; what the disk takes too long for is written all the same, later.

        Raises:
            LookupError: There was nothing to be done, and nothing has happened.
        """
        end = asyncio.get_running_loop().time() + PATIENCE
        forgotten, self._forgotten = self._forgotten, []
        keeping = asyncio.create_task(self._used_ids.keep(command.id, command.expires, forgotten))
        try:
            await asyncio.sleep(0)  # its turn: it goes to the disk with what the command does, and not after it
            error = await self._do(name, command)
            if error is None:
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(end):
                        await keeping
        finally:
            keeping.cancel()  # what was given to the store is written all the same
        return error

    def _checked(self, name: str, request: dict[str, object], now_ms: int) -> Command:
        """The command as its model, if it may be done now."""
        if name not in KNOWN or name not in self._handlers:
            raise LookupError(f"there is no command {name[:NAME]!r}; there are {', '.join(self._handlers)}")
        try:
            command = KNOWN[name].model_validate(request)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise LookupError(f"{'.'.join(map(str, first['loc']))[:NAME]}: {first['msg']}") from error
        if command.expires <= now_ms:
            raise LookupError(f"the command has expired at {rfc3339(command.expires)}; it is {rfc3339(now_ms)} now")
        if command.expires > now_ms + LONGEST_MS:
            raise LookupError("a command expires within 24 hours; choose an earlier time")
        if self._outcomes.is_full(command.user):
            raise LookupError(
                "there were too many commands; wait until earlier ones have expired, and let them expire soon"
            )
        return command

    async def _do(self, name: str, command: Command) -> str | None:
        try:
            await self._handlers[name](command)
        except StorageError as error:
            return str(error)
        return None


def _object(payload: bytes) -> dict[str, object]:
    """The JSON object in *payload*; an empty one where it holds anything else."""
    try:
        found = orjson.loads(payload)  # refuses NaN, and nesting deep enough to hurt
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
