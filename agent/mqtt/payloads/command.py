"""What is asked of the agent over MQTT, and what it answers."""

from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from agent.mqtt.instant import Instant
from agent.mqtt.payloads.payload import Payload

# The id becomes a level of the result's topic, so it holds neither space nor + # /.
COMMAND_ID: Final = r"^[A-Za-z0-9_.\-]{1,64}$"
MOST_TEXT, MOST_COMMENT = 120, 1_000  # characters

CommandId = Annotated[str, StringConstraints(pattern=COMMAND_ID)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=MOST_TEXT)]
Comment = Annotated[str, StringConstraints(max_length=MOST_COMMENT)]


class Command(Payload):
    """What every command on `<root>/cmd/<command>` has; no value is taken for another type's (1 is no text)."""

    model_config = ConfigDict(strict=True)

    id: CommandId
    expires: Instant
    user: Text


class AlarmCommand(Command):
    """What every command on an alarm has."""

    alarm: Text
    comment: Comment | None = None


class OccurrenceCommand(AlarmCommand):
    """One that means a certain raising of the alarm; a later one is left alone."""

    occurrence: Annotated[int, Field(ge=0)]


class Ack(OccurrenceCommand):
    """`cmd/ack`: a person has seen this raising of an alarm; a later one stays unacknowledged."""


class Confirm(OccurrenceCommand):
    """`cmd/confirm`: what was to be done about it has been done; after its acknowledgement."""


class Reset(OccurrenceCommand):
    """`cmd/reset`: a latched alarm whose cause has gone may go too."""


class Shelve(AlarmCommand):
    """`cmd/shelve`: out of sight for a while; it comes back by itself."""

    minutes: Annotated[float, Field(gt=0, le=10_080)]


class Unshelve(AlarmCommand):
    """`cmd/unshelve`: back in sight before its time."""


class Suppress(AlarmCommand):
    """`cmd/suppress`: it means nothing in the plant's present state, as SCADA's logic has it."""


class Unsuppress(AlarmCommand):
    """`cmd/unsuppress`: it means something again."""


class OutOfService(AlarmCommand):
    """`cmd/out_of_service`: taken away for maintenance, until it is returned."""


class Return(AlarmCommand):
    """`cmd/return`: back in service."""


class CommentOn(AlarmCommand):
    """`cmd/comment`: a note in the journal."""

    comment: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]


class AnswerTest(Command):
    """`cmd/alarm_test`: SCADA has read the test of the alarm path."""

    test: Text


class Accept(Command):
    """`cmd/accept`: the advice is followed."""

    recommendation: Text
    comment: Comment | None = None


class Reject(Command):
    """`cmd/reject`: the advice is not followed; the comment says why."""

    recommendation: Text
    comment: Comment | None = None


class TellOverhaul(Command):
    """`cmd/overhaul`: a pump was overhauled or replaced; its wear is counted anew."""

    pump: Text
    at: Instant | None = None  # default: now
    comment: Comment | None = None


class CommandResult(Payload):
    """`<root>/cmd/result/<id>`: `ok` true, or false with a sentence."""

    id: str
    ts: Instant
    command: str
    ok: bool
    error: str | None = None

    @model_validator(mode="after")
    def _says_why_not(self) -> Self:
        if self.ok == (self.error is not None):
            raise ValueError("a result is ok or has an error, not both")
        return self
