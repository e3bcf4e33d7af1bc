"""`python -m tests.acceptance.probing`: how often a probe finds how a real station's register is to be read.

Every Modbus tag of the recorded station is probed at its address as if nothing were known of it but its unit.
"""

import asyncio
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from agent.commissioning.probing import probe
from agent.commissioning.typical import typical_range
from drivers.address import parse
from drivers.guesses import Guess, grouped, guesses
from drivers.plausibility import Expectation
from drivers.settings import ModbusSettings, ModbusTagSettings
from tests.simulators.replay import REPLAYER, modbus_rows, replayed_plcs

AT_ONCE = 8
SPEED = 5.0  # rows of the recording a second
SECOND = 1 / SPEED


@dataclass(frozen=True, slots=True)
class Finding:
    """Where the right reading of a tag stands in the ranking, from 1; readings that say the same share a place."""

    row: dict[str, str]
    place: int
    found: Sequence[Guess]

    @property
    def says_nothing(self) -> bool:
        """Whether its registers held nothing but zeros or "no sensor", so that nothing tells one type from another."""
        right = next(guess for guess in self.found if _is_right(guess, self.row))
        return bool(right.remark) or not any(right.values)


async def findings(rows: Sequence[dict[str, str]], *, times: int = 3) -> list[Finding]:
    """Probe each row's address."""
    turns = asyncio.Semaphore(AT_ONCE)
    async with replayed_plcs(SPEED) as port:
        return list(await asyncio.gather(*(_finding(row, port, times, turns) for row in rows)))


async def _finding(row: dict[str, str], port: int, times: int, turns: asyncio.Semaphore) -> Finding:
    unit = int(row["unit_id"])
    device = ModbusSettings.model_validate(
        {"name": "plc", "protocol": "modbus-tcp", "host": "127.0.0.1", "port": port, "unit_id": unit, "timeout": 10}
    )
    tag = ModbusTagSettings(name=row["tag"], address=f"{row['table']}:{row['address']}", unit=row["unit"])
    asked = parse(tag.address)
    async with turns:
        seen = await probe(device, asked, times=times, pause=SECOND)
    low, high = typical_range(row["unit"]) or (None, None)
    found = guesses(tag, asked, seen.steady, Expectation(low, high))
    places = [any(_is_right(guess, row) for guess in group) for group in grouped(found)]
    return Finding(row, places.index(True) + 1, found)


def _is_right(guess: Guess, row: dict[str, str]) -> bool:
    order = row["order"] if len(row["order"]) > 2 else "ABCD"  # AB: one register has no word order
    return (guess.shift, guess.tag.type, guess.tag.order) == (0, row["datatype"], order)


def told(found: Sequence[Finding]) -> str:
    """The figures."""
    first, three = (sum(one.place <= place for one in found) for place in (1, 3))
    return f"{first} of {len(found)} first ({first / len(found):.1%}), {three} among three ({three / len(found):.1%})"


def main() -> int:
    """Print the figures, and what was not found."""
    if not REPLAYER.exists():
        print(f"skipped: the recorded station is not at {REPLAYER}")
        return 0
    logging.getLogger("drivers").setLevel(logging.CRITICAL)  # of refused neighbours
    found = asyncio.run(findings(modbus_rows()))
    print(f"all: {told(found)}")
    print(f"of those that say something: {told([one for one in found if not one.says_nothing])}")
    for one in found:
        if one.place > 1 and not one.says_nothing:
            best, row = one.found[0], one.row
            print(f"  {row['tag']} ({row['datatype']} {row['order']} {row['unit']}) is number {one.place}; first:")
            print(f"    {best.tag.address} {best.tag.type} {best.tag.order} x{best.tag.scale:g} = {best.values}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
