"""Drawings of a pump's curves: what they show is what was measured and published, and no more is claimed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agent.cli import main
from agent.jobs import curves, running
from agent.jobs.job import Outcome
from agent.jobs.worn.state import Kept, Life, PumpState, WearState
from agent.mqtt import payloads
from agent.plant import PumpSettings
from agent.plots.gathering import PlotError, picture
from agent.plots.image import draw, figure
from agent.plots.picture import Picture
from agent.plots.terminal import text
from agent.store.records import Record
from analytics.curves.methods.catalogue import Catalogue
from analytics.wear.reference import Reference
from tests.agent.history import START_MS, History, history
from tests.agent.jobs.test_curves import PLANT, STATION, TAGS, plant, told

SECONDS = 3_600
PLATE = {"rated_flow": 900.0, "rated_head": 43.0}
SIZES = [(100, 40), (80, 24), (82, 30), (132, 60)]


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[History]:
    """An hour of two pumps on one header with one flow meter; p1 has a plate. 25,000 rows go through a real store."""
    pumps = [PLANT["pump"][0] | PLATE, PLANT["pump"][1]]
    with history(tmp_path_factory.mktemp("store"), TAGS, **(PLANT | {"pump": pumps})) as found:
        told(found, plant(SECONDS))
        found.perform("curves", curves.run, START_MS + 1_000 * SECONDS)
        found.perform("running", running.run, START_MS + 1_000 * SECONDS)
        yield found


def shown(past: History, pump: str) -> Picture:
    with past.reader() as reader:
        return picture(past.settings, reader, pump)


@pytest.mark.parametrize(("pump", "index"), [("p1", 0), ("p2", 1)])
def test_readings_lie_on_the_true_curve_at_rated_speed(past: History, pump: str, index: int) -> None:
    """The header's meter says two pumps' flow together: a share that were shown as a whole would lie far off."""
    readings = shown(past, pump).readings

    true_head = STATION[index].head(readings.flow, np.ones_like(readings.flow))
    true_power = STATION[index].power(readings.flow, np.ones_like(readings.flow))
    assert len(readings.flow) > 60
    assert np.abs(readings.values["head"] / true_head - 1.0).max() < 0.01
    assert np.abs(readings.values["power"] / true_power - 1.0).max() < 0.02


def test_the_line_is_the_published_curve_where_data_support_it_and_joined_beyond(past: History) -> None:
    found = shown(past, "p1")

    with past.reader() as reader:
        said = payloads.PumpCurve.model_validate_json(reader.newest("curve", "p1")[0].body)
    assert (found.fit.flow[0], found.fit.flow[-1]) == (said.flow_min, said.flow_max)
    assert [found.fit.values["head"][0], found.fit.values["head"][-1]] == pytest.approx(
        [said.points[0].head, said.points[-1].head]
    )
    below, above = found.beyond
    assert below.flow[-1] == found.fit.flow[0]
    assert above.flow[0] == found.fit.flow[-1]
    assert below.values["head"][-1] == pytest.approx(found.fit.values["head"][0])
    assert above.values["power"][0] == pytest.approx(found.fit.values["power"][-1])


def test_how_well_it_fits_is_said_of_what_was_left_out_of_the_fit(past: History) -> None:
    """p1 shares the header's meter: of its own head nothing is known, so the words must not claim it."""
    found = shown(past, "p1")

    shared = next(iter(found.words()))
    own = replace(found, said=found.said.model_copy(update={"left_out": "flow_ranges"}))

    assert shared.startswith("Method: affinity parabolas, joint robust fit; head of the header R² ")
    assert shared.endswith(" m in time blocks left out of the fit.")
    assert next(iter(own.words())) == shared.replace("head of the header", "head").replace("time blocks", "flow ranges")


def test_the_present_duty_lies_on_the_curve_of_its_own_speed(past: History) -> None:
    found = shown(past, "p2")

    now = found.present
    assert now is not None
    assert now.speed < 0.99
    head = np.interp(now.duty.flow, now.curve.flow, now.curve.values["head"])
    assert now.duty.values["head"] == pytest.approx(head, rel=0.005)
    assert now.flow_source == "derived"


