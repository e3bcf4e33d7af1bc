"""Planning against brute force, and decoding against an encoder of our own."""

import math
import re
import struct
from functools import cache
from itertools import product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.reading import Quality, Reading
from drivers.registers import WORDS, Block, Point, plan
from drivers.settings import DataType, ModbusTagSettings, WordOrder

NOW = 1_700_000_000_000
FORMATS: dict[DataType, str] = {
    "int16": ">h",
    "uint16": ">H",
    "int32": ">i",
    "uint32": ">I",
    "int64": ">q",
    "uint64": ">Q",
    "float32": ">f",
    "float64": ">d",
}
ORDERS: tuple[WordOrder, ...] = get_args(WordOrder)
TEXT_ORDER: dict[WordOrder, WordOrder] = {"ABCD": "ABCD", "CDAB": "ABCD", "BADC": "BADC", "DCBA": "BADC"}


def tag(name: str = "t", **settings: object) -> ModbusTagSettings:
    """A tag's settings as the configuration would give them."""
    return ModbusTagSettings.model_validate({"name": name, "address": "holding:0", **settings})


def ordered(data: bytes, order: WordOrder) -> bytes:
    """Bytes, the most significant first, as a device of *order* sends them (as in the replayer of the recording)."""
    words = [data[index : index + 2] for index in range(0, len(data), 2)]
    if order in ("CDAB", "DCBA"):
        words.reverse()
    if order in ("BADC", "DCBA"):
        words = [word[::-1] for word in words]
    return b"".join(words)


def decoded(data: bytes, *tags: ModbusTagSettings) -> dict[str, Reading]:
    """The readings of tags that make one block, by name."""
    (block,) = plan(tags, base=0, limit=125, max_hole=124)
    assert block.size == len(data)
    return {reading.tag: reading for reading in block.decode(data, NOW)}


def numbers(kind: DataType) -> st.SearchStrategy[float]:
    """Every value of a type that a device may mean."""
    match kind:
        case "float32":
            return st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False)
        case "float64":
            return st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False)
        case _:
            bits = 8 * struct.calcsize(FORMATS[kind])
            low, high = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if kind.startswith("int") else (0, 2**bits - 1)
            return st.integers(low, high)


@st.composite
def meant(draw: st.DrawFn, kind: DataType) -> tuple[bytes, object, dict[str, object]]:
    """What a device may mean: its bytes with the most significant first, what they say, and how a tag tells of it."""
    word = draw(st.integers(0, 0xFFFF))
    match kind:
        case "bool":
            bit = draw(st.none() | st.integers(0, 15))
            return word.to_bytes(2), int(word > 0 if bit is None else word >> bit & 1), {"bit": bit}
        case "uint8":
            return word.to_bytes(2), word % 256, {}
        case "int8":
            return word.to_bytes(2), (word + 128) % 256 - 128, {}
        case "bcd16" | "bcd32":
            digits = 2 * WORDS[kind] * 2
            number = draw(st.integers(0, 10**digits - 1))
            return bytes.fromhex(f"{number:0{digits}d}"), number, {}
        case "string":
            text = draw(st.text("Pump 5°é泵", max_size=8)).rstrip()
            length = len(text.encode()) // 2 + 1
            return text.encode().ljust(2 * length, b"\0"), text, {"length": length}
        case _:
            value = draw(numbers(kind))
            return struct.pack(FORMATS[kind], value), value, {}


@st.composite
def packed_blocks(draw: st.DrawFn) -> tuple[bytes, list[ModbusTagSettings], dict[str, object]]:
    """A block of all types and orders, with holes: its bytes, its tags, and what they mean."""
    data, tags, values = b"", [], {}
    for index in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(get_args(DataType)))
        order = draw(st.sampled_from(ORDERS))
        name, (big, value, settings) = f"t{index}", draw(meant(kind))
        tags.append(tag(name, type=kind, order=order, address=f"holding:{len(data) // 2}", **settings))
        # the words of a text stand in the order of reading, whatever that of numbers is
        data += ordered(big, TEXT_ORDER[order] if kind == "string" else order)
        values[name] = value
        if index < 11:
            data += draw(st.sampled_from([b"", b"\xff\xff", b"\x7f\xc0\x00\x00"]))
    end = max(Point.of(one, 0).end for one in tags)
    return data[: 2 * end], tags, values


