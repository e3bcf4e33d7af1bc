"""A curve from running sums: each reading costs the same however many came before, and a refit takes milliseconds."""

import numpy as np
from numpy.typing import ArrayLike

from analytics.curves.methods.belief import Belief, Beliefs
from analytics.curves.methods.duty import DutyPoints, Prediction
from analytics.curves.methods.memory import BIN, BINS, Memory
from analytics.curves.methods.physics import judged_flows, physics
from analytics.curves.methods.solve import Solution, Together, reading_std, solved, tilts
from analytics.curves.methods.speed import RatedDuty, SpeedLaw
from analytics.curves.methods.sums import terms
from analytics.hydraulics import Floats, wire_to_water_efficiency

LEAST = 8  # readings before there is a curve
WARM = 200  # first readings that are fitted together, so that outliers among them are seen
ROUNDS = 5  # in which outliers among them are told
GATE = 4.0  # standard deviations from the curve beyond which a reading is taken for an outlier
REFIT = 0.1  # growth of the sums after which the gate's curve is solved anew
TRUSTS = (1.0, 4.0, 16.0, 64.0, 256.0, 1024.0)  # in the belief, until the curve is one that a pump can have


class IncrementalCurve:
    """Polynomials of fourth degree in v = x/x_ref - 1 for head and power, and a belief of their coefficients.

    The most probable coefficients given the sums (`Sums`) and the belief (`Beliefs`) are solved for when somebody
    asks. An outlier gate decides on each reading: beyond four standard deviations of head or power it is left out. If
    four of ten recent readings are, the pump has changed (overhaul, other impeller), and the curve begins anew.

    Args:
        name: What the method is called.
        beliefs: What is believed before.
        is_physical: Trust the belief more, step by step, until the curve is one that a pump can have.
        law: What a duty at another speed looks like at rated speed.
        memory: Readings after which one weighs 1/e of a new one; None: none is forgotten.
        kept: What an earlier one of this name and these beliefs has learnt, to go on from.

    >>> from analytics.curves.methods.belief import PumpsInGeneral
    >>> curve = IncrementalCurve("physics", PumpsInGeneral())
    >>> flow = np.linspace(60.0, 110.0, 300)
    >>> curve.update(DutyPoints(flow, 50.0 - 0.002 * flow**2, 8.0 + 0.1 * flow, np.ones(300)))
    >>> duty = curve.predict(100.0, 0.9)
    >>> round(float(duty.head), 1), bool(duty.head_std < 0.2)
    (20.5, True)
    """

    def __init__(
        self,
        name: str,
        beliefs: Beliefs,
        *,
        is_physical: bool = True,
        law: SpeedLaw | None = None,
        memory: float | None = None,
        kept: Memory | None = None,
    ) -> None:
        self._name = name
        self._beliefs = beliefs
        self._is_physical = is_physical
        self._law = law or SpeedLaw()
        self._memory = memory
        self._solution: Solution | None = None
        self._gate: Solution | None = None
        self._gate_weight = 0.0
        self._kept = Memory(memory) if kept is None else kept
        if self._kept.reference is not None:
            self._regate()

    @property
    def name(self) -> str:
        """What the method is called."""
        return self._name

    @property
    def flow_range(self) -> tuple[float, float]:
        """Least and greatest flow at rated speed learnt from, m³/h, less the outermost hundredths; NaN before any."""
        return self._kept.flow_range

    @property
    def kept(self) -> Memory:
        """All that it remembers."""
        return self._kept

    @property
    def readings(self) -> float:
        """Readings that the curve is worth; forgotten ones are not among them."""
        return self._kept.heads.weight

    @property
    def flow_noise(self) -> float:
        """Noise of the flow meter, share of a flow, as far as head and power together tell it."""
        return self._solved().flow_noise if self._kept.reference else 0.0

    @property
    def doubt(self) -> tuple[float, float]:
        """Shares of head and power that the curves are worth less, per share of the flow beyond `flow_range`."""
        return self._beliefs.doubt

    @property
    def noise(self) -> tuple[float, float]:
        """Standard deviation of a reading of head and of power around the curves, as shares of the reference duty."""
        solution = self._solved()
        return solution.head.noise, solution.power.noise if solution.power else float("nan")

    def update(self, points: DutyPoints) -> None:
        """Learn from steady *points*."""
        if not self._kept.is_warm:
            warm = DutyPoints.joined(self._kept.warm, points)
            self._kept.is_warm = len(warm) >= WARM
            self._kept.warm = DutyPoints.empty() if self._kept.is_warm else warm
            if len(warm) >= LEAST:
                self._begin_with(warm)
        elif len(points):
            self._take(points)

    def predict(self, flow: ArrayLike, speed: ArrayLike) -> Prediction:
        """What is expected at *flow* m³/h and relative *speed*."""
        q, n = np.broadcast_arrays(np.asarray(flow, np.float64), np.asarray(speed, np.float64))
        if self._kept.reference is None:
            unknown = np.full(q.shape, np.nan)
            return Prediction(*[unknown] * 6)
        n = np.where(n > 0.0, n, np.nan)
        x, z = q / n, np.log(n)
        x_ref, y_ref, p_ref = self._kept.reference
        solution = self._solved()
        more_head, more_power = self._beliefs.beyond(x, x_ref)
        y, y_std = (y_ref * each for each in solution.head.at(x / x_ref - 1.0, z))
        y = y + more_head
        outside, doubt = self._outside(x), self.doubt
        y_std = np.hypot(y_std, doubt[0] * outside * np.abs(y))
        if solution.power is None:
            unknown = np.full(q.shape, np.nan)
            return Prediction(n**2 * y, n**2 * y_std, *[unknown] * 4)
        p, p_std = (p_ref * each for each in solution.power.at(x / x_ref - 1.0, z))
        p_std = np.hypot(p_std, doubt[1] * outside * np.abs(p))
        head, power = n**2 * y, self._law.power(x, y, p + more_power, n)
        efficiency = wire_to_water_efficiency(q, head, power)
        share = np.hypot(y_std / np.abs(y), p_std / np.abs(p))
        return Prediction(head, n**2 * y_std, power, power * p_std / np.abs(p), efficiency, efficiency * share)

    def efficiencies(self, flow: Floats, n: int, rng: np.random.Generator) -> Floats:
        """Of *n* curves that the pump could have as well, at rated speed and *flow*, shape (n, len(flow))."""
        if self._kept.reference is None or (solution := self._solved()).power is None:
            return np.full((n, len(flow)), np.nan)
        x_ref, y_ref, p_ref = self._kept.reference
        more_head, more_power = self._beliefs.beyond(flow, x_ref)
        basis = terms(flow / x_ref - 1.0, np.zeros_like(flow))
        drawn = [
            rng.multivariate_normal(each.mean, each.covariance, n, method="eigh", check_valid="ignore") @ basis.T
            for each in (solution.head, solution.power)
        ]
        found = wire_to_water_efficiency(flow, y_ref * drawn[0] + more_head, p_ref * drawn[1] + more_power)
        return found * tilts(flow, self.flow_range, n, rng)

    def covariances(self, flow: Floats, speed: Floats) -> tuple[Floats, Floats]:
        """Of heads, m², and of powers, kW², at duties of shape (n,), by the coefficients alone; (n, n) each."""
        unknown = np.full((len(flow), len(flow)), np.nan)
        if self._kept.reference is None:
            return unknown, unknown
        x_ref, y_ref, p_ref = self._kept.reference
        solution, said = self._solved(), self.predict(flow, speed)
        basis = terms(flow / speed / x_ref - 1.0, np.log(speed))
        heads = (y_ref * speed**2)[:, np.newaxis] * basis
        if solution.power is None:
            return heads @ solution.head.covariance @ heads.T, unknown
        p = p_ref * (basis @ solution.power.mean)
        powers = (p_ref * said.power / p)[:, np.newaxis] * basis
        return heads @ solution.head.covariance @ heads.T, powers @ solution.power.covariance @ powers.T

    def _outside(self, x: Floats) -> Floats:
        """How far *x* lies from the flows learnt from, as a share of the end that is near."""
        low, high = self.flow_range
        return np.maximum(np.maximum(x / high - 1.0, 1.0 - x / low), 0.0)

    def _begin_with(self, points: DutyPoints) -> None:
        """Forget everything but *points*, and leave out those among them that do not fit the others."""
        self._kept = Memory(self._memory, warm=self._kept.warm, is_warm=self._kept.is_warm)
        self._solution = None
        usual = wire_to_water_efficiency(points.flow, points.head, points.power)
        rated = self._law.rated(points, np.nanmedian(usual) if np.isfinite(usual).any() else 1.0)
        level = np.nanmedian(rated.p) if np.isfinite(rated.p).any() else np.nan
        self._kept.reference = float(np.median(rated.x)), float(np.median(rated.y)), float(level)
        kept = np.ones(len(points), dtype=np.bool_)
        for _ in range(ROUNDS):
            self._kept.empty()
            self._add(rated, kept)
            self._solution = None
            off = self._off(rated, self._solved())
            kept = np.all([np.nan_to_num(np.abs(each)) <= GATE * _scale(each) for each in off], axis=0)
            v = rated.x / self._kept.reference[0] - 1.0
            self._kept.together = Together().joined(self._solved(), v[kept], off[:, kept])
            rated = self._law.rated(points, self._rated_efficiency(points, self._solved()))
        self._regate()

    def _take(self, points: DutyPoints) -> None:
        if self._kept.heads.weight > (1.0 + REFIT) * self._gate_weight:
            self._regate()
        assert self._gate is not None  # noqa: S101 - a curve that is warm has a gate
        assert self._kept.reference is not None  # noqa: S101 - and a reference
        rated = self._law.rated(points, self._rated_efficiency(points, self._gate))
        off, allowed = self._off(rated, self._gate), self._allowed(rated, self._gate)
        kept = np.all(np.nan_to_num(np.abs(off)) <= GATE * allowed, axis=0)
        self._kept.look_at(points, kept)
        v = (rated.x / self._kept.reference[0] - 1.0)[kept]
        share = 1.0 if self._memory is None else float(np.exp(-kept.sum() / self._memory))
        self._kept.together = self._kept.together.decayed(share)
        # Away from the duties that are known, what the curve misses is no noise of the flow meter.
        if not (self._kept.heads.is_left_by(v) and self._gate.is_vague_at(v, rated.log_speed[kept])):
            self._kept.together = self._kept.together.joined(self._gate, v, off[:, kept])
        self._add(rated, kept)
        self._solution = None
        if replaced := self._kept.replaced:
            self._begin_with(self._kept.recent.take(slice(-replaced, None)))

    def _add(self, rated: RatedDuty, kept: np.ndarray) -> None:
        assert self._kept.reference is not None  # noqa: S101 - the callers set it
        x_ref, y_ref, p_ref = self._kept.reference
        rated = RatedDuty(*(each[kept] for each in rated))
        more_head, more_power = self._beliefs.beyond(rated.x, x_ref)
        v = rated.x / x_ref - 1.0
        y, p = (rated.y - more_head) / y_ref, (rated.p - more_power) / p_ref
        self._kept.heads.add(v, rated.log_speed, y[:, np.newaxis])
        metered = np.isfinite(p)
        self._kept.powers.add(v[metered], rated.log_speed[metered], np.column_stack([y, p])[metered])
        if self._memory is not None:
            self._kept.histogram *= np.exp(-len(v) / self._memory)
        bins = np.clip((rated.x / x_ref / BIN).astype(np.int64), 0, BINS - 1)
        self._kept.histogram += np.bincount(bins, minlength=BINS)

    def _off(self, rated: RatedDuty, solution: Solution) -> Floats:
        """What readings are off the curves, relative to the reference duty, shape (2, n); NaN where not measured."""
        assert self._kept.reference is not None  # noqa: S101 - the callers set it
        x_ref, y_ref, p_ref = self._kept.reference
        v = rated.x / x_ref - 1.0
        more_head, more_power = self._beliefs.beyond(rated.x, x_ref)
        heads = (rated.y - more_head) / y_ref - solution.head.at(v, rated.log_speed)[0]
        if solution.power is None:
            return np.stack([heads, np.full_like(heads, np.nan)])
        return np.stack([heads, (rated.p - more_power) / p_ref - solution.power.at(v, rated.log_speed)[0]])

    def _allowed(self, rated: RatedDuty, solution: Solution) -> Floats:
        """Standard deviation of that, shape (2, n)."""
        assert self._kept.reference is not None  # noqa: S101 - the callers set it
        v = rated.x / self._kept.reference[0] - 1.0
        return np.stack([reading_std(each, v, rated.log_speed) for each in (solution.head, solution.power)])

    def _regate(self) -> None:
        self._gate, self._gate_weight = self._solved(), self._kept.heads.weight

    def _solved(self) -> Solution:
        """The curves as the sums have them now."""
        assert self._kept.reference is not None  # noqa: S101 - the callers look
        if self._solution is None:
            first = self._with_beliefs(self._beliefs.at(*self._kept.reference, None))
            beliefs = self._beliefs.at(*self._kept.reference, first.slopes)
            for trust in TRUSTS if self._is_physical else (1.0,):
                self._solution = self._with_beliefs(beliefs, trust)
                if not self._is_physical or self._is_a_pump(self._solution):
                    break
        assert self._solution is not None  # noqa: S101 - there is at least one trust
        return self._solution

    def _with_beliefs(self, beliefs: tuple[Belief, Belief], trust: float = 1.0) -> Solution:
        head, power = (Belief(each.mean, trust * each.precision) for each in beliefs)
        return solved(self._kept.heads, self._kept.powers, (head, power), self._kept.together)

    def _rated_efficiency(self, points: DutyPoints, solution: Solution) -> Floats:
        """Efficiency at rated speed of the duties of *points*; 1 where no power was measured."""
        assert self._kept.reference is not None  # noqa: S101 - the callers set it
        if solution.power is None:
            return np.ones(len(points))
        x_ref, y_ref, p_ref = self._kept.reference
        x = points.flow / points.speed
        v, none = x / x_ref - 1.0, np.zeros_like(x)
        more_head, more_power = self._beliefs.beyond(x, x_ref)
        head, power = (each.at(v, none)[0] for each in (solution.head, solution.power))
        return wire_to_water_efficiency(x, head * y_ref + more_head, power * p_ref + more_power)

    def _is_a_pump(self, solution: Solution) -> bool:
        assert self._kept.reference is not None  # noqa: S101 - the callers look
        x_ref, y_ref, p_ref = self._kept.reference
        x = judged_flows(*self.flow_range)
        head = y_ref * solution.head.at(x / x_ref - 1.0, np.zeros_like(x))[0]
        power = np.full_like(x, np.nan)
        if solution.power is not None:
            power = p_ref * solution.power.at(x / x_ref - 1.0, np.zeros_like(x))[0]
        return not physics(head, power, wire_to_water_efficiency(x, head, power)).is_vetoed


def _scale(off: Floats) -> float:
    """Robust standard deviation; infinite where nothing is known."""
    known = off[np.isfinite(off)]
    return max(1.4826 * float(np.median(np.abs(known))), 1e-4) if len(known) else np.inf
