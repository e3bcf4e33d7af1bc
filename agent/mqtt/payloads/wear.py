"""What is said of pumps that wear: losses against a reference that never forgets, and overhauls."""

from typing import Literal

from agent.mqtt.instant import Instant
from agent.mqtt.payloads.payload import Count, Payload, Std


class WearDay(Payload):
    """One day of a pump, against its reference."""

    ts: Instant  # when the day began, by the station's own clock
    head_lost_percent: float
    efficiency_lost_percent: float | None = None


class Wear(Payload):
    """`<root>/pump/<pump>/wear`: what a pump has lost since its reference was taken.

    Losses are shares of the reference's head and efficiency at the same flow and speed, by the last 24 hours, freed of
    the error of a meter where one is named. Below 0 it has gained.
    """

    pump: str
    ts: Instant
    kind: Literal["none", "wear", "step", "head_sensor", "flow_meter", "power_meter"] | None = None
    meter_error_percent: float | None = None  # of that head sensor or flow meter: what it shows over the truth
    reference: Literal["learnt", "catalogue"] | None = None  # absent: there is none yet
    reference_at: Instant | None = None
    overhauled_at: Instant | None = None
    note: str | None = None  # of the overhaul
    head_lost_percent: float | None = None
    head_lost_std: Std | None = None
    efficiency_lost_percent: float | None = None  # wire to water; absent without a power meter
    efficiency_lost_std: Std | None = None
    readings: Count = 0  # steady ones of the last 24 hours within the reference's range
    per_month_percent: float | None = None  # by which it rises in 30 days: the efficiency lost, or else the head
    per_month_std: Std | None = None
    step_at: Instant | None = None  # when it changed from one day to the next
    step_percent: float | None = None
    energy_lost_kwh: float | None = None  # a day: what the same water would have taken less by the reference
    cost_per_day: float | None = None  # in `currency`
    currency: str | None = None
    limit_percent: float | None = None  # at which it is worth an overhaul
    limit_at: Instant | None = None  # when it will be reached, and with 90 % between the other two
    limit_earliest: Instant | None = None
    limit_latest: Instant | None = None
    reason: str | None = None  # why there is no figure, or no date
    doubt: str | None = None  # which tags too little was measured of in the last 24 hours
    days: tuple[WearDay, ...] = ()  # the last 30 with steady operation, oldest first
    stale: bool = False


class Overhaul(Payload):
    """`<root>/pump/<pump>/overhaul`: a pump was overhauled or replaced; its wear is counted anew from then on."""

    pump: str
    ts: Instant
    user: str
    note: str | None = None
