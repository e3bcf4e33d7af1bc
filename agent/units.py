"""Units as sites write them, and the one way each of them becomes the plant's own."""

import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, Protocol, TypeVar

Quantity = Literal["flow", "head", "power", "energy", "volume", "frequency", "speed", "temperature", "other"]


class _Scalable(Protocol):
    """A number or an array of them; the configuration is read without NumPy."""

    def __mul__(self, other: float, /) -> Any: ...
    def __sub__(self, other: float, /) -> Any: ...


Number = TypeVar("Number", bound=_Scalable)


class UnitError(ValueError):
    """A unit nobody here knows; a person must correct the configuration."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a unit measures and how a value in it becomes a value in `symbol`: ``value * factor + offset``."""

    quantity: Quantity
    symbol: str  # the plant's own unit of the quantity
    factor: float = 1.0
    offset: float = 0.0

    def convert(self, value: Number) -> Number:
        """The value in the plant's unit."""
        converted: Number = value * self.factor + self.offset
        return converted

    def revert(self, value: Number) -> Number:
        """The value in the site's unit."""
        reverted: Number = (value - self.offset) / self.factor
        return reverted

    @property
    def hours(self) -> float | None:
        """Hours that one of it is; None where it is no time."""
        return _HOURS.get(self.symbol)

    def convert_difference(self, value: Number) -> Number:
        """A difference of two values, or a standard deviation, in the plant's unit."""
        converted: Number = value * abs(self.factor)
        return converted


# Metre of water by convention: 1000 kg/m³ at 9.80665 m/s² (ISO 80000-4), so that head times 9.80665 is kPa again.
_KPA = 1 / 9.80665
_GALLON = 3.785411784e-3  # m³, US; the imperial one is 4.54609e-3
_FOOT = 0.3048  # m
_FLOW = {
    "m3/h": 1.0,
    "m3/hr": 1.0,
    "cmh": 1.0,
    "m3/s": 3600.0,
    "m3/min": 60.0,
    "m3/d": 1 / 24,
    "m3/day": 1 / 24,
    "l/s": 3.6,
    "lps": 3.6,
    "l/min": 0.06,
    "lpm": 0.06,
    "l/h": 1e-3,
    "ml/d": 1000 / 24,  # megalitre a day, as water works write it; nobody measures millilitres a day
    "gpm": 60 * _GALLON,
    "usgpm": 60 * _GALLON,
    "gal/min": 60 * _GALLON,
    "igpm": 60 * 4.54609e-3,
    "mgd": 1e6 * _GALLON / 24,
    "cfs": 3600 * _FOOT**3,
    "ft3/s": 3600 * _FOOT**3,
}
_HEAD = {
    "Pa": 1e-3 * _KPA,
    "hPa": 0.1 * _KPA,
    "kPa": _KPA,
    "MPa": 1e3 * _KPA,
    "bar": 100 * _KPA,
    "mbar": 0.1 * _KPA,
    "psi": 6.894757293168 * _KPA,
    "psig": 6.894757293168 * _KPA,
    "atm": 101.325 * _KPA,
    "kgf/cm2": 10.0,
    "kg/cm2": 10.0,
    "at": 10.0,
    "mmHg": 0.133322387415 * _KPA,
    "mH2O": 1.0,
    "mWS": 1.0,
    "mWC": 1.0,
    "mca": 1.0,
    "cmH2O": 0.01,
    "mmH2O": 1e-3,
    "m": 1.0,
    "cm": 0.01,
    "mm": 1e-3,
    "ft": _FOOT,
    "in": _FOOT / 12,
}
_POWER = {"W": 1e-3, "kW": 1.0, "MW": 1e3, "hp": 0.74569987158227}
_ENERGY = {"Wh": 1e-3, "kWh": 1.0, "MWh": 1e3, "GWh": 1e6, "kJ": 1 / 3600, "MJ": 1 / 3.6}
_VOLUME = {"m3": 1.0, "l": 1e-3, "hl": 0.1, "gal": _GALLON, "ft3": _FOOT**3}
# Kept as they are: relative speed is the value over the pump's rated_speed, whichever of these both are in.
_FREQUENCY = ("Hz",)
_SPEED = ("rpm", "1/min", "r/min", "min-1", "rad/s", "U/min")
_HOURS = {"h": 1.0, "min": 1 / 60, "s": 1 / 3600, "ms": 1 / 3_600_000, "d": 24.0}  # kept as they are, too
_OTHER = (
    *("", "1", "-", "%", "ppm", "pcs", *_HOURS),
    *("A", "V", "var", "kvar", "Mvar", "kVA", "kvarh", "kVAh", "Ohm", "kOhm"),
    *("m/s", "mm/s", "um", "m/s2", "g", "kg", "t", "N", "kN", "Nm", "kg/m3", "dB", "deg"),
    *("mg/l", "ug/l", "g/l", "NTU", "FNU", "pH", "uS/cm", "mS/cm"),
)

