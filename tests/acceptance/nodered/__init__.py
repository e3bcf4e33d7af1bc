"""Node-RED, headless, with the panel of a pump station: `make scada` installs it in build/scada."""

import asyncio
import json
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from agent.demo.child import child, last_words

HERE = Path(__file__).parent
PROGRAM = HERE.parents[2] / "build" / "scada" / "node_modules" / "node-red" / "red.js"
PATIENCE = 60.0  # s for anything to come
LOOK = 0.2  # s between two looks at the panel

KEPT = ("tags", "figures", "alarms", "results", "advice", "status")  # what has not come yet is not in the page

Values = dict[str, Any]


class Panel:
    """What an operator sees and presses.

    Args:
        port: Where Node-RED serves it, on this machine.
    """

    def __init__(self, port: int) -> None:
        self._address = f"http://127.0.0.1:{port}"

    async def values(self) -> Values:
        """Everything the flow has kept, by what it is."""
        kept: Values = json.loads(await self._asked("/values"))
        return {name: {} for name in KEPT} | kept

    async def until(self, shows: Callable[[Values], bool]) -> Values:
        """The first values of which that is so; the last ones where patience is over."""
        values: Values = {}
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while not (values and shows(values)):
                    await asyncio.sleep(LOOK)
                    with suppress(URLError):  # it is still starting
                        values = await self.values()
        return values

    async def acknowledge(self, command_id: str, alarm: str, occurrence: int) -> None:
        """Press the button beside an alarm."""
        pressed = {"id": command_id, "alarm": alarm, "occurrence": occurrence}
        await self._asked("/ack", json.dumps(pressed).encode())

    async def _asked(self, page: str, body: bytes | None = None) -> bytes:
        def ask() -> bytes:
            request = Request(self._address + page, body, {"Content-Type": "application/json"})  # noqa: S310 - http
            with urlopen(request, timeout=5) as answer:  # noqa: S310 - as above
                found: bytes = answer.read()
                return found

        return await asyncio.to_thread(ask)


def missing() -> str | None:
    """Why it cannot be used here."""
    if shutil.which("node") is None:
        return "node is not installed"
    return None if PROGRAM.exists() else f"{PROGRAM} is missing; `make scada` installs it"


@asynccontextmanager
async def node_red(folder: Path, broker_port: int, port: int) -> AsyncIterator[Panel]:
    """Run the flow in *folder* on the broker; its panel is at *port*."""
    for name in ("flow.json", "settings.js"):
        shutil.copy(HERE / name, folder)
    log, node = folder / "node-red.log", shutil.which("node") or "node"
    settings, flow = str(folder / "settings.js"), str(folder / "flow.json")
    command = ("env", f"BROKER_PORT={broker_port}", f"SCADA_PORT={port}", node, str(PROGRAM))
    async with child(*command, "--userDir", str(folder), "--settings", settings, flow, log=log):
        panel = Panel(port)
        if not await panel.until(bool):
            raise RuntimeError(f"Node-RED does not serve its panel:{last_words(log)}")
        yield panel
