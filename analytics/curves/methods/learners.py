"""Methods that know no pumps: support vectors, random forest, neural network, Gaussian process; on a bounded sample."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike
from sklearn.ensemble import RandomForestRegressor
from sklearn.exceptions import ConvergenceWarning
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel
from sklearn.neural_network import MLPRegressor
from sklearn.svm import SVR

from analytics.curves.methods.duty import DutyPoints, Prediction
from analytics.curves.methods.sample import FlowSample, Kind
from analytics.curves.methods.speed import SpeedLaw
from analytics.hydraulics import Floats, wire_to_water_efficiency

LEAST = 20  # points before there is a curve
HALVES = 2  # fits to half of the points, whose scatter is the curve's own
OUTLIER = 4.5  # robust standard deviations off a parabola
CAPACITY, GAUSSIAN_CAPACITY = 300, 120  # points; a Gaussian process costs their cube
FORM = 0.0015  # share of a value that no method is nearer to the truth


class Regressor(Protocol):
    """What is used of scikit-learn: features of shape (n, 2), values of shape (n,)."""

    def fit(self, features: Floats, values: Floats) -> Any:
        """Learn."""

    def predict(self, features: Floats) -> Any:
        """Values."""


class _Fit(NamedTuple):
    """Value and standard deviation of one quantity by features of shape (n, 2)."""

    at: Callable[[Floats], tuple[Floats, Floats]]


class SampledCurve:
    """A regression of y/y_ref and p/p_ref on (x/x_ref - 1, ln n), made anew from a bounded sample when asked.

    Outliers are left out first, by a robust parabola. The Gaussian process learns what that parabola leaves and says
    itself how sure it is; for the others it is the scatter of fits to halves of the points (Shao and Wu 1989), which
    knows nothing of what lies beyond the data.

    Args:
        kind: Which regression.
        law: What a duty at another speed looks like at rated speed.
        memory: Readings after which one weighs 1/e of a new one; None: none is forgotten.
    """

    def __init__(self, kind: Kind, *, law: SpeedLaw | None = None, memory: float | None = None) -> None:
        self._kind: Kind = kind
        self._law = law or SpeedLaw()
        self._sample = FlowSample(GAUSSIAN_CAPACITY if kind == "Gaussian process" else CAPACITY, memory)
        self._made: tuple[tuple[float, float, float], _Fit, _Fit | None] | None = None

    @property
    def name(self) -> str:
        """What the method is called."""
        return self._kind

    def update(self, points: DutyPoints) -> None:
        """Learn from steady *points*."""
        self._sample.add(points)
        self._made = None

    def predict(self, flow: ArrayLike, speed: ArrayLike) -> Prediction:
        """What is expected at *flow* m³/h and relative *speed*."""
        q, n = np.broadcast_arrays(np.asarray(flow, np.float64), np.asarray(speed, np.float64))
        unknown = np.full(q.shape, np.nan)
        if len(self._sample.points) < LEAST:
            return Prediction(*[unknown] * 6)
        (x_ref, y_ref, p_ref), heads, powers = self._curves()
        features = np.column_stack([(q / n / x_ref - 1.0).ravel(), np.log(n).ravel()])
        y, y_std = (y_ref * each.reshape(q.shape) for each in heads.at(features))
        if powers is None:
            return Prediction(n**2 * y, n**2 * y_std, *[unknown] * 4)
        p, p_std = (p_ref * each.reshape(q.shape) for each in powers.at(features))
        power = self._law.power(q / n, y, p, n)
        efficiency = wire_to_water_efficiency(q, n**2 * y, power)
        share = np.hypot(y_std / y, p_std / p)
        return Prediction(n**2 * y, n**2 * y_std, power, power * p_std / p, efficiency, np.abs(efficiency * share))

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_made": None}

    def _curves(self) -> tuple[tuple[float, float, float], _Fit, _Fit | None]:
        if self._made is None:
            points = self._sample.points
            eta = wire_to_water_efficiency(points.flow, points.head, points.power)
            metered = np.isfinite(eta)
            rated = self._law.rated(points, float(np.median(eta[metered])) if metered.any() else 1.0)
            level = float(np.median(rated.p[metered])) if metered.sum() >= LEAST else np.nan
            reference = float(np.median(rated.x)), float(np.median(rated.y)), level
            features = np.column_stack([rated.x / reference[0] - 1.0, rated.log_speed])
            heads = _fitted(self._kind, features, rated.y / reference[1])
            powers = None if np.isnan(level) else _fitted(self._kind, features[metered], rated.p[metered] / level)
            self._made = reference, heads, powers
        return self._made


def _fitted(kind: Kind, features: Floats, values: Floats) -> _Fit:
    trend, kept, noise = _parabola(features, values)
    features, values = features[kept], values[kept]
    centre, scale = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-3)
    if kind == "Gaussian process":
        rest = (values - _basis(features) @ trend) / noise
        process = _gaussian((features - centre) / scale, rest)
        trend_covariance = noise**2 * np.linalg.pinv(_basis(features).T @ _basis(features))

        def around(asked: Floats) -> tuple[Floats, Floats]:
            rest, rest_std = process((asked - centre) / scale)
            basis = _basis(asked)
            mean, trend_variance = basis @ trend + noise * rest, np.sum(basis @ trend_covariance * basis, axis=1)
            return mean, np.sqrt(trend_variance + (noise * rest_std) ** 2 + (FORM * mean) ** 2)

        return _Fit(around)
    level, spread = values.mean(), max(float(values.std()), 1e-6)
    scaled, targets = (features - centre) / scale, (values - level) / spread
    whole = _regressor(kind, noise / spread)
    _fit(whole, scaled, targets)
    halves = []
    for seed in range(HALVES):
        rows = np.random.default_rng(seed).permutation(len(scaled))[: len(scaled) // 2]
        halves.append(_fit(_regressor(kind, noise / spread), scaled[rows], targets[rows]))

    def at(asked: Floats) -> tuple[Floats, Floats]:
        where = (asked - centre) / scale
        value = np.asarray(whole.predict(where))
        scatter = np.mean([(np.asarray(half.predict(where)) - value) ** 2 for half in halves], axis=0)
        mean = level + spread * value
        return mean, np.hypot(spread * np.sqrt(scatter), FORM * mean)

    return _Fit(at)


def _gaussian(scaled: Floats, rest: Floats) -> Callable[[Floats], tuple[Floats, Floats]]:
    """What a parabola leaves, in units of its scatter, and the standard deviation without a reading's own noise."""
    kernel = ConstantKernel(0.3, (1e-3, 1e3)) * RBF([1.5, 3.0], (0.5, 20.0)) + WhiteKernel(1.0, (0.2, 5.0))
    process = GaussianProcessRegressor(kernel, random_state=0)
    _fit(process, scaled, rest)
    white = float(process.kernel_.k2.noise_level)

    def at(asked: Floats) -> tuple[Floats, Floats]:
        value, std = process.predict(asked, return_std=True)
        return value, np.sqrt(np.maximum(std**2 - white, 0.0))

    return at


