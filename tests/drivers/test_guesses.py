"""What registers may mean, ranked: values of many plants in every order, with and without a range."""

import struct
from collections.abc import Sequence
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.address import Address
from drivers.guesses import Guess, grouped, guesses, shares
from drivers.plausibility import Expectation
from drivers.settings import DataType, ModbusTagSettings, WordOrder

CODES = {"int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "float32": "f", "float64": "d", "uint64": "Q"}
ORDERS: tuple[WordOrder, ...] = get_args(WordOrder)
MOST = 8  # lines of the ranking that `pump-agent probe` prints
TAG = ModbusTagSettings(name="x", address="holding:100")
ASKED = Address("holding", 100)


def stored(kind: DataType, order: WordOrder, value: float) -> list[int]:
    """The registers of a device that keeps *value* so."""
    data = struct.pack(">" + CODES[kind], value)
    words = list(struct.unpack(f">{len(data) // 2}H", data))
    if order in ("CDAB", "DCBA"):
        words.reverse()
    return [(word & 255) << 8 | word >> 8 for word in words] if order in ("BADC", "DCBA") else words


def ranked(*reads: Sequence[int], low: float | None = None, high: float | None = None, at: int = 100) -> list[Guess]:
    """Guesses where holding:100 was asked for and each read found these registers from *at* on, zeros around."""
    tables = [{**dict.fromkeys(range(99, 110), 0), **dict(enumerate(words, at))} for words in reads]
    return guesses(TAG, ASKED, tables, Expectation(low, high))


def first(found: Sequence[Guess]) -> tuple[str, str, str, float]:
    best = found[0].tag
    return best.address, best.type, best.order, best.scale


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("value", [42.5, 42.3712, 0.431, 7.25, 1480.0, 2950.7, 400.2, 0.87, 16.04, 131.9])
def test_a_float_is_found_in_every_order_without_a_range(order: WordOrder, value: float) -> None:
    """Only one order gives a number a person would use; the others are 1e-41 or 1e35."""
    found = ranked(stored("float32", order, value))

    assert first(found) == ("holding:100", "float32", order, 1.0)


@pytest.mark.parametrize("order", ORDERS)
def test_the_right_order_wins_by_far_given_a_range(order: WordOrder) -> None:
    """With a range, there is hardly a doubt: BADC and DCBA are found as well as ABCD."""
    found = ranked(stored("float32", order, 42.5), low=0, high=60)

    assert first(found) == ("holding:100", "float32", order, 1.0)
    assert shares(found)[0] > 0.5


def test_a_denormal_and_a_huge_number_come_last() -> None:
    """42.5 in the wrong order is 2.4e-41, and 42.3712 is 5e35: possible bits, impossible values."""
    found = ranked(stored("float32", "ABCD", 42.3712))

    bits = {guess.tag.order: guess.bits for guess in found if guess.tag.type == "float32" and guess.shift == 0}
    assert bits["ABCD"] - bits["CDAB"] > 100  # 3e36
    assert bits["ABCD"] - max(bits["BADC"], bits["DCBA"]) > 10  # 4e-14, 8e-22


def test_a_denormal_says_that_it_is_one() -> None:
    """So that the table beside the ranking explains itself."""
    found = ranked(stored("float32", "ABCD", 42.5))

    swapped = next(guess for guess in found if (guess.tag.type, guess.tag.order, guess.shift) == ("float32", "CDAB", 0))
    assert swapped.remark == "denormal (2.37352e-41), as a wrong word order gives"


@pytest.mark.parametrize(
    ("low", "high", "raw", "scale"), [(-40, 150, 253, 0.1), (0, 70, 4807, 0.01), (0, 16, 431, 0.01)]
)
def test_tenths_and_hundredths_are_seen_by_the_range(low: float, high: float, raw: int, scale: float) -> None:
    """25.3 degC comes as 253, 48.07 Hz as 4807: no other power of ten lies in the range and is as common."""
    found = ranked([raw, 260, 255], low=low, high=high)

    assert (found[0].tag.address, found[0].tag.scale) == ("holding:100", scale)
    assert found[0].tag.type in ("int16", "uint16")


def test_where_values_may_be_negative_the_signed_type_comes_first() -> None:
    """20.1 degC looks the same in both; in January it will not."""
    cold, counted = ranked([201], low=-40, high=150), ranked([201], low=0, high=1000)

    assert (cold[0].tag.type, counted[0].tag.type) == ("int16", "uint16")
    assert {guess.tag.type for guess in grouped(cold)[0]} >= {"int16", "uint16"}


def test_frost_is_signed() -> None:
    """65436 is -10.0 degC."""
    found = ranked([65_436], low=-40, high=150)

    assert (*first(found)[1:], found[0].values) == ("int16", "ABCD", 0.1, (-10.0,))


@pytest.mark.parametrize("order", ["ABCD", "CDAB"])
@pytest.mark.parametrize("count", [1_193_046, 3_027_184, 98_765_432])
def test_a_counter_that_grows_is_found(order: WordOrder, count: int) -> None:
    """Energy in two registers; read as a float or as a single register it leaps or says nothing."""
    reads = [stored("uint32", order, count + step) for step in (0, 1, 1, 2)]

    found = ranked(*reads, low=0, high=1e8)

    assert first(found)[:3] == ("holding:100", "uint32", order)


def test_a_double_is_found() -> None:
    """m3 of a meter, twelve digits long."""
    found = ranked(stored("float64", "ABCD", 12_345_678.9), low=0, high=1e9)

    assert first(found) == ("holding:100", "float64", "ABCD", 1.0)


@pytest.mark.parametrize(("shift", "order"), [(-1, "ABCD"), (1, "CDAB")])
def test_a_list_counted_otherwise_is_noticed(shift: int, order: WordOrder) -> None:
    """Off by one is the commonest mistake of all: the value stands in the neighbour, among others of its kind.

    (The other way round, ABCD begins where CDAB has its high word, and both are nearly the same value.)
    """
    values = (1506.94, 48.1237, 0.4271, 398.77)
    words = [word for value in values for word in stored("float32", order, value)]

    found = ranked(words, low=30, high=70, at=98 + shift)

    assert first(found) == (f"holding:{100 + shift}", "float32", order, 1.0)
    assert found[0].shift == shift


def test_a_device_counted_from_1_gets_addresses_counted_from_1() -> None:
    """The line is pasted into a device with base = 1."""
    tables = [dict(enumerate([0, *stored("float32", "ABCD", 42.5)], 99))]

    found = guesses(TAG, ASKED, tables, Expectation(0, 60), base=1)

    assert found[0].tag.address == "holding:101"
    assert found[0].shift == 0


@pytest.mark.parametrize(
    ("words", "kind", "raw"), [([0x7FFF], "int16", 32_767), ([0x8000], "int16", -32_768), ([0xFFFF], "uint16", 65_535)]
)
def test_a_missing_sensor_is_named(words: list[int], kind: str, raw: int) -> None:
    """3276.7 degC is no temperature; the line to paste has the sentinel in it."""
    found = ranked([*words, 260, 255], low=-40 if kind == "int16" else 0, high=150)

    best = next(guess for guess in found if guess.tag.type == kind and guess.shift == 0 and guess.tag.order == "ABCD")
    assert best.remark == f"no sensor? (0x{words[0]:04X})"
    assert best.tag.sentinels == (raw,)
    assert grouped(found).index(next(group for group in grouped(found) if best in group)) < 3


def test_not_a_number_is_a_missing_sensor_of_a_float() -> None:
    """Meters say NaN for a phase they do not have."""
    found = ranked([0x7FC0, 0x0000, 260], low=0, high=500)

    assert (found[0].tag.type, found[0].remark) == ("float32", "no sensor? (0x7FC00000)")
    assert found[0].values == (None,)


def test_decimals_are_found_by_what_a_display_shows() -> None:
    """0x0425 is 1061 to a computer and 42.5 to whoever built the device."""
    table = dict(enumerate([0, 0x0425, 0x1A2B], 99))

    found = guesses(TAG, ASKED, [table], Expectation.near(42.5))

    assert first(found) == ("holding:100", "bcd16", "ABCD", 0.1)


def test_a_name_is_found() -> None:
    """The first thing a technician looks for in an unknown device."""
    found = ranked(list(struct.unpack(">4H", b"PLC-7\0\0\0")))

    assert (found[0].tag.type, found[0].tag.length, found[0].values) == ("string", 4, ("PLC-7",))


def test_letters_behind_a_zero_are_no_name() -> None:
    """A counter of 3,027,184 is the bytes 00 2E 30 F0: nothing that ends before it begins is a text."""
    found = ranked([0x002E, 0x3050, 0x4142], low=0, high=1e8)

    assert all(guess.bits < -900 for guess in found if guess.tag.type == "string" and guess.values == ("",))
    assert found[0].tag.type != "string"


def test_a_value_that_leaps_is_no_measurement() -> None:
    """The low word of a float looks like a fine number once; the second read shows what it is."""
    reads = [stored("float32", "ABCD", value) for value in (48.1013, 48.1377, 48.0891)]
    once, thrice = ranked(reads[0]), ranked(*reads)

    def low_word(found: list[Guess]) -> float:
        return next(guess.bits for guess in found if (guess.tag.address, guess.tag.type) == ("holding:101", "uint16"))

    assert low_word(thrice) - thrice[0].bits < low_word(once) - once[0].bits - 2


def test_a_scale_that_is_configured_is_not_guessed() -> None:
    """Who has the manual knows it."""
    known = TAG.model_copy(update={"scale": 0.02})
    tables = [dict(enumerate([0, 253, 0], 99))]

    found = guesses(known, ASKED, tables, Expectation(0, 60))

    assert {guess.tag.scale for guess in found if guess.tag.type == "uint16"} == {0.02}
    assert list(found[0].values) == pytest.approx([5.06])


@given(words=st.lists(st.integers(0, 65_535), min_size=11, max_size=11), more=st.integers(0, 65_535))
def test_no_registers_are_too_strange(words: list[int], more: int) -> None:
    """Any bits at all are ranked: infinite, denormal and giant ones too; shares are shares."""
    tables = [dict(enumerate(words, 99)), dict(enumerate([more, *words[1:]], 99))]

    found = guesses(TAG, ASKED, tables, Expectation())

    assert len(found) > 80
    assert sum(shares(found)) == pytest.approx(1)
    assert [guess.bits for guess in found] == sorted((guess.bits for guess in found), reverse=True)


@given(count=st.integers(500, 50_000_000), order=st.sampled_from(ORDERS))
def test_any_measured_float_is_among_those_that_are_printed(count: int, order: WordOrder) -> None:
    """Whatever a plant measures, given a range about as wide as its unit's."""
    value = count / 997  # as crooked as what is measured

    found = ranked(stored("float32", order, value), low=0, high=20 * value)

    places = [
        any((one.tag.type, one.tag.order, one.shift) == ("float32", order, 0) for one in group)
        for group in grouped(found)
    ]
    assert places.index(True) < MOST
