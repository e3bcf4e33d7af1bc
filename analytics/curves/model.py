"""The station's pumps together: what set of speeds gives at a header's head, and how sure that is."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from analytics.curves.basis import Basis
from analytics.curves.misfit import Misfit, Said, misfit
from analytics.curves.missed import Errors, Missed
from analytics.curves.points import Points
from analytics.curves.pump import PumpCurve
from analytics.curves.shape import PARAMETERS
from analytics.hydraulics import Floats

__all__ = ["Basis", "Duty", "Prediction", "PumpCurve", "StationModel"]

FORMAT = 1  # of `to_dict`
SHARE = 1e-4  # of a head, for a difference over it
FASTER = 2e-3  # share of a speed, to see what more flow takes


class Duty(NamedTuple):
    """Each pump's flow, m³/h, and power, kW, shape (..., pumps); 0 where stopped, NaN where there is no solution."""

    flows: Floats
    powers: Floats


class Prediction(NamedTuple):
    """What a set of speeds gives at a head; `*_std` include the parameters' and the residual's uncertainty.

    Attributes:
        flow: Total, m³/h, shape (...).
        flow_std: m³/h, of one measured value of a total (a steady mean or a single reading).
        powers: kW, shape (..., pumps); 0 where stopped.
        power_std: kW, of one measured value.
        flows: Each pump's, m³/h, shape (..., pumps).
        flows_std: m³/h, of the pump's true flow.
    """

    flow: Floats
    flow_std: Floats
    powers: Floats
    power_std: Floats
    flows: Floats
    flows_std: Floats