def test_the_reference_of_wear_is_drawn_once_there_is_one(past: History) -> None:
    """It is the curve as it was, here 5 % above the present one."""
    known = Catalogue(
        flow=np.linspace(600.0, 1_100.0, 9),
        head=1.05 * STATION[0].head(np.linspace(600.0, 1_100.0, 9), np.ones(9)),
        power=STATION[0].power(np.linspace(600.0, 1_100.0, 9), np.ones(9)),
    )
    life = Life(0, reference=Reference.of_sheet(known), source="catalogue", taken_ms=START_MS)
    state = WearState(pumps={"p1": PumpState([life])})
    before = shown(past, "p1")

    past.perform("wear", lambda context: Outcome(context.mark, Kept(state, {}, {}).encode()), START_MS)
    after = shown(past, "p1")

    assert before.reference is None
    assert after.reference is not None
    share = after.reference.curve.values["head"] / after.fit.values["head"]
    assert np.abs(share - 1.05).max() < 0.01
    assert "Reference, against which wear is told: catalogue, taken 2026-03-01." in after.words()
    assert any("r reference" in line for line in text(after, 100, 40))
    assert "Reference (wear)" in {line.get_label() for line in figure(after).axes[0].lines}


def test_a_pump_that_stands_has_no_duty(past: History) -> None:
    assert shown(past, "p1").present is None


@pytest.mark.parametrize(("columns", "lines"), SIZES)
def test_a_plot_of_text_fits_the_terminal(past: History, columns: int, lines: int) -> None:
    for pump in ("p1", "p2"):
        printed = text(shown(past, pump), columns, lines)

        assert max(len(line) for line in printed) < columns
        assert len(printed) < lines


def test_text_marks_the_curve_only_where_data_support_it(past: History) -> None:
    """A line through everything would claim flows at which nobody has measured."""
    found = shown(past, "p1")
    axis = next(line for line in text(found, 100, 40) if line.lstrip().startswith("+"))
    start, width = axis.index("+") + 1, len(axis) - axis.index("+") - 1

    rows = [line for line in text(found, 100, 40) if len(line) > start and line[start - 1] == "|"]
    marked = {row_index for row in rows for row_index, mark in enumerate(row[start:]) if mark == "#"}
    dashed = {row_index for row in rows for row_index, mark in enumerate(row[start:]) if mark == "-"}

    assert marked
    assert max(marked) - min(marked) < 0.7 * width
    assert min(dashed) < min(marked)
    assert max(dashed) > max(marked)
    assert any("D" in row for row in rows)
    assert any("|" in row[start:] for row in rows)


def test_the_flow_axis_of_the_text_says_where_it_should_run_and_where_it_runs(past: History) -> None:
    """Beside the figures that are written below the same axis."""
    found = replace(shown(past, "p2"), por=(390.0, 420.0))

    printed = text(found, 100, 40)
    place = next(index for index, line in enumerate(printed) if line.lstrip().startswith("+"))
    axis, ticks = printed[place], printed[place + 1]

    assert found.present is not None
    least, most = (ticks.split()[end] for end in (0, -1))
    start, end = ticks.index(least), ticks.index(most)
    each = (float(most) - float(least)) / (end - start)
    flows = {mark: [float(least) + each * (at - start) for at in places(axis, mark)] for mark in "=@"}
    assert (min(flows["="]), max(flows["="])) == pytest.approx((390.0, 420.0), abs=2.0)
    assert flows["@"] == pytest.approx([float(found.present.duty.flow[0])], abs=2.0)
    assert "= preferred region, 390 to 420 m³/h" in " ".join(each.strip() for each in printed)
    assert "=" not in text(shown(past, "p2"), 100, 40)[place]  # by neither plate nor curve it is known


def places(line: str, mark: str) -> list[int]:
    return [at for at, each in enumerate(line) if each == mark]


def test_the_text_has_the_power_below_or_its_figures_where_lines_are_few(past: History) -> None:
    found = shown(past, "p2")
    nothing = np.full(len(found.fit.flow), np.nan)
    unmetered = replace(found, fit=replace(found.fit, values={**found.fit.values, "power": nothing}))

    high, low = text(found, 100, 40), text(found, 80, 24)

    assert "power, kW, over flow, m³/h" in high
    assert "power, kW, over flow, m³/h" not in low
    [row] = [line for line in low if line.startswith(" P, kW")]
    flows = low[low.index(row) - 1]
    at = flows.index(flows.split()[3])
    expected = np.interp(float(flows[at:].split()[0]), found.fit.flow, found.fit.values["power"])
    assert float(row[at:].split()[0]) == pytest.approx(expected, abs=0.2)
    assert row[flows.index(flows.split()[0])] == "-"  # nothing was measured there
    for size in ((80, 24), (100, 40)):
        assert not any(line.startswith((" P, kW", "power, kW")) for line in text(unmetered, *size))


