"""Promises 12 and 13 in every run of the tests: the faults that cost least time; `make faults-acquisition` has all."""

import pytest

from tests.faults.acquisition_opcua import measure


@pytest.mark.slow
async def test_a_server_killed_a_node_gone_and_a_changed_certificate_store_nothing_wrong() -> None:
    """As the agent polls: bad within 15 s, back within 30 s of the end, refused until the certificate is trusted.

    Takes most of a minute: real servers have to start, and the supervisor to come round.
    """
    found = {
        figures.name: figures for figures in await measure({"server killed", "one node gone", "certificate changed"})
    }

    assert [name for name, figures in found.items() if not figures.is_kept] == [], [*map(str, found.values())]
    assert "shows another certificate than the one trusted" in found["certificate changed"].reason
    assert found["one node gone"].reason == "unknown node ns=2;s=counter (BadNodeIdUnknown)"
