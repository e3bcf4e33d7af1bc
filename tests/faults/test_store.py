"""A few rounds of `make faults-store`: what the store has reaches SCADA, whoever dies or refuses."""

import pytest

from tests.faults.store import BATCH, kills, kills_in_history, troubles, works

pytestmark = [pytest.mark.slow]  # an agent starts in seconds, and does so in every round


async def test_an_agent_that_is_killed_loses_nothing_and_repeats_one_batch() -> None:
    """At any instant, also while it starts, and while it makes up for an outage."""
    async with works() as place:
        found = [await kills(place, 3), await kills_in_history(place, 1)]

        assert [figures.lost for figures in found] == [0, 0]
        assert max(figures.most for figures in found) <= BATCH  # on both topics together
        assert place.delivered.disordered == 0
        assert all(figures.stored for figures in found)


async def test_a_broker_that_refuses_the_login_for_a_while_costs_nothing() -> None:
    """Somebody has changed its password file: nothing is taken as sent, and all comes once it is mended."""
    async with works() as place:
        figures = await troubles("broker refuses the login", place, 1)

    assert (figures.lost, place.delivered.disordered) == (0, 0)
    assert figures.stored