# What power is checked by; a motor's current in A tells whether it runs.
_ELECTRICAL = {
    "mA": ("A", 1e-3),
    "kA": ("A", 1e3),
    "mV": ("V", 1e-3),
    "kV": ("V", 1e3),
    "VA": ("kVA", 1e-3),
    "MVA": ("kVA", 1e3),
}


def _table() -> dict[str, Unit]:
    table = {name: Unit("other", name) for name in _OTHER}
    table |= {name: Unit("other", symbol, factor) for name, (symbol, factor) in _ELECTRICAL.items()}
    table |= {name: Unit("flow", "m3/h", factor) for name, factor in _FLOW.items()}
    table |= {name: Unit("head", "m", factor) for name, factor in _HEAD.items()}
    table |= {name: Unit("power", "kW", factor) for name, factor in _POWER.items()}
    table |= {name: Unit("energy", "kWh", factor) for name, factor in _ENERGY.items()}
    table |= {name: Unit("volume", "m3", factor) for name, factor in _VOLUME.items()}
    table |= {name: Unit("frequency", name) for name in _FREQUENCY}
    table |= {name: Unit("speed", name) for name in _SPEED}
    table |= {name: Unit("temperature", "degC") for name in ("degC", "°C", "C")}
    table |= {name: Unit("temperature", "degC", 5 / 9, -160 / 9) for name in ("degF", "°F")}
    table["K"] = Unit("temperature", "degC", 1.0, -273.15)
    return table


_UNITS = _table()
_FOLDED = {name.casefold(): unit for name, unit in _UNITS.items()}
# A small m would be milli and a capital one mega, a factor of a thousand million; here the case is not ours to guess.
_MEGA = frozenset(name.casefold() for name in _UNITS if name.startswith("M"))


def unit_of(text: str, tag: str) -> Unit:
    """The unit a site writes as *text*; superscripts, spaces and unambiguous capitals do not matter.

    Raises:
        UnitError: It is not known.

    >>> unit_of("m³/h", "p1.flow").quantity, round(unit_of("MPa", "p1.pressure").convert(0.4903325), 6)
    ('flow', 50.0)
    """
    plain = _plain(text)
    if plain in _UNITS:
        return _UNITS[plain]
    folded = plain.casefold()
    if folded in _MEGA and not plain.startswith("M"):
        raise UnitError(f'tag "{tag}" has the unit "{text}", which could be milli or mega; write it with a capital M')
    if folded in _FOLDED:
        return _FOLDED[folded]
    raise UnitError(f'tag "{tag}" has the unit "{text}", which is not known; write one such as m3/h, bar, kW or degC')


@lru_cache(1_024)
def _plain(text: str) -> str:
    """One spelling: compatibility forms (³, ℃, µ) unfolded, spaces, dots and powers' signs left out."""
    unfolded = unicodedata.normalize("NFKC", text)
    for written, plain in (("μ", "u"), ("Ω", "Ohm"), ("\N{MINUS SIGN}", "-"), ("^", ""), ("**", ""), ("·", "")):
        unfolded = unfolded.replace(written, plain)
    return "".join(unfolded.split())
