"""A TOML text as values, and where in the text each of them stands."""

import re
from bisect import bisect_right
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import Any

import spanned_toml

from agent.configuration.mistakes import Mistake, Place, SettingsError

Path = tuple[str | int, ...]  # keys and places in lists that lead to a value

_TOO_DEEP = "nested too deeply, or a number of thousands of digits; remove what does not belong here"
_REMEDIES = {
    r"Illegal character '\\n'|Found invalid character '\\n'|Unterminated string|Expected [\"']{3,}": (
        "a text in quotes does not end; add the closing quote"
    ),
    r"Unescaped|Invalid hex|Escaped character": (
        "a backslash in \"double quotes\" begins an escape; write / in paths, or use 'single quotes'"
    ),
    r"Illegal character|Found invalid character": "a character that cannot stand here; delete it",
    r"Invalid date": "no such date or time; write it in quotes",
    r"Invalid value": "the value is missing or is none; write text in quotes, a number with a point, true or false",
    r"Expected newline": (
        "something follows the value; text goes in quotes, a number has a point and no comma, a comment begins with #"
    ),
    r"Cannot overwrite|Duplicate inline": "the key is there already; keep one of the two",
    r"Cannot declare|Cannot redefine|Cannot mutate": (
        "this table is there already; keep one of the two, or write [[name]] where there may be several"
    ),
    r"Expected '=' after a key": "a key needs = and a value behind it",
    r"Invalid statement|Invalid initial": "cannot begin like this; begin with a key, a [table] or a # comment",
    r"Expected '\]": "the opening bracket of a table needs its closing one",
    r"Unclosed array": "a list is not closed before this; put commas between its values and ] at its end",
    r"Unclosed inline": "a {...} is not closed on its line; put commas between its keys and } at its end",
}


@dataclass(frozen=True, slots=True)
class TomlText:
    """What a text says; `places` may be extended with values that come from elsewhere."""

    file: str  # as the technician named it
    content: dict[str, Any]
    places: dict[Path, Place]

    def place(self, path: Path) -> Place:
        """Where a value stands; of a value that is missing, the table it is missing in."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(self.file))


def parse(text: str, file: str) -> TomlText:
    """Read a TOML text.

    Raises:
        SettingsError: It is not TOML; the parser finds the first reason only.
    """
    text = text.replace("\r\n", "\n")  # as the parser does, so that its positions are ours
    try:
        root = spanned_toml.loads(text)
    except spanned_toml.TOMLDecodeError as error:
        raise SettingsError([_syntax_mistake(str(error), text, file)]) from error
    except (ValueError, RecursionError) as error:  # int() of too many digits; brackets within brackets
        raise SettingsError([Mistake(Place(file), _TOO_DEEP)]) from error
    spans: dict[Path, slice] = {}
    _collect(root, (), spans)
    offsets = {path: span.start for path, span in spans.items() if span.stop} | _headers(text, root)
    return TomlText(file, root.unspan(), _places(text, file, offsets))


def _syntax_mistake(message: str, text: str, file: str) -> Mistake:
    at = re.search(r"\(at line (\d+), column (\d+)\)$", message)
    line, column = (int(at[1]), int(at[2])) if at else (text.rstrip("\n").count("\n") + 1, None)
    sentence = next((remedy for pattern, remedy in _REMEDIES.items() if re.match(pattern, message)), message)
    return Mistake(Place(file, line, column), sentence)


def _collect(value: Any, path: Path, spans: dict[Path, slice]) -> None:
    """Note the span of each key, and of each value of a list."""
    inner = value.inner()
    if isinstance(inner, dict):
        for key, child in inner.items():
            spans[*path, key.inner()] = key.span()
            _collect(child, (*path, key.inner()), spans)
    elif isinstance(inner, list):
        for i, child in enumerate(inner):
            spans[*path, i] = child.span()
            _collect(child, (*path, i), spans)


def _headers(text: str, root: Any) -> dict[Path, int]:
    """Where each [table] and [[table]] begins, which the parser does not keep."""
    offsets: dict[Path, int] = {}
    seen: Counter[Path] = Counter()
    inside = _multiline_values(root, text)
    for match in re.finditer(r"^[ \t]*(\[.*)$", text, re.MULTILINE):
        if any(start < match.start(1) < stop for start, stop in inside):
            continue  # a line within a list or a long text
        path: Path = ()
        keys = _keys(match[1])
        for depth, key in enumerate(keys, 1):
            path = (*path, key)
            if match[1].startswith("[[") and depth == len(keys):
                seen[path] += 1
            if seen[path]:
                path = (*path, seen[path] - 1)
            offsets.setdefault(path, match.start(1))
    return offsets


def _multiline_values(value: Any, text: str) -> list[tuple[int, int]]:
    """Begin and end of each list, inline table and text that goes over several lines."""
    inner, span = value.inner(), value.span()
    is_document = isinstance(inner, dict) and span.start == 0
    if span.stop and not is_document:
        return [(span.start, span.stop)] if "\n" in text[span] else []
    children = inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ()
    return [found for child in children for found in _multiline_values(child, text)]


@cache  # most headers of a station are [[device.tag]]
def _keys(header: str) -> tuple[str, ...]:
    """The keys of a header line, told by the parser itself: they may be quoted and hold dots."""
    keys: list[str] = []
    table = spanned_toml.loads(header).unspan()
    while table:
        [(key, table)] = table.items()
        keys.append(key)
        table = table[0] if isinstance(table, list) else table
    return tuple(keys)


def _places(text: str, file: str, offsets: dict[Path, int]) -> dict[Path, Place]:
    starts = [0, *(match.end() for match in re.finditer("\n", text))]
    places = {}
    for path, offset in offsets.items():
        line = bisect_right(starts, offset)
        places[path] = Place(file, line, offset - starts[line - 1] + 1)
    return places
