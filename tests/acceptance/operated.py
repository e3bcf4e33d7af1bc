"""`make operated`: advice of a running agent is withheld, followed, counted, rejected and taken back as is promised.

The demo's station on its sockets, mosquitto and the agent as a process; only the town stands still, and a script runs
the pumps. Takes a quarter of an hour. Exit status 1 where something does not hold.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

from agent.demo.broker import broker
from agent.demo.child import DemoError, child, last_words
from agent.demo.servers import Station, serving
from agent.demo.show import AGENT, SEED
from agent.demo.workplace import CONFIG, Workplace, workplace
from agent.health import wall_ms
from agent.mqtt.instant import rfc3339
from tests.acceptance.checks import Checks
from tests.acceptance.operators import Operators
from tests.simulators.subscriber import Subscriber, subscriber

ROOT = "water/demo"
RECOMMENDATION = f"{ROOT}/recommendation"
PATIENCE = 420.0  # s; most promises are kept in one or two rounds of a job
DEVIATIONS = 3.0  # by which a counted saving may miss the truth
ROUNDS = 5  # of the dispatch job, in which what was rejected must not come again
ALARM = """
[[limit]]
id = "p3-current-high"
tag = "p3.current"
high = 150
message = "Pump 3 draws too much current"
"""
SOONER = (
    ("[mqtt]\n", "[mqtt]\ncommands = true\n"),
    ("quality = { period = 20 }", "quality = { period = 20, report = 40 }\nsaving = { period = 20 }"),
    ("\n[jobs]\n", f"{ALARM}\n[advice]\nstale_after = 15\n\n[jobs]\n"),
)
REASON = "the hydrant test"
Said = dict[str, Any]


def main() -> int:
    """Check everything."""
    checks = Checks()
    text = CONFIG.read_text()
    for written, meant in SOONER:
        assert written in text
        text = text.replace(written, meant)
    with tempfile.TemporaryDirectory() as name:
        config = Path(name) / "station.toml"
        config.write_text(text)
        with workplace(config, Path(name) / "demo") as place:
            asyncio.run(run(place, checks))
    print(f"{checks.failed} of the claims failed" if checks.failed else "everything holds")
    return 1 if checks.failed else 0


async def run(place: Workplace, checks: Checks) -> None:
    """One promise after the other, on one agent."""
    async with operated(place) as (operators, scada):
        found = Advised(scada, operators, checks)
        former = await found.first()
        await found.withheld()
        await found.out_of_range(former)
        await found.followed(former)
        await found.rejected(former)


@asynccontextmanager
async def operated(place: Workplace) -> AsyncIterator[tuple[Operators, Subscriber]]:
    """The station, its broker and the agent, with hours of history behind them."""
    settings, folder, rng = place.settings, place.folder, Random(SEED)
    history, log = folder / "history.csv", folder / "import.log"
    operators = await Operators.of(settings, history, int(time.time()) * 1_000, rng)
    station = Station(settings, operators.state, rng)
    async with child(*AGENT, "import", str(place.config), str(history), log=log) as process:
        if await process.wait():
            raise DemoError(last_words(log))
    async with (
        serving(settings, station) as nodes,
        broker(place.mosquitto, settings.mqtt.port, folder),
        subscriber(settings.mqtt.port, f"{ROOT}/#") as scada,
        child(*AGENT, "run", str(place.config), log=folder / "agent.log"),
        asyncio.TaskGroup() as tasks,
    ):
        living = tasks.create_task(operators.live(settings, station, nodes))
        yield operators, scada
        living.cancel()


class Advised:
    """What the agent says of the station while something is done to it."""

    def __init__(self, scada: Subscriber, operators: Operators, checks: Checks) -> None:
        self._scada = scada
        self._operators = operators
        self._checks = checks
        self._read = 0  # entries of the journal

    async def first(self) -> dict[str, float]:
        """A change is advised; the speeds of the pumps that run before."""
        said = await self._next(_is_change)
        issued = await self._event("issued")
        holds = issued["id"] == said["id"] and said["saving_kw"] > said["saving_uncertainty_kw"]
        self._checks("a change is advised and issued", holds, f"{said['why']} {said['reasons']}")
        former: dict[str, float] = issued["former"]
        return former

    async def withheld(self) -> None:
        """By a meter that says nothing, and by an alarm of a pump that runs; given again when that is over."""
        self._operators.silent = frozenset({"header.flow"})
        said = await self._next(lambda one: one["action"] == "none")
        holds = "header.flow has had no good" in said["why"]
        self._checks("stale data withhold advice and are named", holds, said["why"])
        self._checks("it claims no saving and plans no pump", not said["pumps"] and "saving_kw" not in said, str(said))
        ended = await self._event("withdrawn")
        holds = "header.flow" in ended["why"]
        self._checks("the journal has it as withdrawn, and why", holds, str(ended))
        self._operators.silent = frozenset()
        await self._given_again("the meter is back")
        self._operators.claimed = {"p3.current": 200.0}
        said = await self._next(lambda one: one["action"] == "none")
        holds = "p3" in said["why"] and "Pump 3 draws too much current" in said["why"]
        self._checks("an alarm of a running pump withholds advice and is named", holds, said["why"])
        self._operators.claimed = {}
        await self._given_again("the alarm is over")

    async def out_of_range(self, former: dict[str, float]) -> None:
        """Below every speed that was ever run."""
        lift = self._operators.state.head
        self._operators.run({name: 0.93 * speed for name, speed in former.items() if name != "p4"}, 24.0)
        said = await self._next(lambda one: "outside what its curve was learnt from" in one["why"])
        self._checks("operation outside what was learnt withholds advice", said["action"] == "none", said["why"])
        self._operators.run(former, lift)
        await self._given_again("the operation is back")

    async def followed(self, former: dict[str, float]) -> None:
        """The pumps are run as advised: accepted, followed, and its saving counted by the meters."""
        said = await self._next(_is_change)
        speeds = {pump["id"]: pump["speed"] for pump in said["pumps"] if pump["run"]}
        self._operators.run(speeds, said["head"])
        accepted = await self._event("accepted")
        self._checks("advice that the pumps run by is accepted", accepted["id"] == said["id"], str(accepted))
        begun = await self._event("followed")
        self._checks("it is told as followed", begun["id"] == said["id"], str(begun))
        saving = f"{ROOT}/saving"
        await self._scada.until(lambda: _counted(self._scada.on(saving)[-1].json) > 0.05, PATIENCE)
        counted = self._scada.on(saving)[-1].json
        one = counted["counting"][0]
        rate, std = one["saving_kwh"] / one["hours"], one["saving_uncertainty_kwh"] / one["hours"]
        truth = self._operators.saves(former)
        figures = (
            f"{rate:.1f} ± {std:.1f} kW in {60 * one['hours']:.0f} min, truly {truth:.1f} kW at the head that is met"
        )
        holds = counted["total"]["saving_kwh"] == one["saving_kwh"] and abs(rate - truth) < DEVIATIONS * std
        self._checks("its saving is counted by the meters", holds, figures)

    async def rejected(self, former: dict[str, float]) -> None:
        """The pumps are run as before; what an operator rejects is not said again, and why."""
        self._operators.run(former, self._operators.state.head + 1.5)
        ended = await self._event("verified")
        holds = "run otherwise" in ended["why"] and ended["hours"] > 0
        self._checks("counting ends when the pumps are run otherwise", holds, str(ended))
        said = await self._next(_is_change)
        expires = rfc3339(wall_ms() + 30_000)
        asked = {"id": "r-1", "expires": expires, "recommendation": said["id"], "user": "anna", "comment": REASON}
        self._scada.say(f"{ROOT}/cmd/reject", json.dumps(asked))
        answer = (await self._scada.on_topic(f"{ROOT}/cmd/result/r-1"))[-1].json
        self._checks("the command is answered", answer["ok"] is True, str(answer))
        held = [await self._next(lambda one: one["action"] != "change") for _ in range(ROUNDS)]
        holds = all("anna" in one["why"] and REASON in one["why"] for one in held)
        self._checks("a rejected change is not said again, and why", holds, held[-1]["why"])
        told = await self._event("rejected")
        self._checks("the journal has it as rejected, by whom and why", told["user"] == "anna", str(told))

    async def _given_again(self, when: str) -> None:
        said = await self._next(_is_change)
        self._checks(f"it is given again when {when}", said["saving_kw"] > 0, said["why"])

    async def _next(self, condition: Callable[[Said], bool]) -> Said:
        """The first advice from now on for which *condition* holds."""
        begin = len(self._scada.on(RECOMMENDATION))
        await self._scada.until(lambda: any(condition(one) for one in self._since(begin)), PATIENCE)
        return next(one for one in self._since(begin) if condition(one))

    def _since(self, begin: int) -> list[Said]:
        return [one.json for one in self._scada.on(RECOMMENDATION)[begin:]]

    async def _event(self, name: str) -> Said:
        """The next entry of the journal of that name; those before it have been read then."""
        await self._scada.until(lambda: any(one["event"] == name for one in self._news()), PATIENCE)
        place = next(place for place, one in enumerate(self._news()) if one["event"] == name)
        self._read += place + 1
        return self._journal()[self._read - 1]

    def _news(self) -> list[Said]:
        return self._journal()[self._read :]

    def _journal(self) -> list[Said]:
        return [one.json for one in self._scada.on(f"{ROOT}/recommendation_event")]


def _is_change(said: Said) -> bool:
    return bool(said["action"] == "change")


def _counted(saving: Said) -> float:
    """Hours."""
    return float(sum(one["hours"] for one in saving["counting"]))


if __name__ == "__main__":
    sys.exit(main())
