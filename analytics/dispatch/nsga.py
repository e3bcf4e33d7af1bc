"""NSGA-II (Deb, Pratap, Agarwal and Meyarivan, 2002): many objectives and limits at once, vectors in the unit cube.

Written here and not taken from pymoo, whose dependencies (LGPL moocore, matplotlib, autograd and others) outweigh it.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.dispatch.pump import Array

_CROSSING, _MUTATING = 15.0, 20.0  # distribution indices: the higher, the nearer children are to their parents
_CROSSED = 0.9  # share of parents that are crossed
_EXACT = 1e-12

Ranks = NDArray[np.intp]


class Judged(NamedTuple):
    """What k vectors are worth."""

    objectives: Array  # (k, m), all to be as small as possible
    violation: Array  # (k,) share by which the worst limit is missed; 0: none is


def nsga2(
    judge: Callable[[Array], Judged], population: Array, rng: np.random.Generator, generations: int
) -> tuple[Array, Judged]:
    """The population (k, n) after *generations*, and what it is worth."""
    judged = judge(population)
    for _ in range(generations):
        rank, crowd = _ranked(judged)
        children = _children(population, rank, crowd, rng)
        born = judge(children)
        together = np.concatenate([population, children])
        judged = Judged(*(np.concatenate(pair) for pair in zip(judged, born, strict=True)))
        rank, crowd = _ranked(judged)
        kept = np.lexsort((-crowd, rank))[: len(population)]
        population, judged = together[kept], Judged(judged.objectives[kept], judged.violation[kept])
    return population, judged


def nondominated(judged: Judged) -> NDArray[np.bool_]:
    """Which of k vectors no other dominates, shape (k,); of equal ones all."""
    return ~np.asarray(_dominates(judged).any(axis=0))


def _dominates(judged: Judged) -> NDArray[np.bool_]:
    """Whether one (row) dominates the other (column): the lesser violation does, then no worse and somewhere better."""
    values, missed = judged.objectives, np.maximum(judged.violation, 0.0)
    no_worse = (values[:, None] <= values[None]).all(axis=2)
    better = (values[:, None] < values[None]).any(axis=2)
    less, same = missed[:, None] < missed - _EXACT, np.abs(missed[:, None] - missed) <= _EXACT
    return np.asarray(less | (same & no_worse & better))


def _ranked(judged: Judged) -> tuple[Ranks, Array]:
    """The front that each is in, 0 the first, and how far its neighbours in that front are, both (k,)."""
    over = _dominates(judged)
    left = over.sum(axis=0)
    rank = np.full(len(left), -1)
    crowd = np.empty(len(left))
    front = 0
    while (rank < 0).any():
        here = np.flatnonzero((left == 0) & (rank < 0))
        rank[here] = front
        crowd[here] = _crowding(judged.objectives[here])
        left = left - over[here].sum(axis=0)
        front += 1
    return rank, crowd


def _crowding(values: Array) -> Array:
    found = np.zeros(len(values))
    for column in values.T:
        order = np.argsort(column, kind="stable")
        span = float(column[order[-1]] - column[order[0]])
        found[order[[0, -1]]] = np.inf
        if span > 0:
            found[order[1:-1]] += (column[order[2:]] - column[order[:-2]]) / span
    return found


def _children(population: Array, rank: Ranks, crowd: Array, rng: np.random.Generator) -> Array:
    """As many children: tournaments of two, simulated binary crossover, polynomial mutation."""
    count, size = population.shape
    first, second = (_winners(rank, crowd, rng) for _ in range(2))
    chance = rng.random((count, size))
    spread = np.where(chance < 0.5, 2 * chance, 1 / (2 - 2 * chance)) ** (1 / (_CROSSING + 1))  # noqa: PLR2004 - half
    spread = np.where(rng.random((count, 1)) < _CROSSED, spread, 1.0)
    swapped = rng.random((count, size)) < 0.5  # noqa: PLR2004 - as often as not
    one, other = population[first], population[second]
    sign = np.where(swapped, -1.0, 1.0)
    children = (one + other + sign * spread * (one - other)) / 2
    chance = rng.random((count, size))
    power = 1 / (_MUTATING + 1)
    shift = np.where(chance < 0.5, (2 * chance) ** power - 1, 1 - (2 - 2 * chance) ** power)  # noqa: PLR2004 - half
    children += np.where(rng.random((count, size)) < 1 / size, shift, 0.0)
    return np.asarray(np.clip(children, 0.0, 1.0))


def _winners(rank: Ranks, crowd: Array, rng: np.random.Generator) -> Ranks:
    one, other = rng.integers(len(rank), size=(2, len(rank)))
    wins = (rank[one] < rank[other]) | ((rank[one] == rank[other]) & (crowd[one] > crowd[other]))
    return np.asarray(np.where(wins, one, other), np.intp)
