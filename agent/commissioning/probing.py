"""Reading the registers around an address a few times, whatever bus the device is on."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from agent.tasks import driver
from drivers.address import LAST, Address
from drivers.guesses import AFTER, BEFORE, Words
from drivers.reading import Reading, is_good
from drivers.settings import AnyUnitSettings, ModbusTagSettings


@dataclass(frozen=True, slots=True)
class Probe:
    """What the device answered."""

    reads: list[Words]  # by register or bit, as the protocol counts
    refused: dict[int, str]  # what it did not answer, with the reason

    @property
    def steady(self) -> list[Words]:
        """The reads without places that were not answered every time."""
        always = set(self.reads[0]).intersection(*self.reads[1:])
        return [{register: words[register] for register in sorted(always)} for words in self.reads]


async def probe(device: AnyUnitSettings, asked: Address, *, times: int, pause: float) -> Probe:
    """Read what stands around an address; where the device refuses that, what stands exactly there.

    Args:
        device: Where to ask; its own tags are left alone.
        asked: The middle of what is read.
        times: How often.
        pause: s, between two reads.

    Raises:
        DriverError: The device cannot be reached.
    """
    first, last = max(0, asked.number - BEFORE), min(LAST, asked.number + AFTER)
    found = await _read(device, _places(device, asked, range(first, last + 1)), times, pause)
    if any(found.reads):
        return found
    for size in (4, 2):  # some devices answer the whole of a value or nothing
        exact = await _read(device, [_exact(device, asked, size)], times, pause)
        if any(exact.reads):
            return Probe([_split(words, asked.number, size) for words in exact.reads], found.refused)
    return found


def _places(device: AnyUnitSettings, asked: Address, numbers: Sequence[int]) -> list[ModbusTagSettings]:
    kind = "bool" if asked.holds_bits else "uint16"
    return [_tag(device, asked, number, kind) for number in numbers]


def _exact(device: AnyUnitSettings, asked: Address, size: int) -> ModbusTagSettings:
    return _tag(device, asked, asked.number, "bool" if asked.holds_bits else f"uint{16 * size}")


def _tag(device: AnyUnitSettings, asked: Address, number: int, kind: str) -> ModbusTagSettings:
    place = f"{asked.table}:{number + device.base}"
    return ModbusTagSettings.model_validate({"name": str(number), "address": place, "type": kind})


async def _read(device: AnyUnitSettings, tags: list[ModbusTagSettings], times: int, pause: float) -> Probe:
    """Read *tags*, which are named by their registers, each time on a connection that stays open."""
    reads: list[Words] = []
    readings: list[Reading] = []
    async with driver(device.model_copy(update={"tags": tuple(tags)})) as opened:
        for tick in range(times):
            if tick:
                await asyncio.sleep(pause)
            readings = await opened.read(tick)
            reads.append({int(one.tag): one.value for one in readings if isinstance(one.value, int)})
    refused = {int(one.tag): one.reason or "" for one in readings if not is_good(one.quality)}
    return Probe(reads, refused)


def _split(words: Words, first: int, size: int) -> Words:
    """The registers of one large number."""
    return {
        first + place: (number >> 16 * (size - 1 - place)) & 0xFFFF
        for number in words.values()
        for place in range(size)
    }
