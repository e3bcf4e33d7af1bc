"""A change of the configuration while the agent runs: taken whole and as a difference, or refused whole and shown."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import NoReturn

from agent.configuration.config_file import load
from agent.configuration.mistakes import SettingsError
from agent.health import Part
from agent.settings import AgentSettings
from agent.store.errors import StorageError
from agent.ticks import Ticks

log = logging.getLogger(__name__)

PERIOD = 1.0  # s between two looks at the files

Signature = tuple[tuple[int, int, int] | None, ...]


async def follow(
    path: Path, settings: AgentSettings, part: Part, take: Callable[[AgentSettings], Awaitable[list[str]]]
) -> NoReturn:
    """Take every change of the file at *path*, and of the tag files it names.

    The files are looked at by name, since an editor's save replaces a file; a change counts once
    they have been the same for one period, since a copy over the network takes its time.

    Args:
        path: The configuration, as the agent was started with.
        settings: What is in force.
        part: Told how it goes.
        take: Puts settings into force and names what had to change.
    """
    in_force = seen = _signature(files(path, settings))
    async for _ in Ticks(PERIOD):
        before, seen = seen, _signature(files(path, settings))
        if seen == in_force or seen != before:
            continue
        in_force = seen
        try:
            wanted = await asyncio.to_thread(load, path)
        except SettingsError as error:
            part.trouble(f"{path} is not taken, the agent goes on as before: {error.mistakes[0]}", "degraded")
            log.error("%s is not taken, the agent goes on as before:\n%s", path, error)  # noqa: TRY400 - no bug, no trace
            continue
        try:
            changed = await take(wanted)
        except StorageError as error:
            part.trouble(f"{path} cannot be taken yet: {error}", "degraded")
            in_force = ()  # so that it is tried again
            continue
        settings, in_force = wanted, _signature(files(path, wanted))
        part.well()
        log.info("%s is taken: %s", path, f"{', '.join(changed)} began anew" if changed else "nothing had to change")
    raise AssertionError("ticks never end")


def files(path: Path, settings: AgentSettings) -> list[Path]:
    """The configuration, and the tag files and catalogues it names."""
    named = [settings.tags_file, *(device.tags_file for device in settings.devices)]
    named += [pump.catalogue.file for pump in settings.pumps if pump.catalogue is not None]
    return [path, *(file for file in named if file is not None)]


def _signature(paths: list[Path]) -> Signature:
    """What tells one state of the files from another; None for one that is not there."""
    return tuple(_stat(path) for path in paths)


def _stat(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
