"""Two kinds of failure: trouble outside is tried again for ever, a bug ends the process."""

import asyncio
import logging
from itertools import pairwise
from typing import NoReturn

import pytest

from agent.health import Part
from agent.supervisor import LONGEST_PAUSE, REFUSED_PAUSE, supervise
from drivers.reading import RefusedError, UnreachableError
from tests.simulators.clock import run_at_once


class EnoughError(Exception):
    """Ends a test's endless work, as a bug would."""


def tries(troubles: int, error: Exception, part: Part) -> list[float]:
    """When a work was tried that meets *error* so many times, s after the start."""
    times: list[float] = []

    async def work() -> NoReturn:
        times.append(asyncio.get_running_loop().time())
        if len(times) > troubles:
            raise EnoughError
        raise error

    with pytest.raises(EnoughError):
        run_at_once(supervise(part, work))
    return times


def test_trouble_outside_is_tried_again_later_and_later_but_never_later_than_the_bound() -> None:
    """A device that comes back after a week is found within ten seconds, a jitter of a fifth included."""
    times = tries(8, UnreachableError("plc is silent"), Part("plc"))

    pauses = [later - earlier for earlier, later in pairwise(times)]

    assert pauses[0] < pauses[1] < pauses[2]
    assert all(0.8 * LONGEST_PAUSE <= pause <= 1.2 * LONGEST_PAUSE for pause in pauses[4:])
    assert 1.2 * LONGEST_PAUSE < 10


def test_trouble_is_logged_once_and_shown_in_health(caplog: pytest.LogCaptureFixture) -> None:
    """A dead device must not fill the journal."""
    part = Part("plc")
    with caplog.at_level(logging.WARNING):
        tries(20, UnreachableError("modbus://192.0.2.1:502/1 is silent"), part)

    assert [record.getMessage() for record in caplog.records] == [
        "plc: modbus://192.0.2.1:502/1 is silent; trying again until it works"
    ]
    assert (part.state, part.error) == ("failed", "modbus://192.0.2.1:502/1 is silent")


def test_work_that_never_says_so_is_well_once_it_has_gone_on_for_a_while() -> None:
    """Its trouble would stand for ever; while it is tried again and again it is not well in between."""
    part, states = Part("alarms"), []

    async def work() -> NoReturn:
        states.append(part.state)
        if len(states) < 4:
            raise UnreachableError("the disk is away")
        await asyncio.sleep(LONGEST_PAUSE - 0.1)
        states.append(part.state)
        await asyncio.sleep(0.2)
        states.append(part.state)
        raise EnoughError

    with pytest.raises(EnoughError):
        run_at_once(supervise(part, work, is_silent=True))

    assert states == ["starting", "failed", "failed", "failed", "failed", "ok"]


def test_what_comes_and_goes_does_not_bury_everything_else_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    """A link that flaps every ten seconds is said six times and once more that it flaps; health says the rest."""
    part = Part("plc")
    with caplog.at_level(logging.INFO):
        told = [part.trouble("silent") + part.well() for _ in range(100)]

    assert sum(told) == 6
    assert len([record for record in caplog.records if "comes and goes" in record.getMessage()]) == 1
    assert part.state == "ok"


def test_trouble_out_of_a_group_of_tasks_is_trouble_too() -> None:
    """The publisher has tasks of its own; what ends them must not end the process."""
    times = tries(1, ExceptionGroup("tasks", [ExceptionGroup("more", [UnreachableError("gone")])]), Part("broker"))

    assert len(times) == 2


def test_a_bug_beside_trouble_is_still_a_bug() -> None:
    async def work() -> NoReturn:
        raise ExceptionGroup("tasks", [UnreachableError("gone"), ZeroDivisionError()])

    with pytest.raises(ExceptionGroup) as caught:
        run_at_once(supervise(Part("broker"), work))

    assert caught.group_contains(ZeroDivisionError)


def test_what_a_person_must_mend_is_tried_slowly_and_told_as_such(caplog: pytest.LogCaptureFixture) -> None:
    """A certificate is not moved sooner by asking every eight seconds; and the watchdog is not to think it stuck."""
    part = Part("works")
    with caplog.at_level(logging.WARNING):
        times = tries(3, RefusedError("works shows an unknown certificate; move it"), part)

    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert all(0.8 * REFUSED_PAUSE <= pause <= 1.2 * REFUSED_PAUSE for pause in pauses)
    assert part.patience > 1.2 * REFUSED_PAUSE
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("ERROR", "works: works shows an unknown certificate; move it; this waits for you, and is tried again")
    ]
    assert part.state == "failed"


def test_a_warning_is_shown_while_all_is_well() -> None:
    """A certificate that ends in 30 days stops nothing today, and is news once."""
    part = Part("works")

    news = [part.well("certificate ends"), part.well("certificate ends"), part.well("it ends sooner"), part.well()]

    assert news == [True, False, True, True]
    assert (part.state, part.error) == ("ok", "it ends sooner")
