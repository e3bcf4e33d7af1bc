"""An answer's bytes as they came, and what is wrong with them.

pymodbus takes an answer of another function, or with a wrong number of registers, or with transaction id 0, for
the answer to what it asked; and it closes the connection with a traceback in the log where an answer cannot be
decoded. So it is left to find the frame, and this looks at what is in it.
"""

from pymodbus.pdu import DecodePDU, ModbusPDU

EXCEPTION = 0x80  # added to the function code where the device refuses


class Answer(ModbusPDU):
    """A response whose body nobody has interpreted yet."""

    def __init__(self, function_code: int, body: bytes) -> None:
        super().__init__()
        self.function_code = function_code
        self.body = body

    @property
    def exception(self) -> int | None:
        """The exception code of a refusal."""
        return self.body[0] if self.function_code >= EXCEPTION and self.body else None

    def objection(self, *, function_code: int, unit_id: int, size: int) -> str | None:
        """Why this is not the answer to a request for *size* bytes, if so."""
        if self.transaction_id == 0:
            return "with transaction id 0"
        if unit_id and self.dev_id != unit_id:  # asked as unit 0, a device answers by the number it has
            return f"as unit {self.dev_id}"
        if self.function_code & ~EXCEPTION != function_code:
            return f"with function {self.function_code & ~EXCEPTION}, not {function_code}"
        if self.function_code >= EXCEPTION:
            return None if len(self.body) == 1 else "with half an exception"
        if self.body[:1] != bytes((size,)) or len(self.body) != size + 1:
            return f"with {len(self.body) - 1} bytes, not {size}"
        return None


class AnswerDecoder(DecodePDU):
    """Makes an `Answer` of every frame, and never fails."""

    def __init__(self) -> None:
        super().__init__(is_server=False)

    def decode(self, frame: bytes) -> ModbusPDU:
        """An answer from at least the one byte of its function code."""
        return Answer(frame[0], frame[1:])