@given(packed_blocks())
def test_every_type_in_every_order_survives_the_wire(
    block: tuple[bytes, list[ModbusTagSettings], dict[str, object]],
) -> None:
    """What a device encodes is decoded, whatever stands beside it in the block, integers to the last digit."""
    data, tags, values = block

    readings = decoded(data, *tags)

    assert {name: reading.value for name, reading in readings.items()} == values
    assert {(reading.ts_ms, reading.quality, reading.reason) for reading in readings.values()} == {(NOW, 192, None)}


@pytest.mark.parametrize(("order", "word"), [("ABCD", 0x12F0), ("CDAB", 0x12F0), ("BADC", 0xF012), ("DCBA", 0xF012)])
def test_a_byte_is_the_low_half_of_its_register_unless_bytes_are_swapped(order: WordOrder, word: int) -> None:
    """So the order says which half is meant."""
    readings = decoded(word.to_bytes(2), tag("i", type="int8", order=order), tag("u", type="uint8", order=order))

    assert (readings["i"].value, readings["u"].value) == (-16, 240)


@given(st.integers(0, 0xFFFF), st.sampled_from(ORDERS))
def test_bits_are_counted_from_the_low_end(word: int, order: WordOrder) -> None:
    """All sixteen bits of one register are one request, and each is 0 or 1."""
    tags = [tag(f"b{bit}", type="bool", bit=bit, order=order) for bit in range(16)]

    readings = decoded(ordered(word.to_bytes(2), "BADC" if order in ("BADC", "DCBA") else "ABCD"), *tags)

    assert [readings[f"b{bit}"].value for bit in range(16)] == [word >> bit & 1 for bit in range(16)]


@pytest.mark.parametrize(("word", "value"), [(0, 0), (1, 1), (0xFF00, 1)])
def test_a_whole_register_as_bool_is_whether_it_is_not_zero(word: int, value: int) -> None:
    """Many devices give a status in a register of its own."""
    assert decoded(word.to_bytes(2), tag(type="bool"))["t"].value == value


def test_coils_are_counted_from_the_low_end_of_the_first_byte() -> None:
    """As the protocol packs them; bridged ones are skipped."""
    tags = [tag(f"c{number}", type="bool", address=f"coil:{number}") for number in (3, 4, 11, 12)]

    readings = decoded(bytes((0b0000_0001, 0b0000_0010)), *tags)

    assert [readings[f"c{number}"].value for number in (3, 4, 11, 12)] == [1, 0, 0, 1]


@given(st.integers(0, 9999_9999), st.sampled_from(ORDERS))
def test_binary_coded_decimals_are_decimal(number: int, order: WordOrder) -> None:
    """Eight digits in two registers, in any order."""
    assert decoded(ordered(bytes.fromhex(f"{number:08d}"), order), tag(type="bcd32", order=order))["t"].value == number


def test_what_is_no_decimal_digit_is_bad() -> None:
    """0x12A4 is not 1204 or anything else."""
    reading = decoded(b"\x12\xa4", tag(type="bcd16"))["t"]

    assert reading == ("t", NOW, None, Quality.BAD, "0x12a4 is no binary coded decimal")


@pytest.mark.parametrize(("order", "data"), [("ABCD", b"Pump 5\0\xff"), ("BADC", b"uPpm5 \xff\0")])
def test_a_string_ends_at_its_nul(order: WordOrder, data: bytes) -> None:
    """What lies behind the NUL is whatever was there before."""
    assert decoded(data, tag(type="string", length=4, order=order))["t"].value == "Pump 5"


def test_bytes_that_are_no_text_are_bad() -> None:
    """A wrong address shows instead of giving gibberish."""
    reading = decoded(b"\xff\xfe", tag(type="string"))["t"]

    assert (reading.value, reading.quality, reading.reason) == (None, Quality.BAD, "0xfffe is no text")


@pytest.mark.parametrize(
    ("scale", "offset", "value"),
    [(0.1, 0.0, 25.3), (0.01, 0.0, 2.53), (2.0, 1.0, 507.0), (1.0, 0.5, 253.5), (-1.0, 0, -253.0)],
)
def test_a_scaled_value_is_the_decimal_it_says(scale: float, offset: float, value: float) -> None:
    """253 tenths are exactly 25.3, which a multiplication by 0.1 misses."""
    assert repr(decoded((253).to_bytes(2), tag(scale=scale, offset=offset))["t"].value) == repr(value)


