"""Frames of Modbus RTU: taken for what they are, or not at all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.bus.line import NoAnswerError, Query, Refusal
from drivers.bus.rtu import answer, checksum, request, sounding
from tests.simulators import serial_bus
from tests.simulators.serial_bus import framed

QUERY = Query(unit_id=17, function=3, start=0x6B, quantity=3)


def test_request_is_that_of_the_specification() -> None:
    """The well-known example: unit 17, holding registers 107 to 109."""
    assert request(QUERY).hex() == "1103006b00037687"


@given(st.binary(max_size=260))
def test_checksum_is_that_of_pymodbus(data: bytes) -> None:
    assert data + checksum(data) == framed(data)


@pytest.mark.parametrize(
    ("query", "frame", "data"),
    [
        (QUERY, framed(bytes.fromhex("110306000100020003")), "000100020003"),
        (Query(1, 1, 0, 10), framed(bytes.fromhex("010102cd03")), "cd03"),
        (Query(247, 2, 9, 8), framed(bytes.fromhex("f7020155")), "55"),
        (Query(2, 4, 0, 125), framed(bytes((2, 4, 250)) + bytes(250)), "00" * 250),
    ],
)
def test_the_answer_is_taken_when_it_is_whole_and_not_before(query: Query, frame: bytes, data: str) -> None:
    """Bytes come one by one at 9600 baud."""
    assert [answer(query, frame[:length]) for length in range(len(frame))] == [None] * len(frame)
    assert answer(query, frame) == bytes.fromhex(data)


def test_a_refusal_is_the_unit_s_own_no() -> None:
    frame = framed(bytes.fromhex("118302"))

    assert [answer(QUERY, frame[:length]) for length in range(5)] == [None] * 5
    assert answer(QUERY, frame) == Refusal(2)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("120306000100020003", "answered as unit 18"),
        ("110406000100020003", "answered with function 4, not 3"),
        ("1103080001000200030004", "answered with 8 bytes, not 6"),
        ("11030400010002", "answered with 4 bytes, not 6"),
        ("110304000100020003", "answered with 4 bytes, not 6"),  # and has 6
        ("128302", "answered as unit 18"),
        ("118402", "answered with function 4, not 3"),
    ],
)
def test_a_sound_frame_that_is_not_the_answer_is_refused_with_what_is_different(body: str, words: str) -> None:
    """Whoever looks for a unit number that two units have wants to know which one answered."""
    with pytest.raises(NoAnswerError, match=words):
        answer(QUERY, framed(bytes.fromhex(body)))


def test_noise_is_called_so() -> None:
    with pytest.raises(NoAnswerError, match="noise"):
        answer(QUERY, b"\xff\x00\xff")


def test_two_answers_at_once_are_none() -> None:
    """The first one would be a late one's."""
    frame = framed(bytes.fromhex("110306000100020003"))

    with pytest.raises(NoAnswerError, match="more than it was asked for"):
        answer(QUERY, frame + frame)


def test_an_adapter_that_hears_itself_is_no_trouble() -> None:
    """Many two-wire adapters do; the request is taken off, byte by byte too."""
    heard = request(QUERY) + framed(bytes.fromhex("110306000100020003"))

    assert [answer(QUERY, heard[:length]) for length in range(len(heard))] == [None] * len(heard)
    assert answer(QUERY, heard) == bytes.fromhex("000100020003")


def test_an_echo_is_not_taken_for_an_answer() -> None:
    """The one request that is shaped like its own answer: 24 coils from 0x300 on are three bytes."""
    query = Query(unit_id=1, function=1, start=0x300, quantity=24)
    assert request(query)[:3] == bytes((1, 1, query.size))

    assert answer(query, request(query)) is None


@given(st.sampled_from([1, 2, 3, 4]), st.integers(1, 125), st.lists(st.integers(1, 9), max_size=8))
def test_a_sounding_is_shaped_like_nothing_that_may_yet_come(function: int, quantity: int, owed: list[int]) -> None:
    """Neither like an answer the unit owes us, nor like the one we want next; and it is as small as can be."""
    query = Query(5, function, 40, quantity)
    doubts = [query._replace(quantity=count).shape for count in owed]

    found = sounding(query, doubts)

    assert found.shape not in [query.shape, *doubts]
    assert (found.unit_id, found.function, found.start) == (5, function, 40)
    assert found.size <= 2 * (len(doubts) + 2)


@given(st.data())
def test_no_damage_to_a_frame_makes_a_wrong_value(data: st.DataObject) -> None:
    """Up to two bytes that are wrong and next to each other, a byte lost or one too many; a CRC-16 finds each."""
    quantity = data.draw(st.integers(1, 20))
    asked = Query(5, 3, data.draw(st.integers(0, 1000)), quantity)
    frame = bytearray(serial_bus.right(serial_bus.Request(*asked)))
    whole = bytes(frame)
    place = data.draw(st.integers(0, len(frame) - 1))
    match data.draw(st.sampled_from(["change", "lose", "double"])):
        case "change":
            frame[place : place + 2] = data.draw(
                st.binary(min_size=len(frame[place : place + 2]), max_size=len(frame[place : place + 2]))
            )
        case "lose":
            del frame[place]
        case _:
            frame.insert(place, data.draw(st.integers(0, 255)))

    try:
        found = answer(asked, bytes(frame))
    except NoAnswerError:
        found = None

    assert found is None or bytes(frame) == whole
