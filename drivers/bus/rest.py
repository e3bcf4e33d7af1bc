"""How long to leave alone whoever does not answer (pure; the clock is an argument)."""

from dataclasses import dataclass

FIRST = 8  # times what asking costs: how long the first rest is
LONGEST = 20  # times that: at the most a tenth of the time is spent on waiting for the dead
LONGEST_AT_LEAST = 30.0  # s; below this nobody gains by asking more often
HASTE = 4  # times the slowest of its latest answers: what is given to one that has failed
SHORTEST = 0.25  # of the time it is given while it answers: no less than this
SLOW_AGAIN = 3  # every third time in a row it is given all of that, since it may have become slow
FORGETTING = 0.98  # of the slowest answer, with each that was quicker


@dataclass(slots=True)
class Rest:
    """The failures of one unit or block, and the pause they have earned.

    The first failures earn none, since a single one is mostly noise. After them the pause doubles, up to a bound.

    >>> rest = Rest()
    >>> [rest.fail(0.0, cost=1.0, fact="is silent") or rest.until for _ in range(6)]
    [0.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    """

    spared: int = 1  # failures that earn no pause
    longest: float = LONGEST_AT_LEAST  # s, that the pause may grow to at least
    failures: int = 0  # in a row
    until: float = 0.0  # s, when it may be asked again
    fact: str = ""  # what was wrong the first time: later it is given less time to answer

    def fail(self, now: float, *, cost: float, fact: str) -> None:
        """It was asked in vain, which took *cost* s."""
        self.failures += 1
        self.fact = self.fact or fact
        if self.is_given_up:
            bound = max(LONGEST * cost, self.longest)
            self.until = now + min(bound, FIRST * cost * 2 ** min(self.failures - self.spared - 1, 16))

    @property
    def is_given_up(self) -> bool:
        """Whether it has failed more often than it may."""
        return self.failures > self.spared

    def is_over(self, now: float) -> bool:
        """Whether it may be asked."""
        return now >= self.until


@dataclass(slots=True)
class Pace:
    """How quick a unit is, by its latest answers.

    >>> pace = Pace()
    >>> pace.patience(1.0, failures=1)
    1.0
    >>> pace.hear(0.02)
    >>> [pace.patience(1.0, failures=failures) for failures in range(5)]
    [1.0, 0.25, 0.25, 1.0, 0.25]
    """

    slowest: float | None = None  # s, of its latest answers; None where it has given none

    def hear(self, took: float) -> None:
        """It has answered."""
        self.slowest = took if self.slowest is None else max(took, FORGETTING * self.slowest)

    def patience(self, given: float, *, failures: int) -> float:
        """How long to wait for it, s: less than it is given where it has just failed, since others wait meanwhile."""
        if self.slowest is None or failures % SLOW_AGAIN == 0:
            return given
        return min(given, max(HASTE * self.slowest, SHORTEST * given))
