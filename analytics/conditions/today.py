"""How today differs from the days that are known: more is drawn of all, and the town is up later or earlier."""

from dataclasses import dataclass
from math import exp
from typing import Final

LEVEL: Final = 5.0  # h within which today being unlike other days is known
FIT: Final = 8.0  # h by which a day shows of which kind it is
ON_TIME: Final = 0.004  # (1/h)², mean square by which flows have to rise and fall before an hour late is believed
LATEST: Final = 1.0  # h


@dataclass(slots=True)
class Today:
    """Today seen as a day of one kind: by what it has more than those, least squares that forget over hours.

    Where a day is late by an hour, as much is missing as those days rise in an hour, and there is more by what they
    fall: `more = level - late * steep`. A burst is more whether they rise or fall.

    Attributes:
        level: Share that it has more.
        late: h, within an hour.
        misfit: Mean square around both.
        steep: Mean of what those days rise, as shares in an hour.
        steeps: Mean square of that.
    """

    level: float = 0.0
    late: float = 0.0
    misfit: float = 0.0
    steep: float = 0.0
    steeps: float = 0.0

    def learn(self, more: float, steep: float, hours: float) -> None:
        """Take in how much more was seen for *hours*, while those days rise by *steep* in an hour.

        >>> late = Today()
        >>> for minute in range(240):  # those days rise for two hours and stay
        ...     late.learn(-0.1 if minute < 120 else 0.0, 0.3 if minute < 120 else 0.0, 1.0 / 60.0)
        >>> round(abs(late.level), 2), round(late.late, 1)
        (0.0, 0.3)
        """
        off = more - self.level + self.late * steep
        self.misfit += (1.0 - exp(-hours / FIT)) * (off**2 - self.misfit)
        share = 1.0 - exp(-hours / LEVEL)
        self.steep += share * (steep - self.steep)
        self.steeps += share * (steep**2 - self.steeps)
        known = self.steeps + ON_TIME
        by_level, by_late = share * off, -share * (steep * off + ON_TIME * self.late)
        rest = known - self.steep**2
        self.level += (known * by_level + self.steep * by_late) / rest
        self.late = min(max(self.late + (self.steep * by_level + by_late) / rest, -LATEST), LATEST)
