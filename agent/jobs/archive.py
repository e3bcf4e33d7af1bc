"""A job's state with arrays in it, as bytes: a NumPy archive (npz, nothing pickled) with a JSON object as `meta`."""

import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What reading raises where a bit of it has rotted.
ROTTEN = (ValueError, KeyError, EOFError, OSError, RuntimeError, zipfile.BadZipFile, zlib.error)

Arrays = dict[str, NDArray[Any]]


def packed(meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> bytes:
    """The bytes of *meta*, which is plain and finite, and *arrays*, none of them called ``meta``."""
    text = json.dumps(meta, allow_nan=False).encode()
    archive = io.BytesIO()
    np.savez_compressed(archive, allow_pickle=False, **{**arrays, "meta": np.frombuffer(text, np.uint8)})
    return archive.getvalue()


def unpacked(state: bytes | None) -> tuple[dict[str, Any], Arrays] | None:
    """What was packed; None where there is nothing, or nothing that can be read."""
    if not state:
        return None
    try:
        with np.load(io.BytesIO(state), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        meta: dict[str, Any] = json.loads(arrays.pop("meta").tobytes())
    except ROTTEN:
        return None
    return (meta, arrays) if isinstance(meta, dict) else None
