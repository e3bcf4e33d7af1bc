"""The demo on a terminal: live values, pumps at their duty points, the advice, alarms and health; needs rich."""

from collections.abc import Iterable

from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agent.demo.picture import Message, Picture

COLOUR = {"good": "", "uncertain": "yellow", "bad": "red"}
STATE = {"ok": "green", "starting": "cyan", "off": "dim", "degraded": "yellow", "failed": "red"}
REASONS = 6  # of an advice that fit on a screen


def render(picture: Picture, notes: Iterable[str]) -> Group:
    """The whole screen, for 80 columns and more."""
    return Group(
        _heading(picture),
        _advice(picture.recommendation),
        _pumps(picture),
        _alarms(picture.alarms),
        Text("; ".join((*notes, "Ctrl-C ends the demo")), style="dim"),
        _values(picture),  # last, for a low terminal cuts off what is below
    )


def _heading(picture: Picture) -> Text:
    station, state = picture.station, picture.health.get("state", "starting")
    figures = (
        _figure(station, "flow", "{:.0f} m³/h"),
        _figure(station, "head", "{:.1f} m"),
        _figure(station, "power_kw", "{:.1f} kW"),
        _figure(station, "specific_energy", "{:.3f} kWh/m³"),
    )
    return Text.assemble(
        (picture.root, "bold"),
        f"  {'  '.join(figure for figure in figures if figure)}  ",
        (f"agent {picture.status}, {state}", STATE.get(state, "")),
        (f"  {picture.readings:,} readings, {len(picture.curves)} curves", "dim"),
    )


def _pumps(picture: Picture) -> Table:
    table = Table(expand=True, box=SIMPLE_HEAD, pad_edge=False)
    for title in ("pump", "runs", "speed", "flow m³/h", "head m", "power kW", "efficiency"):
        table.add_column(title, justify="left" if title in ("pump", "runs") else "right")
    for name, pump in sorted(picture.pumps.items()):
        table.add_row(
            name,
            _running(pump),
            _figure(pump, "speed", "{:.3f}"),
            _estimate(pump, "flow", "{:.0f}"),
            _figure(pump, "head", "{:.1f}"),
            _figure(pump, "power_kw", "{:.1f}"),
            _figure(pump, "efficiency", "{:.1%}"),
        )
    return table


def _running(pump: Message) -> Text:
    match pump.get("running"):
        case True:
            return Text("runs", style="bold green")
        case False:
            return Text("stopped", style="dim")
        case _:
            return Text("?", style="yellow")


def _values(picture: Picture) -> Table:
    """Live values in as many columns as stand side by side on a narrow terminal."""
    grid = Table.grid(expand=True, padding=(0, 2))
    cells = [_value(tag, message) for tag, message in sorted(picture.tags.items())]
    columns = 3
    for _ in range(columns):
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    for first in range(0, len(cells), columns):
        grid.add_row(*cells[first : first + columns])
    return grid


def _value(tag: str, message: Message) -> Text:
    quality = message.get("quality", "bad")
    value = message.get("value")
    shown = (
        message.get("reason", "bad") if value is None else f"{value:.7g}" if isinstance(value, float) else str(value)
    )
    return Text.assemble(
        (f"{tag} ", "dim"), (f"{shown} {message.get('unit', '')}".rstrip(), COLOUR.get(quality, "red"))
    )


def _advice(advice: Message) -> Panel:
    match advice.get("action"):
        case "change":
            return Panel(_change(advice), title="Advice", title_align="left", border_style="bold green")
        case "keep":
            lines = ("Keep it so.", *advice.get("reasons", ())[:REASONS])
            return Panel("\n".join(lines), title="Advice", title_align="left", border_style="green")
        case "none":
            return Panel(f"None: {advice.get('why', '')}", title="Advice", title_align="left", border_style="yellow")
        case _:
            return Panel("Learning; the first one comes within a minute.", title="Advice", title_align="left")


def _change(advice: Message) -> Text:
    """The saving; then what is to be done, with which the reasons begin, and why."""
    saving = _figure(advice, "saving_kw", "{:.1f}")
    doubt = _figure(advice, "saving_uncertainty_kw", " ± {:.1f}")
    share = _figure(advice, "saving_percent", " ({:.1f} %)")
    lines = (f"- {reason}" for reason in advice.get("reasons", ())[:REASONS])
    return Text.assemble((f"Saves {saving}{doubt} kW{share}\n", "bold"), "\n".join(lines))


def _alarms(alarms: dict[str, Message]) -> Text:
    if not alarms:
        return Text("No alarms", style="dim")
    lines = [
        Text.assemble((f"{alarm['priority']:<7}", "bold red" if alarm["active"] else "yellow"), f"{alarm['message']}")
        for _, alarm in sorted(alarms.items())
    ]
    return Text("\n").join(lines)


def _figure(message: Message, key: str, form: str) -> str:
    value = message.get(key)
    return "" if value is None else form.format(value)


def _estimate(message: Message, key: str, form: str) -> str:
    """A figure with its standard deviation, where it is not measured."""
    doubt = "" if message.get(f"{key}_source") == "measured" else _figure(message, f"{key}_std", " ± {:.0f}")
    return _figure(message, key, form) + doubt