def _fit(regressor: Any, features: Floats, values: Floats) -> Any:
    """Fit it, without its remarks on hyperparameters at a bound: the bounds are meant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return regressor.fit(features, values)


def _regressor(kind: Kind, noise: float) -> Regressor:
    made: Regressor
    match kind:
        case "support vectors":
            made = SVR(C=10.0, epsilon=max(noise, 1e-3), gamma=0.3)
        case "random forest":
            made = RandomForestRegressor(n_estimators=16, min_samples_leaf=8, random_state=0)
        case _:
            made = MLPRegressor(
                hidden_layer_sizes=(8, 8), activation="tanh", solver="lbfgs", alpha=0.1, max_iter=100, random_state=0
            )
    return made


def _parabola(features: Floats, values: Floats) -> tuple[Floats, np.ndarray, float]:
    """Coefficients over `_basis`, which rows are near it, and their robust scatter around it."""
    basis, kept = _basis(features), np.ones(len(values), dtype=np.bool_)
    found: Floats = np.zeros(basis.shape[1])
    noise = 0.0
    for _ in range(5):
        found = np.asarray(np.linalg.lstsq(basis[kept], values[kept], rcond=None)[0], np.float64)
        off = np.abs(values - basis @ found)
        noise = max(1.4826 * float(np.median(off)), 1e-4)
        kept = off <= OUTLIER * noise
    return found, kept, noise


def _basis(features: Floats) -> Floats:
    v, z = features.T
    return np.column_stack([np.ones_like(v), v, v * v, z])
