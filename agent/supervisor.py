"""Who restarts what: trouble outside is tried again for ever, a bug ends the process."""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine
from typing import Any, NoReturn

from agent.health import Part
from agent.mqtt.client import BrokerError
from agent.store.errors import StorageError
from drivers.reading import DriverError, RefusedError

log = logging.getLogger(__name__)

TROUBLE = (DriverError, BrokerError, StorageError)  # the outside world's fault, so worth another try
LONGEST_PAUSE = 8.0  # s; with jitter 9.6: a mended cable or an adapter plugged in again is noticed within ten seconds
REFUSED_PAUSE = 20.0  # s; what a person must mend is not mended sooner by asking more often


async def supervise(
    part: Part, work: Callable[[], Coroutine[Any, Any, NoReturn]], *, is_silent: bool = False
) -> NoReturn:
    """Repeat *work* after trouble outside, pausing longer while it lasts, and longest where a person must act.

    Work that *is_silent* never says that it is well: that is taken for granted once it has gone on for a while.

    Any other exception is a bug. It leaves through the task group, which stops the process,
    and systemd starts a clean one.
    """
    loop = asyncio.get_running_loop()
    pause = 1.0
    while True:
        started = loop.time()
        try:
            await (_until_well(part, work) if is_silent else work())
        except* TROUBLE as group:  # also where it comes out of tasks that the work has of its own
            if loop.time() - started > LONGEST_PAUSE:
                pause = 1.0  # it had been working: this is new trouble
            error = _first(group)
            needs_a_person = isinstance(error, RefusedError)
            if part.trouble(str(error)):  # the same again is not worth a second line
                how = "this waits for you, and is tried again" if needs_a_person else "trying again until it works"
                log.log(logging.ERROR if needs_a_person else logging.WARNING, "%s: %s; %s", part.name, error, how)
            rest = REFUSED_PAUSE if needs_a_person else pause
            await asyncio.sleep(rest * random.uniform(0.8, 1.2))  # noqa: S311 - jitter, no secret
            pause = min(2 * pause, LONGEST_PAUSE)


async def _until_well(part: Part, work: Callable[[], Coroutine[Any, Any, NoReturn]]) -> NoReturn:
    """Do *work*; it is well once nothing has happened for as long as the longest pause."""
    settled = asyncio.get_running_loop().call_later(LONGEST_PAUSE, part.well)
    try:
        await work()
    finally:
        settled.cancel()


def _first(error: BaseException) -> BaseException:
    """What went wrong first, out of however many groups."""
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
