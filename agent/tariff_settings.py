"""What energy costs, as configured: bands of the week, and a market's prices."""

import re
from datetime import datetime
from itertools import combinations, pairwise
from typing import Annotated, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from drivers.settings import Settings, contradiction

Day = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class TariffBand(Settings):
    """A price that holds at some hours of some days, in the station's own time."""

    price: float = Field(ge=0, examples=[0.21])  # money per kWh
    days: tuple[Day, ...] = Field(default=get_args(Day), min_length=1)
    start: str = "00:00"  # HH:MM
    end: str = "24:00"  # later than start: a night is two bands

    @field_validator("start", "end")
    @classmethod
    def _time_of_day(cls, text: str) -> str:
        if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", text):
            raise PydanticCustomError("time_of_day", 'must be a time of day from "00:00" to "24:00", like "06:30"')
        return text

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.start >= self.end:
            remedy = f'write two bands, "{self.start}" to "24:00" and "00:00" to "{self.end}"'
            raise contradiction("end", f'not later than start ("{self.start}"); for a band over midnight {remedy}')
        return self

    def overlaps(self, other: "TariffBand") -> bool:
        """Whether both set the price of one and the same minute."""
        return bool({*self.days} & {*other.days}) and self.start < other.end and other.start < self.end


class TariffSettings(Settings):
    """What energy costs."""

    currency: str = "EUR"
    price: Annotated[float, Field(ge=0)] = 0.0  # money per kWh outside every band; 0: cost is not shown
    bands: tuple[TariffBand, ...] = Field(default=(), alias="band")
    # [from, money per kWh], rising in time: a market's prices, which go before price and bands. Each holds until the
    # next, but no longer than the list's usual (median) spacing; below 0 is paid to who takes energy
    spot: tuple[tuple[datetime, float], ...] = ()
    demand_charge: Annotated[float, Field(ge=0)] = 0.0  # money per kW of a calendar month's highest half hour
    co2_factor: Annotated[float, Field(ge=0, le=3)] | None = None  # kg of CO2 per kWh; absent: none is told

    @model_validator(mode="after")
    def _spot_prices_rise_in_time(self) -> Self:
        if len({begin.tzinfo is None for begin, _ in self.spot}) > 1:
            raise contradiction("spot", "has times with an offset and times without; write all of them alike")
        if any(one >= other for (one, _), (other, _) in pairwise(self.spot)):
            raise contradiction("spot", "must rise in time, each instant once; sort the list")
        return self

    @property
    def is_priced(self) -> bool:
        """Whether anything says what energy costs; else no money is told."""
        return bool(self.price or self.bands or self.spot)

    def unclear_spot(self, zone: ZoneInfo) -> datetime | None:
        """The first time of a market's price that clocks in *zone* never show, or show twice."""
        naive = (begin.replace(tzinfo=zone) for begin, _ in self.spot if begin.tzinfo is None)
        return next((one for one in naive if one.utcoffset() != one.replace(fold=1).utcoffset()), None)

    @model_validator(mode="after")
    def _bands_agree(self) -> Self:
        for (i, one), (j, other) in combinations(enumerate(self.bands, 1), 2):
            if one.overlaps(other):
                raise contradiction("band", f"bands {i} and {j} both set the price of some hours; let one end earlier")
        return self

    @model_validator(mode="after")
    def _every_hour_has_a_price(self) -> Self:
        """Energy that costs nothing for some hours would be advised for."""
        if (self.bands or self.spot) and not self.price and (hole := self._hole()):
            sentence = f"missing or 0, but no band sets a price from {hole}; add price, or a band for those hours"
            raise contradiction("price", sentence)
        return self

    def _hole(self) -> str | None:
        """The first time of the week that no band covers, like "sat 21:00"."""
        for day in get_args(Day):
            time = "00:00"
            for band in sorted((band for band in self.bands if day in band.days), key=lambda band: band.start):
                if band.start > time:
                    break
                time = max(time, band.end)
            if time < "24:00":
                return f"{day} {time}"
        return None
