"""How long a condition must hold before it counts, and how long it must be gone."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from analytics.conditions.sight import Kind, Suspicion

MINUTE_MS: Final = 60_000

AFTER_MS: Final[Mapping[Kind, int]] = {
    "dry_run": 2 * MINUTE_MS,
    "closed_valve": 2 * MINUTE_MS,
    "reverse_flow": 2 * MINUTE_MS,
    "cavitation": 5 * MINUTE_MS,
    "too_many_starts": 0,
    "blockage": 15 * MINUTE_MS,
    "outside_por": 15 * MINUTE_MS,
    "burst": 5 * MINUTE_MS,  # what is claimed has added up already
    "flow_meter_drift": 15 * MINUTE_MS,
    "head_sensor_drift": 15 * MINUTE_MS,
    # A day of readings stands behind these already.
    "power_meter_drift": 0,
    "wear": 0,
    "sudden_loss": 0,
}
GONE_MS: Final = 2 * MINUTE_MS
SLOW_MS: Final = 5 * MINUTE_MS  # what takes so long has noise around its limits: a short break of it is none
FORGOTTEN_MS: Final = 60 * MINUTE_MS  # nothing was said of it for so long: it is not known any more


@dataclass(slots=True)
class Standing:
    """One suspicion: since when it is claimed without a break, and when that was last so."""

    since_ms: int
    last_ms: int
    is_active: bool = False


@dataclass(slots=True)
class Persistence:
    """All suspicions that are claimed or active. What is not known neither begins nor ends one.

    >>> watch = Persistence()
    >>> dry = Suspicion("dry_run", "p1")
    >>> for at_ms in (0, 60_000, 119_999): watch.update({dry: True}, at_ms)
    >>> watch.active, watch.update({dry: True}, 120_000), watch.active
    ([], None, [Suspicion(kind='dry_run', suspect='p1')])
    """

    standing: dict[Suspicion, Standing] = field(default_factory=dict)

    @property
    def active(self) -> list[Suspicion]:
        """Those that have held for long enough."""
        return [suspicion for suspicion, one in self.standing.items() if one.is_active]

    def update(self, said: Mapping[Suspicion, bool | None], at_ms: int) -> None:
        """Take what a look at *at_ms* says."""
        for suspicion, is_so in said.items():
            one = self.standing.get(suspicion)
            if is_so:
                one = self.standing.setdefault(suspicion, Standing(at_ms, at_ms))
                one.last_ms = at_ms
                one.is_active |= at_ms - one.since_ms >= AFTER_MS[suspicion.kind]
            elif one and is_so is False and at_ms - one.last_ms >= _gone_ms(suspicion, one):
                del self.standing[suspicion]
        for suspicion in [one for one, kept in self.standing.items() if at_ms - kept.last_ms >= FORGOTTEN_MS]:
            del self.standing[suspicion]


def _gone_ms(suspicion: Suspicion, one: Standing) -> int:
    """How long it must be gone."""
    return GONE_MS if one.is_active or AFTER_MS[suspicion.kind] >= SLOW_MS else 0
