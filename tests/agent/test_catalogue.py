"""A pump's data sheet in the configuration: points, polynomials or a file, and every way it can be wrong."""

import json
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from agent.catalogue import CatalogueSettings
from agent.configuration.catalogue_file import read_catalogue
from agent.configuration.config_file import load
from agent.configuration.hints import hints
from agent.configuration.mistakes import Mistake, SettingsError
from agent.jobs.learnt.data_sheet import catalogue, losses_of, npsh_table, plate
from agent.plant import PumpSettings
from agent.reload import files
from analytics.curves.prior import Plate
from tests.agent.reference import CONFIG, spoilt

PUMPS = sorted((CONFIG / "pumps").glob("*.csv"))
STATION = """
[station]
name = "s"
[[header]]
id = "main"
pressure = ["p"]
flow = ["q"]
[[device]]
name = "d"
protocol = "modbus-tcp"
host = "192.0.2.1"
tag = [{name = "p", address = "holding:1", unit = "bar"}, {name = "q", address = "holding:2", unit = "m3/h"}]
[[pump]]
id = "p1"
header = "main"
[pump.catalogue]
"""


def written(folder: Path, catalogue: str, sheet: str = "") -> Path:
    """A small station whose pump has the *catalogue*; `sheet.csv` is there too."""
    (folder / "sheet.csv").write_text(sheet, encoding="utf-8")
    path = folder / "station.toml"
    path.write_text(STATION + catalogue + "\n", encoding="utf-8")
    return path


def mistakes(path: Path) -> tuple[Mistake, ...]:
    with pytest.raises(SettingsError) as caught:
        load(path)
    return caught.value.mistakes


@pytest.mark.parametrize("path", PUMPS, ids=lambda path: path.name)
def test_each_sheet_that_ships_is_a_pump(path: Path) -> None:
    """Examples of our own invention, written in three habits; each must read as head, power and NPSH of one pump."""
    found = CatalogueSettings.model_validate(read_catalogue(path, path.name).values)

    points = found.points
    assert len(points) >= 6
    assert all(10.0 < point.head < 70.0 for point in points)
    assert all(1.5 < point.npsh < 5.0 for point in points if point.npsh is not None)
    best = max(9.80665 * p.flow * p.head / 3600.0 / p.power for p in points if p.power is not None)
    assert 0.7 < best < 0.85
    assert len(PUMPS) == 3


def test_units_decimal_commas_and_order_of_a_sheet_are_understood(tmp_path: Path) -> None:
    """44,4 l/s are 159.84 m³/h; a sheet read as if it were in m³/h would be a pump a quarter of the size."""
    path = tmp_path / "sheet.csv"
    text = "Pumpe Nr. 7;;;\nFörderstrom Q;Förderhöhe;eta;NPSH\nl/s;kPa;%;m\n44,4;431,5;79;2,8\n10;578,6;41,5;\n"
    path.write_text(text, encoding="cp1252")

    found = read_catalogue(path, "sheet.csv")

    assert found.values["flow"] == pytest.approx([36.0, 159.84])
    assert found.values["head"] == pytest.approx([59.0, 44.0], rel=1e-3)
    assert found.values["efficiency"] == pytest.approx([0.415, 0.79])
    assert found.values["npsh"] == [None, 2.8]
    assert "cp1252" in found.how


