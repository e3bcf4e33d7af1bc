"""What a person sees on the terminal."""

from io import StringIO
from pathlib import Path

from rich.console import Console

from agent.demo.picture import Picture
from agent.demo.view import render
from agent.mqtt import payloads

CHANGE = payloads.Recommendation(
    id="1",
    ts=0,
    expires=900_000,
    station="demo",
    action="change",
    pumps=(
        payloads.PumpAdvice(id="p1", run=True, speed=0.966),
        payloads.PumpAdvice(id="p2", run=False),
        payloads.PumpAdvice(id="p4", run=True),
    ),
    saving_kw=11.24,
    saving_uncertainty_kw=1.31,
    saving_percent=13.5,
    reasons=("start p1 at 48.3 Hz", "stop p2", "p2 is worn", "one pump fewer"),
)
PUMP = payloads.Pump(
    pump="p1", ts=0, running=True, flow=312.0, flow_source="derived", flow_std=4.0, speed=0.97, efficiency=0.712
)


def screen(picture: Picture, width: int = 100) -> str:
    """The view as plain text on a terminal of so many columns."""
    output = StringIO()
    Console(file=output, width=width).print(render(picture, ("port 15020 is taken, 40001 serves instead",)))
    return output.getvalue()


def test_an_empty_picture_can_be_shown() -> None:
    """Before the first message there is already a screen, which says what comes."""
    shown = screen(Picture("water/demo"))

    assert "Learning" in shown
    assert "agent offline" in shown
    assert "port 15020 is taken" in shown


def test_advice_is_shown_with_saving_doubt_and_reasons() -> None:
    """A saving without its uncertainty would be a promise; what is to be done comes first, and once."""
    picture = Picture("water/demo")
    picture.take("water/demo/recommendation", CHANGE.encode(), at=1.0)

    shown = screen(picture)

    assert "Saves 11.2 ± 1.3 kW (13.5 %)" in shown
    told = [line.strip("│ ") for line in shown.splitlines() if "│" in line]
    assert told[1:] == ["- start p1 at 48.3 Hz", "- stop p2", "- p2 is worn", "- one pump fewer"]


def test_the_advice_in_the_readme_is_as_the_view_shows_it() -> None:
    """With what is to be done before the reasons: the picture is all that many see of it."""
    page = (Path(__file__).parents[3] / "README.md").read_text()
    shown = page[page.index("╭─ Advice") : page.index("╯") + 1]
    reasons = tuple(line.strip("│ ").removeprefix("- ") for line in shown.splitlines()[2:-1])
    figures = {"saving_kw": 12.3, "saving_uncertainty_kw": 0.4, "saving_percent": 15.5}
    picture = Picture("water/demo")
    advice = CHANGE.model_copy(update={**figures, "reasons": reasons})
    picture.take("water/demo/recommendation", advice.encode(), at=1.0)

    assert shown in screen(picture, width=len(shown.splitlines()[0]))
    assert reasons[:3] == ("start p1 at 45.7 Hz", "stop p2", "stop p3")


def test_no_advice_says_why() -> None:
    """Silence would look like a fault."""
    picture = Picture("water/demo")
    picture.take("water/demo/recommendation", b'{"action":"none","why":"the flow meter is silent"}', at=1.0)

    assert "None: the flow meter is silent" in screen(picture)


def test_a_bad_tag_shows_its_reason_and_no_value() -> None:
    """The last good value repeated would look alive."""
    picture = Picture("water/demo")
    picture.take("water/demo/tag/p3.bearing", b'{"quality":"bad","reason":"no sensor","unit":"degC"}', at=1.0)
    picture.take("water/demo/tag/p1.power", b'{"quality":"good","value":41.270000457763672,"unit":"kW"}', at=1.0)

    shown = screen(picture)

    assert "p3.bearing no sensor" in shown
    assert "p1.power 41.27 kW" in shown


def test_a_derived_flow_is_shown_with_its_uncertainty() -> None:
    """Only the header has a meter: a pump's flow is an estimate and looks like one."""
    picture = Picture("water/demo")
    picture.take("water/demo/pump/p1", PUMP.encode(), at=1.0)

    shown = screen(picture)

    assert "312 ± 4" in shown
    assert "71.2%" in shown
    assert "runs" in shown


def test_alarms_are_shown_by_their_message() -> None:
    """The sentence the technician wrote is what an operator reads; markup in it is text."""
    picture = Picture("water/demo")
    picture.take("water/demo/alarm/a", b'{"priority":"high","active":true,"message":"Pump 2 runs [bold]hot"}', at=1.0)

    assert "high   Pump 2 runs [bold]hot" in screen(picture)
