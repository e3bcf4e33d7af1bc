"""A flood of commands does not bury what else the log says."""

import asyncio
import logging

import pytest

from agent.mqtt.command_log import AT_MOST, PERIOD, CommandLog
from tests.simulators.clock import run_at_once


def test_of_a_flood_the_log_says_how_many_there_were_and_then_each_again(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand in ten minutes are twenty lines a minute and one with their number, also when none follows."""

    async def flood() -> None:
        told = CommandLog()
        for number in range(1_000):
            told.tell(f"command {number}")
            await asyncio.sleep(10 * PERIOD / 1_000)
        await asyncio.sleep(PERIOD)
        told.tell("command of a person")
        for number in range(AT_MOST):
            told.tell(f"command {number}")
        told.close()

    with caplog.at_level(logging.INFO):
        run_at_once(flood())

    lines = [record.getMessage() for record in caplog.records]
    more = [int(line.split()[0]) for line in lines if "more commands" in line]
    assert len(lines) <= 11 * (AT_MOST + 1) + AT_MOST
    assert sum(more) + len(lines) - len(more) == 1_000 + 1 + AT_MOST
    assert "command of a person" in lines
    assert lines[-1].startswith("1 more")
