"""Criteria 3 to 5: what is learnt from fifty minutes, what it says of the next ten, and what must never enter it."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from agent.configuration.config_file import load
from agent.jobs.curves import models_from_state, station_points
from agent.jobs.evidence import plant_tags
from agent.jobs.running import thresholds
from agent.settings import AgentSettings
from agent.store.reader import Reader
from agent.window import frame
from analytics.curves.model import StationModel
from tests.acceptance.station import RECORDING, agent, prepare

Check = Callable[[str, bool, str], None]
Floats = NDArray[np.float64]

BEGIN = datetime(2025, 2, 27, 18, 0, tzinfo=UTC)
LEARNT_MS = 50 * 60_000
HOUR_MS = 60 * 60_000
HEADER = "supply"
GOAL = 1.0  # %, RMSE over the mean
COUNTER, GAUGE = "supply.p5.energy", "supply.header1.pressure"
TRUTH = 2.0  # %, of the measured power


def check_analysis(folder: Path, check: Check) -> None:
    """Import the hour, learn from fifty minutes of it, judge by the rest, then let the agent go on to its end."""
    path = prepare(folder)
    agent("import", str(path), str(RECORDING))
    begin_ms = round(BEGIN.timestamp() * 1000)
    until = datetime.fromtimestamp((begin_ms + LEARNT_MS) / 1000, UTC)
    agent("analyse", str(path), "--until", until.isoformat())
    settings = load(path)
    with Reader(settings.storage.path) as reader:
        model = models_from_state(reader.job_state("curves")[1])[HEADER]
        _check_prediction(reader, settings, model, begin_ms, check)
        _check_curves(model, check)
    agent("analyse", str(path))
    with Reader(settings.storage.path) as reader:
        said = [json.loads(one.body) for one in reader.records("recommendation", begin_ms, begin_ms + HOUR_MS + 1)]
        _check_advice([one for one in said if one.get("header") == HEADER], check)


def check_counters(folder: Path, check: Check) -> None:
    """Ten minutes with a hole of one, and a line asked for in every tag: the pressure gets it, the counter does not."""
    path = prepare(folder)
    tags = folder / "tags.csv"
    head, *rows = tags.read_text().splitlines()
    tags.write_text("\n".join([f"{head},fill", *(f"{row},linear" for row in rows), ""]))
    history = pd.read_csv(RECORDING, nrows=600, dtype=str)
    history.loc[300:359, [COUNTER, GAUGE]] = None
    history.to_csv(folder / "history.csv", index=False)
    agent("import", str(path), str(folder / "history.csv"))
    agent("analyse", str(path))
    before = float(history[COUNTER][299])
    with Reader(load(path).storage.path) as reader:
        counter, gauge = (reader.filled([tag], 0, 2**60) for tag in (COUNTER, GAUGE))
    held = all(one.value == before and one.method == "forward" for one in counter)
    methods = {one.method for one in gauge}
    figures = f"{len(counter)} of the counter held at {before:.0f} kWh, {len(gauge)} of the gauge filled by {methods}"
    check("5 energy counters are never interpolated", held and len(counter) == len(gauge) == 60, figures)


def _check_prediction(
    reader: Reader, settings: AgentSettings, model: StationModel, begin_ms: int, check: Check
) -> None:
    """Each of the last 600 seconds from that second's speeds and header pressure alone."""
    cells = frame(
        reader, settings, plant_tags(settings), begin_ms + LEARNT_MS, begin_ms + HOUR_MS, 1000, rules="nothing"
    )
    (header,) = (header for header in settings.headers if header.id == HEADER)
    later = station_points(settings, header, cells, thresholds(reader.job_state("running")[1]))
    pumps = [pump.id for pump in settings.pumps if pump.header == HEADER]
    columns = [pumps.index(pump) for pump in model.pumps]
    speeds = np.where(later.running, later.speeds, 0.0)[:, columns]
    found = model.predict(speeds, later.head)
    fifth = model.pumps.index("supply.p5")
    flow = _share(found.flow - later.flow, later.flow)
    power = _share(found.powers[:, fifth] - later.powers[:, columns[fifth]], later.powers[:, columns[fifth]])
    covered = float((np.abs(found.flow - later.flow) < 1.645 * found.flow_std).mean())
    seconds = f"{len(later.flow)} s, RMSE over the mean"
    check("3 total flow from speeds and header pressure", flow <= GOAL, f"{flow:.2f} % ({seconds}; goal {GOAL} %)")
    check("3 power of pump 5", power <= GOAL, f"{power:.2f} % ({seconds}; goal {GOAL} %)")
    check("4 the 90 % interval of the flow covers what came", covered >= 0.8, f"{covered:.0%} of the seconds")


def _check_curves(model: StationModel, check: Check) -> None:
    """Two pumps ran; the other eight, the old house's noisy meters among them, must not be in it."""
    check("5 no stopped pump has a curve", set(model.pumps) == {"supply.p1", "supply.p5"}, f"curves of {model.pumps}")
    speeds = {curve.pump: curve.speed_range for curve in model.curves}
    low, high = speeds["supply.p5"]
    check("5 a mains frequency is no speed", high < 0.99, f"pump 5 was learnt between {low:.3f} and {high:.3f}")
    ranges = ", ".join(f"{c.pump} {c.flow_range[0]:.0f} to {c.flow_range[1]:.0f} m³/h" for c in model.curves)
    beyond = not any(bool(curve.supports(0.5 * curve.flow_range[0], 0.9)) for curve in model.curves)
    check("4 outside the learnt range is called uncertain", beyond, f"learnt at rated speed: {ranges}")


def _check_advice(said: list[dict[str, Any]], check: Check) -> None:
    compared = [one for one in said if "present_power_kw" in one and "measured_power_kw" in one]
    errors = [100 * abs(one["present_power_kw"] / one["measured_power_kw"] - 1) for one in compared]
    advised = [one for one in said if one["action"] != "none"]
    check(
        "4 the model's power of the present operation is the measured one",
        bool(advised) and all(error <= TRUTH for error in errors),
        f"at most {max(errors, default=np.nan):.2f} % off in {len(errors)} comparisons (goal {TRUTH} %)",
    )
    claimed = [one for one in said if one["action"] == "change"]
    honest = all(one["saving_kw"] > one["saving_uncertainty_kw"] for one in claimed)
    actions = {action: sum(one["action"] == action for one in said) for action in ("change", "keep", "none")}
    check("4 a saving is claimed only beyond its uncertainty", honest, f"advice: {actions}")
    silent = [one for one in said if one["action"] == "none" and not one.get("why")]
    whys = {one["why"] for one in said if one["action"] == "none"}
    check("4 where there is no advice it says why", not silent, f"{'; '.join(sorted(whys)) or 'there always was'}")


def _share(error: Floats, of: Floats) -> float:
    """RMSE over the mean, %; a value that is missing is an error, not left out."""
    return float(100.0 * np.sqrt((error**2).mean()) / of.mean())
