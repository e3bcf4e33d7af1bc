"""Gaps are filled by many small products, in which threads wait for each other longer than they compute."""

from contextlib import AbstractContextManager
from functools import cache

from threadpoolctl import ThreadpoolController


def one_thread() -> AbstractContextManager[object]:
    """While it is open, products of matrices are computed by the calling thread alone.

    Measured on two busy cores: 660 x 41 values times themselves 0.14 ms by one thread, 16 ms of CPU by two.
    """
    limit: AbstractContextManager[object] = _libraries().limit(limits=1, user_api="blas")
    return limit


@cache
def _libraries() -> ThreadpoolController:
    return ThreadpoolController()
