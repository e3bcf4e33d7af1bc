"""What is asked of the agent over MQTT, and what it answers."""

from typing import Annotated, Final, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from agent.mqtt.instant import Instant
from agent.mqtt.payloads.payload import Payload

# The id becomes a level of the result's topic, so it holds neither space nor + # /.
COMMAND_ID: Final = r"^[A-Za-z0-9_.\-]{1,64}$"

CommandId = Annotated[str, StringConstraints(pattern=COMMAND_ID)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=120)]
Comment = Annotated[str, StringConstraints(max_length=1_000)]


class Command(Payload):
    """What every command on `<root>/cmd/<command>` has; no value is taken for another type's (1 is no text)."""

    model_config = ConfigDict(strict=True)

    id: CommandId
    expires: Instant
    user: Text


class Ack(Command):
    """`cmd/ack`: a person has seen this raising of an alarm; a later one stays unacknowledged."""

    alarm: Text
    occurrence: Annotated[int, Field(ge=0)]
    comment: Comment | None = None


class Accept(Command):
    """`cmd/accept`: the advice is followed."""

    recommendation: Text
    comment: Comment | None = None


class Reject(Command):
    """`cmd/reject`: the advice is not followed; the comment says why."""

    recommendation: Text
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
