"""How a refused block is taken apart, on a device that is a set of numbers."""

from collections.abc import Callable
from collections.abc import Set as AbstractSet

from hypothesis import given
from hypothesis import strategies as st

from drivers.registers import Block, plan
from drivers.settings import ModbusTagSettings
from drivers.spans import PATIENCE, Failure, Span

ILLEGAL_ADDRESS = Failure.of_exception(2)
DEVICE_FAILURE = Failure.of_exception(4)


def span(count: int) -> Span:
    """A block of *count* neighbouring registers, each a tag."""
    tags = [ModbusTagSettings(name=f"t{index}", address=f"holding:{index}") for index in range(count)]
    (block,) = plan(tags, base=0, limit=125, max_hole=0)
    return Span(block)


def registers(block: Block) -> set[int]:
    """What a request for *block* touches."""
    return set(range(block.start, block.start + block.count))


def poll(one: Span, refused: AbstractSet[int], failure: Failure = ILLEGAL_ADDRESS, *, now: float = 0.0) -> list[Block]:
    """Ask a device that refuses some registers for everything; returns what was asked for."""
    return _poll(one, lambda block: refused.isdisjoint(registers(block)), failure, now=now)


def _poll(
    one: Span, answers: Callable[[Block], bool], failure: Failure = ILLEGAL_ADDRESS, *, now: float = 0.0
) -> list[Block]:
    asked = []
    todo = one.requests(now)
    while todo:
        block = todo.pop(0)
        asked.append(block)
        if answers(block):
            one.accept(block)
        else:
            todo += one.refuse(block, failure, now)
    return asked


def left_out(one: Span) -> set[int]:
    """Registers that are not asked for."""
    return {register for block in one.refused for register in registers(block)}


@given(st.sets(st.integers(0, 59), max_size=8))
def test_only_refused_registers_are_left_out(refused: set[int]) -> None:
    """And every other one is asked for exactly once a poll from then on, no refused one ever."""
    one = span(60)

    poll(one, refused)
    asked = poll(one, refused, now=1.0)

    assert left_out(one) == refused
    assert sorted(register for block in asked for register in registers(block)) == sorted(set(range(60)) - refused)


def test_one_refused_register_is_found_in_few_requests() -> None:
    """Two per halving: 13 requests among 64 registers, not 64."""
    assert len(poll(span(64), {13})) == 13


@given(st.sets(st.integers(0, 59), max_size=8), st.sampled_from([60, 25]))
def test_pieces_grow_together_again_around_what_is_refused(refused: set[int], most: int) -> None:
    """One cut for each stretch that is refused, not six; nothing refused is touched, nobody is asked for ever again."""
    one = span(60)

    def answers(block: Block) -> bool:
        return refused.isdisjoint(registers(block)) and block.count <= most

    _poll(one, answers)
    polls = [_poll(one, answers, now=PATIENCE + second) for second in range(70)]

    assert left_out(one) == refused
    for asked in polls:
        read = [register for block in asked if answers(block) for register in registers(block)]
        assert sorted(read) == sorted(set(range(60)) - refused)  # each once, whatever is tried besides
        joined = [block for block in asked if block is not one.whole and block not in one.refused]
        assert all(refused.isdisjoint(registers(block)) for block in joined)
    settled = polls[-1]
    assert all(map(answers, settled))
    if most == 60:
        assert len(settled) == len("".join(" x"[n not in refused] for n in range(60)).split())


def test_two_that_do_not_go_together_are_tried_again_slowly() -> None:
    """A device that takes eight registers a request: the whole and each seam cost one request in five minutes."""
    one = span(16)

    def answers(block: Block) -> bool:
        return block.count <= 8

    polls = [_poll(one, answers, now=float(second)) for second in range(round(2 * PATIENCE))]

    assert len(polls[0]) == 3
    assert {len(asked) for asked in polls[1:]} == {2, 3}
    assert sum(len(asked) - 2 for asked in polls[1:]) == 1  # the whole, which is the two joined


def test_when_one_place_is_back_the_others_may_be_too() -> None:
    """A sensor bus of forty that returns is not waited for one place a poll."""
    one = span(40)
    poll(one, set(range(40)), DEVICE_FAILURE)

    poll(one, set(), now=1.0)
    poll(one, set(), now=2.0)

    assert left_out(one) == set()
    assert [registers(block) for block in one.pieces] == [set(range(40))]


def test_what_is_refused_for_its_address_is_tried_again_slowly() -> None:
    """The device may have been given another program: after five minutes the whole block is tried, once."""
    one = span(8)
    poll(one, {3})

    quiet = poll(one, set(), now=PATIENCE - 1)
    later = poll(one, set(), now=PATIENCE)
    whole = poll(one, set(), now=PATIENCE + 1)

    assert 3 not in {register for block in quiet for register in registers(block)}
    assert [registers(block) for block in later] == [set(range(8))]
    assert (left_out(one), len(whole)) == (set(), 1)


def test_a_trial_that_fails_costs_no_value() -> None:
    """The pieces that are known to work are asked for in the same poll."""
    one = span(8)
    poll(one, {3})

    asked = poll(one, {3}, now=PATIENCE)

    assert registers(asked[0]) == set(range(8))
    assert set.union(*map(registers, asked[1:])) >= set(range(8)) - {3}
    assert left_out(one) == {3}
    assert sorted(n for block in one.pieces for n in registers(block)) == [0, 1, 2, 4, 5, 6, 7]  # each asked once
    assert poll(one, {3}, now=PATIENCE + 1)[0] is not one.whole


def test_a_sensor_bus_that_was_down_returns_soon() -> None:
    """Exception 4 may pass: one such place a poll is tried again, in turn, and then the whole block is."""
    one = span(8)
    poll(one, {2, 5}, DEVICE_FAILURE)

    during = poll(one, {2, 5}, DEVICE_FAILURE, now=1.0)
    poll(one, set(), now=2.0)
    poll(one, set(), now=3.0)
    after = poll(one, set(), now=4.0)

    assert len([block for block in during if registers(block) & {2, 5}]) == 1
    assert left_out(one) == set()
    assert [registers(block) for block in after] == [set(range(8))]


def test_one_that_stays_down_does_not_keep_others_out() -> None:
    """Two broken sensors take turns, so that the one that was mended is noticed."""
    one = span(8)
    poll(one, {2, 5}, DEVICE_FAILURE)

    for second in range(1, 4):
        poll(one, {2}, DEVICE_FAILURE, now=second)

    assert left_out(one) == {2}


def test_a_block_of_one_place_that_is_refused_is_tried_again_too() -> None:
    """There is nothing to split, and the trial of the whole is the trial of the part."""
    one = span(1)

    polls = [
        poll(one, refused, now=now) for refused, now in [({0}, 0.0), ({0}, 1.0), ({0}, PATIENCE), (set(), 2 * PATIENCE)]
    ]

    assert [len(asked) for asked in polls] == [1, 0, 1, 1]
    assert left_out(one) == set()
