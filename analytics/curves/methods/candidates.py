"""The methods that take part in a choice, in the order of what they know of pumps."""

from collections.abc import Callable
from functools import partial

from analytics.curves.methods.belief import Nothing, PumpsInGeneral
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.methods.duty import CurveMethod
from analytics.curves.methods.incremental import IncrementalCurve
from analytics.curves.methods.sample import KINDS
from analytics.curves.methods.speed import SpeedLaw


def candidates(
    catalogue: Catalogue | None = None,
    *,
    law: SpeedLaw | None = None,
    memory: float | None = None,
    learners: bool = True,
) -> dict[str, Callable[[], CurveMethod]]:
    """Makers of fresh methods by name.

    Args:
        catalogue: The maker's curves, where they are known.
        law: What a duty at another speed looks like at rated speed.
        memory: Readings after which one weighs 1/e of a new one; None: none is forgotten.
        learners: Whether those that know no pumps take part; they cost a hundred times as much.
    """
    found: dict[str, Callable[[], CurveMethod]] = dict(summed(catalogue, law=law, memory=memory))
    if learners:
        from analytics.curves.methods.learners import SampledCurve  # noqa: PLC0415 - scikit-learn takes 60 MB

        found |= {kind: partial(SampledCurve, kind, law=law, memory=memory) for kind in KINDS}
    return found


def summed(
    catalogue: Catalogue | None = None, *, law: SpeedLaw | None = None, memory: float | None = None
) -> dict[str, partial[IncrementalCurve]]:
    """Makers of those that keep running sums."""
    found: dict[str, partial[IncrementalCurve]] = {}
    if catalogue is not None:
        found["catalogue"] = partial(IncrementalCurve, "catalogue", catalogue, law=law, memory=memory)
    found["physics"] = partial(IncrementalCurve, "physics", PumpsInGeneral(), law=law, memory=memory)
    cubic = partial(IncrementalCurve, "polynomial", Nothing(3), is_physical=False, law=law, memory=memory)
    return found | {"polynomial": cubic}