@pytest.mark.parametrize(
    ("sheet", "line", "sentence"),
    [
        ("flow [m3/h],head [m]\n0,50\n100,4o\n200,20\n", 3, 'head is "4o", which is no number; correct it'),
        ("flow [m3/h],head [m]\n0,50\n100,\n200,20\n", 3, "head is missing; write it, or delete the row"),
        ("flow [m3/h],head [furlong]\n0,50\n100,40\n", 1, 'the unit of head, "furlong", is not one of head; write one'),
        (
            "flow [bar],head [m]\n0,50\n100,40\n",
            1,
            'the unit of flow, "bar", is not one of flow; write one such as m3/h',
        ),
        ("flow,efficiency\n0,50\n100,40\n", 1, 'has no column "head"; begin with a row of titles'),
        ("flow,head,H [m]\n0,50,50\n100,40,50\n", 1, 'the column "head" is there twice; keep one'),
        ("flow,head,n\n0,50,1450\n100,40,2900\n", 3, "speed is 2900 here and 1450 above; a file is of one"),
        ("flow,head\n0,50\n100,40\n100,30\n", 4, "is 100, not above the one before (100); give each flow once"),
        ("flow,head\n0,50\n100,40\n", None, "has 2 values, and a curve needs 3 or more; add some"),
        ("flow,head\n0,50\n", None, "has 1 value, and a curve needs 3 or more; add some"),
        ("flow,head\n", 1, "has titles and no points; write 3 or more below them, a row each"),
        ("flow,head\nm3/h,m\n", 1, "has titles and no points"),
        ("flow,head\n0,30\n100,40\n200,50\n", None, "head: does not fall with the flow from above 0"),
        ("Q [m3/h],H [m],P2 [kW]\n0,50,5\n100,40,6\n200,30,7\n", 3, "the water takes 10.9 kW of the 6 kW at the shaft"),
        ("flow,head,eta [kW]\n0,50,5\n100,40,6\n", 1, 'the unit of efficiency, "kW", is not known; write % or nothing'),
        ("flow,head,eta [%]\n0,50,0\n100,40,0.70\n200,30,0.6\n", 3, "is at most 0.70 in a column of %, which looks"),
        ("flow,head,eta\n,,%\n0,50,0.2\n100,40,0.99\n200,30,\n", 4, "is at most 0.99 in a column of %, which looks"),
        ("flow;head\n0;50\n1.000;45\n2.000;30\n", 3, 'flow is "1.000", which may be 1000 or 1; write 1000, or every'),
        ("flow;head\n500;50\n900;45\n1,250;30\n", 4, 'flow is "1,250", which may be 1250 or 1.25; write 1250, or'),
        ("flow,head\n" + "".join(f"{i},{400 - i}\n" for i in range(301)), 302, "has 301 points, and 300 are the most"),
        ("flow,head\n" + "0,50\n" * 400_001, None, "has 2.0 MB, and a data sheet at most 2; keep the points alone"),
        ("flow,head,eta\n0,50,0\n100,40,180\n200,30,60\n", 3, "efficiency, value 2: must be below 1, not 1.8"),
    ],
)
def test_a_fault_of_a_sheet_is_named_at_its_line(tmp_path: Path, sheet: str, line: int | None, sentence: str) -> None:
    """In the file that is wrong, not where it is named; what is of no one row stands at the catalogue."""
    path = written(tmp_path, 'file = "sheet.csv"', sheet)

    found = mistakes(path)

    assert len(found) == 1, "\n".join(map(str, found))
    [said] = found
    assert sentence in str(said)
    if line is not None:
        assert (said.place.file, said.place.line) == (str(tmp_path / "sheet.csv"), line)


@pytest.mark.parametrize(
    "flows", [("0.000", "1.000", "2.000"), ("0", "0.125", "0.250"), ("0", "1.0", "2.125"), ("0,000", "1,125", "2,250")]
)
def test_three_decimals_are_not_taken_for_thousands(tmp_path: Path, flows: tuple[str, ...]) -> None:
    """Where the others of the column show that they are decimals."""
    path = tmp_path / "sheet.csv"
    path.write_text("flow;head\n" + "".join(f"{flow};{50 - i}\n" for i, flow in enumerate(flows)), encoding="utf-8")

    assert read_catalogue(path, "sheet.csv").values["flow"] == [float(flow.replace(",", ".")) for flow in flows]


