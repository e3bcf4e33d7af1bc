"""What is asked over a connection to Modbus units, and what can come back."""

from typing import NamedTuple, Protocol

BITS = (1, 2)  # functions that read single bits: coils and discrete inputs


class Query(NamedTuple):
    """Neighbouring registers or bits of one unit."""

    unit_id: int
    function: int  # 1 coils, 2 discrete inputs, 3 holding registers, 4 input registers
    start: int
    quantity: int

    @property
    def size(self) -> int:
        """Bytes of data in the answer."""
        return (self.quantity + 7) // 8 if self.function in BITS else 2 * self.quantity

    @property
    def shape(self) -> tuple[int, int]:
        """What an answer shows of the question, besides the unit: function and size."""
        return self.function, self.size


class Refusal(NamedTuple):
    """The unit's own no."""

    code: int  # the protocol's exception code


class NoAnswerError(Exception):
    """What came, if anything, was not the answer; says it as a fragment: "did not answer within 1 s"."""


class NonsenseError(NoAnswerError):
    """Something came in time, and was not the answer: the unit has spoken, and will hardly do so again by itself."""


class LostError(Exception):
    """There is no use in asking on: the connection is gone or the unit is given up; a fragment too."""


class Line(Protocol):
    """One connection, over which one query goes at a time.

    It neither tries again nor opens itself again: the bus does, which knows who else is waiting.
    """

    @property
    def is_open(self) -> bool:
        """Whether it was opened and nobody has hung up since, as far as is known."""

    async def open(self) -> None:
        """Connect.

        Raises:
            LostError: Nobody is there.
        """

    async def close(self) -> None:
        """Let go of it; never raises and never waits long."""

    def airtime(self, query: Query) -> float:
        """How long query and answer are under way by themselves, s."""

    async def settle(self, query: Query, patience: float) -> None:
        """Before *query* is asked, make sure that no older answer of its unit is still under way.

        Raises:
            NoAnswerError: One may be.
            LostError: The connection is gone; it is closed now.
        """

    async def exchange(self, query: Query, patience: float) -> bytes | Refusal:
        """Ask, and wait for what is the answer beyond doubt: its *size* bytes of data.

        Args:
            query: What to ask.
            patience: How long the unit may think, s; airtime comes on top.

        Raises:
            NoAnswerError: There was none. A late one may still come.
            LostError: The connection is gone; it is closed now.
        """
