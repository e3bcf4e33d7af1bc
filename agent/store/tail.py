"""How far the log reached, kept apart from it: SQLite drops the damaged end of a write-ahead log without a word."""

import os
import struct
import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

SLOT = 512  # bytes; two of them in turn, so that a torn write leaves the other
FORM = struct.Struct("<4sQQQQq")  # and a checksum behind it
MAGIC = b"tail"
SYNC_EVERY = 1.0  # s between two waits for the disk


class End(NamedTuple):
    """The end of the log after a transaction."""

    last_id: int
    gap_first: int  # the newest stretch of ids that were never given; both 0 where there is none
    gap_last: int
    newest_ms: int  # time of the last row

    def rows_after(self, mark: int) -> int:
        """Rows there were after the one with id *mark*."""
        skipped = max(0, self.gap_last - max(self.gap_first, mark + 1) + 1) if self.gap_last else 0
        return max(0, self.last_id - mark - skipped)


class Tail:
    """The file beside the database.

    Written after each transaction and on the disk a second later, so that it never says more than was
    committed. It is no part of what `append` promises: where it cannot be written the log goes on without.
    """

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(database.name + ".tail")
        self._file = -1
        self._count = 0
        self._synced = 0.0

    def __enter__(self) -> Self:
        with suppress(OSError):
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def read(self) -> End | None:
        """The last end that was noted; None where nothing sound is there."""
        with suppress(OSError):
            content = self._path.read_bytes()
            found = [one for start in (0, SLOT) if (one := _slot(content[start : start + SLOT]))]
            if found:
                self._count, end = max(found)
                return end
        return None

    def note(self, end: End) -> None:
        """The log ends there."""
        if self._file < 0:
            return
        self._count += 1
        body = FORM.pack(MAGIC, self._count, *end)
        slot = (body + struct.pack("<I", zlib.crc32(body))).ljust(SLOT, b"\0")
        with suppress(OSError):
            os.pwrite(self._file, slot, SLOT * (self._count % 2))
            if time.monotonic() - self._synced > SYNC_EVERY:
                os.fdatasync(self._file)
                self._synced = time.monotonic()


def _slot(content: bytes) -> tuple[int, End] | None:
    body, told = content[: FORM.size], content[FORM.size : FORM.size + 4]
    if len(told) < struct.calcsize("<I") or struct.pack("<I", zlib.crc32(body)) != told:
        return None
    magic, count, *end = FORM.unpack(body)
    return (count, End(*end)) if magic == MAGIC else None
