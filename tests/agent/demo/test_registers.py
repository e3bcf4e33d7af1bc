"""The simulated devices keep their values where and how their makers' manuals would say."""

import pytest

from agent.demo.registers import Unit, words_of
from drivers.settings import ModbusTagSettings, WordOrder

PRESSURE = ModbusTagSettings(name="pressure", address="holding:10", type="float32", order="CDAB")
TEMPERATURE = ModbusTagSettings(name="temperature", address="holding:30", type="int16", scale=0.1, sentinels=(32767,))
RUNS = ModbusTagSettings(name="runs", address="holding:0", type="bool", bit=2)
ALARM = ModbusTagSettings(name="alarm", address="holding:0", type="bool", bit=0)


@pytest.mark.parametrize(
    ("order", "words"),
    [("ABCD", [0x4048, 0xF5C3]), ("CDAB", [0xF5C3, 0x4048]), ("BADC", [0x4840, 0xC3F5]), ("DCBA", [0xC3F5, 0x4840])],
)
def test_a_float_travels_in_four_orders(order: WordOrder, words: list[int]) -> None:
    """3.14 is 4048F5C3; vendors disagree about the rest."""
    assert words_of(3.14, "float32", order) == words


def test_negative_temperatures_are_two_s_complement() -> None:
    """-1.5 degrees in tenths."""
    unit = Unit()

    unit.show(TEMPERATURE, -1.5)

    assert unit.answer(3, 30, 1) == bytes.fromhex("03 02 FFF1")


def test_bits_of_a_word_do_not_disturb_each_other() -> None:
    """Four pumps report in one word."""
    unit = Unit()

    unit.show(RUNS, 1.0)
    unit.show(ALARM, 1.0)
    unit.show(RUNS, 0.0)

    assert unit.answer(3, 0, 1) == bytes.fromhex("03 02 0001")


def test_only_requests_that_touch_a_failed_sensor_are_refused() -> None:
    """A device failure (4) is of the registers, not of the device; holes read as zero."""
    unit = Unit()
    unit.show(PRESSURE, 3.14)
    unit.show(TEMPERATURE, 20.0)

    unit.fail([PRESSURE])

    assert unit.answer(3, 11, 20) == bytes((0x83, 4))
    assert unit.answer(3, 12, 19) == bytes.fromhex("03 26") + bytes(36) + bytes.fromhex("00C8")


def test_registers_that_do_not_exist_are_an_illegal_address() -> None:
    """Nothing is served far behind the last register, nor in a table the device lacks."""
    unit = Unit()
    unit.show(TEMPERATURE, 20.0)

    assert unit.answer(3, 30, 100) == bytes((0x83, 2))
    assert unit.answer(4, 30, 1) == bytes((0x84, 2))


def test_writing_is_an_illegal_function() -> None:
    """The simulated station is not to be steered either."""
    assert Unit().answer(6, 0, 1) == bytes((0x86, 1))