def test_an_unscaled_integer_stays_one() -> None:
    """A counter of 64 bits keeps every digit, which a float would not."""
    value = decoded((2**63 + 1).to_bytes(8), tag(type="uint64"))["t"].value

    assert value == 2**63 + 1
    assert isinstance(value, int)


@pytest.mark.parametrize(
    ("kind", "number", "settings", "reason"),
    [
        ("float32", math.nan, {}, "not a number"),
        ("float32", math.inf, {}, "infinite"),
        ("float64", -math.inf, {}, "infinite"),
        ("float32", 1e-41, {}, "denormal"),
        ("float64", -5e-324, {}, "denormal"),
        ("float64", 1e308, {"scale": 100.0}, "infinite"),
        ("int16", 32_767, {"scale": 0.1, "sentinels": [32_767]}, r"no sensor \(raw value 32767\)"),
        ("int16", -32_768, {"sentinels": [32_767, -32_768]}, "no sensor"),
        ("float32", -9999.9, {"sentinels": [-9999.9]}, "no sensor"),
        ("uint32", 0xFFFF_FFFF, {"sentinels": [0xFFFF_FFFF]}, "no sensor"),
        ("int16", 1001, {"scale": 0.1, "valid_max": 100.0}, "100.1 is above 100, outside the valid range"),
        ("float32", -0.5, {"valid_min": 0.0}, "-0.5 is below 0"),
    ],
)
def test_what_cannot_be_believed_is_bad_with_a_reason(
    kind: DataType, number: float, settings: dict[str, object], reason: str
) -> None:
    """And its neighbours in the same block, among them another bad one, are untouched."""
    data = struct.pack(">f", 42.5) + struct.pack(FORMATS[kind], number) + struct.pack(">ff", 43.5, math.nan)
    after = 2 + WORDS[kind]
    tags = (
        tag("before", type="float32"),
        tag("t", type=kind, address="holding:2", **settings),
        tag("after", type="float32", address=f"holding:{after}"),
        tag("none", type="float32", address=f"holding:{after + 2}"),
    )

    readings = decoded(data, *tags)

    bad = readings["t"]
    assert bad.value is None
    assert bad.quality < Quality.UNCERTAIN
    assert pytest.approx(42.5) == readings["before"].value
    assert pytest.approx(43.5) == readings["after"].value
    assert readings["none"].reason == "not a number"
    assert re.search(reason, bad.reason or "")


@pytest.mark.parametrize("number", [0.0, -0.0, 2.0**-126, -(2.0**-126), 3.4e38])
def test_zero_and_the_smallest_and_largest_normal_numbers_are_good(number: float) -> None:
    """A stopped pump reads 0."""
    assert decoded(struct.pack(">f", number), tag(type="float32"))["t"].quality == Quality.GOOD


def test_a_wrong_word_order_does_not_pass_for_a_small_number() -> None:
    """42.5 with its words exchanged reads 2.4e-41."""
    assert "word order" in str(decoded(struct.pack(">f", 42.5), tag(type="float32", order="CDAB"))["t"].reason)


@pytest.mark.parametrize(("raw", "quality"), [(0, 192), (1000, 192), (1001, 0)])
def test_the_bounds_of_the_valid_range_are_valid(raw: int, quality: int) -> None:
    """Scaled values are compared: 0 to 100 where the raw ones are tenths."""
    assert decoded(raw.to_bytes(2), tag(scale=0.1, valid_min=0.0, valid_max=100.0))["t"].quality == quality


def test_tags_may_share_registers() -> None:
    """A status word as a number and as bits, and two readings of one pair of registers."""
    tags = (
        tag("word"),
        tag("bit", type="bool", bit=15),
        tag("pair", type="uint32"),
        tag("low", address="holding:1"),
    )

    readings = decoded(b"\x80\x00\x00\x07", *tags)

    assert {name: reading.value for name, reading in readings.items()} == {
        "word": 0x8000,
        "bit": 1,
        "pair": 0x8000_0007,
        "low": 7,
    }


