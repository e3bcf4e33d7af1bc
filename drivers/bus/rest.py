"""How long to leave alone whoever does not answer (pure; the clock is an argument)."""

from dataclasses import dataclass

FIRST = 8  # times what asking costs: how long the first rest is
LONGEST = 20  # times that: at the most a tenth of the time is spent on waiting for the dead
LONGEST_AT_LEAST = 30.0  # s; below this nobody gains by asking more often


@dataclass(slots=True)
class Rest:
    """The failures of one unit or block, and the pause they have earned.

    The first failures earn none, since a single one is mostly noise. After them the pause doubles, up to a bound.

    >>> rest = Rest()
    >>> [rest.fail(0.0, cost=1.0, fact="is silent") or rest.until for _ in range(6)]
    [0.0, 8.0, 16.0, 30.0, 30.0, 30.0]
    """

    spared: int = 1  # failures that earn no pause
    failures: int = 0  # in a row
    until: float = 0.0  # s, when it may be asked again
    fact: str = ""  # what was wrong the last time

    def fail(self, now: float, *, cost: float, fact: str) -> None:
        """It was asked in vain, which took *cost* s."""
        self.failures += 1
        self.fact = fact
        if self.is_given_up:
            bound = max(LONGEST * cost, LONGEST_AT_LEAST)
            self.until = now + min(bound, FIRST * cost * 2 ** min(self.failures - self.spared - 1, 16))

    @property
    def is_given_up(self) -> bool:
        """Whether it has failed more often than it may."""
        return self.failures > self.spared

    def is_over(self, now: float) -> bool:
        """Whether it may be asked."""
        return now >= self.until
