"""Whom the node believes about the primary host."""

import orjson
import pytest

from agent.mqtt.sparkplug.host import HostState

IN_2099, IN_2026 = 4_070_908_800_000, 1_772_366_400_000


def state(ts: int, *, is_online: bool) -> bytes:
    """What a host says of itself."""
    return orjson.dumps({"online": is_online, "timestamp": ts})


def test_a_host_whose_clock_was_wrong_once_is_told_with_both_times_and_what_to_do() -> None:
    """Also on the next connection, where the broker hands the same out again; until something newer is believed."""
    host = HostState()
    host.observe(state(IN_2099, is_online=True))
    host.observe(state(IN_2099, is_online=False))
    assert host.doubt is None
    host.forget()
    assert not host.observe(state(IN_2026, is_online=True))

    assert host.doubt == (
        "it says so as of 2026-03-01T12:00:00.000Z, which is older than its word of 2099-01-01T00:00:00.000Z "
        "and not believed; where its clock was wrong and is right now, restart this agent"
    )
    assert host.observe(state(IN_2099 + 1, is_online=True))
    assert host.doubt is None


def test_a_will_that_was_overtaken_is_no_doubt() -> None:
    """It says that the host is offline, as brokers do late; nobody has to do anything."""
    host = HostState()
    host.observe(state(100, is_online=True))
    host.observe(state(99, is_online=False))

    assert host.is_online
    assert host.doubt is None


@pytest.mark.parametrize("ts", [-(2**63), -1, 0, 2**63, 2**64 - 1])
def test_no_time_that_a_host_can_say_breaks_the_sentence(ts: int) -> None:
    host = HostState()
    host.observe(state(2**64 - 1, is_online=False))
    host.observe(state(ts, is_online=True))

    assert host.is_online == (ts == 2**64 - 1)
    assert host.is_online or "18446744073709551615 ms" in str(host.doubt)
