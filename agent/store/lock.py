"""Who may write: one process in the world, held by a lock that the kernel drops with the process."""

import fcntl
import os
from pathlib import Path
from typing import Self

from agent.store.errors import StorageRefusedError, translating


class WriterLock:
    """The right to write a database, as long as the `with` lasts.

    SQLite may corrupt a file when two connections write or checkpoint around a reset of the
    write-ahead log (3.7.0 to 3.51.2), so there is exactly one; all others open it read-only.
    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._path = database.with_name(database.name + ".lock")

    def __enter__(self) -> Self:
        """Take the right.

        Raises:
            StorageRefusedError: Another process has it.
            StorageError: The lock file cannot be written.
        """
        with translating(self._path):
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.pread(self._file, 20, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise StorageRefusedError(
                f"{self._database} is being written by process {holder}; stop it (the agent, or an import) first"
            ) from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode("ascii"), 0)
        return self

    def __exit__(self, *exc_info: object) -> None:
        os.close(self._file)  # the file stays: removing it would let two processes lock two files
