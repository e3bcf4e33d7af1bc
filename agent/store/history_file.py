"""A historian's CSV file as lines of cells: compression, encoding, delimiter and decimal sign found out."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from agent.store.history_layout import HistoryError, Layout

LONGEST = 4 * 2**20  # bytes of a line; what is longer is no CSV file
GZIP = b"\x1f\x8b"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"

DECIMAL_COMMA = re.compile(r"\s*-?\d+(\.\d{3})*,\d+\s*")
AHEAD, AHEAD_LENGTH = 1_000, 2**22  # lines that are looked at before the first is taken, and characters of them


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file."""

    number: int  # from 1
    cells: list[str]
    is_plain: bool = True  # has no underscore: Python reads 1_0 as a number; nobody else does


class HistoryFile:
    """An open file, read once from the first line to the last.

    Raises, while it is read:
        HistoryError: It cannot be read on.
    """

    def __init__(self, path: Path, raw: BinaryIO) -> None:
        self._path = path
        self._raw = raw
        self._lines = self._texts()
        self._number = 0
        self.delimiter = ","
        self._encoding: str | None = None  # of what is not UTF-8, once something was not
        header = self._header()
        self._broken: HistoryError | None = None
        self._ahead = self._look_ahead()
        # Whether the file itself shows that its decimal sign is the comma; a point may then be one of thousands.
        self.has_decimal_commas = self.delimiter != "," and any(
            DECIMAL_COMMA.fullmatch(cell) for line in self._ahead for cell in line.cells if "," in cell
        )
        try:
            self.layout = Layout.of(header, [line.cells for line in self._ahead])
        except HistoryError as error:
            raise HistoryError(f"{path} cannot be taken in: {error}") from error

    @property
    def position(self) -> int:
        """Bytes of the file that were read."""
        return self._raw.tell()

    def __iter__(self) -> Iterator[Line]:
        yield from self._ahead
        if self._broken:
            raise self._broken
        yield from self._read()

    def _look_ahead(self) -> list[Line]:
        """The first lines; where the file breaks off among them, that is told after them."""
        found, length = list[Line](), 0
        try:
            for line in self._read():
                found.append(line)
                length += sum(map(len, line.cells))
                if len(found) >= AHEAD or length >= AHEAD_LENGTH:
                    break
        except HistoryError as error:
            self._broken = error
        return found

    def _read(self) -> Iterator[Line]:
        delimiter = self.delimiter
        for text in self._lines:
            self._number += 1
            cells = _quoted(text, delimiter) if '"' in text else text.split(delimiter)
            if any(cells):
                yield Line(self._number, cells, "_" not in text)

    def _header(self) -> list[str]:
        for text in self._lines:
            self._number += 1
            if text.strip() and not text.startswith("#") and not text.casefold().startswith("sep="):
                self.delimiter = max(";\t,", key=text.count)
                return [cell.strip() for cell in _quoted(text.rstrip(self.delimiter), self.delimiter)]
        raise HistoryError(f"{self._path} is empty; export it anew, with a header line")

    def _texts(self) -> Iterator[str]:
        is_packed = self._raw.read(2) == GZIP
        self._raw.seek(0)
        try:
            with gzip.GzipFile(fileobj=self._raw) if is_packed else nullcontext(self._raw) as stream:
                yield from self._decoded(stream)
        except (EOFError, zlib.error, OSError) as error:
            raise HistoryError(
                f"{self._path} breaks off after line {self._number} ({error}); copy it anew (what came before is kept)"
            ) from error

    def _decoded(self, stream: gzip.GzipFile | BinaryIO) -> Iterator[str]:
        head = stream.read(2)
        stream.seek(0)
        if head in UTF_16:
            texts = io.TextIOWrapper(stream, "utf-16", "replace")
            try:
                yield from (text.rstrip("\r\n") for text in texts)
            finally:
                texts.detach()  # else it would close the file
            return
        yield self._text(stream.readline(LONGEST)).removeprefix(BOM)
        while line := stream.readline(LONGEST):
            if len(line) == LONGEST:
                raise HistoryError(f"{self._path} has a line of over 4 MB; is it a CSV file?")
            yield self._text(line)

    def _text(self, line: bytes) -> str:
        line = line.rstrip(b"\r\n")
        try:
            return line.decode("utf-8")
        except UnicodeDecodeError:
            self._encoding = self._encoding or _encoding(line)
            return line.decode(self._encoding, "replace")


@contextmanager
def opened(path: Path) -> Iterator[HistoryFile]:
    """The file at *path*.

    Raises:
        HistoryError: It cannot be read.
    """
    try:
        raw = path.open("rb")
    except OSError as error:
        raise HistoryError(f"{path} cannot be read: {error.strerror}") from error
    with raw:
        yield HistoryFile(path, raw)


def _quoted(text: str, delimiter: str) -> list[str]:
    # A line by itself, so that an unclosed quote costs this line and not the rest of the file.
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:  # a field of over 128 KB
        return [text[:40]]


def _encoding(line: bytes) -> str:
    """Windows' encoding of China or of Western Europe: in the one, bytes beyond ASCII come in pairs."""
    try:
        line.decode("gb2312")
    except UnicodeDecodeError:
        return "cp1252"
    return "gb18030"
