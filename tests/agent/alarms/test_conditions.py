"""Conditions as a technician writes them: what they mean, and that nothing but a comparison is one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.alarms.conditions import Condition, Logic, condition


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("p1.running = 1", Condition("p1.running", "=", 1.0)),
        ("flow<5", Condition("flow", "<", 5.0)),
        ("  level >= -0.5 ", Condition("level", ">=", -0.5)),
        ("flow > 1e3", Condition("flow", ">", 1000.0)),
        ("flow != inlet.flow", Condition("flow", "!=", 0.0, "inlet.flow")),
        ("head > set-point - 0.3", Condition("head", ">", -0.3, "set-point")),
        ("head > set-point +0.3", Condition("head", ">", 0.3, "set-point")),
    ],
)
def test_a_comparison_is_read_as_it_is_meant(text: str, expected: Condition) -> None:
    """Names of tags may have a hyphen, so a minus stands between spaces."""
    assert condition(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "", "flow", "flow >", "> 5", "flow > 5 and level < 2", "flow > 5; level", "flow == 5", "flow => 5",
        "flow > 5 bar", "__import__('os').system('x')", "flow > (5)", "flow > 2*3", "5 > flow < 7", "flow > nan()",
        "flow > 1e999", "x" * 10_000, "flow > 5\x00", "flow > a + b", "flow > level + 1 + 1",
    ],
)  # fmt: skip
def test_nothing_else_is_a_condition(text: str) -> None:
    """It is compared with one pattern; nothing of it is ever run."""
    with pytest.raises(ValueError, match="write"):
        condition(text)


@given(st.text(max_size=60))
def test_any_text_is_a_condition_or_refused_in_a_sentence(text: str) -> None:
    try:
        said = condition(text).holds({})
    except ValueError as error:
        said = None if "write" in str(error) else True

    assert said is None


@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=6), st.integers(0, 6))
def test_n_of_m_is_what_it_would_be_however_the_unknown_ones_turn_out(truths: list[bool | None], need: int) -> None:
    """True or false only where no value of the unknown ones could change it."""
    values = {f"t{place}": None if truth is None else float(truth) for place, truth in enumerate(truths)}
    wanted = min(need, len(truths)) or None
    logic = Logic([condition(f"t{place} = 1") for place in range(len(truths))], wanted, dict(values))
    least = sum(truth is True for truth in truths)
    most = least + sum(truth is None for truth in truths)
    enough = wanted or len(truths)
    outcomes = {count >= enough for count in range(least, most + 1)}

    assert logic.holds == (outcomes.pop() if len(outcomes) == 1 else None)