def test_the_image_names_axes_units_and_what_is_not_known(past: History) -> None:
    found = shown(past, "p2")

    page = figure(found)

    head, efficiency, power = page.axes
    assert [axes.get_ylabel() for axes in page.axes] == ["Head, m", "Efficiency, %", "Power, kW"]
    assert head.get_title(loc="left") == "p2 of test: curves at rated speed"
    assert power.get_xlabel().startswith("Flow, m³/h")
    solid = [line for line in efficiency.lines if line.get_linestyle() == "-" and line.get_linewidth() == 2.0]
    assert [float(each) for each in np.asarray(solid[0].get_xdata())[[0, -1]]] == list(found.fit.flow[[0, -1]])
    legend = head.get_legend()
    assert legend is not None
    labels = {each.get_text() for each in legend.get_texts()}
    assert {"Steady readings (flow derived)", "90 % band of the curve", "Beyond the data", "Duty now"} <= labels


def test_a_best_flow_of_the_plate_is_drawn_only_where_none_is_learnt(past: History) -> None:
    """And never shown as learnt: the reason why there is none is the published one, word for word."""
    untold = shown(past, "p1")
    told = untold.said.model_copy(update={"bep_flow": 850.0, "bep_flow_std": 6.0, "bep_efficiency": 0.7})
    learnt = replace(untold, said=told, best_flow=850.0)

    assert (untold.best_flow, untold.best_name, learnt.best_name) == (
        900.0,
        "best efficiency by the plate",
        "best efficiency",
    )
    [said] = [line for line in untold.words() if line.startswith("Best")]
    assert said == f"Best efficiency: {untold.said.bep_reason}."
    assert untold.said.bep_reason is not None
    assert untold.said.bep_reason.startswith("not identifiable: data stop at ")
    assert "Best efficiency: 70.0 % wire to water at 850 ± 6.0 m³/h." in list(learnt.words())


def test_a_learnt_best_flow_is_drawn_where_the_plate_says_another(past: History, tmp_path: Path) -> None:
    """The region stays that of the plate, as it is published."""
    with past.reader() as reader:
        said = payloads.PumpCurve.kept(reader.newest("curve", "p1")[0].body)
    told = said.model_copy(update={"bep_flow": 850.0, "bep_flow_std": 6.0, "bep_efficiency": 0.7, "bep_reason": None})
    with history(tmp_path, TAGS, **(PLANT | {"pump": [PLANT["pump"][0] | PLATE, PLANT["pump"][1]]})) as other:
        other.perform(
            "curves",
            lambda context: Outcome(context.mark, None, records=[Record("curve", "p1", 0, told.encode())]),
            START_MS,
        )

        found = shown(other, "p1")

    assert (found.best_flow, found.plate) == (850.0, (900.0, 43.0))
    assert found.por == pytest.approx((630.0, 1080.0))


def test_a_data_sheet_stands_in_for_the_plate_and_both_are_drawn_at_the_gauges(past: History) -> None:
    """Its region is the published one; a mark of the flanges beside a curve of the gauges would look like wear."""
    sheet = {
        "flow": [0.0, 450.0, 900.0, 1_350.0],
        "head": [60.0, 55.0, 43.0, 20.0],
        "power": [60.0, 90.0, 130.0, 150.0],
    }
    first, second = PLANT["pump"]
    flow_only = first | {"catalogue": sheet, "rated_flow": 850.0}
    half = past.settings.model_copy(update={"pumps": (pump_of(flow_only), pump_of(second))})
    by_sheet = past.settings.model_copy(update={"pumps": (pump_of(first | {"catalogue": sheet}), pump_of(second))})
    lossy = pump_of(first | PLATE | {"branch_loss": 1.5})
    behind = past.settings.model_copy(update={"pumps": (lossy, pump_of(second))})

    with past.reader() as reader:
        found, lowered = picture(by_sheet, reader, "p1"), picture(behind, reader, "p1")
        named = picture(half, reader, "p1").plate_name

    assert (found.plate, found.plate_name) == ((900.0, 43.0), "data sheet")
    assert found.best_flow == 900.0
    assert found.por == pytest.approx((630.0, 1080.0))
    assert found.best_name == "best efficiency by the data sheet"
    assert "Data sheet" in {line.get_label() for line in figure(found).axes[0].lines}
    assert any("D data sheet" in line for line in text(found, 132, 60))
    assert (lowered.plate, lowered.plate_name, named) == ((900.0, 41.5), "plate", "data sheet")


