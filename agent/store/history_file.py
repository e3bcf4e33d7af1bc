"""A historian's CSV file as lines of cells: compression, encoding, delimiter and layout found out."""

import csv
import gzip
import io
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

LONGEST = 4 * 2**20  # bytes of a line; what is longer is no CSV file
GZIP = b"\x1f\x8b"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"

TIME = {
    "time",
    "timestamp",
    "ts",
    "date",
    "datetime",
    "date_time",
    "date/time",
    "ts_ms",
    "zeit",
    "zeitstempel",
    "时间",
    "日期",
    "日期时间",
}
TAG = {"tag", "tagname", "tag_name", "name", "point", "variable", "signal", "item", "变量", "点名"}
VALUE = {"value", "val", "wert", "值", "数值"}
QUALITY = {"quality", "status", "q", "qualität", "质量"}
UNIT = re.compile(r"\s*[\[(].*[\])]\s*$")  # "flow [m3/h]"


class HistoryError(Exception):
    """A person must act: the file is not what it should be."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the file."""

    number: int  # from 1
    cells: list[str]


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns are: one a tag, or one for all tags' names and one for their values."""

    header: Sequence[str]
    time: int
    tag: int | None = None  # these three in long files only
    value: int | None = None
    quality: int | None = None

    @classmethod
    def of(cls, header: Sequence[str]) -> "Layout":
        """The layout that a header line says."""
        words = [word.casefold() for word in header]
        time, tag, value, quality = (
            next((place for place, word in enumerate(words) if word in meaning), None)
            for meaning in (TIME, TAG, VALUE, QUALITY)
        )
        if tag is not None and value is not None and time is not None:
            return cls(header, time, tag, value, quality)
        return cls(header, time or 0)  # exporters leave the first column nameless, or name it in their language


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
        self.layout = Layout.of(self._header())

    @property
    def position(self) -> int:
        """Bytes of the file that were read."""
        return self._raw.tell()

    def __iter__(self) -> Iterator[Line]:
        delimiter = self.delimiter
        for text in self._lines:
            self._number += 1
            cells = _quoted(text, delimiter) if '"' in text else text.split(delimiter)
            if any(cells):
                yield Line(self._number, cells)

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


def tag_name(cell: str, known: frozenset[str]) -> str:
    """The tag that a header cell names, with or without a unit behind it."""
    bare = UNIT.sub("", cell)
    return cell if cell in known or bare not in known else bare


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
