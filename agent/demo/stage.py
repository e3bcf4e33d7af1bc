"""The demo before a person or a script: what is printed where, and how it ends."""

import asyncio
import sys
from dataclasses import asdict
from functools import partial
from typing import NoReturn

import orjson
from rich.console import Console
from rich.live import Live

from agent.demo.child import DemoError
from agent.demo.picture import Picture
from agent.demo.show import Show, until_signalled
from agent.demo.summary import summary
from agent.demo.view import render
from agent.demo.workplace import workplace

FRAME = 0.25  # s between two pictures on a terminal
PAGE = 10.0  # s between two where the output is a file or a pipe


def perform(seconds: float | None, *, as_json: bool, use_amqtt: bool) -> int:
    """Run a demo from beginning to end; the exit status."""
    with workplace(use_amqtt=use_amqtt) as place:
        draw = _draw_nothing if as_json else partial(_draw, Console(), place.notes)
        show = Show(place, seconds, _say, draw)
        if place.notes:
            _say("; ".join(place.notes))
        if error := _failure(show):
            _say(f"the demo ends: {error}")
            return 1
        if show.began is not None and as_json:
            print(orjson.dumps(asdict(summary(show)), option=orjson.OPT_INDENT_2).decode())
    return 0


def _failure(show: Show) -> str | None:
    """Run *show*; why it could not go on, if so."""
    sentences: list[str] = []
    try:
        asyncio.run(until_signalled(show.run()))
    except* DemoError as group:
        sentences += map(str, group.exceptions)
    return "; ".join(sentences) or None


def _say(line: str) -> None:
    """Tell a person; the standard output is for the picture, or the summary."""
    print(line, file=sys.stderr, flush=True)


async def _draw_nothing(_picture: Picture) -> NoReturn:
    while True:
        await asyncio.Event().wait()


async def _draw(console: Console, notes: tuple[str, ...], picture: Picture) -> NoReturn:
    if not console.is_terminal:
        while True:
            await asyncio.sleep(PAGE)
            console.print(render(picture, notes))
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        while True:
            live.update(render(picture, notes), refresh=True)
            await asyncio.sleep(FRAME)
