"""Where a Modbus tag lives: the notations people use, as a table and the number that travels in a request."""

import re
from dataclasses import dataclass
from typing import Literal

Table = Literal["holding", "input", "coil", "discrete"]

LAST = 0xFFFF  # the protocol counts 65,536 registers or bits a table, from 0
NAMED = re.compile(r"(?:(holding|input|coil|discrete):)?(0x[0-9a-f]+|[0-9]+)", re.IGNORECASE)
MANUAL = re.compile(r"([0134])([0-9]{4,5})")  # 40101 and 400101: the table's digit, then a number counted from 1
TABLE_OF_DIGIT: dict[str, Table] = {"0": "coil", "1": "discrete", "3": "input", "4": "holding"}
TABLES: dict[str, Table] = {"holding": "holding", "input": "input", "coil": "coil", "discrete": "discrete"}


@dataclass(frozen=True, slots=True)
class Address:
    """A place in a device."""

    table: Table
    number: int  # as the protocol counts, from 0

    @property
    def holds_bits(self) -> bool:
        """Whether the table is made of single bits, not of 16-bit registers."""
        return self.table in ("coil", "discrete")


def parse(text: str, base: int = 0) -> Address:
    """The place a notation means.

    ``holding:100``, ``input:7``, ``coil:3``, ``discrete:5`` and ``holding:0x64`` count from *base*; a bare
    hexadecimal number is a holding register, as in manuals that write it so. ``40101`` and ``400101`` are
    counted from 1 by convention, whatever the base: both are ``holding:100`` in the protocol's own numbers.

    Raises:
        ValueError: It is no address, in a sentence for a technician.

    >>> parse("400101") == parse("40101") == parse("holding:100") == parse("holding:101", base=1) == parse("0x64")
    True
    """
    if found := MANUAL.fullmatch(text.strip()):
        return _in_table(text, TABLE_OF_DIGIT[found[1]], int(found[2]), base=1)
    found = NAMED.fullmatch(text.strip())
    if found is None:
        raise ValueError(f'"{text}" is no address; write it like "holding:100", "input:7", "coil:3" or "40101"')
    table, number = (found[1] or "").lower(), found[2].lower()
    if not table and not number.startswith("0x"):
        raise ValueError(f'"{text}" names no table; write "holding:{number}", "input:{number}" or the like')
    return _in_table(text, TABLES[table or "holding"], int(number, 0 if number.startswith("0x") else 10), base)


def is_as_in_manuals(text: str) -> bool:
    """Whether a notation is counted from 1 by convention, whatever the device's base: 40101, 400101."""
    return MANUAL.fullmatch(text.strip()) is not None


def _in_table(text: str, table: Table, number: int, base: int) -> Address:
    if not base <= number <= LAST + base:
        raise ValueError(f'"{text}" is outside its table, which is counted from {base} to {LAST + base}; correct it')
    return Address(table, number - base)
