"""What the curves job leaves for itself and for whoever needs the station's models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.jobs.archive import Arrays, packed, unpacked
from agent.jobs.learnt.choice import taught
from agent.jobs.owed import Stretch
from analytics.curves.estimator import StationCurves
from analytics.curves.methods.catalogue import Catalogue
from analytics.curves.methods.metered import OwnMeter
from analytics.curves.methods.speed import SpeedLaw
from analytics.curves.model import StationModel
from analytics.curves.points import Points
from analytics.curves.prior import Plate

FORMAT = 2
Sheets = Mapping[str, Catalogue]  # by pump


@dataclass(slots=True)
class HeaderCurves:
    """The pumps of one header: what was learnt, the model it last gave, and what is still to be judged."""

    estimator: StationCurves
    model: StationModel | None = None
    judged_ms: int = 0  # live windows that begin before were judged or are in `live`; 0: it has never been looked at
    live: list[Stretch] = field(default_factory=list)  # of readings as they came, still to be judged
    history: list[Stretch] = field(default_factory=list)  # of imported ones
    methods: dict[str, str] = field(default_factory=dict)  # that last drew the curve, by pump with its own flow meter
    failures: int = 0  # fits in a row that came to nothing
    meters: dict[str, OwnMeter] = field(default_factory=dict)  # by pump with its own flow meter
    law: SpeedLaw = field(default_factory=SpeedLaw)  # by which these bring other speeds to the rated one

    def learn(self, points: Points, sheets: Sheets) -> None:
        """From *points* that are new, of pumps with these data *sheets*."""
        self.estimator.update(points)
        taught(self.meters, points, self.estimator.pumps, sheets, self.law)

    def learn_anew(self, sheets: Sheets) -> None:
        """What the pumps' own meters say, of the points kept: what was learnt of them is lost or of another time."""
        self.meters = {}
        taught(self.meters, self.estimator.points, self.estimator.pumps, sheets, self.law)


@dataclass(slots=True)
class CurveState:
    """State of the curves job, by header.

    As bytes it is an archive whose meta data has `format` 2 and `headers`, a list of objects `header pumps seen quota
    capacity first_ms last_ms model judged_ms live history methods failures meters`; and for the header at place i of
    that list an array `<i>.<name>` for each field of `analytics.curves.points.Points`. `model` is
    `StationModel.to_dict()` or null, `meters` a list of `OwnMeter.meta` with its `pump`; that at place j has the arrays
    `<i>.meters.<j>.<name>`.
    Another format is not read: the log is there to learn from again.
    """

    headers: dict[str, HeaderCurves] = field(default_factory=dict)

    def encode(self) -> bytes:
        """As bytes."""
        arrays: dict[str, Any] = {}
        headers = []
        for index, (header, curves) in enumerate(self.headers.items()):
            said = curves.estimator.to_dict()
            arrays |= {f"{index}.{name}": values for name, values in said.pop("points").items()}
            model = None if curves.model is None else curves.model.to_dict()
            left = {"judged_ms": curves.judged_ms, "live": curves.live, "history": curves.history}
            left |= {"methods": curves.methods, "failures": curves.failures}
            left["meters"] = [{"pump": pump, **meter.meta} for pump, meter in curves.meters.items()]
            for place, meter in enumerate(curves.meters.values()):
                arrays |= {f"{index}.meters.{place}.{name}": each for name, each in meter.arrays().items()}
            headers.append({"header": header, **said, "model": model, **left})
        return packed({"format": FORMAT, "headers": headers}, arrays)


def restored(
    state: bytes | None, plates: Mapping[str, Sequence[Plate]], exponent: float = SpeedLaw().exponent
) -> CurveState:
    """What an earlier run left, for the pumps of each header and the `SpeedLaw`'s *exponent* as configured now.

    A header whose pumps were changed begins anew, and so does everything where the state cannot be read: for such a
    header all of the log is to be judged again, for the others nothing changes.
    """
    law = SpeedLaw(exponent)
    found = CurveState({header: HeaderCurves(StationCurves(own), law=law) for header, own in plates.items()})
    archive = _archive(state)
    if archive is None:
        return found
    meta, arrays = archive
    for index, said in enumerate(meta["headers"]):
        own = plates.get(said["header"], ())
        if [plate.pump for plate in own] == said["pumps"]:
            points = {name: arrays[f"{index}.{name}"] for name in Points.__dataclass_fields__}
            estimator = StationCurves.from_dict({**said, "points": points}, own)
            live, history = ([(start, end) for start, end in said[name]] for name in ("live", "history"))
            methods, failures = said.get("methods", {}), said.get("failures", 0)
            kept = HeaderCurves(estimator, _model(said), said["judged_ms"], live, history, methods, failures)
            kept.law, kept.meters = law, _meters(said, arrays, index, law)
            found.headers[said["header"]] = kept
    return found


def models_from_state(state: bytes | None) -> dict[str, StationModel]:
    """The model of each header that has one, by its id, from the curves job's *state*."""
    archive = _archive(state)
    if archive is None:
        return {}
    models = {said["header"]: _model(said) for said in archive[0]["headers"]}
    return {header: model for header, model in models.items() if model is not None}


def model_from_state(state: bytes | None, header: str | None = None) -> StationModel | None:
    """The model of *header*, or of the only header there is a model of; None where there is none."""
    models = models_from_state(state)
    if header is None:
        return next(iter(models.values())) if len(models) == 1 else None
    return models.get(header)


def points_from_state(state: bytes | None, header: str) -> tuple[tuple[str, ...], Points] | None:
    """The pumps of *header* and the steady points that their curves rest on, a column a pump; None where none are."""
    archive = _archive(state)
    if archive is None:
        return None
    for index, said in enumerate(archive[0]["headers"]):
        if said["header"] == header:
            names = Points.__dataclass_fields__
            return tuple(said["pumps"]), Points(**{name: archive[1][f"{index}.{name}"] for name in names})
    return None


def _model(said: dict[str, Any]) -> StationModel | None:
    return None if said["model"] is None else StationModel.from_dict(said["model"])


def _meters(said: dict[str, Any], arrays: Arrays, index: int, law: SpeedLaw) -> dict[str, OwnMeter]:
    """By pump; none where an earlier version kept none, or others than these."""
    found = {}
    for place, meta in enumerate(said.get("meters", ())):
        own = f"{index}.meters.{place}."
        parts = {name.removeprefix(own): each for name, each in arrays.items() if name.startswith(own)}
        try:
            found[meta["pump"]] = OwnMeter.of(meta, parts, law)
        except (ValueError, KeyError, TypeError):
            return {}
    return found


def _archive(state: bytes | None) -> tuple[dict[str, Any], Arrays] | None:
    """Meta data and arrays; None where there is nothing of this format."""
    found = unpacked(state)
    return found if found and found[0].get("format") == FORMAT else None
