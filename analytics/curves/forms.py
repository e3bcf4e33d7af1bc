"""Whether pumps that share a flow meter are told apart with their data sheets: by duties that are left out."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.curves.channels import values_of
from analytics.curves.fit import Fit, fit
from analytics.curves.likeness import Likeness, reaches
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.methods.physics import judged_flows, physics
from analytics.curves.points import Points
from analytics.curves.prior import Plate, Prior
from analytics.curves.pump import PumpCurve
from analytics.curves.system import own
from analytics.hydraulics import Floats

PARTS = 4  # of the duties of each running set, each left out in turn
MOST_POINTS = 1_000  # from which the others are predicted
LEAST_POWERS = 12  # of a pump, that its power is believed to be like another's
LEAST_OF_GROUP = 5  # points of a part, whose mean is judged
AS_GOOD, AS_GOOD_BY = 1.1, 2e-4  # times, and share: what is missed by no more than this is as good
AS_GOOD_FROM = 120  # points: fewer hardly tell right sheets from wrong ones, which then are only to win by missing less
PLAIN, SHEETS = "any parabola", "the data sheets"
ELSEWHERE = "'s data sheet is not used, as the pump runs at flows it does not have: is its unit right?"
CONTRADICTED = 2.0  # deviations, root mean square; sheets 15 % off in head have 1.4, of other pumps 1.9 to 4
Drawn = Callable[[Sequence[Prior], Fit], Sequence[PumpCurve]]


class Form(NamedTuple):
    """What curves were believed to be like, and what came of it.

    Attributes:
        reason: Why this one.
        priors: One per pump.
        fit: To all points.
    """

    reason: str
    priors: Sequence[Prior]
    fit: Fit


@dataclass(frozen=True, slots=True, eq=False)
class _Trial:
    name: str
    form: Form
    missed: float  # share of what meters show in parts left out, on average over the noise
    objection: str

    @property
    def said(self) -> str:
        if self.objection:
            return f"{self.name} ({self.objection})"
        return f"{self.name} ({100.0 * self.missed:.2f} %)"


class Asked(NamedTuple):
    """What is to be explained, and by which pumps.

    Attributes:
        points: Steady points with only these pumps, oldest first.
        plates: The pumps.
        now_ms: The time at which they are meant.
    """

    points: Points
    plates: Sequence[Plate]
    now_ms: int


def best_form(asked: Asked, priors: Sequence[Prior], found: Fit, drawn: Drawn) -> Form:
    """The form that misses least of the duties that are left out, and the data sheets' where it is as good.

    Args:
        asked: What is to be explained.
        priors: What is believed of the pumps in any case.
        found: The fit of these.
        drawn: The curves of a fit with such priors.
    """
    plain = Form("", priors, found)
    if not any(plate.sheet for plate in asked.plates):
        return plain
    curves = drawn(priors, found)
    elsewhere = {at for at, each in enumerate(asked.plates) if each.sheet and not reaches(each.sheet, curves[at])}
    plates = [replace(each, sheet=None) if at in elsewhere else each for at, each in enumerate(asked.plates)]
    form = _best(asked._replace(plates=plates), plain, drawn)
    doubts = [f"{asked.plates[at].pump}{ELSEWHERE}" for at in sorted(elsewhere)]
    return form._replace(reason="; ".join(filter(None, (form.reason, *doubts))))


def _best(asked: Asked, plain: Form, drawn: Drawn) -> Form:
    if not any(plate.sheet for plate in asked.plates):
        return plain
    parts = _parts(asked.points)
    name, sheets, objection = _by_sheets(asked, plain, drawn)
    if not any(prior.likeness for prior in sheets.priors):
        return plain
    if any(_is_vetoed(curve, sheets.fit, at) for at, curve in enumerate(drawn(sheets.priors, sheets.fit))):
        objection = "no pump has such curves"
    return _chosen(
        _Trial(PLAIN, plain, _missed(asked.points, parts, plain, asked.now_ms), ""),
        _Trial(name, sheets, _missed(asked.points, parts, sheets, asked.now_ms), objection),
        len(asked.points),
    )


def _by_sheets(asked: Asked, plain: Form, drawn: Drawn) -> tuple[str, Form, str]:
    """Its name, the fit that believes the data sheets, and what speaks against it.

    A sheet that the readings bend further than sheets are wrong is left out: a normal belief gives way to readings that
    contradict it only in part, and would draw the curve between the two.
    """
    sheets = [plate.sheet for plate in asked.plates]
    form = _fitted(asked, plain, sheets, drawn)
    wrong = [at for at, sheet in enumerate(sheets) if sheet and _strain(form, at) > CONTRADICTED]
    if not wrong:
        return SHEETS, form, ""
    for at in wrong:
        sheets[at] = None
    if not any(sheets):
        return SHEETS, form, "the readings contradict them"
    named = ", ".join(asked.plates[at].pump for at in wrong)
    return f"{SHEETS} without {named}, whose the readings contradict,", _fitted(asked, plain, sheets, drawn), ""


def _strain(form: Form, index: int) -> float:
    """Root mean square of what one pump's curves differ by from what they are believed to be, in deviations."""
    believed = form.priors[index]
    if believed.likeness is None:
        return 0.0
    return float(np.sqrt(np.mean(believed.likeness.missed(believed.shape, form.fit.theta[own(index)]) ** 2)))


