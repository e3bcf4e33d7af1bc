"""The demo is no agent, and runs on asyncio's own loop."""

import asyncio
from collections.abc import Mapping

from pytest_asyncio.plugin import LoopFactory


def pytest_asyncio_loop_factories() -> Mapping[str, LoopFactory]:
    """As `agent.demo.stage` does."""
    return {"asyncio": asyncio.new_event_loop}
