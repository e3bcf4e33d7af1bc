"""A file of no use but its size: given up when the disk is full, so that there is room to put things right."""

import os
import shutil
from contextlib import suppress
from pathlib import Path

ROOM = 2  # times its size is free before it is made: it must never be what fills the disk


class Ballast:
    """Real blocks beside the database.

    Args:
        database: Beside which it lies.
        size: Bytes; 0 for none.
    """

    def __init__(self, database: Path, size: int) -> None:
        self.path = database.with_name(database.name + ".ballast")
        self.size = size

    @property
    def is_there(self) -> bool:
        """Whether it can be given up; true too where none is wanted."""
        with suppress(OSError):
            return not self.size or self.path.stat().st_size == self.size
        return False

    def restore(self) -> bool:
        """Make it, where there is ample room; whether it is there afterwards. May take seconds."""
        if self.is_there:
            return True
        try:
            free = shutil.disk_usage(self.path.parent).free
            if free < ROOM * self.size:
                return False
            with self.path.open("wb") as file:
                os.posix_fallocate(file.fileno(), 0, self.size)
        except OSError:
            self.release()
            return False
        return True

    def release(self) -> bool:
        """Give it up; whether that has made room."""
        try:
            self.path.unlink()
        except OSError:
            return False
        return True
