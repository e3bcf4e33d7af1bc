"""What all tests share."""

import asyncio
from collections.abc import Mapping

import pytest
import uvloop
from hypothesis import HealthCheck, settings
from pytest_asyncio.plugin import LoopFactory

settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")  # the machine may be: how long an example takes says nothing


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, LoopFactory]:
    """The worker's pipes on the loop that the agent runs on: it takes writing to a process that is gone for a bug.

    How a child ends on both: the demo runs on asyncio's own, as all other tests do, since one that waits in the other
    for ever is not ended by its timeout.
    """
    if item.path.name == "test_worker.py":
        return {"uvloop": uvloop.new_event_loop}
    if item.path.parts[-2:] == ("agent", "test_child.py"):
        return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
    return {"asyncio": asyncio.new_event_loop}
