"""What a pump's own flow meter has taught, kept from run to run: running sums, and a sample for other methods."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from analytics.curves.methods.candidates import summed
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.methods.duty import DutyPoints
from analytics.curves.methods.incremental import IncrementalCurve
from analytics.curves.methods.memory import Memory
from analytics.curves.methods.sample import FlowSample
from analytics.curves.methods.speed import SpeedLaw

CAPACITY = 400  # points of the sample, on which methods are compared: five fits of each
MEMORY = 4_000.0  # points after which one weighs 1/e of a new one, 17 hours of running: pumps wear
Times = NDArray[np.int64]


class OwnMeter:
    """Duty points of one pump, each taken once: the cost of one is the same however many came before.

    Points come in the order of time. Older ones than were seen, of a history that is imported newest first, teach
    only while there are fewer than `MEMORY`: after that they would be taken for news.

    Args:
        law: What a duty at another speed looks like at rated speed.
    """

    def __init__(self, law: SpeedLaw | None = None) -> None:
        self._law = law or SpeedLaw()
        self._sample = FlowSample(CAPACITY, MEMORY)
        self._kept: dict[str, Memory] = {}
        self._sheet = ""
        self._newest_ms = 0

    @property
    def law(self) -> SpeedLaw:
        """What a duty at another speed looks like at rated speed."""
        return self._law

    @property
    def points(self) -> DutyPoints:
        """The sample."""
        return self._sample.points

    @property
    def seen(self) -> int:
        """Points ever taken."""
        return self._sample.seen

    @property
    def newest_ms(self) -> int:
        """Of the newest of them."""
        return self._newest_ms

    def update(self, times_ms: Times, points: DutyPoints, sheet: Catalogue | None = None) -> None:
        """Learn from *points* at *times_ms*, of a pump with this data *sheet*."""
        order = np.argsort(times_ms, kind="stable")
        if self.seen >= MEMORY:
            order = order[times_ms[order] > self._newest_ms]
        if len(order) == 0:
            return
        self._newest_ms = max(self._newest_ms, int(times_ms[order[-1]]))
        points = points.take(order)
        curves = self.curves(sheet)
        self._sample.add(points)
        for name, curve in curves.items():
            curve.update(points)
            self._kept[name] = curve.kept

    def curves(self, sheet: Catalogue | None = None) -> dict[str, IncrementalCurve]:
        """Those of running sums, by method, as they are now; of a *sheet* that is new begun from the sample."""
        digest = _digest(sheet)
        if digest != self._sheet:
            self._kept.pop("catalogue", None)
            self._sheet = digest
        found = {}
        for name, make in summed(sheet, law=self._law, memory=MEMORY).items():
            found[name] = make(kept=self._kept.get(name))
            if name not in self._kept:
                found[name].update(self.points)
                self._kept[name] = found[name].kept
        return found

    def arrays(self) -> dict[str, NDArray[Any]]:
        """The state, but for its `meta`."""
        parts = {"sample": self._sample.arrays()} | {name: kept.arrays() for name, kept in self._kept.items()}
        return {f"{part}.{name}": values for part, arrays in parts.items() for name, values in arrays.items()}

    @property
    def meta(self) -> dict[str, Any]:
        """The rest of the state, plain."""
        return {
            "newest_ms": self._newest_ms,
            "sheet": self._sheet,
            "sums": list(self._kept),
            "exponent": self._law.exponent,
        }

    @classmethod
    def of(cls, meta: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], law: SpeedLaw | None = None) -> Self:
        """The inverse of `meta` and `arrays`; with another *law* than then the sums begin anew from the sample.

        Raises:
            ValueError: They are no such state.
            KeyError: Something is missing.
        """

        def part(of: str) -> dict[str, NDArray[Any]]:
            return {name.removeprefix(f"{of}."): each for name, each in arrays.items() if name.startswith(f"{of}.")}

        found = cls(law)
        found._sample = FlowSample.of(part("sample"), CAPACITY, MEMORY)
        if meta.get("exponent", SpeedLaw().exponent) == found.law.exponent:
            found._kept = {name: Memory.of(part(name), MEMORY) for name in meta["sums"]}
        found._sheet, found._newest_ms = str(meta["sheet"]), int(meta["newest_ms"])
        return found


def _digest(sheet: Catalogue | None) -> str:
    """Of what it says; empty where there is none."""
    if sheet is None:
        return ""
    columns = [sheet.flow, sheet.head, *([] if sheet.power is None else [sheet.power])]
    return sha256(np.concatenate(columns).tobytes()).hexdigest()[:16]
