"""What came of commands, in the agent's log: each while they are few, and of a flood how many there were."""

import asyncio
import logging
from typing import Final

log = logging.getLogger(__name__)

PERIOD: Final = 60.0  # s
AT_MOST: Final = 20  # lines in one of them: more than operators give


class CommandLog:
    """Made on the event loop; a person's commands each have a line, and nobody can bury other lines with them."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lines = self._unsaid = 0  # in this period
        self._end: asyncio.TimerHandle | None = None

    def tell(self, line: str) -> None:
        """Log *line*, or count it."""
        if self._end is None:
            self._end = self._loop.call_later(PERIOD, self._sum_up)
        if self._lines < AT_MOST:
            self._lines += 1
            log.info("%s", line)
        else:
            self._unsaid += 1

    def close(self) -> None:
        """Say what is left to be said."""
        if self._end is not None:
            self._end.cancel()
            self._sum_up()

    def _sum_up(self) -> None:
        if self._unsaid:
            log.warning("%d more commands came within a minute; look who floods <root>/cmd", self._unsaid)
        self._lines = self._unsaid = 0
        self._end = None
