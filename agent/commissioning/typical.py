"""Where values of a unit lie in a pump station, for who has nothing better to hold a register against (pure)."""

from agent.units import UnitError, unit_of

Range = tuple[float, float]

# In the plant's own units, and wide: from a village's well to a city's waterworks.
_BY_QUANTITY: dict[str, Range] = {
    "flow": (0, 20_000),  # m3/h
    "head": (-10, 300),  # m: suction below the atmosphere, pressure classes up to PN 25
    "power": (-50, 3_000),  # kW; meters of standing pumps hover about 0
    "energy": (0, 1e8),  # kWh
    "volume": (0, 1e9),  # m3
    "frequency": (0, 70),  # Hz: mains and drives
    "speed": (0, 4_000),  # rpm: two poles, a little above the mains
    "temperature": (-40, 150),  # degC: ambient air to windings
}
_IN_ITSELF: dict[str, Range] = {
    "1": (-1.2, 1.2),  # power factors, relative speed
    "%": (-10, 120),
    "A": (0, 1_500),
    "mA": (0, 25),
    "kA": (0, 5),
    "V": (0, 15_000),
    "kV": (0, 40),
    "kvar": (-1_000, 2_000),
    "kVA": (0, 3_000),
    "mm/s": (0, 50),
    "um": (0, 500),
    "pH": (0, 14),
    "NTU": (0, 1_000),
    "mg/l": (0, 50),
    "uS/cm": (0, 5_000),
    "h": (0, 500_000),
}
_BY_UNIT = {unit_of(name, ""): found for name, found in _IN_ITSELF.items()}


def typical_range(unit: str) -> Range | None:
    """The range of values one meets in a unit, in that unit; None where it says too little."""
    try:
        known = unit_of(unit, "")
    except UnitError:
        return None
    if (found := _BY_UNIT.get(known)) is not None:
        return found
    if known.quantity not in _BY_QUANTITY:
        return None
    low, high = (known.revert(float(bound)) for bound in _BY_QUANTITY[known.quantity])
    return low, high
