"""What motor and drive lose between the meter and the shaft."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from analytics.hydraulics import Floats

LOADS = np.array([0.05, 0.1, 0.25, 0.5, 0.75, 1.0, 1.25])  # at which an efficiency by its full load is drawn
CONSTANT = 1.0 / 3.0  # share of what a motor loses at full load that is lost at any load; the rest goes as its square
DRIVE = 0.97  # efficiency of a frequency converter that nobody knows
IE3 = (83.7025, 9.2984, -1.8951, 0.0773)  # % over the decimal logarithm of kW: four poles, 50 Hz
LEAST_KW, MOST_KW = 0.75, 200.0  # for which that holds


@dataclass(frozen=True, slots=True, eq=False)
class Losses:
    """The efficiency of motor and drive together, by the load at the shaft.

    Attributes:
        source: "known" from a plate or a sheet, or "estimated" from the rating.
        load: Shaft power, kW, rising, shape (n,).
        efficiency: At each, 0 to 1.
    """

    source: Literal["known", "estimated"]
    load: Floats
    efficiency: Floats

    def drawn(self, shaft: ArrayLike) -> Floats:
        """Electrical power, kW, of a power at the shaft."""
        load = np.asarray(shaft, np.float64)
        return load / np.interp(load, self.load, self.efficiency)

    def at_shaft(self, electrical: ArrayLike) -> Floats:
        """Power at the shaft, kW, of an electrical one: the inverse of `drawn`."""
        power = np.asarray(electrical, np.float64)
        return power * np.interp(power, self.load / self.efficiency, self.efficiency)


def by_load(rated_kw: float, loads: ArrayLike, motor: ArrayLike, drive: float) -> Losses:
    """Of a motor's efficiencies, 0 to 1, at some *loads*, rising shares of the rated power."""
    load = rated_kw * np.asarray(loads, np.float64)
    return Losses("known", load, drive * np.asarray(motor, np.float64))


def by_full_load(rated_kw: float, motor: float, drive: float) -> Losses:
    """Of a motor's efficiency, 0 to 1, at its rated power.

    A third of its losses there is taken to be constant, the rest to go as the square of the load l::

        η(l) = l / (l + (1/η - 1) (1/3 + 2/3 l²))
    """
    lost = (1.0 / motor - 1.0) * (CONSTANT + (1.0 - CONSTANT) * LOADS**2)
    return Losses("known", rated_kw * LOADS, drive * LOADS / (LOADS + lost))


def estimated(rated_kw: float, *, has_drive: bool) -> Losses:
    """Of a motor of which only the rated power is known.

    The least that IEC 60034-30-1:2014 asks of class IE3 at four poles and 50 Hz, and 97 % for a drive.
    """
    z = np.log10(np.clip(rated_kw, LEAST_KW, MOST_KW))
    motor = float(np.polynomial.polynomial.polyval(z, IE3)) / 100.0
    found = by_full_load(rated_kw, motor, DRIVE if has_drive else 1.0)
    return Losses("estimated", found.load, found.efficiency)