def test_a_data_sheet_of_which_nothing_was_measured_is_not_called_supported_by_data(past: History) -> None:
    found = shown(past, "p1")
    unmeasured = replace(found, said=found.said.model_copy(update={"readings": 0, "source": "catalogue"}))

    assert any(line.startswith("Supported by data from ") for line in found.words())
    assert not any("Supported by data" in line for line in unmeasured.words())
    assert any(line.startswith("Its data sheet reaches from ") for line in unmeasured.words())


def pump_of(values: dict[str, object]) -> PumpSettings:
    return PumpSettings.model_validate_json(json.dumps(values))


def test_an_image_is_written_as_its_name_ends(past: History, tmp_path: Path) -> None:
    draw(shown(past, "p1"), tmp_path / "curve.png")

    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG\r\n")


def test_a_pump_that_is_not_there_or_has_no_curve_is_said(tmp_path: Path) -> None:
    with history(tmp_path, TAGS, **PLANT) as empty, empty.reader() as reader:
        with pytest.raises(PlotError, match='no pump "p11"; did you mean "p1"'):
            picture(empty.settings, reader, "p11")
        with pytest.raises(PlotError, match="p1 has no curve yet; the agent learns it while the pump runs"):
            picture(empty.settings, reader, "p1")


CONFIG = """
[station]
name = "test"
[storage]
path = "station.db"
[[device]]
name = "plc"
protocol = "modbus-tcp"
host = "192.0.2.1"
[[device.tag]]
name = "pressure"
address = "holding:0"
type = "float32"
unit = "bar"
[[device.tag]]
name = "flow"
address = "holding:2"
type = "float32"
unit = "m3/h"
[[header]]
id = "main"
pressure = ["pressure"]
flow = ["flow"]
[[pump]]
id = "p1"
header = "main"
drive = "fixed"
[[pump]]
id = "p2"
header = "main"
drive = "fixed"
"""
WITHOUT = "import sys; sys.modules['matplotlib'] = None; from agent.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture
def config(past: History, tmp_path: Path) -> Path:
    """A file that names the store of `past`."""
    path = tmp_path / "station.toml"
    path.write_text(CONFIG.replace("station.db", str(past.settings.storage.path)))
    return path


def test_the_command_prints_or_writes(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`pump-agent plot CONFIG --pump p1 -o curve.png`, and without -o the same in the terminal."""
    image = config.parent / "curve.png"

    assert main(["plot", str(config), "--pump", "p1"]) == 0
    printed = capsys.readouterr().out
    assert main(["plot", str(config), "--pump", "p1", "-o", str(image)]) == 0

    assert printed.startswith("p1 of test: curves at rated speed\n")
    assert capsys.readouterr().out == f"{image}\n"
    assert image.stat().st_size > 10_000


def test_an_image_that_cannot_be_made_is_one_sentence(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plot", str(config), "--pump", "p1", "-o", str(config.parent / "curve.xyz")]) == 2
    assert "name a file that ends in .png, .svg or .pdf" in capsys.readouterr().err


def test_without_matplotlib_the_remedy_is_said_and_the_terminal_still_works(config: Path) -> None:
    """A child process in which it cannot be imported, as where the extra was not installed."""
    command = [sys.executable, "-c", WITHOUT, "plot", str(config), "--pump", "p1"]

    refused = subprocess.run([*command, "-o", "curve.png"], capture_output=True, text=True, check=False)
    printed = subprocess.run(command, capture_output=True, text=True, check=False)

    assert refused.returncode == 2
    assert 'curve.png needs matplotlib; install it with pip install "pump-agent[plot]"' in refused.stderr
    assert (printed.returncode, printed.stderr) == (0, "")
