"""Strips of numbers read by NumPy: ten times faster than without, for whoever computes on them anyway."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Vectors:
    """`Arithmetic` on arrays, shape (n,)."""

    def residuals(self, planes: bytes, code: str) -> Any:
        """Integers of a width that lie byte by byte."""
        size = np.dtype(code).itemsize
        mixed = np.frombuffer(planes, np.uint8).reshape(size, -1).T
        return np.ascontiguousarray(mixed).view(f"<i{size}")[:, 0].astype(np.int64)

    def ramp(self, base: int, step: int, count: int) -> Any:
        """Integers that grow by *step*."""
        return base + step * np.arange(count, dtype=np.int64)

    def shifted(self, numbers: Any, base: int) -> Any:
        """Each plus *base*."""
        return numbers + base

    def summed(self, numbers: Any, base: int, step: int) -> Any:
        """*base*, and one more for each of *numbers*: the one before plus *step* plus it."""
        found: NDArray[np.int64] = np.empty(len(numbers) + 1, np.int64)
        found[0] = base
        np.cumsum(numbers + step, out=found[1:])
        found[1:] += base
        return found

    def divided(self, numbers: Any, divisor: float) -> Any:
        """Doubles."""
        return numbers / divisor

    def multiplied(self, numbers: Any, factor: float) -> Any:
        """Doubles."""
        return numbers * factor

    def single(self, numbers: Any) -> Any:
        """Doubles that singles can hold."""
        return numbers.astype(np.float32).astype(np.float64)

    def of_singles(self, bits: Any) -> Any:
        """Doubles, of the bits of singles."""
        return bits.astype(np.int32).view(np.float32).astype(np.float64)

    def of_doubles(self, bits: Any) -> Any:
        """Doubles, of their bits."""
        return bits.view(np.float64)


VECTORS = Vectors()
