"""What a person must mend: each mistake with its place and its remedy; light, so that printing one loads nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from heapq import nlargest
from os.path import commonprefix

_LIKE = 0.66  # of 1: "adress" is 0.92 like "address", "period" 0.62 like "version"
_COMPARED = 50  # choices that are compared in full, which is slow; a station may have thousands of tags


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file a technician edits."""

    file: str  # as the technician named it
    line: int | None = None  # from 1
    column: int | None = None  # character, or cell of a table, from 1
    title: str | None = None  # of a table's column, where it is not what we call it


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing that is wrong, and what to do."""

    place: Place
    sentence: str  # subject, key, fact and remedy

    def __str__(self) -> str:
        line = "" if self.place.line is None else f":{self.place.line}"
        column = f' (in column {self.place.column}, "{self.place.title}")' if self.place.title else ""
        return f"{self.place.file}{line}: {self.sentence}{column}"


class SettingsError(Exception):
    """A person must act; carries every mistake found, in the order of the file."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


def did_you_mean(word: str, choices: Iterable[str]) -> str:
    """The end of a sentence about an unknown word: the nearest known one, or "" where none is near."""
    near = nearest(word, choices)
    return "" if near is None else f'; did you mean "{near}"?'


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """The choice most like a word, whatever its case."""
    by_fold = {choice.casefold(): choice for choice in choices}
    likely = nlargest(_COMPARED, by_fold, key=lambda choice: _shared(word.casefold(), choice))
    close = get_close_matches(word.casefold(), likely, n=1, cutoff=_LIKE)
    return by_fold[close[0]] if close else None


def _shared(one: str, other: str) -> int:
    """Characters two words begin and end with alike; a misspelt word keeps most of both."""
    begin = commonprefix((one, other))  # noqa: RUF071 - of characters, not of folders
    end = commonprefix((one[::-1], other[::-1]))  # noqa: RUF071 - likewise
    return len(begin) + len(end)


def listed(choices: Sequence[str]) -> str:
    """Choices as a person lists them: "a", "b" or "c"."""
    quoted = [f'"{choice}"' for choice in choices]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} or {quoted[-1]}"
