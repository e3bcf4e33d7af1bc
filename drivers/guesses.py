"""What registers around an address may mean: every type, word order and neighbour, the likeliest first (pure)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import get_args

from drivers.address import LAST, Address
from drivers.columns import columns
from drivers.conversion import Conversion
from drivers.plausibility import (
    NO_SENSOR,
    Expectation,
    Number,
    first_bits,
    is_sentinel,
    next_bits,
    noise,
    probability,
    probability_after,
    resolution,
)
from drivers.reading import Reading, Value
from drivers.registers import WORDS
from drivers.settings import DataType, ModbusTagSettings, WordOrder

BEFORE = 1  # registers read ahead of the address: manuals count from 1
AFTER = 9  # registers read from the address on: a string of 16 characters, one further on
SHIFT_BITS = -5.0  # one list in thirty is counted otherwise than it says

# How common each is in pumps, drives and meters, in bits against the most common one.
TYPE_BITS: dict[DataType, float] = {
    "float32": 0,
    "uint16": 0,
    "int16": -0.5,
    "uint32": -2,
    "int32": -2.5,
    "string": -4,
    "float64": -6,
    "bcd16": -7,
    "bcd32": -7,
    "uint8": -7,
    "int8": -8,
    "uint64": -8,
    "int64": -8.5,
}
ORDER_BITS: dict[WordOrder, float] = {"ABCD": 0, "CDAB": -0.5, "BADC": -3, "DCBA": -3}
NEEDLESS_BITS = -2.0  # two registers for a whole number that is expected to fit in one
TOO_SMALL_BITS = -4.0  # a register that cannot hold a hundredth of what is expected: no counter of years
BYTES_SWAPPED_BITS = -5.0  # in a single register
SCALE_BITS: dict[float, float] = {1.0: 0, 0.1: -1, 0.01: -1.5, 0.001: -2.5, 10.0: -5}
SIGNED: dict[DataType, DataType] = {"uint8": "int8", "uint16": "int16", "uint32": "int32", "uint64": "int64"}
TWIN = SIGNED | {signed: unsigned for unsigned, signed in SIGNED.items()}
NONSENSE = -1000.0  # bits; a denormal, a letter in a decimal
LETTER = 1 / 64  # probability of each character of a text
PADDING = 1 / 4  # of each NUL behind it
SHORTEST_TEXT = 3  # characters; two may be a number as well
CHANGED_TEXT_BITS = -20.0  # names and serial numbers do not change while one looks

Words = Mapping[int, int]  # by register as the protocol counts; what was refused is absent


@dataclass(frozen=True, slots=True)
class Guess:
    """One way to read the registers."""

    tag: ModbusTagSettings  # as it would be configured
    shift: int  # registers from the address asked for
    values: tuple[Value, ...]  # in the tag's unit, one a read; None where it is none
    bits: float  # evidence; 10 more are a thousand times likelier
    remark: str  # what a person should know of it, or ""
    is_as_expected: bool  # every value lies in the expected range


def guesses(
    tag: ModbusTagSettings,
    asked: Address,
    reads: Sequence[Words],
    expectation: Expectation,
    *,
    base: int = 0,
    shifts: Sequence[int] = (0, -1, 1),
) -> list[Guess]:
    """Every way to read the registers at an address and beside it, the likeliest first.

    Args:
        tag: Its name, unit, offset and range are kept; its scale, if it is not 1, is the only one tried.
        asked: Where it should be.
        reads: The registers from *BEFORE* to *AFTER* the address, read at least once.
        expectation: What is known of the value, in the tag's unit.
        base: What the device calls its first register, for the addresses of the guesses.
        shifts: Registers from the address to look at.
    """
    candidates = [
        Candidate(tag, asked, shift, base, kind, order, length)
        for shift in shifts
        for kind, order, length in _kinds(asked.number + shift, reads)
    ]
    return sorted((one.guess(reads, expectation) for one in candidates), key=lambda guess: -guess.bits)


def shares(found: Sequence[Guess]) -> list[float]:
    """How likely each is, if one of them is right: they add up to 1."""
    best = max((guess.bits for guess in found), default=0.0)
    weights = [2.0 ** (guess.bits - best) for guess in found]
    return [weight / sum(weights) for weight in weights]


def grouped(found: Iterable[Guess]) -> list[list[Guess]]:
    """Guesses that say the same of the same registers, together: int16 and uint16 up to 32767."""
    groups: dict[object, list[Guess]] = {}
    for guess in found:
        size = WORDS.get(guess.tag.type, guess.tag.length)
        groups.setdefault((guess.tag.address, size, guess.tag.order, guess.tag.scale, guess.values), []).append(guess)
    return list(groups.values())


@dataclass(frozen=True, slots=True)
class Candidate:
    """A type, an order and a place that are tried."""

    like: ModbusTagSettings
    asked: Address
    shift: int
    base: int
    kind: DataType
    order: WordOrder
    length: int  # registers

    @property
    def is_float(self) -> bool:
        """Whether its values have a mantissa."""
        return self.kind in ("float32", "float64")

    def tag(self, scale: float = 1.0, sentinels: tuple[float, ...] = ()) -> ModbusTagSettings:
        """As it would be configured."""
        update = {
            "address": f"{self.asked.table}:{self.asked.number + self.shift + self.base}",
            "type": self.kind,
            "order": self.order,
            "bit": None,
            "length": self.length if self.kind == "string" else 1,
            "scale": scale,
            "sentinels": sentinels,
        }
        return self.like.model_copy(update=update)

    def guess(self, reads: Sequence[Words], expectation: Expectation) -> Guess:
        """What it makes of the registers, and how likely that is."""
        first = self.asked.number + self.shift
        words = [[one[register] for register in range(first, first + self.length)] for one in reads]
        data = [b"".join(word.to_bytes(2, "big") for word in one) for one in words]
        prior = self._prior(expectation)
        raw = self._decoded(data)
        values = tuple(reading.value for reading in raw)
        if self.kind == "string":
            is_text = all(isinstance(value, str) and len(value) >= SHORTEST_TEXT for value in values)
            bits = prior + first_bits(words[0], _text_chance(data[0])) if is_text else NONSENSE
            bits += CHANGED_TEXT_BITS * (len(set(values)) > 1)
            return Guess(self.tag(), self.shift, values, bits, "", is_as_expected=False)
        if any(is_sentinel(self._ordered(one), is_float=self.is_float) for one in data):
            return self._absent(values, data[0], prior + first_bits(words[0], NO_SENSOR))
        if reason := next((reading.reason for reading in raw if reading.reason), None):
            return Guess(self.tag(), self.shift, values, NONSENSE, reason, is_as_expected=False)
        numbers = [float(value) for value in values if isinstance(value, int | float)]
        bits, scale = max((more + self._evidence(numbers, words, one, expectation), one) for one, more in self._scales)
        return self._number(values, scale, prior + bits, expectation)

    @property
    def _scales(self) -> list[tuple[float, float]]:
        """Scales to try, with how common each is."""
        if self.like.scale != 1:
            return [(self.like.scale, 0.0)]
        return [(1.0, 0.0)] if self.is_float else list(SCALE_BITS.items())

    def _prior(self, expectation: Expectation) -> float:
        # Where values below 0 are expected, the signed one of two is as common as the other is elsewhere.
        kind = TWIN.get(self.kind, self.kind) if expectation.may_be_negative else self.kind
        order = BYTES_SWAPPED_BITS if self.length == 1 and self.order == "BADC" else ORDER_BITS[self.order]
        return TYPE_BITS[kind] + order + SHIFT_BITS * (self.shift != 0) + self._size_bits(expectation.high)

    def _size_bits(self, high: float | None) -> float:
        """Whether an integer has the size that values up to *high* need."""
        if high is None or self.kind not in (*TWIN, "bcd16", "bcd32"):
            return 0.0
        if self.length == 1:
            return TOO_SMALL_BITS if high > 100 * LAST else 0.0
        return NEEDLESS_BITS if high <= LAST else 0.0

    def _decoded(self, data: Sequence[bytes]) -> list[Reading]:
        bare = self.tag().model_copy(update={"offset": 0.0, "valid_min": None, "valid_max": None})
        column = columns([(bare, 0)], count=self.length, holds_bits=False)[0]
        return [column.decode(one, 0)[0] for one in data]

    def _evidence(
        self, raw: Sequence[float], words: Sequence[Sequence[int]], scale: float, expectation: Expectation
    ) -> float:
        """Bits of all reads together, the first by itself and each further one given the one before."""
        conversion = Conversion.of(self.tag(scale))
        numbers = [
            Number(conversion.value(one), resolution(self.kind, one) * abs(scale), is_float=self.is_float)
            for one in raw
        ]
        bits = first_bits(words[0], self._besides(words[0][0]) * probability(numbers[0], expectation))
        for (old, new), (before, after) in zip(pairwise(numbers), pairwise(words), strict=True):
            bits += next_bits(after, before, probability_after(new, old, expectation))
        return bits

    def _number(self, raw: Sequence[Value], scale: float, bits: float, expectation: Expectation) -> Guess:
        conversion = Conversion.of(self.tag(scale))
        values = tuple(conversion.value(one) for one in raw if isinstance(one, int | float))
        is_expected = all(map(expectation.holds, values))
        return Guess(self.tag(scale), self.shift, values, bits, "", is_as_expected=is_expected)

    def _besides(self, word: int) -> float:
        """Probability of the byte of a register that an 8-bit type leaves out: mostly it is empty."""
        if self.kind not in ("int8", "uint8"):
            return 1.0
        unused = word >> 8 if self.order == "ABCD" else word & 0xFF
        return 0.5 if unused == 0 else 0.5 * noise(unused)

    def _ordered(self, data: bytes) -> bytes:
        """The bytes of a number, the most significant first."""
        pairs = [data[place : place + 2] for place in range(0, len(data), 2)]
        if self.order in ("CDAB", "DCBA"):
            pairs.reverse()
        return b"".join(pair[::-1] if self.order in ("BADC", "DCBA") else pair for pair in pairs)

    def _absent(self, values: tuple[Value, ...], data: bytes, bits: float) -> Guess:
        sentinels = (float(values[0]),) if isinstance(values[0], int) else ()
        remark = f"no sensor? (0x{data.hex().upper()})"
        return Guess(self.tag(sentinels=sentinels), self.shift, values, bits, remark, is_as_expected=False)


def _kinds(first: int, reads: Sequence[Words]) -> Iterator[tuple[DataType, WordOrder, int]]:
    """Types and orders whose registers were all read."""
    for kind in TYPE_BITS:
        length = _text_length(first, reads[0]) if kind == "string" else WORDS[kind]
        orders: Sequence[WordOrder] = ("ABCD", "BADC") if length == 1 or kind == "string" else get_args(WordOrder)
        if length and all(register in words for words in reads for register in range(first, first + length)):
            yield from ((kind, order, length) for order in orders)


def _text_length(first: int, words: Words) -> int:
    """Registers of a text at *first*; 0 where there is none that is long enough."""
    length = letters = 0
    while length < AFTER - 1 and (word := words.get(first + length)) is not None:
        pair = [byte for byte in divmod(word, 256) if byte]
        if not all(chr(byte).isprintable() and byte < 127 for byte in pair):  # noqa: PLR2004 - ASCII
            break
        length, letters = length + 1, letters + len(pair)
        if not pair:
            break
    return length if letters >= SHORTEST_TEXT else 0


def _text_chance(data: bytes) -> float:
    ended = data.count(0)
    return PADDING**ended * LETTER ** (len(data) - ended)
