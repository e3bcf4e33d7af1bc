"""What a sealed value takes beside other encodings; run as ``python -m tests.benchmarks.chunks``.

The real station's hour, its devices polled every second with times jittered by 20 ms either way. pcodec and
zstandard are compared where they are installed (``pip install pcodec zstandard``); the product needs neither.
"""

import importlib
import lzma
import time
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.store.stripping import strip_of_integers, strip_of_reals
from agent.store.strips import SLOW, reals
from agent.store.vectors import VECTORS
from tests.benchmarks.station import HOUR, JITTER_MS, START, station

Codec = tuple[Callable[[NDArray[Any]], bytes], Callable[[bytes], object]]


def codecs() -> dict[str, Codec]:
    """Other ways to write a column of doubles."""
    found: dict[str, Codec] = {
        "ours (decimals, planes, zlib)": (strip_of_reals, lambda x: reals(x, VECTORS)),
        "ours, read without NumPy": (strip_of_reals, lambda x: reals(x, SLOW)),
        "bit differences, zlib 9": (lambda x: zlib.compress(_differences(x), 9), zlib.decompress),
        "bit differences, lzma": (lambda x: lzma.compress(_differences(x)), lzma.decompress),
    }
    try:
        pcodec = importlib.import_module("pcodec")
        simple: Any = importlib.import_module("pcodec.standalone")
        found["pcodec"] = (lambda x: simple.simple_compress(x, pcodec.ChunkConfig()), simple.simple_decompress)
        zstandard = importlib.import_module("zstandard")
        found["bit differences, zstd 19"] = (
            lambda x: zstandard.ZstdCompressor(19).compress(_differences(x)),
            lambda x: zstandard.ZstdDecompressor().decompress(x),
        )
    except ImportError as error:
        print(f"not compared: {error}")
    return found


def _differences(numbers: NDArray[Any]) -> bytes:
    bits = numbers.view(np.int64)
    return np.ascontiguousarray(np.diff(bits, prepend=0).view(np.uint8).reshape(-1, 8).T).tobytes()


def encodings(values: dict[str, NDArray[np.float64]]) -> None:
    """Print what each encoding makes of the values, as they are and as single precision makes them."""
    singles = {tag: column.astype(np.float32).astype(np.float64) for tag, column in values.items()}
    count = sum(map(len, values.values()))
    for name, (pack, unpack) in codecs().items():
        for what, given in (("doubles", values), ("float32", singles)):
            began = time.process_time()
            packed = [pack(column) for column in given.values()]
            between = time.process_time()
            for one in packed:
                unpack(one)
            took, back = between - began, time.process_time() - between
            size = sum(map(len, packed)) / count
            cost = f"{1e9 * took / count:5.0f} ns in, {1e9 * back / count:4.0f} out"
            print(f"{name:30} {what}: {size:.3f} bytes a value, {cost}")
    times = START + 1_000 * np.arange(3_600) + np.random.default_rng(1).integers(-JITTER_MS, JITTER_MS + 1, 3_600)
    print(
        f"a strip of jittered times: {len(strip_of_integers(times)) / 3_600:.2f} bytes a time; a device's tags share it"
    )


def main() -> None:
    """Print a line for each encoding."""
    if not HOUR.exists():
        print(f"{HOUR} is missing; there is nothing to measure with")
        return
    encodings(station())


if __name__ == "__main__":
    main()
