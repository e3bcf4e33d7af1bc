"""What payloads look like on the wire, there and back."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from agent.mqtt.sparkplug.payload import Content, DataType, Metric, Payload, Property, decode, encode
from agent.mqtt.sparkplug.wire import WireError, fields, number_field

FEW = settings(max_examples=50)
TIME = some.integers(0, 2**64 - 1)
TEXT = some.text(some.characters(codec="utf-8"), max_size=20)
CONTENT: dict[DataType, some.SearchStrategy[Content]] = {
    DataType.INT8: some.integers(-(2**7), 2**7 - 1),
    DataType.INT16: some.integers(-(2**15), 2**15 - 1),
    DataType.INT32: some.integers(-(2**31), 2**31 - 1),
    DataType.INT64: some.integers(-(2**63), 2**63 - 1),
    DataType.UINT8: some.integers(0, 2**8 - 1),
    DataType.UINT16: some.integers(0, 2**16 - 1),
    DataType.UINT32: some.integers(0, 2**32 - 1),
    DataType.UINT64: some.integers(0, 2**64 - 1),
    DataType.FLOAT: some.floats(width=32, allow_nan=False),
    DataType.DOUBLE: some.floats(allow_nan=False),
    DataType.BOOLEAN: some.booleans(),
    DataType.STRING: TEXT,
    DataType.DATETIME: TIME,
    DataType.TEXT: TEXT,
}
TYPED = some.sampled_from(DataType).flatmap(
    lambda datatype: some.tuples(some.just(int(datatype)), some.none() | CONTENT[datatype])
)
PROPERTY = some.builds(lambda key, typed: Property(key, *typed), TEXT, TYPED)
METRICS = some.builds(
    lambda name, typed, times, is_historical, properties: Metric(
        name, typed[0], typed[1], times[0], times[1], is_historical=is_historical, properties=tuple(properties)
    ),
    some.none() | TEXT,
    TYPED,
    some.tuples(some.none() | TIME, some.none() | TIME),
    some.booleans(),
    some.lists(PROPERTY, max_size=3),
)
PAYLOADS = some.builds(Payload, some.none() | TIME, some.lists(METRICS, max_size=4), some.none() | TIME)


def test_a_payload_is_written_by_the_numbers_of_the_specification() -> None:
    """Byte by byte, which says: 1 time, 2 metrics, 3 number; 1 name, 3 time, 4 type, 13 double."""
    payload = Payload(1, (Metric("a", DataType.DOUBLE, 1.5, 300, properties=(Property("Quality", 3, 192),)),), 255)

    assert encode(payload).hex(" ") == (
        "08 01 "  # 1: time 1
        "12 23 "  # 2: a metric of 35 bytes
        "0a 01 61 18 ac 02 20 0a "  # 1: "a"; 3: 300; 4: 10, double
        "4a 10 0a 07 51 75 61 6c 69 74 79 "  # 9: properties of 16 bytes; 1: "Quality"
        "12 05 08 03 18 c0 01 "  # 2: a value of 5 bytes; 1: 3, int32; 3: 192
        "69 00 00 00 00 00 00 f8 3f "  # 13: 1.5
        "18 ff 01"  # 3: 255
    )


@FEW
@given(PAYLOADS)
def test_what_was_written_is_read_back(payload: Payload) -> None:
    """Every type, its smallest and largest value, with and without what is optional."""
    found = decode(encode(payload))

    assert (found.ts_ms, found.seq, list(found.metrics)) == (payload.ts_ms, payload.seq, list(payload.metrics))


@FEW
@given(some.binary(max_size=200))
def test_nonsense_is_a_fault_or_a_payload_and_nothing_else(message: bytes) -> None:
    """Whatever arrives on a topic that everybody may write to."""
    try:
        payload = decode(message)
    except WireError:
        return
    assert isinstance(payload, Payload)


def outcome(message: bytes) -> Payload | str:
    """What it says, or which fault it has."""
    try:
        return decode(message)
    except WireError as error:
        return str(error)


@FEW
@given(PAYLOADS, some.data())
def test_a_payload_that_was_cut_off_tells_less_and_nothing_else(payload: Payload, data: some.DataObject) -> None:
    """Where it ends between two fields it is a payload of the metrics so far; anywhere else it is a fault."""
    message = encode(payload)
    length = data.draw(some.integers(0, len(message)))
    ends = {0} | {len(encode(replace(payload, metrics=payload.metrics[:count], seq=None))) for count in range(5)}
    found = outcome(message[:length])
    assert isinstance(found, Payload) == (length in ends | {len(message)})
    if isinstance(found, str):
        assert "ends beyond the message" in found
        return
    assert list(found.metrics) == list(payload.metrics[: len(found.metrics)])
    assert found.ts_ms == (payload.ts_ms if length else None)
    assert found.seq == (payload.seq if length == len(message) else None)


@FEW
@given(PAYLOADS, some.data())
def test_a_byte_that_has_changed_spoils_one_field_or_is_a_fault(payload: Payload, data: some.DataObject) -> None:
    """What comes before it is told as it was, and each value that is told has a type that it fits."""
    message = bytearray(encode(payload))
    if not message:
        return
    place = data.draw(some.integers(0, len(message) - 1))
    message[place] = data.draw(some.integers(0, 255))
    ends = [len(encode(replace(payload, metrics=payload.metrics[:count], seq=None))) for count in range(5)]
    whole = sum(end <= place for end in ends[1 : len(payload.metrics) + 1])  # metrics that end before it
    found = outcome(bytes(message))
    if isinstance(found, str):
        assert found
        return
    assert list(found.metrics[:whole]) == list(payload.metrics[:whole])
    for metric in found.metrics:
        assert isinstance(metric.content, bool | int | float | str | bytes | None)
        assert metric.name is None or metric.name.encode().decode() == metric.name  # also an empty one


@pytest.mark.parametrize(
    ("message", "fault"),
    [
        (b"\x08" + b"\xff" * 10, "too long"),
        (b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "too long"),
        (b"\x12\xff\xff\xff\xff\x0f", "ends beyond"),
        (b"\x08", "ends beyond"),
        (b"\x0b\x0c", "no wire type 3"),
        (b"\x00\x00", "no field 0"),
        (b"\x12\x03\x0a\x01\xff", "not UTF-8"),
        (b"\x10\x01", "another type"),
        (b"\x12\x07\x4a\x05\x0a\x03abc", "1 properties with 0 values"),
    ],
)
def test_a_fault_is_named(message: bytes, fault: str) -> None:
    with pytest.raises(WireError, match=fault):
        decode(message)


@pytest.mark.parametrize("ts_ms", [-1, -3_600_000, -(2**63)])
def test_what_was_before_1970_is_told_as_its_beginning(ts_ms: int) -> None:
    """Neither field of a time has a sign; a server whose clock was reset says such times in zones west of us."""
    payload = Payload(ts_ms, [Metric("a", DataType.DOUBLE, 1.5, ts_ms)], 0)

    assert decode(encode(payload)) == Payload(0, [Metric("a", DataType.DOUBLE, 1.5, 0)], 0)


def test_fields_of_later_versions_are_passed_over() -> None:
    metric = b"\x0a\x01a" + number_field(99, 7)
    message = b"\x12" + bytes((len(metric),)) + metric + number_field(200, 1) + b"\x18\x05"

    assert decode(message) == Payload(None, [Metric("a", None, None, None)], 5)
    assert [one.number for one in fields(message)] == [2, 200, 3]