def _fitted(asked: Asked, plain: Form, sheets: Sequence[Catalogue | None], drawn: Drawn) -> Form:
    priors, curves = [], drawn(plain.priors, plain.fit)
    for index, (prior, curve, sheet) in enumerate(zip(plain.priors, curves, sheets, strict=True)):
        has_power = len(plain.fit.channels[1 + index].rows) >= LEAST_POWERS
        likeness = None if sheet is None else Likeness.of(sheet, curve, has_power=has_power)
        priors.append(replace(prior, likeness=likeness))
    return Form("", priors, fit(asked.points, priors, asked.now_ms, start=plain.fit.theta, noise=plain.fit.noise))


def _is_vetoed(curve: PumpCurve, found: Fit, index: int) -> bool:
    flows = judged_flows(*curve.flow_range)
    has_power = len(found.channels[1 + index].rows) > 0
    unknown = np.full(len(flows), np.nan)
    power, efficiency = (curve.power(flows, 1.0), curve.efficiency(flows, 1.0)) if has_power else (unknown, unknown)
    return physics(curve.head(flows, 1.0), power, efficiency).is_vetoed


def _parts(points: Points) -> NDArray[np.int64]:
    """Which part of its running set's duties each point is in, by head over speed squared, numbered over all sets."""
    squares = np.where(points.running, np.nan_to_num(points.speeds), 0.0) ** 2
    level = points.head * points.running.sum(axis=1) / squares.sum(axis=1)
    parts = np.zeros(len(points), dtype=np.int64)
    which = np.unique(points.running, axis=0, return_inverse=True)[1].ravel()
    for each in range(which.max(initial=-1) + 1):
        rows = np.flatnonzero(which == each)
        parts[rows[np.argsort(level[rows], kind="stable")]] = each * PARTS + np.arange(len(rows)) * PARTS // len(rows)
    return parts


def _missed(points: Points, parts: NDArray[np.int64], form: Form, now_ms: int) -> float:
    """Root mean square over meters and parts of what is missed there on average, a share of what the meter shows."""
    shapes = [each.shape for each in form.priors]
    learns = np.zeros(len(points), dtype=np.bool_)
    learns[np.linspace(0, len(points) - 1, MOST_POINTS).astype(np.int64)] = True
    squares, weights = 0.0, 0.0
    for part in range(PARTS):
        left_out = parts % PARTS == part
        rest = points.take(learns & ~left_out)
        if not rest.running.any(axis=0).all():
            continue
        theta = fit(rest, form.priors, now_ms, start=form.fit.theta, noise=form.fit.noise).theta
        asked = points.take(left_out)
        for off in _shares_missed(asked, values_of(shapes, theta, asked, asked.head)):
            known = np.isfinite(off)
            for group in np.unique(parts[left_out]):
                shares = off[known & (parts[left_out] == group)]
                if len(shares) >= LEAST_OF_GROUP:
                    squares += len(shares) * float(np.median(shares)) ** 2
                    weights += len(shares)
    return float(np.sqrt(squares / weights)) if weights else np.inf


def _shares_missed(points: Points, said: Floats) -> Iterator[Floats]:
    """Of the total flow and each pump's power, shape (n,); NaN where it is not measured."""
    with np.errstate(divide="ignore", invalid="ignore"):
        yield np.where(points.flow > 0.0, said[0].sum(axis=1) / points.flow - 1.0, np.nan)
        powers = np.where(points.running & (points.powers > 0.0), said[1] / points.powers - 1.0, np.nan)
    yield from powers.T


def _chosen(plain: _Trial, sheets: _Trial, points: int) -> Form:
    """What misses less, the sheets where they are as good at many points; any parabola where nothing can be judged."""
    if not np.isfinite(plain.missed) or not np.isfinite(sheets.missed):
        return plain.form
    bound = AS_GOOD * plain.missed + AS_GOOD_BY if points >= AS_GOOD_FROM else plain.missed
    is_better = not sheets.objection and sheets.missed <= bound
    won, other = (sheets, plain) if is_better else (plain, sheets)
    least, as_good = ("miss least", "are as good and know more of the pumps") if is_better else ("misses least", "")
    why = "stands" if other.objection else least if won.missed <= other.missed else as_good
    said = f"{won.name} {why}: {100.0 * won.missed:.2f} % of the duties that were left out; also tried: {other.said}"
    return won.form._replace(reason=said)