@st.composite
def maps(draw: st.DrawFn) -> list[ModbusTagSettings]:
    """A few tags of several sizes in a small table, overlapping or not."""
    kinds = st.sampled_from(["uint16", "float32", "float64"])
    places = draw(st.lists(st.tuples(st.integers(0, 24), kinds), min_size=1, max_size=6))
    return [tag(f"t{index}", type=kind, address=f"holding:{start}") for index, (start, kind) in enumerate(places)]


def is_one_request(points: tuple[Point, ...], limit: int, max_hole: int) -> bool:
    """Whether a set of points may be asked for at once, register by register."""
    wanted = {register for point in points for register in range(point.start, point.end)}
    holes = "".join("x" if register in wanted else " " for register in range(min(wanted), max(wanted) + 1)).split("x")
    return max(wanted) - min(wanted) < limit and max(map(len, holes)) <= max_hole


def fewest_requests(points: tuple[Point, ...], limit: int, max_hole: int) -> int:
    """The least number of requests, by trying every way to share out the points."""

    @cache
    def least(rest: tuple[Point, ...]) -> int:
        if not rest:
            return 0
        first, others = rest[0], rest[1:]
        best = len(rest)
        for chosen in product((False, True), repeat=len(others)):
            block = (first, *(point for point, take in zip(others, chosen, strict=True) if take))
            if is_one_request(block, limit, max_hole):
                left = tuple(point for point, take in zip(others, chosen, strict=True) if not take)
                best = min(best, 1 + least(left))
        return best

    return least(points)


@given(maps(), st.integers(4, 12), st.integers(0, 4))
def test_a_plan_holds_every_tag_once_in_the_fewest_requests(
    tags: list[ModbusTagSettings], limit: int, max_hole: int
) -> None:
    """No block over the limit, no hole wider than allowed, no tag torn, and not one request too many."""
    blocks = plan(tags, base=0, limit=limit, max_hole=max_hole)

    assert sorted(name for block in blocks for name in block.names) == sorted(one.name for one in tags)
    assert all(is_one_request(block.points, limit, max_hole) for block in blocks)
    assert all(
        block.start <= point.start and point.end <= block.start + block.count
        for block in blocks
        for point in block.points
    )
    assert len(blocks) == fewest_requests(tuple(Point.of(one, 0) for one in tags), limit, max_hole)


def test_a_hole_begins_where_the_longest_tag_ends() -> None:
    """A string of eight registers and a word within it: the hole to the next tag is 2, not 8."""
    tags = [
        tag("text", type="string", length=8),
        tag("within", address="holding:1"),
        tag("next", address="holding:10"),
    ]

    assert [str(block) for block in plan(tags, base=0, limit=125, max_hole=2)] == ["holding:0-10"]


def test_tables_are_never_mixed() -> None:
    """A request reads one table."""
    tags = [tag("h"), tag("i", address="input:0"), tag("c", type="bool", address="coil:0")]

    assert [str(block) for block in plan(tags, base=0, limit=125, max_hole=16)] == ["coil:0", "holding:0", "input:0"]


def test_a_request_may_ask_for_sixteen_times_as_many_bits() -> None:
    """The protocol allows 2,000 coils where it allows 125 registers."""
    tags = [tag(f"c{number}", type="bool", address=f"coil:{number}") for number in (0, 256, 1999, 2256)]

    assert [block.count for block in plan(tags, base=0, limit=125, max_hole=124)] == [2000, 1]


def test_halving_ends_at_single_places() -> None:
    """Halves hold all points between them, never a hole at their edge, and end where registers are shared."""
    tags = [tag("a"), tag("b", address="holding:9"), tag("c", address="holding:9", type="bool", bit=3)]
    (block,) = plan(tags, base=0, limit=125, max_hole=16)

    halves = block.halves()

    assert halves is not None
    assert [(half.start, half.count, set(half.names)) for half in halves] == [(0, 1, {"a"}), (9, 1, {"b", "c"})]
    assert [half.halves() for half in halves] == [None, None]


@given(st.integers(1, 125))
def test_halves_of_a_full_block_are_about_equal(count: int) -> None:
    """So that one refused register among 125 is found in seven steps."""
    (block,) = plan(
        [tag(f"t{index}", address=f"holding:{index}") for index in range(count)], base=0, limit=125, max_hole=0
    )

    def depth(part: Block) -> int:
        halves = part.halves()
        return 0 if halves is None else 1 + max(map(depth, halves))

    assert depth(block) == math.ceil(math.log2(count))
