"""What a pump's data sheet says, as a person writes it down: points or polynomials, of one speed and one impeller."""

from itertools import pairwise
from typing import Annotated, NamedTuple, Self

from pydantic import Field, model_validator

from drivers.settings import LocalPath, Settings, contradiction

FEWEST = 3  # points of a curve
DRAWN = 12  # points taken of polynomials
LEAST_TRIM, MOST_TRIM = 0.7, 1.1  # of the sheet's diameter; beyond, it is another pump
LEAST_SPEED, MOST_SPEED = 0.3, 3.0  # of the sheet's speed
LIKE = 0.05  # efficiency and power of one point may differ by so much, share
LEAST_TOLD = 0.05  # efficiency from which a power can be told

Flow = Annotated[float, Field(ge=0)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]
Polynomial = tuple[float, ...]


class SheetPoint(NamedTuple):
    """A pump at full speed with the impeller it has: m³/h, m, kW at the shaft, and m; None where it is not given."""

    flow: float
    head: float
    power: float | None
    npsh: float | None


class CatalogueSettings(Settings):
    """A pump's curves as its maker gives them."""

    file: LocalPath | None = None  # CSV with the columns below instead of them, units in its titles
    # m3/h, rising; of polynomials: from where to where they hold
    flow: tuple[Flow, ...] = Field(default=(), examples=[[0, 80, 160, 240]])
    head: tuple[Flow, ...] = Field(default=(), examples=[[52, 50, 44, 33]])  # m, at each flow
    efficiency: tuple[Share | None, ...] = ()  # of the pump without its motor, 0 to 1
    power: tuple[Positive | None, ...] = ()  # kW at the shaft; instead of the efficiency, or besides
    npsh: tuple[Positive | None, ...] = ()  # m, required (NPSH3)
    head_polynomial: Polynomial = ()  # of the flow in m3/h, lowest power first; instead of head
    efficiency_polynomial: Polynomial = ()
    power_polynomial: Polynomial = ()
    npsh_polynomial: Polynomial = ()
    speed: Positive | None = None  # rpm of the sheet, where it is not that of the pump at full speed
    full_speed: Positive | None = None  # rpm of the pump at relative speed 1.0
    diameter: Positive | None = None  # mm, of the impeller on the sheet, where the one in the pump was trimmed
    impeller: Positive | None = None  # mm, of that one

    @property
    def points(self) -> tuple[SheetPoint, ...]:
        """The curves of the pump as it stands there, rising in flow.

        By the affinity laws, with n and d the speed and the diameter over those of the sheet: Q ~ n d, H ~ n² d²,
        P ~ n³ d³ (trimming: Gülich 2014, 3.31 has exponents between these and twice as much), NPSH ~ n².
        """
        n, scale = _ratio(self.full_speed, self.speed), _ratio(self.impeller, self.diameter)
        scale *= n
        return tuple(
            SheetPoint(
                flow=scale * flow,
                head=scale**2 * head,
                power=None if power is None else scale**3 * power,
                npsh=None if npsh is None else n**2 * npsh,
            )
            for flow, head, power, npsh in self._as_given()
        )

    @model_validator(mode="after")
    def _points_are_a_curve(self) -> Self:
        if not self.flow:
            remedy = "write the flows of the points, a file that has them, or from where to where polynomials hold"
            raise contradiction("flow", f"missing; {remedy}")
        if bool(self.head) == bool(self.head_polynomial):
            raise contradiction("head", "or head_polynomial says what the pump delivers; give exactly one of the two")
        least = FEWEST if self.head else 2
        if len(self.flow) < least:
            has = "1 value" if len(self.flow) == 1 else f"{len(self.flow)} values"
            raise contradiction("flow", f"has {has}, and a curve needs {least} or more; add some")
        for i, (before, flow) in enumerate(pairwise(self.flow), 1):
            if flow <= before:
                sentence = f"is {flow:g}, not above the one before ({before:g}); give each flow once, in rising order"
                raise contradiction(("flow", i), sentence)
        return self

    @model_validator(mode="after")
    def _columns_are_as_long_as_the_flow(self) -> Self:
        for key in ("head", "efficiency", "power", "npsh"):
            values: tuple[float | None, ...] = getattr(self, key)
            if values and len(values) != len(self.flow):
                sentence = f"has {len(values)} values and flow has {len(self.flow)}; write one for each flow"
                raise contradiction(key, sentence)
            if values and getattr(self, f"{key}_polynomial", ()):
                raise contradiction(key, f"is there, and {key}_polynomial too; leave one of the two out")
            if values and self.head_polynomial:
                raise contradiction(key, f"is of points, but the head is a polynomial; write {key}_polynomial")
        return self

    @model_validator(mode="after")
    def _sheet_is_of_this_pump(self) -> Self:
        pairs = (("speed", "full_speed", LEAST_SPEED, MOST_SPEED), ("diameter", "impeller", LEAST_TRIM, MOST_TRIM))
        for of_sheet, of_pump, least, most in pairs:
            sheet: float | None = getattr(self, of_sheet)
            pump: float | None = getattr(self, of_pump)
            if pump is not None and sheet is None:
                raise contradiction(of_sheet, f"missing, but {of_pump} is there; write the one of the sheet")
            if pump is not None and sheet is not None and not least <= pump / sheet <= most:
                sentence = f"is {pump / sheet:.2g} times {of_sheet} ({sheet:g}); correct one, or use another sheet"
                raise contradiction(of_pump, sentence)
        return self

    @model_validator(mode="after")
    def _curve_is_a_pump_s(self) -> Self:
        given = list(self._as_given())
        heads = [head for _, head, _, _ in given]
        key = "head" if self.head else "head_polynomial"
        if heads[-1] >= max(heads) or min(heads[:-1]) <= 0:
            sentence = "does not fall with the flow from above 0; look whether columns, units or signs were swapped"
            raise contradiction(key, sentence)
        for i, (flow, head, power, _) in enumerate(given):
            water = water_power(flow, head)
            if power is not None and power < water:
                at = f"at {flow:g} m3/h the water takes {water:.3g} kW of the {power:.3g} kW at the shaft"
                key = "power" if self.power or self.power_polynomial else "efficiency"
                raise contradiction((key, i) if self.power else key, f"{at}; look at the units of flow, head and power")
        return self

    @model_validator(mode="after")
    def _efficiency_and_power_agree(self) -> Self:
        for i, (flow, head, efficiency, power) in enumerate(
            zip(self.flow, self.head, self.efficiency, self.power, strict=False)
        ):
            if efficiency is not None and power is not None and efficiency > LEAST_TOLD:
                told = water_power(flow, head) / efficiency
                if abs(told / power - 1.0) > LIKE:
                    sentence = f"is {power:g} kW, but flow, head and efficiency make it {told:.3g} kW; leave one out"
                    raise contradiction(("power", i), sentence)
        return self

    def _as_given(self) -> list[tuple[float, float, float | None, float | None]]:
        """Flow, head, power at the shaft and NPSH of the sheet's own speed and diameter."""
        flows = self.flow if self.head else _spread(self.flow[0], self.flow[-1])
        heads = self.head or tuple(_value(self.head_polynomial, flow) for flow in flows)
        told = self._column("efficiency", flows)
        powers = [
            _shaft_power(flow, head, efficiency) if power is None else power
            for flow, head, efficiency, power in zip(flows, heads, told, self._column("power", flows), strict=True)
        ]
        return list(zip(flows, heads, powers, self._column("npsh", flows), strict=True))

    def _column(self, key: str, flows: tuple[float, ...]) -> tuple[float | None, ...]:
        polynomial: Polynomial = getattr(self, f"{key}_polynomial")
        values: tuple[float | None, ...] = getattr(self, key)
        return tuple(_value(polynomial, flow) for flow in flows) if polynomial else values or (None,) * len(flows)


def water_power(flow: float, head: float) -> float:
    """Power in the water, kW; see `analytics.hydraulics`, which the configuration is read without."""
    return 9.80665 * flow * head / 3600.0


def _ratio(of_pump: float | None, of_sheet: float | None) -> float:
    """1 where only one of them is said: they are the same then."""
    return 1.0 if of_pump is None or of_sheet is None else of_pump / of_sheet


def _shaft_power(flow: float, head: float, efficiency: float | None) -> float | None:
    """KW; None near no flow, where an efficiency says nothing."""
    if efficiency is None or efficiency <= LEAST_TOLD or flow <= 0.0:
        return None
    return water_power(flow, head) / efficiency


def _value(polynomial: Polynomial, flow: float) -> float:
    return sum(c * flow**k for k, c in enumerate(polynomial))


def _spread(low: float, high: float) -> tuple[float, ...]:
    return tuple(low + (high - low) * i / (DRAWN - 1) for i in range(DRAWN))
