"""What every payload shares: frozen, closed, never NaN, and without keys that have no value."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Std = Annotated[float, Field(ge=0)]  # standard deviation, in the unit of what it belongs to
QualityWord = Literal["good", "uncertain", "bad"]
Source = Literal["measured", "derived", "modelled"]


class Payload(BaseModel):
    """What every payload is: frozen, closed, and never NaN or infinite."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, validate_by_name=True, serialize_by_alias=True
    )

    @classmethod
    def kept(cls, body: bytes) -> Self:
        """What a record says, without what only older or newer versions say, however deep.

        Raises:
            ValidationError: Not such a payload.
        """
        return cls.model_validate_json(body, extra="ignore")

    def encode(self) -> bytes:
        """The JSON object that is sent and kept: no key without a value."""
        return self.model_dump_json(exclude_none=True).encode()
