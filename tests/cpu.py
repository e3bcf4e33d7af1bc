"""What work costs a processor, on a machine that has other work too."""

import time
from collections.abc import Callable

TRIES = 5


def least_seconds(work: Callable[[], object]) -> float:
    """The least CPU time of some tries, s: others on the machine make each dearer, by twice and more at times."""
    took = []
    for _ in range(TRIES):
        began = time.thread_time()
        work()
        took.append(time.thread_time() - began)
    return min(took)
