"""Several checks over the same tags: which of the tags the rest of the plant speaks against."""

from collections.abc import Iterable
from dataclasses import dataclass

_MARGIN = 0.4  # of votes by which the suspected one must lead


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one check says of the tags it holds against each other, whether they agree or not."""

    check: str
    tags: tuple[str, ...]
    agrees: bool
    reason: str = ""  # why not, as a sentence
    value: float | None = None
    limit: float | None = None
    is_certain: bool = False  # the first tag is wrong, whatever others say
    weight: float = 1.0  # less for a check that much which is wrong passes
    about: str = ""  # the part of the plant; a newer verdict of one check about it takes the older one's place


def suspect(verdict: Verdict, others: Iterable[Verdict]) -> str | None:
    """Which tag of *verdict*, whose tags do not agree, is the wrong one; None where that cannot be told.

    Each tag has a vote against it from every check it takes part in that fails, and one for it from every check that
    agrees; who has most against it, and clearly more than the next, is wrong.

    >>> bad = Verdict("energy_balance", ("p1.energy", "p1.power"), agrees=False)
    >>> suspect(bad, [Verdict("electrical", ("p1.power", "p1.current"), agrees=True)])
    'p1.energy'
    """
    if verdict.is_certain:
        return verdict.tags[0]
    votes = dict.fromkeys(verdict.tags, 0.0)
    for other in others:
        for tag in set(other.tags) & set(votes):
            if other.is_certain and not other.agrees:
                votes[tag] += tag == other.tags[0]
            else:
                votes[tag] += -other.weight if other.agrees else other.weight
    ranked = sorted(votes, key=lambda tag: -votes[tag])
    if len(ranked) == 1:
        return ranked[0]
    return ranked[0] if votes[ranked[0]] - votes[ranked[1]] >= _MARGIN else None
