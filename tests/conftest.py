"""What all tests share."""

from collections.abc import Mapping

import uvloop
from pytest_asyncio.plugin import LoopFactory


def pytest_asyncio_loop_factories() -> Mapping[str, LoopFactory]:
    """The loop that the agent runs on: asyncio's own forgives what it does not, writing to a process that is gone."""
    return {"uvloop": uvloop.new_event_loop}
