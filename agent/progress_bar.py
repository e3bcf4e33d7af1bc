"""A line on the terminal that shows how far something is, and when it will be done; nothing where nobody looks."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

WIDTH = 30  # characters
EVERY = 0.1  # s


@contextmanager
def progress_bar(name: str) -> Iterator[Callable[[float], None]]:
    """What takes the share that is done, 0 to 1, as often as one likes."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    began, shown = time.monotonic(), 0.0

    def show(share: float) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= EVERY or share >= 1:
            shown = now
            sys.stderr.write("\r" + bar(name, share, now - began))
            sys.stderr.flush()

    try:
        yield show
    finally:
        if shown:
            sys.stderr.write("\n")


def bar(name: str, share: float, took: float) -> str:
    """The line, after *took* seconds.

    >>> bar("week.csv", 0.25, 10.0)
    'week.csv [=======                       ]  25%  30 s left '
    """
    full = int(WIDTH * share)
    left = f"{took / share - took:.0f} s left " if 0 < share < 1 else f"{took:.0f} s" + " " * 8
    return f"{name} [{'=' * full}{' ' * (WIDTH - full)}] {share:4.0%}  {left}"
