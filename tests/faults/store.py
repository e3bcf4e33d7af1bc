"""Faults of the agent's process and of the broker, and what SCADA gets nevertheless; `make faults-store`.

Rows 1, 14 and 15 of the promises. A real agent polls a real device over Modbus ten times a second; a real broker is
between it and a receiver. Whatever the store has must reach the receiver, in order per tag on each topic: 0 lost
is promised, and that a kill repeats no more than one batch.
"""

import argparse
import asyncio
import logging
import random
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from itertools import chain
from pathlib import Path

from agent.health import wall_ms
from tests.faults import store_disk
from tests.faults.delivered import HEAD, Delivered, Figures
from tests.simulators.agent import agent
from tests.simulators.broker import Broker, mosquitto
from tests.simulators.modbus import modbus_server
from tests.simulators.subscriber import subscriber

TAGS = 20
BATCH = 100  # readings a message
LOGIN = ("pump", "first secret")
ALLOWED = f"user {LOGIN[0]}\ntopic readwrite #\n"
DENIED = f"user {LOGIN[0]}\ntopic read #\ntopic write water/north/status\ntopic write water/north/tag/#\n"
LASTS = 4.0  # s, of each trouble with the broker
SIDE_BY_SIDE = 3  # stations in which agents are killed


class Works:
    """A station in a folder: device, broker, receiver, and what has arrived."""

    def __init__(self, folder: Path, broker: Broker, port: int, delivered: Delivered) -> None:
        self.folder = folder
        self.broker = broker
        self.delivered = delivered
        self.config = folder / "station.toml"
        (folder / "secret").write_text(LOGIN[1])
        (folder / "secret").chmod(0o600)
        tags = "\n".join(f'  {{ name = "t{tag}", address = "holding:{tag}" }},' for tag in range(TAGS))
        self.config.write_text(f"""
[station]
name = "north"
[mqtt]
port = {broker.port}
user = "{LOGIN[0]}"
password_file = "secret"
batch_size = {BATCH}
history_rate = 1000
keepalive = 2
timeout = 2
[storage]
path = "north.db"
commit_interval = 0.1
[[device]]
name = "plc"
protocol = "modbus-tcp"
host = "127.0.0.1"
port = {port}
period = 0.1
tag = [
{tags}
]
""")


