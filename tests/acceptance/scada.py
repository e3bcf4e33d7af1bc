"""`make scada`: a SCADA system that nobody here has written reads the JSON topics and acknowledges an alarm.

Node-RED runs headless beside the demo's station, broker and agent. Its flow is what a SCADA engineer draws:
subscriptions, the node that parses JSON, the node that copies keys, and no line of code. The panel that it serves is
held against what a plain subscriber gets of the same broker. Exit status 1 where something does not hold, 2 where
something is not installed.
"""

import asyncio
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

from agent.demo.meters import DEAD
from agent.demo.picture import Picture
from agent.demo.show import Show
from agent.demo.workplace import CONFIG, Workplace, free_port, workplace
from tests.acceptance.checks import Checks
from tests.acceptance.nodered import Panel, Values, missing, node_red
from tests.simulators.subscriber import Subscriber, subscriber

ROOT = "water/demo"
ALARM = f"{ROOT}/alarm/bad.{DEAD}"  # stands as long as the demo runs


def main() -> int:
    """Check everything, or say what is missing."""
    if absent := missing():
        print(absent)
        return 2
    checks = Checks()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = folder / "station.toml"
        config.write_text(CONFIG.read_text().replace("[mqtt]\n", "[mqtt]\ncommands = true\n"))
        with workplace(config, folder / "demo") as place:
            asyncio.run(run(place, folder, checks))
    print(f"{checks.failed} of the claims failed" if checks.failed else "everything holds")
    return 1 if checks.failed else 0


async def run(place: Workplace, folder: Path, checks: Checks) -> None:
    """Run the demo, and look at it once its agent runs."""
    begun = asyncio.Event()
    port = place.settings.mqtt.port

    async def watch(_picture: Picture) -> NoReturn:
        begun.set()
        while True:
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        show = tasks.create_task(Show(place, None, print, watch).run())
        await begun.wait()
        tags = {f"{ROOT}/tag/{tag.name}" for device in place.settings.devices for tag in device.tags}
        async with subscriber(port, f"{ROOT}/#", name="beside") as beside, node_red(folder, port, free_port()) as panel:
            await check_values(panel, beside, tags, checks)
            await check_alarm(panel, beside, checks)
            await check_advice(panel, beside, checks)
        show.cancel()


async def check_values(panel: Panel, beside: Subscriber, tags: set[str], checks: Checks) -> None:
    """Every tag with value, quality, unit and time; the one whose wire is broken without a value."""
    values = await panel.until(
        lambda values: tags <= set(values["tags"]) and len(values["figures"]) == 3 and bool(values["status"])
    )
    shown = values["tags"]
    said = {topic: [message.json for message in beside.on(topic)] for topic in tags}
    other = sorted(topic for topic in tags if not _was_said(shown.get(topic), said[topic]))
    checks("the panel shows every tag as it was said", not other, f"{len(tags)} tags, otherwise: {other}")
    good = sum(one.get("quality") == "good" and isinstance(one.get("value"), float | int) for one in shown.values())
    checks("nearly all of them are numbers of quality good", good >= 0.8 * len(tags), f"{good} of {len(tags)}")
    dead = shown.get(f"{ROOT}/tag/{DEAD}", {})
    holds = dead.get("quality") == "bad" and "value" not in dead and bool(dead.get("reason"))
    checks("the tag with the broken wire is bad, for a reason and without a value", holds, str(dead))
    figures = values["figures"]
    holds = len(figures) == 3 and all(isinstance(one, float | int) for one in figures.values())
    checks("the figures of the station are numbers", holds, str(figures))
    checks("the agent is online", values["status"] == "online", repr(values["status"]))


def _was_said(shown: Values | None, said: list[Values]) -> bool:
    """Whether what is shown of a tag is one of the messages, key for key."""
    keys = ("value", "quality", "reason", "unit", "ts")
    return shown in [{key: one[key] for key in keys if key in one} for one in said]


async def check_alarm(panel: Panel, beside: Subscriber, checks: Checks) -> None:
    """An alarm is shown, and acknowledged by a button; what is refused says why."""
    alarm = (await panel.until(lambda values: ALARM in values["alarms"]))["alarms"].get(ALARM, {})
    holds = (alarm.get("state"), alarm.get("active"), alarm.get("acked")) == ("UNACK", True, False)
    checks("an alarm is shown as active and seen by nobody", holds, str(alarm))
    if not alarm:
        return
    await panel.acknowledge("panel-1", alarm["id"], alarm["occurrence"])
    values = await panel.until(
        lambda values: values["alarms"][ALARM]["state"] == "ACKED" and "panel-1" in values["results"]
    )
    result, alarm = values["results"].get("panel-1"), values["alarms"][ALARM]
    checks("pressing its button is answered", result == {"ok": True}, str(result))
    holds = (alarm["state"], alarm.get("acked_by")) == ("ACKED", "anna")
    checks("it is then shown as seen, and by whom", holds, str(alarm))
    events = [one.json for one in beside.on(f"{ROOT}/alarm_event")]
    acked = [one for one in events if one["id"] == alarm["id"] and one["event"] == "acknowledged"]
    holds = [(one["user"], one["comment"]) for one in acked] == [("anna", "seen at the panel")]
    checks("the journal has it once", holds, f"{len(acked)} of {len(events)} events")
    await panel.acknowledge("panel-2", "no-such-alarm", 1)
    result = (await panel.until(lambda values: "panel-2" in values["results"]))["results"].get("panel-2", {})
    checks(
        "what is refused says why",
        result.get("ok") is False and "no-such-alarm" in result.get("error", ""),
        str(result),
    )


async def check_advice(panel: Panel, beside: Subscriber, checks: Checks) -> None:
    """The present advice, or why there is none."""
    advice = (await panel.until(lambda values: "saving_kw" in values["advice"]))["advice"]
    said = [one.json for one in beside.on(f"{ROOT}/recommendation")]
    same = [
        one for one in said if one["action"] == advice.get("action") and one.get("saving_kw") == advice.get("saving_kw")
    ]
    checks(
        "the advice is shown as it was said",
        bool(same) and advice["first_pump"] == same[0]["pumps"][0]["id"],
        str(advice),
    )
    holds = isinstance(advice.get("saving_kw"), float) and isinstance(advice.get("saving_uncertainty_kw"), float)
    checks(
        "with what it saves, how sure that is, and why", holds and bool(advice.get("reason")), str(advice.get("reason"))
    )


if __name__ == "__main__":
    sys.exit(main())