@pytest.mark.parametrize(
    ("catalogue", "sentence"),
    [
        ('file = "other.csv"', "there is no file"),
        ('file = "sheet.csv"\nhead = [50, 40, 30]', "catalogue: head: is here and in the file too; leave one"),
        ("head = [50, 40, 30]", "catalogue: flow: missing; write the flows of the points"),
        ("flow = [0, 100, 200]", "head: or head_polynomial says what the pump delivers; give exactly one"),
        ("flow = [0, 100, 200]\nhead = [50, 40]", "head: has 2 values and flow has 3; write one for each flow"),
        ("flow = [0, 200]\nhead_polynomial = [50, 0, 1e-3]", "head_polynomial: does not fall with the flow"),
        (
            "flow = [0, 200]\nhead_polynomial = [50, 0, -1e-3]\nnpsh = [2, 3]",
            "but the head is a polynomial; write npsh_",
        ),
        ("flow = [0, 100, 200]\nhead = [50, 40, 20]\nfull_speed = 1480", "speed: missing, but full_speed is there"),
        (
            "flow = [0, 100, 200]\nhead = [50, 40, 20]\nspeed = 25\nfull_speed = 1480",
            "full_speed: is 59 times speed (25); correct one, or use another sheet",
        ),
        (
            "flow = [0, 100, 200]\nhead = [50, 40, 20]\nefficiency = [0, 0.8, 0.7]\npower = [8, 19, 20]",
            "power, value 2: is 19 kW, but flow, head and efficiency make it 13.6 kW; leave one out",
        ),
        ("flow = [0, 100, 200]\nhead = [50, 40, 20]\neficiency = [0, 0.8, 0.7]", 'did you mean "efficiency"?'),
    ],
)
def test_a_fault_of_a_catalogue_is_named_with_its_remedy(tmp_path: Path, catalogue: str, sentence: str) -> None:
    path = written(tmp_path, catalogue, "flow,head\n0,50\n100,40\n200,30\n")

    found = mistakes(path)

    assert [one for one in found if sentence in str(one)], "\n".join(map(str, found))
    assert len(found) == 1
    assert found[0].place.line is not None


def test_a_sheet_of_another_speed_and_impeller_is_brought_to_the_pump_s() -> None:
    """At 1.1 times the speed and 0.9 times the diameter: flow 0.99, head 0.98, power 0.97 of it; NPSH goes by n²."""
    given = CatalogueSettings(
        flow=(0.0, 100.0, 200.0),
        head=(50.0, 45.0, 30.0),
        power=(8.0, 16.0, 21.0),
        npsh=(None, 2.0, 4.0),
        speed=1000.0,
        full_speed=1100.0,
        diameter=300.0,
        impeller=270.0,
    )

    point = given.points[1]

    assert point == pytest.approx((99.0, 45.0 * 0.9801, 16.0 * 0.970299, 2.42))


def test_polynomials_say_the_same_as_their_points() -> None:
    flow = tuple(np.linspace(20.0, 240.0, 12).tolist())
    head = tuple(55.0 - 4e-4 * q**2 for q in flow)
    efficiency = tuple(8e-3 * q - 2e-5 * q**2 for q in flow)

    by_points = CatalogueSettings(flow=flow, head=head, efficiency=efficiency)
    by_polynomials = CatalogueSettings(
        flow=(20.0, 240.0), head_polynomial=(55.0, 0.0, -4e-4), efficiency_polynomial=(0.0, 8e-3, -2e-5)
    )

    for one, other in zip(by_points.points, by_polynomials.points, strict=True):
        assert one[:3] == pytest.approx(other[:3])


def test_a_polynomial_of_the_efficiency_that_is_not_0_at_no_flow_makes_no_pump_without_power() -> None:
    """A fitted one has any constant: 8 % of no water would be 0 kW, which is no point of a pump's power."""
    efficiency = [0.08, 0.0072, -1.8e-5]
    sheet = CatalogueSettings(
        flow=(0.0, 300.0), head_polynomial=(60.0, 0.0, -2.5e-4), efficiency_polynomial=tuple(efficiency)
    )

    powers = [point.power for point in sheet.points]

    assert powers[0] is None
    assert all(power is not None and power > 2.0 for power in powers[1:])
    known = plate(pump(catalogue=sheet.model_dump(exclude_unset=True)))
    assert known.rated_flow == pytest.approx(200.0, abs=25.0)


def test_a_file_that_is_changed_is_taken_with_the_configuration() -> None:
    """Reloading looks at every file the configuration names."""
    path = CONFIG / "station.toml"

    assert CONFIG / "pumps" / "booster-210.csv" in files(path, load(path))


