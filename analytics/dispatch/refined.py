"""A general optimiser beside the exact solver: it may find another set, and is believed where that is cheaper."""

from collections.abc import Collection, Sequence
from dataclasses import replace

from analytics.dispatch.demand import Demand
from analytics.dispatch.duty import Dispatch
from analytics.dispatch.metaheuristics import Landscape, Method, search
from analytics.dispatch.pump import Candidate
from analytics.dispatch.solve import solve


def refined(
    candidates: Sequence[Candidate],
    demand: Demand,
    exact: Dispatch,
    method: Method,
    *,
    seed: int,
    apart: Collection[frozenset[str]] = (),
) -> Dispatch:
    """The set that *method* finds from the *exact* answer on, settled exactly itself; *exact* where it is no cheaper.

    Args:
        candidates: The pumps.
        demand: Flow and head to serve.
        exact: What is to be beaten.
        method: How.
        seed: Of its dice.
        apart: Sets that do not serve it; *exact* is none of them.
    """
    landscape = Landscape(candidates, demand)
    found = search(landscape, method, seed=seed, start=landscape.vector(exact))
    runs = frozenset(name for name, _, _ in found.duties)
    if runs in {*apart, frozenset(duty.id for duty in exact.duties)}:
        return exact
    settled = solve(
        [replace(each, lock="must run" if each.id in runs else "must not run") for each in candidates], demand
    )
    if not isinstance(settled, Dispatch) or settled.cost >= exact.cost:
        return exact
    return replace(settled, bound=min(settled.bound, exact.bound))
