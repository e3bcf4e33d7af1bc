"""What operators may do to alarms: each command to what happens, with who did it and when."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

from agent.alarms.state import Event, Happening
from agent.health import wall_ms
from agent.mqtt.payloads.command import AlarmCommand, OccurrenceCommand, Shelve

MINUTE_MS: Final = 60_000

EVENTS: Final[Mapping[str, Event]] = {
    "ack": "acknowledged",
    "confirm": "confirmed",
    "reset": "reset",
    "shelve": "shelved",
    "unshelve": "unshelved",
    "suppress": "suppressed",
    "unsuppress": "unsuppressed",
    "out_of_service": "out_of_service",
    "return": "returned",
    "comment": "commented",
}


class Alarms(Protocol):
    """Who keeps the alarms."""

    async def happen(self, alarm: str, happening: Happening) -> None:
        """Keep what an operator does to an alarm; raises LookupError where that cannot be."""


def alarm_handlers(alarms: Alarms, longest: float) -> dict[str, Callable[[AlarmCommand], Awaitable[None]]]:
    """The commands on alarms, by name.

    Args:
        alarms: Told what happens.
        longest: Minutes that an alarm may be shelved.
    """

    def handler(event: Event) -> Callable[[AlarmCommand], Awaitable[None]]:
        async def handle(command: AlarmCommand) -> None:
            await alarms.happen(command.alarm, _happening(event, command, longest))

        return handle

    return {name: handler(event) for name, event in EVENTS.items()}


def _happening(event: Event, command: AlarmCommand, longest: float) -> Happening:
    now_ms, until_ms = wall_ms(), None
    if isinstance(command, Shelve):
        if command.minutes > longest:
            raise LookupError(f"an alarm is shelved for {longest:g} minutes at most, not {command.minutes:g}")
        until_ms = now_ms + round(MINUTE_MS * command.minutes)
    return Happening(
        event,
        now_ms,
        user=command.user,
        comment=command.comment,
        occurrence=command.occurrence if isinstance(command, OccurrenceCommand) else None,
        until_ms=until_ms,
    )