def test_whoever_breaks_the_reference_s_sheet_is_told(tmp_path: Path) -> None:
    path, line = spoilt(tmp_path, "impeller = 262 ", "impeller = 26.2 ")

    [mistake] = mistakes(path)

    assert "impeller: is 0.098 times diameter (268)" in mistake.sentence
    assert mistake.place.line == line


SHEET = {"flow": [0, 100, 200], "head": [50, 45, 30], "power": [8, 16, 21], "npsh": [None, 2.0, 4.0]}


def pump(**more: object) -> PumpSettings:
    return PumpSettings.model_validate_json(json.dumps({"id": "p1", "header": "main", "catalogue": SHEET} | more))


def test_the_power_of_a_sheet_is_brought_from_the_shaft_to_the_meter() -> None:
    """16 kW at the shaft are 16 / 0.94 / 0.97 at the meter; without the motor's rating a sheet has no power at all."""
    table = [[0.2, 0.90], [0.5, 0.94], [1.0, 0.94]]
    known = catalogue(pump(rated_power=30.0, motor_efficiency_by_load=table, drive_efficiency=0.97))
    unknown = catalogue(pump())

    assert known is not None
    assert unknown is not None
    assert known.power is not None
    assert known.power[1] == pytest.approx(16.0 / 0.94 / 0.97)
    assert unknown.power is None


def test_the_head_of_a_sheet_is_brought_from_the_flanges_to_the_gauges() -> None:
    """At 200 m³/h: 1.2 m of the branch at 100 are 4.8; in 200 and 150 mm there are 0.159 and 0.504 m of speed."""
    known = catalogue(
        pump(rated_flow=100.0, rated_head=45.0, branch_loss=1.2, suction_bore=200.0, discharge_bore=150.0)
    )
    unknown = catalogue(pump(rated_flow=100.0, rated_head=45.0))

    assert known is not None
    assert unknown is not None
    assert known.head[0] == unknown.head[0] == 50.0
    assert known.head[2] == pytest.approx(30.0 - 4.8 - 0.5039 + 0.1594, abs=1e-3)
    np.testing.assert_array_equal(unknown.head, [50.0, 45.0, 30.0])


def test_the_plate_too_is_of_the_flanges() -> None:
    """Else the joint fit would draw a pump behind a lossy branch up to its plate."""
    known = plate(pump(rated_flow=100.0, rated_head=45.0, branch_loss=1.2))

    assert known.rated_flow == 100.0
    assert known.rated_head == pytest.approx(43.8)


def test_a_sheet_of_which_nothing_reaches_the_gauges_is_none() -> None:
    """Its points beyond stay out: a head below 0 is no pump's."""
    assert catalogue(pump(rated_flow=50.0, branch_loss=15.0)) is None
    short = {"flow": [0, 100, 200, 220], "head": [50, 45, 30, 1]}
    found = catalogue(pump(rated_flow=100.0, branch_loss=1.2, catalogue=short))

    assert found is not None
    assert found.flow.tolist() == [0.0, 100.0, 200.0]


