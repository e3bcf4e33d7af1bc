"""Keeps the store storing: makes room on a full disk, tries a refusing one again, begins anew where it is damaged."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, NoReturn

from agent.mqtt.instant import rfc3339
from agent.store.ballast import Ballast
from agent.store.errors import DamagedError, FullError, SlowError, StorageError, StorageRefusedError
from agent.store.held import Held
from agent.store.lock import WriterLock
from agent.store.losses import DAMAGED, Loss
from agent.store.opening import prepare
from agent.store.putting_back import put_back, waiting
from agent.store.reader import Reader
from agent.store.room import make_room
from agent.store.settings import StorageSettings
from agent.store.writer import Store

log = logging.getLogger(__name__)

MEGABYTE: Final = 1_000_000
RETRY: Final = 1.0  # s between two tries of a disk that refuses
LONGEST_PAUSE: Final = 5.0  # s between two tries of opening, which costs a second of work where a child prepares it

DISK: Final = "storage"  # the alarms, by id
DAMAGE: Final = "storage.damaged"


class Keeper:
    """What stands behind the store of the running agent. Only `keep` does anything about its trouble.

    Args:
        settings: Of the store.
        store: With a place to hold what the disk refuses.
    """

    def __init__(self, settings: StorageSettings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._ballast = Ballast(settings.path, round(settings.ballast_mb * MEGABYTE))
        self._is_prepared = False
        self._damaged = ""  # what was set aside and is not salvaged yet, as a sentence
        self._cut_off = ""  # what the write-ahead log has lost, as a sentence
        self._doubts = 0  # times in a row that the database has shown damage
        self._pause = RETRY
        self._left: set[Path] = set()  # damaged files that can be neither read nor renamed now
        self.is_spent = False  # the ballast has been given up and is not back yet

    async def open(self) -> None:
        """Open the store; where the disk does not do it, that is trouble to be mended by `keep`.

        Raises:
            StorageRefusedError: A person must act: another process writes, or a newer version has written it.
        """
        try:
            await self._open()
        except StorageRefusedError:
            raise
        except StorageError as error:
            if not isinstance(self._store.trouble, FullError):
                await self._store.close(error)

    async def keep(self) -> NoReturn:
        """Look after the disk, and put back what can be read of damaged files."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._look_after(), name="disk")
            tasks.create_task(self._salvage(), name="salvage")
        raise AssertionError("these tasks never end")

    async def _salvage(self) -> NoReturn:
        """Put back what can be read of damaged files, one after the other."""
        while True:
            if self._store.trouble is None:
                for damaged in waiting(self._settings.path):
                    await self._put_back(damaged)
                if not waiting(self._settings.path):
                    self._damaged = ""
            await asyncio.sleep(RETRY)

    async def _put_back(self, damaged: Path) -> None:
        if damaged in self._left:
            return
        try:
            with suppress(StorageError):  # the file waits until the disk works
                await put_back(self._store, damaged)
        except OSError as error:
            self._left.add(damaged)
            told = f"{damaged} is not put back ({error.strerror}); mend that and start the agent anew"
            log.error("%s", told)  # noqa: TRY400 - where in the code says nothing to a person

    async def _look_after(self) -> NoReturn:
        """Do what can be done about trouble, about once a second while there is any."""
        while True:
            if self._store.trouble:
                await self._mend(self._store.trouble)
            elif not self._ballast.is_there:
                self.is_spent = not await asyncio.to_thread(self._ballast.restore) and self.is_spent
            self._complain()
            await self._pass_time()

    async def _pass_time(self) -> None:
        """Wait for the next look: at once where there is news, later and later where opening keeps failing."""
        await asyncio.sleep(self._pause if self._store.trouble else RETRY)

    async def _mend(self, trouble: StorageError) -> None:
        try:
            if isinstance(trouble, SlowError):
                pass
            elif isinstance(trouble, FullError):
                await self._relieve()
            else:
                await self._open_anew(trouble)
        except FullError as error:
            self._pause = RETRY
            if not isinstance(self._store.trouble, FullError):
                await self._store.close(error)
        except StorageError as error:  # also where another program has taken it, such as an import: that ends
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            await self._store.close(error)
        else:
            self._pause = RETRY
            self._doubts = 0

    async def _relieve(self) -> None:
        """Give up the ballast, and have the oldest readings make room for new ones."""
        if self._ballast.size and self._ballast.release():
            self.is_spent = True
            log.error(
                "the disk that holds %s is full; its reserve of %g MB is used now, free space",
                self._settings.path,
                self._settings.ballast_mb,
            )
        if self._store.is_open:
            await self._store.retry()
        else:
            await self._open()
        if self.is_spent:
            await make_room(self._store, self._settings, self._ballast.size)

    async def _open_anew(self, trouble: StorageError) -> None:
        if isinstance(trouble, DamagedError):
            self._is_prepared = False
            self._doubts += 1
        await self._store.close(trouble)
        await asyncio.to_thread(_may_write, self._settings.path)
        await self._open()

    async def _open(self) -> None:
        if not self._is_prepared:
            # Damage that shows again in what was found sound is not looked for a second time.
            aside = await prepare(self._settings.path, surely_damaged=self._doubts > 1)
            if aside:
                self._damaged = f"{self._settings.path} was damaged and is set aside as {aside.name}"
                log.error("%s; a new one begins", self._damaged)
        opened = await self._store.open()
        self._is_prepared = True
        if opened.cut_off:
            self._cut_off = f"the end of {self._settings.path}-wal was lost; {_missing(opened.cut_off)}"
            log.error("%s", self._cut_off)
        if self._damaged:
            lost = [one for one in await self._store.read(Reader.losses) if one.reason.startswith(DAMAGED)]
            self._damaged += f"; {_missing(lost[0])} until they are put back" if lost else ""

    def _complain(self) -> None:
        """Say what a person should know."""
        told = self._store.complaints
        if self._store.trouble:
            told[DISK] = str(self._store.trouble)
        elif self.is_spent:
            told[DISK] = (
                f"the disk that holds {self._settings.path} was full; readings are stored again in the room that was"
                f" reserved, and the oldest make room for new ones; free space, or lower storage.max_mb"
            )
        else:
            told.pop(DISK, None)
        if damage := self._damaged or self._cut_off:
            told[DAMAGE] = damage
        elif DAMAGE in told:
            del told[DAMAGE]
        self._cut_off = ""  # an event: the alarm stays until it is acknowledged


def _missing(loss: Loss) -> str:
    """How many, from when to when."""
    told = f"{loss.readings} readings are missing"
    if loss.first_ms is not None and loss.last_ms is not None:
        told += f", from {rfc3339(loss.first_ms)} to {rfc3339(loss.last_ms)}"
    return told


def _may_write(path: Path) -> None:
    """Look cheaply whether opening has a chance.

    Raises:
        StorageError: It has none.
    """
    with WriterLock(path):
        pass


@asynccontextmanager
async def kept_store(settings: StorageSettings) -> AsyncIterator[tuple[Store, Keeper]]:
    """The store of the running agent, open or in trouble, and its keeper.

    Raises:
        StorageRefusedError: A person must act.
    """
    async with Store(settings, Held()) as store:
        keeper = Keeper(settings, store)
        await keeper.open()
        yield store, keeper
