"""What would change an advice: the flows beyond which another set of pumps would be the best."""

from collections.abc import Iterator

from analytics.dispatch.duty import Dispatch, Infeasible
from analytics.dispatch.operation import listed
from analytics.dispatch.proposal import Search

_STEPS = (0.05, 0.1, 0.15, 0.2, 0.3)  # shares of the flow, on either side, at which the solver is asked again
_HALVINGS = 3  # between the last flow of the same set and the first of another one


def turning(search: Search, chosen: Dispatch) -> tuple[str, ...]:
    """At most one sentence for less and one for more flow; none where the set stays the same within 30 %.

    Pumps without drives deliver what they deliver: that no set has just a little less or more says nothing of limits.

    Args:
        search: Pumps and limits.
        chosen: The best way now.
    """
    candidates = search.candidates(0.0)
    best = frozenset(duty.id for duty in chosen.duties)
    follows = any(each.is_variable and each.pump in best for each in search.limits)

    def other(share: float) -> frozenset[str] | Infeasible | None:
        """Who would be the best at that share of the flow; None where it is the same set."""
        found = search.cheapest(candidates, share)
        who = found if isinstance(found, Infeasible) else frozenset(duty.id for duty in found.dispatch.duties)
        return None if who == best else who

    def first(side: int) -> Iterator[tuple[float, frozenset[str] | Infeasible]]:
        near = 1.0
        for step in _STEPS:
            far = 1.0 + side * step
            if (found := other(far)) is None:
                near = far
                continue
            for _ in range(_HALVINGS):
                middle = (near + far) / 2
                between = other(middle)
                near, far, found = (middle, far, found) if between is None else (near, middle, between)
            yield far, found
            return

    return tuple(
        _said(share * search.demand().usual, found, word)
        for side, word in ((-1, "Below"), (1, "Above"))
        for share, found in first(side)
        if follows or not isinstance(found, Infeasible)
    )


def _said(flow: float, found: frozenset[str] | Infeasible, word: str) -> str:
    if isinstance(found, Infeasible):
        return f"{word} about {flow:.0f} m³/h no set of pumps keeps all limits."
    names = listed(sorted(found))
    return f"{word} about {flow:.0f} m³/h {names}{' alone' if len(found) == 1 else ''} would be cheapest."