@pytest.mark.parametrize(
    ("told", "sentence"),
    [
        ({"branch_loss": 1.0}, "is the loss at rated_flow, which is missing"),
        ({"branch_loss": 50.0, "rated_flow": 100.0, "rated_head": 45.0}, "not below rated_head"),
        ({"suction_bore": 200.0}, "tells the velocity head on one side only"),
        ({"discharge_bore": 200.0}, "tells the velocity head on one side only"),
    ],
)
def test_what_leads_to_the_gauges_is_told_whole(told: dict[str, float], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        pump(**told)


def test_losses_say_whether_they_are_known() -> None:
    """The estimate is that of IE3: 93.6 % at 30 kW (IEC 60034-30-1, four poles, 50 Hz)."""
    known, estimated = losses_of(pump(rated_power=30.0, motor_efficiency=0.95)), losses_of(pump(rated_power=30.0))
    fixed = losses_of(pump(rated_power=30.0, drive="fixed"))

    assert known is not None
    assert estimated is not None
    assert fixed is not None
    assert (known.source, estimated.source) == ("known", "estimated")
    assert float(30.0 / known.drawn(30.0)) == pytest.approx(0.95)
    assert float(30.0 / fixed.drawn(30.0)) == pytest.approx(0.936, abs=0.001)
    assert float(30.0 / estimated.drawn(30.0)) == pytest.approx(0.97 * 0.936, abs=0.001)
    assert losses_of(pump()) is None


def test_what_the_meter_shows_leads_back_to_the_shaft() -> None:
    losses = losses_of(pump(rated_power=30.0))
    assert losses is not None

    np.testing.assert_allclose(losses.at_shaft(losses.drawn([3.0, 12.0, 30.0])), [3.0, 12.0, 30.0], rtol=0.002)


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ("rated_flow = 100.0\nrated_head = 40.0", None),
        ("rated_flow = 100.0\nrated_head = 60.0", "its catalogue has 40 m at rated_flow, its rated_head is 60 m"),
        ("rated_flow = 400.0\nrated_head = 40.0", "rated_flow 400 is not in its catalogue (0 to 200 m3/h)"),
        ("rated_power = 5.0", "its catalogue takes 12 kW or more at the shaft, its motor has 5 kW"),
        ("", "the powers of its catalogue are at the shaft; add rated_power"),
    ],
)
def test_a_sheet_of_another_pump_is_doubted(tmp_path: Path, more: str, sentence: str | None) -> None:
    """No single value is wrong, but a prior of another pump does harm; the agent runs, and the check says it."""
    path = written(tmp_path, "flow = [0, 100, 200]\nhead = [50, 40, 20]\npower = [12, 18, 21]")
    text = path.read_text().replace("[pump.catalogue]", f"{more}\n[pump.catalogue]")
    path.write_text(text if "power" in more or not more else text.replace("power = [12, 18, 21]", ""))

    said = [hint for hint in hints(load(path)) if "catalogue" in hint]

    assert (said == []) if sentence is None else (len(said) == 1 and sentence in said[0])


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        ({"motor_efficiency": 0.9}, "missing, but the motor's efficiency is there"),
        ({"rated_power": 30, "motor_efficiency_by_load": [[1.0, 0.9], [0.5, 0.9]]}, "must rise in load"),
        ({"rated_power": 30, "motor_efficiency": 0.9, "motor_efficiency_by_load": [[1.0, 0.9]]}, "are both there"),
    ],
)
def test_losses_that_contradict_each_other_are_refused(more: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        pump(**more)


@pytest.mark.parametrize(("starts", "is_taken"), [(1 / 48, True), (0.5, True), (0.02, False), (1 / 72, False)])
def test_fewer_starts_than_are_remembered_are_refused(starts: float, is_taken: bool) -> None:  # noqa: FBT001 - a case
    """One start in three days would be taken for one in two, and nobody would know."""
    with nullcontext() if is_taken else pytest.raises(ValidationError, match="fewer than one in two days"):
        pump(starts_per_hour=starts)


def test_a_sheet_stands_in_for_a_plate_that_is_not_told() -> None:
    """A header's pumps are told apart sooner where their best points are known; whoever wrote a plate meant it."""
    sheet = {"flow": [0, 50, 100, 150], "head": [50, 48, 42, 30], "efficiency": [0, 0.6, 0.78, 0.7]}
    rising = sheet | {"efficiency": [0, 0.6, 0.7, 0.78]}

    assert plate(pump(catalogue=sheet)) == Plate("p1", 100.0, 42.0)
    assert plate(pump(catalogue=sheet, rated_flow=90.0, rated_head=40.0)) == Plate("p1", 90.0, 40.0)
    assert plate(pump(catalogue=rising)) == Plate("p1")
    assert plate(pump(catalogue={"flow": [0, 50, 100], "head": [50, 48, 42]})) == Plate("p1")


def test_npsh_is_taken_where_the_sheet_gives_it() -> None:
    """Sheets leave it out at small flows; a 0 there would promise what nobody measured."""
    found = npsh_table(pump())

    assert found is not None
    np.testing.assert_allclose(found, [[100.0, 200.0], [2.0, 4.0]])
