"""Which of the tags that contradict each other is the wrong one."""

import numpy as np
import pytest

from analytics.quality.affinity import Affinity
from analytics.quality.votes import Verdict, suspect


def verdict(check: str, *tags: str, agrees: bool = False, is_certain: bool = False) -> Verdict:
    return Verdict(check, tags, agrees, is_certain=is_certain)


def test_two_tags_alone_leave_it_open() -> None:
    """Either may be wrong; a guess would send the technician to the wrong meter."""
    balance = verdict("energy_balance", "energy", "power")

    assert suspect(balance, [balance]) is None


def test_who_fails_twice_is_wrong() -> None:
    """The power meter disagrees with the counter, and with voltage, current and power factor."""
    balance, electrical = (
        verdict("energy_balance", "energy", "power"),
        verdict("electrical", "power", "voltage", "current", "factor"),
    )

    assert [suspect(one, [balance, electrical]) for one in (balance, electrical)] == ["power", "power"]


def test_who_agrees_elsewhere_is_right() -> None:
    """Power fits voltage and current, so it is the counter that counts wrongly; among the rest nobody is named."""
    balance = verdict("energy_balance", "energy", "power")
    electrical = verdict("electrical", "power", "voltage", "current", agrees=True)
    wrong = verdict("electrical", "power", "voltage", "current")
    right = verdict("energy_balance", "energy", "power", agrees=True)

    assert suspect(balance, [balance, electrical]) == "energy"
    assert suspect(wrong, [wrong, right]) is None


def test_a_check_that_can_tell_needs_no_votes() -> None:
    """Power of a pump that stands is the power meter's fault, whoever agrees with it."""
    idle = verdict("while_stopped", "power", is_certain=True)

    assert suspect(idle, [idle, verdict("energy_balance", "energy", "power", agrees=True)]) == "power"
    assert suspect(verdict("electrical", "current", "power", "voltage"), [idle]) == "power"


def learnt(seed: int = 1, size: int = 120) -> Affinity:
    """Two pumps between 80 and 95 % speed: H = 60 n² - 2e-5 Q², with 0.2 m of noise."""
    affinity, random = Affinity(), np.random.default_rng(seed)
    for _ in range(size):
        square, flow = random.uniform(0.64, 0.9), random.uniform(600.0, 900.0)
        affinity.update(square, flow, 60 * square - 2e-5 * flow**2 + random.normal(0, 0.2))
    return affinity


def test_head_follows_the_square_of_the_speed() -> None:
    """And who says otherwise is told by how much: the gauge shows a tenth too much, or the speed is a set point."""
    affinity = learnt()
    head = 60 * 0.8 - 2e-5 * 700**2

    expected = affinity.expected(0.8, 700.0)
    assert expected is not None
    assert expected.head == pytest.approx(head, abs=0.3)
    assert affinity.update(0.8, 700.0, head + 0.3) is True
    assert affinity.update(0.8, 700.0, 1.1 * head) is False
    assert affinity.update(0.68, 700.0, head) is False


def test_nothing_is_expected_of_what_was_never_seen() -> None:
    """A new speed, or a flow beyond all, is no contradiction; nor is anything in the first hour."""
    assert learnt().update(0.5, 700.0, 20.0) is None
    assert learnt().update(0.8, 1_500.0, 20.0) is None
    assert learnt(size=50).update(0.8, 700.0, 20.0) is None


def test_one_duty_all_the_time_expects_that_duty() -> None:
    """Speed and flow that hardly move leave the two terms open, and the head all the same."""
    affinity = Affinity()
    for _ in range(100):
        affinity.update(0.8, 700.0, 38.2)

    assert affinity.update(0.8, 700.0, 38.3) is True
    assert affinity.update(0.8, 700.0, 44.0) is False


def test_a_broken_gauge_is_not_soon_believed_and_wear_is() -> None:
    """An hour of 10 % too much is a contradiction all along; 3 % in a fortnight never is one."""
    broken, worn = learnt(), learnt()
    random = np.random.default_rng(2)
    said = [broken.update(0.8, 700.0, 1.1 * 38.2) for _ in range(60)]
    slow = []
    for minute in range(20_000):
        square, flow = random.uniform(0.64, 0.9), random.uniform(600.0, 900.0)
        head = (60 * square - 2e-5 * flow**2) * (1 - 0.03 * minute / 20_000)
        slow.append(worn.update(square, flow, head + random.normal(0, 0.2)))

    assert said == [False] * 60
    assert slow.count(False) == 0