@asynccontextmanager
async def works() -> AsyncIterator[Works]:
    """Everything but the agent."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with mosquitto(folder / "broker", acl=ALLOWED, login=LOGIN) as broker:
            async with (
                modbus_server(holding={0: list(range(TAGS))}) as port,
                subscriber(broker.port, "water/north/readings", "water/north/history", login=LOGIN) as scada,
            ):
                yield Works(folder, broker, port, Delivered(scada, "water/north", folder / "north.db"))


async def live_again(place: Works, figures: Figures, since: float) -> None:
    """Wait for the next live readings; how long they took counts."""
    now_ms = wall_ms()
    if await place.delivered.until(lambda: place.delivered.newest_ms > now_ms):
        figures.back.append(time.monotonic() - since)


async def kills(place: Works, rounds: int) -> Figures:
    """Killed at any instant: four times of five while it publishes, else while it starts."""
    figures = Figures("agent killed (-9)")
    for number in range(rounds):
        began = time.monotonic()
        async with agent(place.config) as running:
            if number % 5:
                await live_again(place, figures, began)
                await asyncio.sleep(random.uniform(0.0, 0.6))
            else:
                await asyncio.sleep(random.uniform(0.0, 2.0))
            await running.stop(signal.SIGKILL)
        await place.delivered.drained()
        figures.count(place.delivered.to_repeat())
    return await _settled(place, figures)


async def kills_in_history(place: Works, rounds: int) -> Figures:
    """Killed while it makes up for an outage of the broker."""
    figures = Figures("agent killed (-9) after an outage")
    for _ in range(rounds):
        async with agent(place.config) as running:
            await live_again(place, figures, time.monotonic())
            await place.delivered.settle(figures)
            place.delivered.repeated()
            place.broker.kill()
            await asyncio.sleep(3.0)
            place.broker.start()
            began, held = time.monotonic(), place.delivered.held
            await place.delivered.until(_more_held(place, held))
            figures.back[-1] = time.monotonic() - began
            figures.most = max(figures.most, place.delivered.repeated())  # what the broker had not acknowledged
            await asyncio.sleep(random.uniform(0.0, 0.4))
            await running.stop(signal.SIGKILL)
        await place.delivered.drained()
        figures.count(place.delivered.to_repeat())
    return await _settled(place, figures)


def _more_held(place: Works, held: int) -> Callable[[], bool]:
    """Whether more of what was held back has come than *held* messages."""
    return lambda: place.delivered.held > held


async def _settled(place: Works, figures: Figures) -> Figures:
    """Let a last process deliver all there is."""
    async with agent(place.config) as running:
        await live_again(place, Figures(""), time.monotonic())
        await place.delivered.settle(figures)
        await running.stop()
    place.delivered.repeated()
    return figures


async def _kill(broker: Broker, _folder: Path) -> None:
    broker.kill()
    await asyncio.sleep(LASTS)
    broker.start()


async def _freeze(broker: Broker, _folder: Path) -> None:
    broker.freeze()
    await asyncio.sleep(LASTS)
    broker.thaw()


async def _refuse(broker: Broker, folder: Path) -> None:
    passwords = folder / "passwords"
    await _with(broker, passwords, passwords.read_text().replace(LOGIN[0], "somebody else"))


async def _deny(broker: Broker, folder: Path) -> None:
    await _with(broker, folder / "acl", DENIED)


async def _with(broker: Broker, file: Path, content: str) -> None:
    """Run the broker with another content of one of its files for a while."""
    before = _restarted(broker, file, content)
    await asyncio.sleep(LASTS)
    _restarted(broker, file, before)


def _restarted(broker: Broker, file: Path, content: str) -> str:
    """Start it anew with *content* in one of its files; what was there before."""
    before = file.read_text()
    broker.stop()
    file.write_text(content)
    broker.start()
    return before


Step = tuple[Callable[[Works, int], Awaitable[Figures]], int]

TROUBLES: dict[str, Callable[[Broker, Path], Awaitable[None]]] = {
    "broker killed (-9)": _kill,
    "broker frozen": _freeze,
    "broker refuses the login": _refuse,
    "broker denies the topics of readings": _deny,
}


async def troubles(name: str, place: Works, rounds: int) -> Figures:
    """One kind of trouble with the broker, again and again, with one agent."""
    figures = Figures(name)
    async with agent(place.config) as running:
        await live_again(place, Figures(""), time.monotonic())
        for _ in range(rounds):
            await TROUBLES[name](place.broker, place.folder / "broker")
            await live_again(place, figures, time.monotonic())
            await place.delivered.settle(figures)
            figures.count(place.delivered.repeated())
        await running.stop()
    return figures


async def measure(kill_rounds: int, broker_rounds: int) -> list[Figures]:
    """Every fault; the kills in several stations side by side, as most of their time is the agent's start."""
    shares = [kill_rounds // SIDE_BY_SIDE + (number < kill_rounds % SIDE_BY_SIDE) for number in range(SIDE_BY_SIDE)]
    stations: list[list[Step]] = [[(kills, share)] for share in shares if share]
    stations.append(
        [
            (kills_in_history, max(1, kill_rounds // 10)),
            *((partial(troubles, name), broker_rounds) for name in TROUBLES),
        ]
    )
    found: dict[str, Figures] = {}
    for figures in chain.from_iterable(await asyncio.gather(*map(_measured, stations))):
        found.setdefault(figures.name, Figures(figures.name)).add(figures)
    return list(found.values())


async def _measured(steps: Sequence[Step]) -> list[Figures]:
    """One station's faults, one after the other on the same store."""
    found: list[Figures] = []
    async with works() as place:
        for step, rounds in steps:
            twice, disordered = place.delivered.twice, place.delivered.disordered
            figures = await step(place, rounds)
            figures.twice = place.delivered.twice - twice
            figures.disordered = place.delivered.disordered - disordered
            found.append(figures)
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 where a promise is broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--broker", type=int, default=5, help="rounds of each trouble with the broker")
    parser.add_argument("--disk", type=int, default=20, help="rounds of a full disk, and of a damaged database")
    parser.add_argument("--slow", type=int, default=5, help="rounds of a disk that stands still")
    args = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)  # the device's library prints its last requests when a client dies in the middle
    began = time.monotonic()
    found = asyncio.run(measure(args.kills, args.broker))
    print(HEAD, *found, sep="\n")
    lost, disordered = sum(one.lost for one in found), sum(one.disordered for one in found)
    kept = sum(one.rounds for one in found)
    print(f"{kept} rounds in {time.monotonic() - began:.0f} s: {lost} lost, {disordered} out of order")
    status = 1 if lost or disordered else 0
    return status | store_disk.main(["--rounds", str(args.disk), "--slow", str(args.slow)])


if __name__ == "__main__":
    sys.exit(main())
