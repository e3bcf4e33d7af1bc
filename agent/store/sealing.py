"""Making a block of the log small: rows in, strips out; with NumPy, so for the worker only."""

import json
import zlib
from collections.abc import Sequence
from operator import itemgetter

import numpy as np
from numpy.typing import NDArray

from agent.store.sealed import INTEGER, NOTHING, REAL, TEXT, SealedBlock, SealedChunk
from agent.store.stripping import strip_of_integers, strip_of_reals
from agent.store.zones import Stored

TYPES = {float: REAL, int: INTEGER, str: TEXT, type(None): NOTHING}

_id, _tag, _time, _value = map(itemgetter, range(4))


def sealed(rows: Sequence[Stored], *, imported: int) -> SealedBlock:
    """The block that takes the place of *rows*, consecutive ones in the log's order, at least one."""
    ids = np.fromiter(map(_id, rows), np.int64, len(rows))
    times_ms = np.fromiter(map(_time, rows), np.int64, len(rows))
    tags = np.fromiter(map(_tag, rows), np.int64, len(rows))
    order = np.argsort(tags, kind="stable")
    parts = np.split(order, 1 + np.flatnonzero(np.diff(tags[order])))
    shared = _Strips()
    chunks = [_chunk([rows[place] for place in part.tolist()], ids[part], times_ms[part], shared) for part in parts]
    return SealedBlock(
        rows[0][0], rows[-1][0], int(times_ms.min()), int(times_ms.max()), imported, len(rows), shared.strips, chunks
    )


class _Strips:
    """Strips that chunks share: each different one once."""

    def __init__(self) -> None:
        self.strips: list[bytes] = []
        self._places: dict[bytes, int] = {}

    def place(self, numbers: NDArray[np.int64]) -> int:
        """The place of the strip of *numbers*; tags that are polled together ask for the same one."""
        content = numbers.tobytes()
        if content not in self._places:
            self._places[content] = len(self.strips)
            self.strips.append(strip_of_integers(numbers))
        return self._places[content]


def _chunk(rows: list[Stored], ids: NDArray[np.int64], times_ms: NDArray[np.int64], shared: _Strips) -> SealedChunk:
    values = list(map(_value, rows))
    types = list(map(TYPES.__getitem__, map(type, values)))
    of_each = list(zip(types, [row[4] for row in rows], [row[5] for row in rows], strict=True))
    kinds = list(dict.fromkeys(of_each))
    places = {kind: place for place, kind in enumerate(kinds)}
    floats = [value for value in values if isinstance(value, float)]
    whole = [value for value in values if isinstance(value, int)]
    texts = [value for value in values if isinstance(value, str)]
    return SealedChunk(
        tag=rows[0][1],
        first=int(ids[0]),
        times=shared.place(times_ms),
        ids=shared.place(ids - ids[0]),
        min_ms=int(times_ms.min()),
        max_ms=int(times_ms.max()),
        rows=len(rows),
        kinds=json.dumps(kinds, separators=(",", ":")),
        codes=strip_of_integers(np.array([places[kind] for kind in of_each])) if len(kinds) > 1 else None,
        reals=strip_of_reals(np.array(floats)) if floats else None,
        integers=strip_of_integers(np.array(whole, np.int64)) if whole else None,
        texts=zlib.compress(json.dumps(texts).encode(), 9) if texts else None,
    )
