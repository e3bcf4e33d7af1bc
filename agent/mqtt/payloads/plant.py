"""What is said of the plant: station figures, pumps and their curves."""

from typing import Literal

from agent.mqtt.instant import Instant
from agent.mqtt.payloads.payload import Count, Payload, QualityWord, Share, Source, Std


class HeaderFigures(Payload):
    """One discharge header of a station."""

    id: str
    flow: float | None = None
    head: float | None = None


class Station(Payload):
    """`<root>/station`: figures of the whole station."""

    station: str
    ts: Instant
    flow: float | None = None
    flow_std: Std | None = None
    head: float | None = None  # of the header, or the flow-weighted mean of several
    power_kw: float | None = None
    power_source: Source | None = None
    specific_energy: float | None = None  # kWh/m³
    efficiency: float | None = None  # wire to water
    running: tuple[str, ...] = ()  # pumps
    running_count: Count | None = None
    energy_today_kwh: float | None = None  # measured; absent where a pump has no power meter
    volume_today_m3: float | None = None
    cost_today: float | None = None  # in `currency`; the day is the station's own
    currency: str | None = None
    today_covered: Share | None = None  # of the day so far: in it the power of every pump was measured
    volume_today_covered: Share | None = None  # likewise the flow of every header
    headers: tuple[HeaderFigures, ...] = ()
    quality: QualityWord | None = None
    doubt: str | None = None  # which tags too little was measured of, where the quality is not good
    stale: bool = False


class Pump(Payload):
    """`<root>/pump/<pump>`: how one pump runs now; every figure of the duty point says where it comes from."""

    pump: str
    ts: Instant
    running: bool | None = None  # absent: cannot be told, see `reason`
    since: Instant | None = None
    reason: str | None = None
    flow: float | None = None
    flow_source: Source | None = None
    flow_std: Std | None = None
    flow_method: str | None = None  # of a modelled flow: from its head and power, its head, or its power alone
    flow_doubt: str | None = None  # what speaks against it, or why it cannot be told
    head: float | None = None  # at the gauges
    head_source: Source | None = None
    head_std: Std | None = None
    pump_head: float | None = None  # between the pump's flanges; absent where it is not known what lies between
    power_kw: float | None = None
    power_source: Source | None = None
    power_std: Std | None = None
    speed: float | None = None
    speed_source: Source | None = None
    speed_std: Std | None = None
    efficiency: float | None = None  # wire to water
    efficiency_std: Std | None = None
    specific_energy: float | None = None  # kWh/m³
    bep_share: float | None = None  # flow as a share of best efficiency flow at this speed
    in_por: bool | None = None
    npsh_available: float | None = None  # m, at the inlet; absent where nothing tells the pressure there
    npsh_available_source: Literal["gauge", "level", "configured"] | None = None
    npsh_required: float | None = None  # m, at this flow and speed
    npsh_required_source: Literal["catalogue", "plate"] | None = None
    npsh_margin: float | None = None  # m, available less required
    head_wear_percent: float | None = None  # head lost against the reference curve
    efficiency_wear_percent: float | None = None
    wear_cost_per_day: float | None = None  # in `currency`
    currency: str | None = None
    starts_today: Count | None = None
    started_at: Instant | None = None  # the last time that it was seen to, of two days
    stopped_at: Instant | None = None  # likewise
    run_hours: float | None = None
    threshold_kw: float | None = None  # of power, above which it runs
    threshold_source: Literal["given", "history", "rated", "peers", "not learnt"] | None = None
    quality: QualityWord | None = None
    doubt: str | None = None  # which tags too little was measured of, where the quality is not good
    stale: bool = False


class CurvePoint(Payload):
    """A point of the curves at rated speed, for drawing."""

    flow: float
    head: float | None = None  # at the gauges
    head_std: Std | None = None
    pump_head: float | None = None  # between the pump's flanges; absent where it is not known what lies between
    power_kw: float | None = None
    power_std: Std | None = None
    efficiency: float | None = None  # wire to water
    pump_efficiency: float | None = None  # of the pump alone, between its flanges; see `losses`


class PumpCurve(Payload):
    """`<root>/pump/<pump>/curve`: H(Q) and P(Q) at rated speed; other speeds by the affinity laws.

    Coefficients are ascending: H = h₀ + h₁Q + h₂Q² in m, P = p₀ + p₁Q + ... in kW, Q in m³/h.
    """

    pump: str
    ts: Instant
    fitted_at: Instant | None = None
    method: str
    source: Literal["readings", "catalogue"] = "readings"  # catalogue: its data sheet's, nothing of it was measured
    method_reason: str | None = None  # why it, or the form of its curves, was chosen among others
    head_coefficients: tuple[float, ...] = ()
    power_coefficients: tuple[float, ...] = ()
    head_std: Std | None = None  # of the curve in its valid range, m
    power_std: Std | None = None  # kW
    flow_min: float | None = None  # valid range: where data support the curve, at rated speed
    flow_max: float | None = None
    speed_min: float | None = None
    speed_max: float | None = None
    flow_source: Source | None = None  # derived: identified from the header's meter
    left_out: Literal["flow_ranges", "time_blocks"] | None = None  # of the readings, for the next eight figures
    head_r2: float | None = None  # flow_ranges: of the pump at its flow; time_blocks: of the header when the pump ran
    head_rmse: float | None = None  # m
    head_mae: float | None = None
    head_worst: float | None = None
    power_r2: float | None = None  # of the pump; flow_ranges: at its flow; time_blocks: at the header's head
    power_rmse: float | None = None  # kW
    power_mae: float | None = None
    power_worst: float | None = None
    physics_score: Share | None = None  # of the curve; 1: a centrifugal pump can have it
    bep_flow: float | None = None  # of best efficiency, at rated speed
    bep_flow_std: Std | None = None
    bep_efficiency: float | None = None  # wire to water
    bep_reason: str | None = None  # why it cannot be told
    por_min: float | None = None  # preferred operating region at rated speed, of rated_flow, else of bep_flow
    por_max: float | None = None
    losses: Literal["known", "estimated", "inside"] | None = None  # of motor and drive; inside: in the efficiency
    readings: Count  # how many stood behind the fit
    points: tuple[CurvePoint, ...] = ()
    reason: str | None = None  # why there is no curve, or what limits it
    stale: bool = False