@dataclass(frozen=True, slots=True, eq=False)
class StationModel:
    """Pumps on one header, learnt together.

    With header flow only, one pump's share can be too large by what another's is too small: the errors are
    anti-correlated, the total is known better than the parts. Ask the station, or its `draws`, about sums.

    Attributes:
        curves: One per pump, in the order of every array's last axis.
        covariance: Of all parameters, shape (7 pumps, 7 pumps).
        flow_noise: Residual of a steady mean of the total flow, m³/h, where it is `basis.flow_scale`.
        power_noise: Residual of each power, kW, shape (pumps,), where it is `basis.power_scale`.
        head_drift: Slow error of the head the pumps see against the measured one, m (suction level, gauge).
        basis: What it rests on.
        form: Variances in the covariance for what no pump owes to the model's form, shape (7 pumps,); empty: none.
    """

    curves: tuple[PumpCurve, ...]
    covariance: Floats
    flow_noise: float
    power_noise: Floats
    head_drift: float
    basis: Basis
    form: Floats = field(default_factory=lambda: np.zeros(0))

    @property
    def pumps(self) -> tuple[str, ...]:
        """Ids, in the order of every array's last axis."""
        return tuple(curve.pump for curve in self.curves)

    def curve(self, pump: str) -> PumpCurve:
        """The curve of *pump*; KeyError where it is not known."""
        for curve in self.curves:
            if curve.pump == pump:
                return curve
        raise KeyError(pump)

    def duty(self, speeds: ArrayLike, head: ArrayLike) -> Duty:
        """Each pump's flow and power; the fast way, without uncertainty.

        Args:
            speeds: Relative, shape (..., pumps); 0 or NaN: stopped.
            head: Of the pumps, m, shape (...).
        """
        s, h = _station(speeds, head)
        flows, powers = np.zeros(s.shape), np.zeros(s.shape)
        for index, curve in enumerate(self.curves):
            own = s[..., index]
            runs = own > 0.0
            flow = curve.flow(h, own)
            flows[..., index] = np.where(runs, flow, 0.0)
            powers[..., index] = np.where(runs, curve.power(flow, own), 0.0)
        return Duty(flows, powers)

    def predict(self, speeds: ArrayLike, head: ArrayLike) -> Prediction:
        """What a meter would show at *speeds* (shape (..., pumps), 0 or NaN: stopped) and *head*, m, shape (...)."""
        s, h = _station(speeds, head)
        flows, powers = self.duty(s, h)
        flow_gradient, power_gradient = self._gradients(s, h)
        total = flow_gradient.reshape(*s.shape[:-1], self.covariance.shape[0])
        variance = np.einsum("...i,ij,...j->...", total, self.covariance, total)
        # What the head's drift does, by a difference over its standard deviation.
        high, low = self.duty(s, h + 0.5 * self.head_drift), self.duty(s, h - 0.5 * self.head_drift)
        flow_shift, power_shift = high.flows - low.flows, high.powers - low.powers
        flow_noise, power_noise = self._noise(flows.sum(axis=-1), powers)
        return Prediction(
            flow=flows.sum(axis=-1),
            flow_std=np.asarray(np.sqrt(variance + flow_shift.sum(axis=-1) ** 2 + flow_noise**2)),
            powers=powers,
            power_std=np.asarray(np.sqrt(self._own_variance(power_gradient) + power_shift**2 + power_noise**2)),
            flows=flows,
            flows_std=np.asarray(np.sqrt(self._own_variance(flow_gradient) + flow_shift**2)),
        )

    def measured_by(self, points: Points) -> Self:
        """The same model, with what its form misses of *points*, whose columns are its pumps."""
        speeds = np.where(points.running, points.speeds, 0.0)
        duty, more = (self.duty(factor * speeds, points.head) for factor in (1.0, 1.0 + FASTER))
        said = Said(duty.flows, self.slopes(speeds, points.head), duty.powers, more.flows, more.powers)
        ranges = np.array([curve.flow_range for curve in self.curves]).reshape(-1, 2)
        found = misfit(points, said, ranges)
        return replace(self, basis=replace(self.basis, misfit=found))

    def slopes(self, speeds: ArrayLike, head: ArrayLike) -> Floats:
        """Of each pump's flow by a share of the head, m³/h, as `duty`."""
        low, high = (self.duty(speeds, np.asarray(head) * (1.0 + sign * SHARE)).flows for sign in (-1.0, 1.0))
        return np.asarray((high - low) / (2.0 * SHARE))

    @property
    def without_form(self) -> Self:
        """The same model, no less sure of its pumps than its data are: for whoever counts what its form misses."""
        if not len(self.form):
            return self
        return replace(self, covariance=self.covariance - np.diag(self.form), form=np.zeros(0))

    def draws(self, n: int, rng: np.random.Generator) -> list[Self]:
        """*n* stations that could be this one: parameters sampled together, each draw without uncertainty of its own.

        Compare present and proposed operation on the same draw: what is uncertain in both cancels. Draws whose
        power or shut-off head is not positive at the learnt duty are drawn again.
        """
        mean = np.concatenate([curve.theta for curve in self.curves])
        root = _root(self.covariance)
        found: list[Self] = []
        for _ in range(50 * n):  # almost every draw is taken; the bound is for a covariance out of hand
            if len(found) == n:
                break
            draw = self._at(mean + root @ rng.standard_normal(len(mean)))
            if all(_is_physical(curve) for curve in draw.curves):
                found.append(draw)
        return found

    def supports(self, pump: str, flow: ArrayLike, speed: ArrayLike) -> np.ndarray[Any, np.dtype[np.bool_]]:
        """Whether *pump*'s duty lies inside what was learnt from; False for a pump not known."""
        if pump not in self.pumps:
            return np.zeros(np.broadcast(flow, speed).shape, dtype=np.bool_)
        return self.curve(pump).supports(flow, speed)

    def to_dict(self) -> dict[str, Any]:
        """As JSON types; NaN becomes None."""
        basis = _none_for_nan(asdict(self.basis))
        return {
            "format": FORMAT,
            "curves": [curve.to_dict() for curve in self.curves],
            "covariance": self.covariance.tolist(),
            "flow_noise": _none_for_nan(self.flow_noise),
            "power_noise": _none_for_nan(self.power_noise.tolist()),
            "head_drift": self.head_drift,
            "basis": basis,
            "form": self.form.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of `to_dict`.

        Raises:
            ValueError: Another format.
        """
        if data["format"] != FORMAT:
            raise ValueError(f"a station model of format {data['format']} cannot be read here; fit it anew")
        covariance = np.array(data["covariance"], float).reshape(2 * (PARAMETERS * len(data["curves"]),))
        curves = tuple(
            PumpCurve.from_dict(curve, covariance[own, own])
            for curve, own in zip(data["curves"], _slices(len(data["curves"])), strict=True)
        )
        basis = _nan_for_none(data["basis"])
        basis["misfit"] = Misfit(**basis.get("misfit", {}))
        basis["missed"] = tuple(Missed(*(Errors(*each) for each in pump)) for pump in basis.get("missed", ()))
        noise = np.array(_nan_for_none(data["power_noise"]), float)
        form = np.array(data.get("form", []), float)
        return cls(
            curves, covariance, _nan_for_none(data["flow_noise"]), noise, data["head_drift"], Basis(**basis), form
        )

    def _at(self, theta: Floats) -> Self:
        """The same station with other parameters and no uncertainty."""
        nothing = np.zeros((PARAMETERS, PARAMETERS))
        curves = tuple(
            replace(curve, theta=theta[own], covariance=nothing)
            for curve, own in zip(self.curves, _slices(len(self.curves)), strict=True)
        )
        return replace(self, curves=curves, covariance=np.zeros_like(self.covariance), form=np.zeros(0))

    def _gradients(self, s: Floats, h: Floats) -> tuple[Floats, Floats]:
        """Derivatives of flows and powers by each pump's own parameters, shape (..., pumps, 7)."""
        flows, powers = np.zeros((*s.shape, PARAMETERS)), np.zeros((*s.shape, PARAMETERS))
        for index, curve in enumerate(self.curves):
            own = s[..., index]
            runs = (own > 0.0)[..., np.newaxis]
            flow, power = curve.gradient(partial(_flow_and_power, head=h, speed=own))
            flows[..., index, :] = np.where(runs, flow, 0.0)
            powers[..., index, :] = np.where(runs, power, 0.0)
        return flows, powers

    def _noise(self, flow: Floats, powers: Floats) -> tuple[Floats, Floats]:
        """Residuals of meters at these totals and powers: their errors are shares of what they show."""
        scale = np.array(self.basis.power_scale or np.zeros(len(self.curves)))
        share = powers / np.where(scale > 0.0, scale, np.inf)
        power_noise = self.power_noise * np.where(scale > 0.0, share, powers > 0.0)
        flow_noise = self.flow_noise * (flow / self.basis.flow_scale if self.basis.flow_scale > 0.0 else 1.0)
        return np.asarray(flow_noise), np.asarray(power_noise)

    def _own_variance(self, gradient: Floats) -> Floats:
        """Of each pump by itself, shape (..., pumps)."""
        blocks = [self.covariance[own, own] for own in _slices(len(self.curves))]
        return np.asarray(np.einsum("...pi,pij,...pj->...p", gradient, np.array(blocks), gradient))


def _station(speeds: ArrayLike, head: ArrayLike) -> tuple[Floats, Floats]:
    s = np.asarray(speeds, dtype=np.float64)
    h = np.asarray(head, dtype=np.float64)
    shape = np.broadcast_shapes(s.shape[:-1], h.shape)
    return np.broadcast_to(np.nan_to_num(s), (*shape, s.shape[-1])), np.broadcast_to(h, shape)


def _flow_and_power(curve: PumpCurve, head: Floats, speed: Floats) -> Floats:
    flow = curve.flow(head, speed)
    return np.stack([flow, curve.power(flow, speed)])


def _slices(pumps: int) -> list[slice]:
    return [slice(PARAMETERS * i, PARAMETERS * (i + 1)) for i in range(pumps)]


def _root(covariance: Floats) -> Floats:
    """The symmetric matrix whose square is *covariance*, which may be singular.

    It changes as little as the covariance does, so that draws of one seed stay the same stations as a fit is renewed.
    """
    values, vectors = np.linalg.eigh(0.5 * (covariance + covariance.T))
    return np.asarray((vectors * np.sqrt(np.clip(values, 0.0, None))) @ vectors.T)


def _is_physical(curve: PumpCurve) -> bool:
    flows = np.linspace(*curve.flow_range, num=5)
    power = curve.power(flows, 1.0)
    return bool(curve.head_coefficients[0] > 0.0 and power.min() > 0.0 and curve.shape.flows(curve.theta)[2] > 0.0)


def _none_for_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _none_for_nan(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_none_for_nan(each) for each in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def _nan_for_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nan_for_none(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return tuple(_nan_for_none(each) for each in value)
    return float("nan") if value is None else value
