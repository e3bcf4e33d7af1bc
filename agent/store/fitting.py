"""Whether a row of a damaged file is of the types that its table takes: one rotten bit makes a text of a number."""

from collections.abc import Sequence
from math import isfinite
from types import NoneType

Types = tuple[type, ...]

WHOLE, REAL, TEXT, BYTES = (int,), (float,), (str,), (bytes,)
WHOLE_OR_NOT, TEXT_OR_NOT, BYTES_OR_NOT = (int, NoneType), (str, NoneType), (bytes, NoneType)

COLUMNS: dict[str, tuple[Types, ...]] = {
    "tag": (WHOLE, TEXT, TEXT, WHOLE),
    "reason": (WHOLE, TEXT),
    "reading": (WHOLE, WHOLE, WHOLE, (int, float, str, NoneType), WHOLE, WHOLE_OR_NOT),
    "span": (WHOLE, WHOLE, WHOLE, WHOLE, WHOLE),
    "backlog": (TEXT, WHOLE, WHOLE),
    "record": (WHOLE, TEXT, TEXT, WHOLE, BYTES),
    "filled": (WHOLE, WHOLE, REAL, REAL, TEXT, WHOLE),
    "loss": (TEXT, TEXT, WHOLE, WHOLE_OR_NOT, WHOLE_OR_NOT, WHOLE, WHOLE, TEXT_OR_NOT),
    "chunk": (*8 * (WHOLE,), TEXT, *4 * (BYTES_OR_NOT,)),
    "rollup": (*3 * (WHOLE,), *3 * (BYTES,), *6 * (BYTES_OR_NOT,)),
}


def fits(table: str, row: Sequence[object]) -> bool:
    """Whether a whole *row* is what *table* can hold."""
    columns = COLUMNS[table]
    return (
        len(row) == len(columns)
        and all(map(isinstance, row, columns))
        and all(isfinite(one) for one in row if isinstance(one, float))
    )
