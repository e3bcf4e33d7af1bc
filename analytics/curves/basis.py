"""What a station model rests on, so that nobody takes it for more."""

from dataclasses import dataclass, field

from analytics.curves.misfit import Misfit
from analytics.curves.missed import Missed


@dataclass(frozen=True, slots=True)
class Basis:
    """What a model rests on.

    Attributes:
        n: Steady points in the fit.
        seen: Steady points ever offered; the fit keeps a bounded, stratified part of them.
        first_ms: Time of the oldest point seen.
        last_ms: Time of the newest.
        flow_rmse: Of the fit's total flow, m³/h; NaN where no flow is measured.
        flow_rmse_blocks: The same for time blocks that were left out of the fit in turn.
        power_rmse: Per pump, kW; NaN where the pump has no power meter.
        power_rmse_blocks: The same for time blocks left out in turn.
        flow_scale: Root mean square of the total flows it was fitted to, m³/h; 0 where not known.
        power_scale: Per pump, the same of the powers, kW; empty where not known.
        misfit: What its form misses of the pumps.
        missed: Per pump, what fits miss of time blocks that were left out of them; empty where not known.
        form: What its curves were believed to be like, and why; empty where nobody asked.
    """

    n: int
    seen: int
    first_ms: int
    last_ms: int
    flow_rmse: float
    flow_rmse_blocks: float
    power_rmse: tuple[float, ...]
    power_rmse_blocks: tuple[float, ...]
    flow_scale: float = 0.0
    power_scale: tuple[float, ...] = ()
    misfit: Misfit = field(default_factory=Misfit)
    missed: tuple[Missed, ...] = ()
    form: str = ""
